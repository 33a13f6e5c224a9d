// Checks of lock use in debug builds: order by rank, recursion, release by a stranger, use in
// interrupts, sleeping with a spinlock held, return to user mode with any lock held.
//
// Spinlocks are never held across a context switch, so each hart keeps its own stack of what it
// holds. Sleeping locks belong to the task: sched/ keeps those, and reports through here.
#pragma once

#include <core/lock_rank.h>
#include <lib/base.h>

// What a lock carries for the checks; empty in release builds.
struct lock_info {
#if CONFIG_DEBUG
	u16 rank;
	u16 owner;          // hart index + 1; 0 = free. Readers of a rwlock are not recorded
	bool used_in_irq;   // was taken by an interrupt handler
	bool taken_irqs_on; // was taken with interrupts enabled
	const void *where;  // who took it last
#endif
};

#if CONFIG_DEBUG
#define LOCK_INFO_INIT(r) .info = {.rank = (r)}

// Before and after a spinlock is taken, and before it is released. `nested` allows the same rank
// once more; `shared` is a read lock; `irqs_on` is whether interrupts are enabled while it is held.
void lock_check_acquire(struct lock_info *info, const void *lock, bool nested, bool shared);
void lock_check_acquired(struct lock_info *info, const void *lock, bool shared);
void lock_check_release(struct lock_info *info, const void *lock, bool shared);
bool lock_check_held(const struct lock_info *info, const void *lock);

// Reports if this hart holds a spinlock, is in a RCU read section, or has interrupts off: for the
// entrance of functions that may sleep.
void might_sleep(void);

// Reports if any lock is held: on each return to user mode, and when a task ends.
void lock_check_none_held(void);

// The scheduler runs: from here on might_sleep() looks. Before, nothing sleeps, interrupts are off.
void lock_check_arm_sleep(void);

// Number of spinlocks that this hart holds.
unsigned lock_check_depth(void);

// Prints what this hart holds (panic, oops).
void lock_check_dump(void);
#else
// clang-format off
#define LOCK_INFO_INIT(r) .info = {}
static inline void lock_check_acquire(struct lock_info *i, const void *l, bool n, bool s)
{ (void)i, (void)l, (void)n, (void)s; }
static inline void lock_check_acquired(struct lock_info *i, const void *l, bool s)
{ (void)i, (void)l, (void)s; }
static inline void lock_check_release(struct lock_info *i, const void *l, bool s)
{ (void)i, (void)l, (void)s; }
static inline void might_sleep(void) {}
static inline void lock_check_arm_sleep(void) {}
static inline void lock_check_none_held(void) {}
static inline unsigned lock_check_depth(void) { return 0; }
static inline void lock_check_dump(void) {}
// clang-format on
#endif

// Reports a misuse of locks: one line and a backtrace, then goes on. When a self-test has set
// lock_report_capture, the report goes there instead, and the test asserts on it.
struct lock_report {
	const char *what; // "order", "recursion", "not owner", "irq-unsafe", "sleep", "leak"
	unsigned count;
};
extern struct lock_report *lock_report_capture;
void lock_report(const char *what, const struct lock_info *info, const void *lock,
		 const char *detail);
