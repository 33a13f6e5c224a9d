// Terminals, as other folders may ask about them.
#pragma once

#include <lib/base.h>

struct pid;
struct task;

// The controlling terminal of a process: its number as stat(2) gives it (0: none), and the group in
// the foreground, counted, or NULL.
void tty_of_process(struct task *task, u64 *device, struct pid **pgrp);

// vhangup(2): hangs up current's controlling terminal. The caller has checked the capability.
void tty_vhangup(void);
