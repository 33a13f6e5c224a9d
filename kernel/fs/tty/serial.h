// Terminals over serial lines, for the other files of this folder.
#pragma once

#include <fs/chrdev.h>

#define DEV_TTY     DEV_MAKE(5, 0)
#define DEV_CONSOLE DEV_MAKE(5, 1)
#define DEV_PTMX    DEV_MAKE(5, 2)
#define DEV_SERIAL  DEV_MAKE(4, 64)
#define DEV_PTS     DEV_MAKE(136, 0)

struct tty;

// The terminal of a line; NULL: there is none.
struct tty *serial_line(u64 index);
struct tty *serial_console(void);
