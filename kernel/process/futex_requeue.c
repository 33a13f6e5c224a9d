// Futexes: having those who wait for one word wait for another one.

#include <mm/uaccess.h>
#include <process/futex_queue.h>
#include <uapi/errno.h>

// Wakes the first n_wake who wait for `from`, and has n_move more wait for `to`. Both locked.
static long move_waiters_locked(const struct futex_key *from, const struct futex_key *to,
				int n_wake, int n_move)
{
	struct futex_bucket *source = futex_bucket_of(from), *target = futex_bucket_of(to);
	struct futex_waiter *waiter, *next;
	int count = 0;

	list_for_each_entry_safe (waiter, next, &source->waiters, link) {
		if (count - n_wake >= n_move)
			break;
		if (!futex_key_same(&waiter->key, from))
			continue;
		if (waiter->pi)
			return -EINVAL; // see futex_requeue_pi()
		if (++count <= n_wake) {
			futex_wake_locked(waiter);
		} else if (!futex_key_same(from, to)) {
			waiter->key = *to;
			futex_enqueue(waiter, target);
		}
	}
	return count;
}

long futex_requeue(u64 from_at, u64 to_at, u32 flags, int n_wake, int n_move, const u32 *expected)
{
	struct futex_key from, to;
	u32 value = 0;

	if (n_wake < 0 || n_move < 0)
		return -EINVAL;
	int error = futex_key_make(from_at, flags, &from) ?: futex_key_make(to_at, flags, &to);
	if (error)
		return error;
	struct futex_bucket *a = futex_bucket_of(&from), *b = futex_bucket_of(&to);
	for (;;) {
		if (expected && get_user_u32(from_at, &value))
			return -EFAULT;
		futex_lock_two(a, b);
		if (!expected || peek_user_u32(from_at, &value))
			break;
		futex_unlock_two(a, b);
	}
	long result = expected && value != *expected
			      ? -EAGAIN
			      : move_waiters_locked(&from, &to, n_wake, n_move);
	futex_unlock_two(a, b);
	return result;
}
