// The end of a task.
#pragma once

#include <lib/base.h>
#include <sched/task.h>

// Ends current alone, with `code` as a wait status (exit code << 8, or the signal).
NORETURN void task_exit(int code);

// Ends all threads of current's process.
NORETURN void process_exit(int code);

// Kills the other threads of current's group and waits until they are gone; current becomes the
// leader, with its pid. For exec. -EAGAIN if the group is being killed.
int process_become_single(void);
