// Sleeping locks for many readers or one writer. Fair: a waiting writer keeps new readers out, so
// a reader must not take the same one again. The task that took it releases it.
#pragma once

#include <core/atomic.h>
#include <core/spinlock.h>
#include <lib/list.h>
#include <sched/lock_owner.h>

// count: RWSEM_WRITER, RWSEM_WAITERS, and the readers in units of RWSEM_READER.
struct rw_semaphore {
	struct atomic64 count;
	struct task *owner;       // the writer; for reports
	struct spinlock lock;     // guards waiters; rank LOCK_SLEEPER
	struct list_head waiters; // [lock] in order of arrival
	struct lock_info info;
};
#define RWSEM_WRITER  1l
#define RWSEM_WAITERS 2l
#define RWSEM_READER  4l

// clang-format off
#define RWSEM_INIT(s, rank)                                                                        \
	{ .lock = SPINLOCK_INIT(LOCK_SLEEPER), .waiters = LIST_HEAD_INIT((s).waiters),             \
	  LOCK_INFO_INIT(rank) }
// clang-format on

void rwsem_init(struct rw_semaphore *s, enum lock_rank rank);

void down_read(struct rw_semaphore *s);
void down_read_nested(struct rw_semaphore *s);
int down_read_killable(struct rw_semaphore *s); // 0 or -EINTR
bool down_read_trylock(struct rw_semaphore *s);
void up_read(struct rw_semaphore *s);

void down_write(struct rw_semaphore *s);
void down_write_nested(struct rw_semaphore *s);
int down_write_killable(struct rw_semaphore *s); // 0 or -EINTR
bool down_write_trylock(struct rw_semaphore *s);
void up_write(struct rw_semaphore *s);

// The writer becomes a reader, without a gap.
void downgrade_write(struct rw_semaphore *s);

// Somebody waits for it: a long holder may offer it.
static inline bool rwsem_contended(const struct rw_semaphore *s)
{
	return atomic64_read(&s->count) & RWSEM_WAITERS;
}

// Debug: report if nobody holds it; if nobody writes.
void assert_rwsem_held(const struct rw_semaphore *s);
void assert_rwsem_write_held(const struct rw_semaphore *s);
