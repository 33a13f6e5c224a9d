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

extern const char *const fault_kind_names[FAULT_KINDS];

// What was asked for a task.
struct fault_plan {
	int nth;          // [atomic] > 0: so many fallible steps to the one that fails; < 0: held
	u32 spared_kinds; // bits 1 << kind of those that neither count nor fail
};

extern int fault_armed; // tasks that have a count set: 0 means nothing to do
bool fault_count_down(enum fault_kind kind);

// Whether this allocation shall fail. Not in interrupts.
static inline bool fault_should_fail(enum fault_kind kind, u32 gfp)
{
	if (likely(!READ_ONCE(fault_armed)) || (gfp & FAULT_EXEMPT))
		return false;
	return fault_count_down(kind);
}

// The plan of the current task. Registered by the scheduler.
extern struct fault_plan *(*fault_plan_of_current)(void);

// Makes the nth step from now fail; 0 disarms, as must be done before the plan goes. Any task's.
void fault_set(struct fault_plan *plan, int nth);

#if CONFIG_DEBUG
// Remembers the stack of a fault that is being injected; and all return addresses remembered, each once.
void fault_site_note(void);
void fault_sites_for_each(void (*fn)(u64 pc, void *ctx), void *ctx);
#else
// clang-format off
static inline void fault_site_note(void) {}
static inline void fault_sites_for_each(void (*fn)(u64 pc, void *ctx), void *ctx)
{ (void)fn, (void)ctx; }
// clang-format on
#endif

// Stops counting, and goes on: around what asks for the count, so that asking does not change it.
void fault_hold(void);
void fault_resume(void);
