// Debug checks of sleeping locks (mutex, rwsem): rank order, recursion, release by a stranger.
// They belong to the task, which keeps a small stack of them.
#pragma once

#include <core/lock_check.h>

#define SLEEPING_LOCKS_MAX 16

struct held_lock {
	const void *lock;
	const struct lock_info *info;
	const void *where;
	bool shared;
};

// What a task holds (task.locks_held; debug builds).
struct lock_debug {
	unsigned depth;
	struct held_lock held[SLEEPING_LOCKS_MAX];
};

#if CONFIG_DEBUG
void sleeping_lock_acquire(struct lock_info *info, const void *lock, bool nested, bool shared);
void sleeping_lock_acquired(struct lock_info *info, const void *lock, bool shared);
void sleeping_lock_release(struct lock_info *info, const void *lock, bool shared);
bool sleeping_lock_held(const void *lock);
// Reports if current holds a sleeping lock (exit to user mode, exit).
void sleeping_lock_check_none(void);
#else
// clang-format off
static inline void sleeping_lock_acquire(struct lock_info *i, const void *l, bool n, bool s)
{ (void)i, (void)l, (void)n, (void)s; }
static inline void sleeping_lock_acquired(struct lock_info *i, const void *l, bool s)
{ (void)i, (void)l, (void)s; }
static inline void sleeping_lock_release(struct lock_info *i, const void *l, bool s)
{ (void)i, (void)l, (void)s; }
static inline void sleeping_lock_check_none(void) {}
// clang-format on
#endif
