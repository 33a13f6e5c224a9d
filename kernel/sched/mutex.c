// Mutexes and reader-writer semaphores. Both have a fast path of one atomic operation; whoever does
// not get the lock queues, in order of arrival, under an inner spinlock, and is handed the lock by
// the one who releases it: the waiter finds itself the owner when it wakes. So nobody starves, and
// a wake-up is never for nothing.

#include <core/errno.h>
#include <sched/mutex.h>
#include <sched/rwsem.h>
#include <sched/sched.h>
#include <uapi/errno.h>

struct lock_waiter {
	struct list_head link;
	struct task *task;
	bool writer;
	bool granted; // [inner lock]; read with acquire by the waiter
};

// Sleeps until granted. Returns 0, or an error with the waiter off the queue.
static int wait_granted(struct lock_waiter *waiter, struct spinlock *inner, u32 state)
{
	int error = 0;

	for (;;) {
		set_current_state(state);
		if (smp_load_acquire(&waiter->granted))
			break;
		if ((state & TASK_INTERRUPTIBLE) && task_signal_pending(current))
			error = -ERESTARTSYS;
		else if ((state & TASK_WAKEKILL) && task_kill_pending(current))
			error = -EINTR;
		if (error) {
			unsigned long flags = spin_lock_irqsave(inner);
			if (waiter->granted)
				error = 0;
			else
				list_del(&waiter->link);
			spin_unlock_irqrestore(inner, flags);
			break;
		}
		schedule();
	}
	set_current_running();
	return error;
}

static void grant(struct lock_waiter *waiter)
{
	struct task *task = task_get(waiter->task);

	list_del(&waiter->link);
	smp_store_release(&waiter->granted, true); // from here the waiter's stack may be gone
	task_wake(task, TASK_NORMAL | TASK_WAKEKILL);
	task_put(task);
}

// --- Mutex: owner is the task, with MUTEX_WAITERS set while somebody queues ---

void mutex_init(struct mutex *m, enum lock_rank rank)
{
	*m = (struct mutex)MUTEX_INIT(*m, rank);
}

static bool mutex_try(struct mutex *m)
{
	long free = 0;

	return __atomic_compare_exchange_n(&m->owner.v, &free, (long)current, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static int mutex_lock_slow(struct mutex *m, u32 state)
{
	struct lock_waiter waiter = {.task = current};
	unsigned long flags = spin_lock_irqsave(&m->lock);

	// With the bit set the owner cannot release without the inner lock.
	if (!(atomic64_fetch_or(&m->owner, MUTEX_WAITERS) & ~MUTEX_WAITERS)) {
		atomic64_set(&m->owner,
			     (long)current | (list_empty(&m->waiters) ? 0 : MUTEX_WAITERS));
		spin_unlock_irqrestore(&m->lock, flags);
		return 0;
	}
	list_add_tail(&waiter.link, &m->waiters);
	spin_unlock_irqrestore(&m->lock, flags);
	return wait_granted(&waiter, &m->lock, state);
}

static int mutex_lock_common(struct mutex *m, u32 state, bool nested)
{
	int error = 0;

	might_sleep();
	sleeping_lock_acquire(&m->info, m, nested, false);
	if (unlikely(!mutex_try(m)))
		error = mutex_lock_slow(m, state);
	if (!error)
		sleeping_lock_acquired(&m->info, m, false);
	return error;
}

bool mutex_is_mine(const struct mutex *m)
{
	return (atomic64_read(&m->owner) & ~(s64)(MUTEX_WAITERS | MUTEX_HANDOFF)) == (s64)current;
}

void mutex_lock(struct mutex *m)
{
	mutex_lock_common(m, TASK_UNINTERRUPTIBLE, false);
}

void mutex_lock_nested(struct mutex *m)
{
	mutex_lock_common(m, TASK_UNINTERRUPTIBLE, true);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return mutex_lock_common(m, TASK_INTERRUPTIBLE, false);
}

int mutex_lock_killable(struct mutex *m)
{
	return mutex_lock_common(m, TASK_KILLABLE, false);
}

bool mutex_trylock(struct mutex *m)
{
	if (!mutex_try(m))
		return false;
	sleeping_lock_acquired(&m->info, m, false);
	return true;
}

void mutex_unlock(struct mutex *m)
{
	long own = (long)current;

	sleeping_lock_release(&m->info, m, false);
	if (__atomic_compare_exchange_n(&m->owner.v, &own, 0, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED))
		return;
	unsigned long flags = spin_lock_irqsave(&m->lock);
	struct lock_waiter *first = list_first_entry_or_null(&m->waiters, struct lock_waiter, link);
	if (first) {
		bool more = !list_is_singular(&m->waiters);
		atomic64_set(&m->owner, (long)first->task | (more ? MUTEX_WAITERS : 0));
		grant(first);
	} else {
		__atomic_store_n(&m->owner.v, 0, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&m->lock, flags);
}

void assert_mutex_held(const struct mutex *m)
{
	if (CONFIG_DEBUG &&
	    (struct task *)(atomic64_read(&m->owner) & ~(MUTEX_WAITERS | MUTEX_HANDOFF)) != current)
		lock_report("not held", &m->info, m, "mutex");
}

// --- Reader-writer semaphore ---

void rwsem_init(struct rw_semaphore *s, enum lock_rank rank)
{
	*s = (struct rw_semaphore)RWSEM_INIT(*s, rank);
}

static bool read_try(struct rw_semaphore *s)
{
	long count = atomic64_read(&s->count);

	while (!(count & (RWSEM_WRITER | RWSEM_WAITERS))) {
		if (__atomic_compare_exchange_n(&s->count.v, &count, count + RWSEM_READER, true,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static bool write_try(struct rw_semaphore *s)
{
	long free = 0;

	return __atomic_compare_exchange_n(&s->count.v, &free, RWSEM_WRITER, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// Lets in the first waiter, and if it reads, all readers up to the next writer. Inner lock held.
static void rwsem_grant_locked(struct rw_semaphore *s)
{
	struct lock_waiter *waiter, *next;
	long holders = atomic64_read(&s->count) & ~RWSEM_WAITERS;

	list_for_each_entry_safe (waiter, next, &s->waiters, link) {
		if (waiter->writer) {
			if (!holders) {
				atomic64_add(&s->count, RWSEM_WRITER);
				s->owner = waiter->task;
				grant(waiter);
			}
			break;
		}
		if (holders & RWSEM_WRITER)
			break;
		holders += RWSEM_READER;
		atomic64_add(&s->count, RWSEM_READER);
		grant(waiter);
	}
	if (list_empty(&s->waiters))
		atomic64_fetch_and(&s->count, ~RWSEM_WAITERS);
}

static int rwsem_slow(struct rw_semaphore *s, bool writer, u32 state)
{
	struct lock_waiter waiter = {.task = current, .writer = writer};
	unsigned long flags = spin_lock_irqsave(&s->lock);

	list_add_tail(&waiter.link, &s->waiters);
	atomic64_fetch_or(&s->count, RWSEM_WAITERS);
	rwsem_grant_locked(s); // it may have been released just now
	spin_unlock_irqrestore(&s->lock, flags);
	int error = wait_granted(&waiter, &s->lock, state);
	if (error) {
		// We may have kept others waiting behind us.
		flags = spin_lock_irqsave(&s->lock);
		rwsem_grant_locked(s);
		spin_unlock_irqrestore(&s->lock, flags);
	}
	return error;
}

static int down_common(struct rw_semaphore *s, bool writer, u32 state, bool nested)
{
	int error = 0;

	might_sleep();
	sleeping_lock_acquire(&s->info, s, nested, !writer);
	if (unlikely(!(writer ? write_try(s) : read_try(s))))
		error = rwsem_slow(s, writer, state);
	if (error)
		return error;
	if (writer)
		s->owner = current;
	sleeping_lock_acquired(&s->info, s, !writer);
	return 0;
}

void down_read(struct rw_semaphore *s)
{
	down_common(s, false, TASK_UNINTERRUPTIBLE, false);
}

void down_read_nested(struct rw_semaphore *s)
{
	down_common(s, false, TASK_UNINTERRUPTIBLE, true);
}

int down_read_killable(struct rw_semaphore *s)
{
	return down_common(s, false, TASK_KILLABLE, false);
}

bool down_read_trylock(struct rw_semaphore *s)
{
	if (!read_try(s))
		return false;
	sleeping_lock_acquired(&s->info, s, true);
	return true;
}

void down_write(struct rw_semaphore *s)
{
	down_common(s, true, TASK_UNINTERRUPTIBLE, false);
}

void down_write_nested(struct rw_semaphore *s)
{
	down_common(s, true, TASK_UNINTERRUPTIBLE, true);
}

int down_write_killable(struct rw_semaphore *s)
{
	return down_common(s, true, TASK_KILLABLE, false);
}

bool down_write_trylock(struct rw_semaphore *s)
{
	if (!write_try(s))
		return false;
	s->owner = current;
	sleeping_lock_acquired(&s->info, s, false);
	return true;
}

static void release(struct rw_semaphore *s, long amount)
{
	if (likely(!(atomic64_sub_return(&s->count, amount) & RWSEM_WAITERS)))
		return;
	unsigned long flags = spin_lock_irqsave(&s->lock);
	rwsem_grant_locked(s);
	spin_unlock_irqrestore(&s->lock, flags);
}

void up_read(struct rw_semaphore *s)
{
	sleeping_lock_release(&s->info, s, true);
	release(s, RWSEM_READER);
}

void up_write(struct rw_semaphore *s)
{
	s->owner = NULL;
	sleeping_lock_release(&s->info, s, false);
	release(s, RWSEM_WRITER);
}

void downgrade_write(struct rw_semaphore *s)
{
	s->owner = NULL;
	sleeping_lock_release(&s->info, s, false);
	sleeping_lock_acquired(&s->info, s, true);
	release(s, RWSEM_WRITER - RWSEM_READER);
}
