// Condition variables over locks with priority inheritance: FUTEX_WAIT_REQUEUE_PI and
// FUTEX_CMP_REQUEUE_PI. See futex(2).
//
// Who waits for the condition is never woken to contend for the lock. The requeue takes the lock in
// the name of the most urgent of them if it is free, or else has it wait for the lock in the graph,
// and the others behind it; so each sleeps until it holds the lock. The two operations belong
// together: who waits says beforehand which lock it is to be moved to.

#include <core/errno.h>
#include <mm/uaccess.h>
#include <process/futex_queue.h>
#include <sched/sched.h>
#include <uapi/futex.h>

// --- Waiting ---

long futex_wait_requeue(u64 address, u32 flags, u32 expected, struct futex_timeout *timeout,
			u64 lock_at)
{
	struct futex_key target;
	struct futex_pi pi = {.target = &target};
	struct futex_waiter waiter;

	if (address == lock_at)
		return -EINVAL;
	pi_waiter_init(&pi.wait);
	futex_waiter_init(&waiter, FUTEX_BITSET_MATCH_ANY);
	waiter.pi = &pi;
	int error = futex_key_make(lock_at, flags | FUTEX_WRITE, &target)
			    ?: futex_key_make(address, flags, &waiter.key);
	if (!error && futex_key_same(&waiter.key, &target))
		error = -EINVAL;
	if (!error)
		error = futex_enqueue_if_equal(&waiter, address, expected);
	if (error)
		return error;
	bool in_time = futex_wait_until_given(&pi, timeout);
	long result = futex_lock_finish(lock_at, &waiter, in_time);
	if (result != -EINTR)
		return result;
	// Who has been moved cannot begin again: the condition has come true meanwhile.
	return pi.lock ? -EAGAIN : -ERESTARTNOINTR;
}

// --- Requeue ---

// Whether the waiter may be moved to the lock of that key.
static bool may_move(const struct futex_waiter *waiter, const struct futex_key *to)
{
	const struct futex_pi *pi = waiter->pi;

	return pi && !pi->lock && pi->target && futex_key_same(pi->target, to);
}

static void move_locked(struct futex_waiter *waiter, const struct futex_key *to)
{
	waiter->key = *to;
	futex_enqueue(waiter, futex_bucket_of(to));
}

// The lock was free, and is the waiter's now.
static void give_locked(struct futex_waiter *waiter)
{
	struct task *task = task_get(waiter->task);

	list_del_init(&waiter->link);
	WRITE_ONCE(waiter->pi->wait.state, PI_GIVEN);
	task_wake(task, TASK_NORMAL);
	task_put(task);
}

// Moves the waiters behind the first one. How many, or an error.
static long move_others_locked(const struct futex_key *from, const struct futex_key *to,
			       struct futex_lock *lock, int n_move)
{
	struct futex_waiter *waiter, *next;
	int count = 0;

	list_for_each_entry_safe (waiter, next, &futex_bucket_of(from)->waiters, link) {
		if (count >= n_move)
			break;
		if (!futex_key_same(&waiter->key, from))
			continue;
		if (!may_move(waiter, to))
			return -EINVAL;
		int error = futex_lock_join(lock, waiter->pi, waiter->task);
		if (error)
			return error;
		move_locked(waiter, to);
		count++;
	}
	return count;
}

// With both buckets locked; errors as futex_claim_locked().
static long requeue_locked(u64 lock_at, const struct futex_key *from, const struct futex_key *to,
			   int n_move, struct futex_lock **spare, struct task **owner)
{
	struct futex_waiter *first = futex_first_waiter(futex_bucket_of(from), from);
	struct futex_lock *kept = NULL;
	u32 value;

	if (!peek_user_u32(lock_at, &value))
		return -EFAULT;
	if (!first)
		return 0;
	if (!may_move(first, to))
		return -EINVAL;
	int result = futex_claim_locked(lock_at, to, first->task, first->pi, false, spare,
					n_move ? &kept : NULL, owner);
	if (result < 0)
		return result;
	struct futex_lock *lock = result ? kept : first->pi->lock;
	if (result)
		give_locked(first);
	else
		move_locked(first, to);
	long others = lock ? move_others_locked(from, to, lock, n_move) : 0;
	if (kept)
		futex_lock_put(kept);
	return others < 0 ? others : 1 + others;
}

long futex_requeue_pi(u64 from_at, u64 lock_at, u32 flags, int n_wake, int n_move, u32 expected)
{
	struct futex_key from, to;
	u32 value;

	if (n_wake < 0 || n_move < 0 || from_at == lock_at || n_wake != 1)
		return -EINVAL;
	struct futex_lock *spare = futex_lock_alloc();
	if (!spare)
		return -ENOMEM;
	long result = futex_key_make(from_at, flags, &from)
			      ?: futex_key_make(lock_at, flags | FUTEX_WRITE, &to);
	if (!result && futex_key_same(&from, &to))
		result = -EINVAL;
	while (!result) {
		struct futex_bucket *a = futex_bucket_of(&from), *b = futex_bucket_of(&to);
		struct task *owner = NULL;

		if (get_user_u32(from_at, &value)) {
			result = -EFAULT;
			break;
		}
		futex_lock_two(a, b);
		bool there = peek_user_u32(from_at, &value);
		if (there)
			result = value != expected ? -EAGAIN
						   : requeue_locked(lock_at, &from, &to, n_move,
								    &spare, &owner);
		futex_unlock_two(a, b);
		if (!there)
			continue;
		if (result >= 0 || value != expected)
			break;
		result = futex_claim_again(result, lock_at, owner);
	}
	futex_lock_free(spare);
	return result;
}
