// Terminals.
#pragma once

#include <uapi/termios.h>

int tcgetattr(int fd, struct termios *out);
int tcsetattr(int fd, int when, const struct termios *in);
int tcflush(int fd, int queue);
void cfmakeraw(struct termios *t);
