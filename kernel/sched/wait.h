// Wait queues: tasks (or callbacks: poll, epoll) that want to know when something changes.
//
//	err = wait_event_interruptible(&wq, condition);
// and on the other side: make the condition true, then wake_up(&wq). See sched/sched.h for why no
// wake-up is lost. An entry may be exclusive: wake_up() wakes all others and one exclusive one.
#pragma once

#include <core/errno.h>
#include <core/spinlock.h>
#include <lib/list.h>
#include <sched/sched.h>

struct wait_queue {
	struct spinlock lock; // rank LOCK_WAIT_QUEUE unless stated; taken with interrupts off
	struct list_head entries;
};

struct wait_entry;

// Called by wake_up with the queue's lock held, interrupts off. Returns whether it counts as woken
// (for exclusive entries). `key` is what wake_up_key was given (poll events), 0 = anything.
typedef bool (*wake_fn)(struct wait_entry *entry, u32 state_mask, u64 key);

enum wait_flags {
	WAIT_EXCLUSIVE = 1 << 0,
	WAIT_PRIORITY = 1 << 1, // before the others: at the head of the queue
	WAKE_SYNC = 1 << 8,     // (wake-ups) the waker will sleep at once
};

struct wait_entry {
	struct list_head link; // [wait_queue.lock] empty = not queued
	struct task *task;
	wake_fn wake;
	u32 flags;
};

// clang-format off
#define WAIT_QUEUE_INIT(q)                                                                         \
	{ .lock = SPINLOCK_INIT(LOCK_WAIT_QUEUE), .entries = LIST_HEAD_INIT((q).entries) }
// clang-format on

void wait_queue_init(struct wait_queue *wq);
void wait_queue_init_rank(struct wait_queue *wq, enum lock_rank rank);

// Wakes the task and takes the entry off the queue: what wait_event uses. wake_default leaves it.
bool wake_autoremove(struct wait_entry *entry, u32 state_mask, u64 key);
bool wake_default(struct wait_entry *entry, u32 state_mask, u64 key);

void wait_entry_init(struct wait_entry *entry, wake_fn wake, u32 flags);

// Whether anybody waits. Without the lock: a caller that has just made a condition true must order
// that before (smp_mb), as wake_up() itself does.
static inline bool wait_queue_active(const struct wait_queue *wq)
{
	return READ_ONCE(wq->entries.next) != &wq->entries;
}

void wait_add(struct wait_queue *wq, struct wait_entry *entry);
void wait_remove(struct wait_queue *wq, struct wait_entry *entry);

// Queues the entry if it is not, and sets current's state. Returns 0, or, if a signal ends such a
// sleep, -ERESTARTSYS (interruptible) or -EINTR (killable), with the entry off the queue.
int prepare_to_wait(struct wait_queue *wq, struct wait_entry *entry, u32 state);
// State running again, entry off the queue.
void finish_wait(struct wait_queue *wq, struct wait_entry *entry);

// Wakes up to nr exclusive entries (0 = all), and all others before the last of these. Takes the
// lock only if somebody waits. Any context. `state_mask` TASK_NORMAL or TASK_INTERRUPTIBLE.
void wake_up_common(struct wait_queue *wq, u32 state_mask, int nr, u64 key, u32 flags);
void wake_up_common_locked(struct wait_queue *wq, u32 state_mask, int nr, u64 key, u32 flags);

static inline void wake_up_if_active(struct wait_queue *wq, u32 mask, int nr, u64 key, u32 flags)
{
	smp_mb(); // the condition, before the look at the queue
	if (wait_queue_active(wq))
		wake_up_common(wq, mask, nr, key, flags);
}

#define wake_up(wq)               wake_up_if_active(wq, TASK_NORMAL, 1, 0, 0)
#define wake_up_nr(wq, nr)        wake_up_if_active(wq, TASK_NORMAL, nr, 0, 0)
#define wake_up_all(wq)           wake_up_if_active(wq, TASK_NORMAL, 0, 0, 0)
#define wake_up_key(wq, key)      wake_up_if_active(wq, TASK_NORMAL, 1, key, 0)
#define wake_up_all_key(wq, key)  wake_up_if_active(wq, TASK_NORMAL, 0, key, 0)
#define wake_up_sync(wq)          wake_up_if_active(wq, TASK_NORMAL, 1, 0, WAKE_SYNC)
#define wake_up_sync_key(wq, key) wake_up_if_active(wq, TASK_NORMAL, 1, key, WAKE_SYNC)
#define wake_up_interruptible(wq) wake_up_if_active(wq, TASK_INTERRUPTIBLE, 1, 0, 0)

// Wakes everybody for ever: the queue is going away (poll must let go of it). key POLLHUP|POLLFREE
// is the business of poll.
#define wake_up_free(wq, key) wake_up_common(wq, TASK_NORMAL, 0, key, 0)

// The loop behind all wait_event variants. Value: 0, the error of prepare_to_wait, or -ETIME.
// `before` and `after` surround the sleep (dropping a lock).
#define wait_event_loop(wq, condition, state, entry_flags, deadline_ns, before, after) \
	({                                                                             \
		struct wait_entry wait_e;                                              \
		u64 wait_deadline = (deadline_ns);                                     \
		int wait_err;                                                          \
                                                                                       \
		might_sleep();                                                         \
		wait_entry_init(&wait_e, wake_autoremove, (entry_flags));              \
		for (;;) {                                                             \
			wait_err = prepare_to_wait((wq), &wait_e, (state));            \
			if (condition) {                                               \
				wait_err = 0;                                          \
				break;                                                 \
			}                                                              \
			if (wait_err)                                                  \
				break;                                                 \
			before;                                                        \
			u64 wait_left = schedule_timeout(wait_deadline);               \
			after;                                                         \
			if (!wait_left) {                                              \
				wait_err = (condition) ? 0 : -ETIME;                   \
				break;                                                 \
			}                                                              \
		}                                                                      \
		finish_wait((wq), &wait_e);                                            \
		wait_err;                                                              \
	})

#define wait_event_fast(wq, condition, state, flags, deadline) \
	((condition) ? 0 : wait_event_loop(wq, condition, state, flags, deadline, (void)0, (void)0))

// Sleep until the condition holds. It is evaluated with the state already set: it must not sleep
// (take mutexes, touch user memory).
#define wait_event(wq, c) ((void)wait_event_fast(wq, c, TASK_UNINTERRUPTIBLE, 0, TIME_NEVER))
#define wait_event_exclusive(wq, c) \
	((void)wait_event_fast(wq, c, TASK_UNINTERRUPTIBLE, WAIT_EXCLUSIVE, TIME_NEVER))
// 0 or -ERESTARTSYS
#define wait_event_interruptible(wq, c) wait_event_fast(wq, c, TASK_INTERRUPTIBLE, 0, TIME_NEVER)
#define wait_event_interruptible_exclusive(wq, c) \
	wait_event_fast(wq, c, TASK_INTERRUPTIBLE, WAIT_EXCLUSIVE, TIME_NEVER)
// 0 or -EINTR
#define wait_event_killable(wq, c) wait_event_fast(wq, c, TASK_KILLABLE, 0, TIME_NEVER)
#define wait_event_killable_exclusive(wq, c) \
	wait_event_fast(wq, c, TASK_KILLABLE, WAIT_EXCLUSIVE, TIME_NEVER)
// 0, -ETIME (deadline is absolute, monotonic), or -ERESTARTSYS / -EINTR
#define wait_event_timeout(wq, c, deadline) \
	wait_event_fast(wq, c, TASK_UNINTERRUPTIBLE, 0, deadline)
#define wait_event_interruptible_timeout(wq, c, deadline) \
	wait_event_fast(wq, c, TASK_INTERRUPTIBLE, 0, deadline)
#define wait_event_killable_timeout(wq, c, deadline) \
	wait_event_fast(wq, c, TASK_KILLABLE, 0, deadline)
// For kernel threads that idle: does not count as load.
#define wait_event_idle(wq, c) ((void)wait_event_fast(wq, c, TASK_IDLE, 0, TIME_NEVER))

// The condition is guarded by a spinlock (spin_lock_irq) that is held here, dropped for the sleep,
// and held again on return.
#define wait_event_lock_irq(wq, c, lock)                                          \
	((void)((c) ? 0                                                           \
		    : wait_event_loop(wq, c, TASK_UNINTERRUPTIBLE, 0, TIME_NEVER, \
				      spin_unlock_irq(lock), spin_lock_irq(lock))))
#define wait_event_interruptible_lock_irq(wq, c, lock)                                          \
	((c) ? 0                                                                                \
	     : wait_event_loop(wq, c, TASK_INTERRUPTIBLE, 0, TIME_NEVER, spin_unlock_irq(lock), \
			       spin_lock_irq(lock)))
