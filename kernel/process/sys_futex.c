// The futex calls: arguments and results. The old one with its operations, and those of Linux 6.7.

#include <core/errno.h>
#include <core/printk.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/time_ns.h>
#include <process/futex_queue.h>
#include <sched/pid.h>
#include <signal/clocks.h>
#include <syscall/define.h>
#include <uapi/futex.h>
#include <uapi/time.h>

// --- futex ---

// Continues a wait that a stop interrupted.
static long wait_again(struct task *task)
{
	const u64 *arg = task->restart.arg;
	struct futex_timeout timeout = {.at_ns = arg[4], .realtime = arg[5]};
	long result = futex_wait(arg[0], arg[1], arg[2], arg[3], &timeout);

	return result == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : result;
}

static long wait_or_restart(u64 address, u32 flags, u32 expected, u32 bitset,
			    struct futex_timeout *timeout)
{
	long result = futex_wait(address, flags, expected, bitset, timeout);

	if (result != -ERESTARTSYS || timeout->at_ns == TIME_NEVER)
		return result;
	current->restart.fn = wait_again;
	u64 arg[6] = {address, flags, expected, bitset, timeout->at_ns, timeout->realtime};
	for (int i = 0; i < 6; i++)
		current->restart.arg[i] = arg[i];
	return -ERESTART_RESTARTBLOCK;
}

// Reads the time limit of an operation: a span for FUTEX_WAIT, else a point of time.
static int timeout_of(int op, u64 timeout_at, struct futex_timeout *timeout)
{
	u64 ns;

	timeout->at_ns = TIME_NEVER;
	timeout->realtime = false;
	if (!timeout_at)
		return 0;
	int error = timespec_from_user(timeout_at, &ns);
	if (error)
		return error;
	timeout->realtime = op & FUTEX_CLOCK_REALTIME;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
		ns = timer_deadline_after(ns);
	else if (!timeout->realtime)
		ns = time_ns_to_machine(CLOCK_MONOTONIC, ns);
	timeout->at_ns = ns;
	return 0;
}

SYSCALL6(futex, u64, address, int, op, u32, value, u64, timeout_at, u64, address2, u32, value3)
{
	u32 flags = (op & FUTEX_PRIVATE_FLAG) ? 0 : FUTEX_SHARED;
	int command = op & FUTEX_CMD_MASK;
	struct futex_timeout timeout;

	if ((op & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT_BITSET &&
	    command != FUTEX_WAIT_REQUEUE_PI && command != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
		value3 = FUTEX_BITSET_MATCH_ANY;
		FALLTHROUGH;
	case FUTEX_WAIT_BITSET:
		return timeout_of(op, timeout_at, &timeout)
			       ?: wait_or_restart(address, flags, value, value3, &timeout);
	case FUTEX_WAKE:
		return futex_wake(address, flags, value, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, flags, value, value3);
	case FUTEX_REQUEUE:
		return futex_requeue(address, address2, flags, value, timeout_at, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(address, address2, flags, value, timeout_at, &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(address, address2, flags, value, timeout_at, value3);
	case FUTEX_LOCK_PI:
		op |= FUTEX_CLOCK_REALTIME; // without being told
		FALLTHROUGH;
	case FUTEX_LOCK_PI2:
		return timeout_of(op, timeout_at, &timeout)
			       ?: futex_lock(address, flags, false, &timeout);
	case FUTEX_TRYLOCK_PI:
		return futex_lock(address, flags, true, NULL);
	case FUTEX_UNLOCK_PI:
		return futex_unlock(address, flags);
	case FUTEX_WAIT_REQUEUE_PI:
		return timeout_of(op, timeout_at, &timeout)
			       ?: futex_wait_requeue(address, flags, value, &timeout, address2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_requeue_pi(address, address2, flags, value, timeout_at, value3);
	}
	printk_ratelimited(LOG_INFO, "%s[%d]: futex operation %d is not implemented\n",
			   current->name, task_pid_nr(current), op);
	return -ENOSYS;
}

// --- futex_wait, futex_wake, futex_requeue, futex_waitv ---

// Flags of the new calls; -EINVAL for what Linux does not know or have. Words have 32 bits. There is
// one memory node, so that of an area's policy (MPOL) is always that.
static int flags_of(u32 given, u32 *flags)
{
	if (given & ~(FUTEX2_SIZE_MASK | FUTEX2_NUMA | FUTEX2_MPOL | FUTEX2_PRIVATE))
		return -EINVAL;
	if ((given & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32)
		return -EINVAL;
	*flags = ((given & FUTEX2_PRIVATE) ? 0 : FUTEX_SHARED) |
		 ((given & FUTEX2_NUMA) ? FUTEX_NUMA : 0);
	return 0;
}

static bool fits_word(u64 value)
{
	return value <= ~0u;
}

static int timeout_with_clock(u64 timeout_at, int clock, struct futex_timeout *timeout)
{
	if (timeout_at && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	return timeout_of(FUTEX_WAIT_BITSET | (clock == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0),
			  timeout_at, timeout);
}

SYSCALL6(futex_wait, u64, address, u64, value, u64, mask, u32, given, u64, timeout_at, int, clock)
{
	struct futex_timeout timeout;
	u32 flags;

	if (flags_of(given, &flags) || !fits_word(value) || !fits_word(mask))
		return -EINVAL;
	return timeout_with_clock(timeout_at, clock, &timeout)
		       ?: futex_wait(address, flags, value, mask, &timeout);
}

SYSCALL4(futex_wake, u64, address, u64, mask, int, n, u32, given)
{
	struct futex_key key;
	u32 flags;

	if (flags_of(given, &flags) || !fits_word(mask) || !mask)
		return -EINVAL;
	// Unlike FUTEX_WAKE this takes none at its word.
	return n ? futex_wake(address, flags, n, mask) : futex_key_make(address, flags, &key);
}

// Reads the i-th futex of a user's list.
static int futex_from_user(u64 list_at, unsigned i, struct futex_waitv *futex, u32 *flags)
{
	if (copy_from_user(futex, list_at + i * sizeof(*futex), sizeof(*futex)))
		return -EFAULT;
	if (futex->reserved || flags_of(futex->flags, flags) || !fits_word(futex->val))
		return -EINVAL;
	return 0;
}

SYSCALL4(futex_requeue, u64, pair_at, u32, given, int, n_wake, int, n_move)
{
	struct futex_waitv from, to;
	u32 flags, flags_to;

	if (given || !pair_at)
		return -EINVAL;
	int error = futex_from_user(pair_at, 0, &from, &flags)
			    ?: futex_from_user(pair_at, 1, &to, &flags_to);
	if (error)
		return error;
	if (from.flags != to.flags)
		return -EINVAL;
	u32 expected = from.val;
	return futex_requeue(from.uaddr, to.uaddr, flags, n_wake, n_move, &expected);
}

static int choices_from_user(struct futex_choice *choices, u64 list_at, unsigned n)
{
	struct futex_waitv futex;
	int error = 0;

	for (unsigned i = 0; i < n; i++) {
		u32 flags;

		error = futex_from_user(list_at, i, &futex, &flags);
		if (error)
			return error;
		futex_waiter_init(&choices[i].waiter, FUTEX_BITSET_MATCH_ANY);
		choices[i].address = futex.uaddr;
		choices[i].expected = futex.val;
		choices[i].flags = flags;
	}
	for (unsigned i = 0; i < n && !error; i++)
		error = futex_key_make(choices[i].address, choices[i].flags,
				       &choices[i].waiter.key);
	return error;
}

SYSCALL5(futex_waitv, u64, list_at, u32, n, u32, flags, u64, timeout_at, int, clock)
{
	struct futex_timeout timeout;

	if (flags || !n || n > FUTEX_WAITV_MAX || !list_at)
		return -EINVAL;
	int error = timeout_with_clock(timeout_at, clock, &timeout);
	if (error)
		return error;
	struct futex_choice *choices = kvmalloc(n * sizeof(*choices), GFP_KERNEL);
	if (!choices)
		return -ENOMEM;
	long result = choices_from_user(choices, list_at, n)
			      ?: futex_wait_any(choices, n, &timeout);
	kvfree(choices);
	return result;
}
