// Failing on purpose: /proc/self/fail-nth makes the n-th fallible step of a task fail, as on Linux,
// so that a test can replay a system call with n = 1, 2, 3... until it succeeds.
#pragma once

#include <lib/base.h>

enum fault_kind {
	FAULT_SLAB,
	FAULT_PAGE,
	FAULT_VMAP,
	FAULT_USERCOPY,
	FAULT_KINDS,
};

// The bit of gfp flags that exempts an allocation (mm/gfp.h names it GFP_NOINJECT).
#define FAULT_EXEMPT (1u << 31)

extern int fault_armed; // tasks that have a count set: 0 means nothing to do
bool fault_count_down(enum fault_kind kind);

// Whether this allocation shall fail. Not in interrupts.
static inline bool fault_should_fail(enum fault_kind kind, u32 gfp)
{
	if (likely(!READ_ONCE(fault_armed)) || (gfp & FAULT_EXEMPT))
		return false;
	return fault_count_down(kind);
}

// Where the count of the current task is (task.fail_nth). Registered by the scheduler.
extern int *(*fault_counter)(void);

// Sets a task's count: 0 disarms. The caller guards `counter` (only the task itself writes it
// while it runs).
void fault_set(int *counter, int nth);

// Which kinds count (a mask of 1 << kind; default all). For tests.
void fault_set_kinds(u32 mask);
