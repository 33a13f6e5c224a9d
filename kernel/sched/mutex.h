// Sleeping locks for one owner. Sleeping context only; the owner unlocks; not recursive.
#pragma once

#include <core/atomic.h>
#include <core/spinlock.h>
#include <lib/list.h>
#include <sched/lock_owner.h>

// owner holds the task that has it, with MUTEX_WAITERS if unlock must wake somebody.
struct mutex {
	struct atomic64 owner;
	struct spinlock lock;     // guards waiters; rank LOCK_SLEEPER
	struct list_head waiters; // [lock] in order of arrival
	struct lock_info info;
};
#define MUTEX_WAITERS 1ul
#define MUTEX_HANDOFF 2ul // the first waiter has waited long: unlock gives it to that one

// clang-format off
#define MUTEX_INIT(m, rank)                                                                        \
	{ .lock = SPINLOCK_INIT(LOCK_SLEEPER), .waiters = LIST_HEAD_INIT((m).waiters),             \
	  LOCK_INFO_INIT(rank) }
// clang-format on

void mutex_init(struct mutex *m, enum lock_rank rank);

void mutex_lock(struct mutex *m);
// While holding another of the same rank; the caller states the order.
void mutex_lock_nested(struct mutex *m);
int mutex_lock_interruptible(struct mutex *m); // 0 or -ERESTARTSYS
int mutex_lock_killable(struct mutex *m);      // 0 or -EINTR
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

static inline bool mutex_is_locked(const struct mutex *m)
{
	return atomic64_read(&m->owner) != 0;
}

bool mutex_is_mine(const struct mutex *m); // whether current holds it

// Debug: reports if current does not hold it.
void assert_mutex_held(const struct mutex *m);
