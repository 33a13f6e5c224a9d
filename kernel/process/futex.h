// Futexes, for the end of a task.
#pragma once

#include <lib/base.h>

struct task;

// Wakes at most n who wait on a word of current's memory.
void futex_wake_address(u64 address, int n);
// Robust futexes that the task holds get FUTEX_OWNER_DIED, and one waiter each is woken.
void futex_exit_cleanup(struct task *task, bool exiting);
