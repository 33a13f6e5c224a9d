// Futexes, for the end of a task.
#pragma once

#include <lib/base.h>

struct task;

// Wakes at most n who wait on a word of current's memory.
void futex_wake_address(u64 address, int n);
// The task lets go of its address space, to end or to exec. Robust futexes that it holds get
// FUTEX_OWNER_DIED, and one waiter each is woken; locks with priority inheritance are handed on.
void futex_exit_cleanup(struct task *task, bool exiting);
