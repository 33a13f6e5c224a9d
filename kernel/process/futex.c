// Futexes: waiting on a word of user memory. See futex(2).
//
// A waiter queues in a bucket chosen by the word's key and looks at the word under the bucket's
// lock; a waker takes the same lock, so a wake-up cannot fall between the look and the sleep. The
// key of private futexes is the address space and the address; of shared ones the page frame.
// WAIT, WAKE and their BITSET forms exist; the others are refused by name.

#include <core/errno.h>
#include <core/printk.h>
#include <core/timer.h>
#include <lib/hash.h>
#include <mm/fault.h>
#include <mm/futex_key.h>
#include <mm/uaccess.h>
#include <process/futex.h>
#include <sched/pid.h>
#include <sched/sched.h>
#include <signal/clocks.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/futex.h>

#define BUCKET_BITS 8
#define ROBUST_MAX  2048

struct futex_key {
	u64 object; // mm or page frame
	u64 address;
};

struct futex_waiter {
	struct list_head link; // [bucket] empty = woken
	struct futex_key key;
	struct task *task;
	u32 bitset;
};

struct bucket {
	struct spinlock lock;
	struct list_head waiters;
};

static struct bucket buckets[1 << BUCKET_BITS] = {
	[0 ...(1 << BUCKET_BITS) - 1] = {.lock = SPINLOCK_INIT(LOCK_FUTEX)}};

static struct bucket *bucket_of(const struct futex_key *key)
{
	return &buckets[hash_u64(key->object ^ key->address, BUCKET_BITS)];
}

static int make_key(u64 address, bool shared, struct futex_key *key)
{
	if (address & 3)
		return -EINVAL;
	if (!user_range_ok(address, 4))
		return -EFAULT;
	return futex_key_of(address, shared, &key->object, &key->address);
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->address == b->address;
}

// --- Wake ---

static int wake_key(const struct futex_key *key, int n, u32 bitset)
{
	struct bucket *bucket = bucket_of(key);
	struct futex_waiter *waiter, *next;
	int woken = 0;

	smp_mb();
	spin_lock(&bucket->lock);
	if (!bucket->waiters.next)
		list_init(&bucket->waiters);
	list_for_each_entry_safe (waiter, next, &bucket->waiters, link) {
		if (woken >= n)
			break;
		if (!same_key(&waiter->key, key) || !(waiter->bitset & bitset))
			continue;
		struct task *task = task_get(waiter->task);
		list_del_init(&waiter->link); // from here its stack may be gone
		task_wake(task, TASK_NORMAL);
		task_put(task);
		woken++;
	}
	spin_unlock(&bucket->lock);
	return woken;
}

static long futex_wake(u64 address, bool shared, int n, u32 bitset)
{
	struct futex_key key;
	int error = make_key(address, shared, &key);

	if (error)
		return error;
	if (!bitset)
		return -EINVAL;
	return wake_key(&key, MAX(n, 1), bitset);
}

int futex_wake_address(u64 address, int n)
{
	struct futex_key key;

	// Whoever waits may have said that the word is shared.
	int woken = make_key(address, false, &key) ? 0 : wake_key(&key, n, ~0u);
	if (woken < n && !make_key(address, true, &key))
		woken += wake_key(&key, n - woken, ~0u);
	return woken;
}

// --- Wait ---

static bool still_queued(struct futex_waiter *waiter)
{
	return !list_empty(&waiter->link);
}

static int queue_if_equal(struct futex_waiter *waiter, u64 address, u32 expected)
{
	struct bucket *bucket = bucket_of(&waiter->key);
	u32 value;

	for (;;) {
		// Bring the page in first: it cannot be faulted in under the lock.
		if (get_user_u32(address, &value))
			return -EFAULT;
		spin_lock(&bucket->lock);
		if (peek_user_u32(address, &value))
			break;
		spin_unlock(&bucket->lock);
	}
	int error = value == expected ? 0 : -EAGAIN;
	if (!error) {
		if (!bucket->waiters.next)
			list_init(&bucket->waiters);
		list_add_tail(&waiter->link, &bucket->waiters);
		set_current_state(TASK_INTERRUPTIBLE);
	}
	spin_unlock(&bucket->lock);
	return error;
}

static long futex_wait(u64 address, bool shared, u32 expected, u64 deadline, u32 bitset)
{
	struct futex_waiter waiter = {.task = current, .bitset = bitset};
	int error = make_key(address, shared, &waiter.key);
	u64 left = 1;

	if (error)
		return error;
	if (!bitset)
		return -EINVAL;
	list_init(&waiter.link);
	error = queue_if_equal(&waiter, address, expected);
	if (error)
		return error;
	while (READ_ONCE(waiter.link.next) != &waiter.link && left &&
	       !task_signal_pending(current)) {
		left = schedule_timeout(deadline);
		if (READ_ONCE(waiter.link.next) != &waiter.link)
			set_current_state(TASK_INTERRUPTIBLE);
	}
	set_current_running();
	struct bucket *bucket = bucket_of(&waiter.key);
	spin_lock(&bucket->lock);
	bool woken = !still_queued(&waiter);
	if (!woken)
		list_del_init(&waiter.link);
	spin_unlock(&bucket->lock);
	if (woken)
		return 0;
	return left ? -ERESTARTSYS : -ETIMEDOUT;
}

static int deadline_of(int op, u64 timeout_at, u64 *deadline)
{
	u64 ns;

	*deadline = TIME_NEVER;
	if (!timeout_at)
		return 0;
	int error = timespec_from_user(timeout_at, &ns);
	if (error)
		return error;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
		*deadline = timer_deadline_after(ns);
	else if (op & FUTEX_CLOCK_REALTIME)
		*deadline = ns > clock_realtime_offset_ns() ? ns - clock_realtime_offset_ns() : 0;
	else
		*deadline = ns;
	return 0;
}

SYSCALL6(futex, u64, address, int, op, u32, value, u64, timeout_at, u64, address2, u32, value3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	u64 deadline;
	int error;

	(void)address2;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		error = deadline_of(op, timeout_at, &deadline);
		if (error)
			return error;
		return futex_wait(address, shared, value, deadline,
				  (op & FUTEX_CMD_MASK) == FUTEX_WAIT ? ~0u : value3);
	case FUTEX_WAKE:
		return futex_wake(address, shared, value, ~0u);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, shared, value, value3);
	}
	printk_ratelimited(LOG_INFO, "%s[%d]: futex operation %d is not implemented\n",
			   current->name, task_pid_nr(current), op);
	return -ENOSYS;
}

// --- Robust futexes ---

SYSCALL2(set_robust_list, u64, head, size_t, size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

static void owner_died(u64 address)
{
	u32 value, seen;

	if (get_user_u32(address, &value))
		return;
	while ((value & FUTEX_TID_MASK) == (u32)task_pid_vnr(current)) {
		u32 new = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;

		if (user_cmpxchg_u32(address, value, new, &seen))
			return;
		if (seen == value) {
			if (value & FUTEX_WAITERS)
				futex_wake_address(address, 1);
			return;
		}
		value = seen;
	}
}

void futex_exit_cleanup(struct task *task, bool exiting)
{
	struct robust_list_head head;
	u64 at = task->robust_list, entry;

	(void)exiting;
	task->robust_list = 0;
	if (!at || copy_from_user(&head, at, sizeof(head)))
		return;
	entry = head.list.next;
	for (int i = 0; i < ROBUST_MAX && (entry & ~1ul) != at; i++) {
		u64 next;

		if (get_user_u64(entry & ~1ul, &next))
			return;
		if (entry != head.list_op_pending)
			owner_died((entry & ~1ul) + head.futex_offset);
		entry = next;
	}
	if (head.list_op_pending)
		owner_died((head.list_op_pending & ~1ul) + head.futex_offset);
}
