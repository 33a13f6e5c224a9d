// Futexes: waiting on a word of user memory. See futex(2).
//
// A waiter queues in a bucket chosen by the word's key and looks at the word under the bucket's
// lock; a waker takes the same lock, so a wake-up cannot fall between the look and the sleep. The
// key of private futexes is the address space and the address; of shared ones the page frame.
// Those with priority inheritance are refused by name.

#include <core/errno.h>
#include <core/printk.h>
#include <core/timer.h>
#include <lib/hash.h>
#include <mm/fault.h>
#include <mm/futex_key.h>
#include <mm/uaccess.h>
#include <ns/time_ns.h>
#include <process/futex.h>
#include <process/ptrace_access.h>
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
	struct bucket *bucket; // written with the locks of both, the old and the new, held
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
	int error = futex_key_of(address, shared, &key->object, &key->address);

	// In private memory, too, who says "shared" and who says "private" do not mean each other.
	if (shared && key->object == (u64)current->mm)
		key->address |= 2;
	return error;
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

	return make_key(address, true, &key) ? 0 : wake_key(&key, n, ~0u);
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
		waiter->bucket = bucket;
		list_add_tail(&waiter->link, &bucket->waiters);
		set_current_state(TASK_INTERRUPTIBLE);
	}
	spin_unlock(&bucket->lock);
	return error;
}

// A requeue may move the waiter to another bucket at any time.
static struct bucket *lock_own_bucket(struct futex_waiter *waiter)
{
	for (;;) {
		struct bucket *bucket = READ_ONCE(waiter->bucket);

		spin_lock(&bucket->lock);
		if (bucket == waiter->bucket)
			return bucket;
		spin_unlock(&bucket->lock);
	}
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
	struct bucket *bucket = lock_own_bucket(&waiter);
	bool woken = !still_queued(&waiter);
	if (!woken)
		list_del_init(&waiter.link);
	spin_unlock(&bucket->lock);
	if (woken)
		return 0;
	if (!left)
		return -ETIMEDOUT;
	return deadline == TIME_NEVER ? -ERESTARTSYS : -ERESTARTNOHAND;
}

// --- Requeue ---

static void lock_two(struct bucket *a, struct bucket *b)
{
	struct bucket *first = MIN(a, b), *second = MAX(a, b);

	spin_lock(&first->lock);
	if (first != second)
		spin_lock_nested(&second->lock);
	if (!first->waiters.next)
		list_init(&first->waiters);
	if (!second->waiters.next)
		list_init(&second->waiters);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

// Wakes the first n_wake who wait for `from`, and has n_move more wait for `to`. Both locked.
static int move_waiters_locked(const struct futex_key *from, const struct futex_key *to, int n_wake,
			       int n_move)
{
	struct bucket *source = bucket_of(from), *target = bucket_of(to);
	struct futex_waiter *waiter, *next;
	int count = 0;

	list_for_each_entry_safe (waiter, next, &source->waiters, link) {
		if (count - n_wake >= n_move)
			break;
		if (!same_key(&waiter->key, from))
			continue;
		if (++count <= n_wake) {
			struct task *task = task_get(waiter->task);
			list_del_init(&waiter->link);
			task_wake(task, TASK_NORMAL);
			task_put(task);
		} else if (!same_key(from, to)) {
			list_move_tail(&waiter->link, &target->waiters);
			waiter->key = *to;
			WRITE_ONCE(waiter->bucket, target);
		}
	}
	return count;
}

// FUTEX_REQUEUE and, if `expected` is not NULL, FUTEX_CMP_REQUEUE. Returns how many were woken or
// moved.
static long futex_requeue(u64 from_at, u64 to_at, bool shared, int n_wake, int n_move,
			  const u32 *expected)
{
	struct futex_key from, to;
	u32 value = 0;

	if (n_wake < 0 || n_move < 0)
		return -EINVAL;
	int error = make_key(from_at, shared, &from) ?: make_key(to_at, shared, &to);
	if (error)
		return error;
	struct bucket *a = bucket_of(&from), *b = bucket_of(&to);
	for (;;) {
		// Bring the page in first: it cannot be faulted in under the locks.
		if (expected && get_user_u32(from_at, &value))
			return -EFAULT;
		lock_two(a, b);
		if (!expected || peek_user_u32(from_at, &value))
			break;
		unlock_two(a, b);
	}
	long result = expected && value != *expected
			      ? -EAGAIN
			      : move_waiters_locked(&from, &to, n_wake, n_move);
	unlock_two(a, b);
	return result;
}

// --- Wake with an operation on a second word ---

static s32 sign_extend_12(u32 value)
{
	return (s32)(value << 20) >> 20;
}

static int operate(u32 encoded, u32 old, u32 *new)
{
	u32 argument = sign_extend_12(encoded >> 12 & 0xfff);

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		argument = 1u << (argument & 31);
	switch (encoded >> 28 & 7) {
	case FUTEX_OP_SET:
		*new = argument;
		return 0;
	case FUTEX_OP_ADD:
		*new = old + argument;
		return 0;
	case FUTEX_OP_OR:
		*new = old | argument;
		return 0;
	case FUTEX_OP_ANDN:
		*new = old & ~argument;
		return 0;
	case FUTEX_OP_XOR:
		*new = old ^ argument;
		return 0;
	}
	return -ENOSYS;
}

static int compare(u32 encoded, u32 old)
{
	s32 argument = sign_extend_12(encoded & 0xfff), value = old;

	switch (encoded >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return value == argument;
	case FUTEX_OP_CMP_NE:
		return value != argument;
	case FUTEX_OP_CMP_LT:
		return value < argument;
	case FUTEX_OP_CMP_LE:
		return value <= argument;
	case FUTEX_OP_CMP_GT:
		return value > argument;
	case FUTEX_OP_CMP_GE:
		return value >= argument;
	}
	return -ENOSYS;
}

static long futex_wake_op(u64 first_at, u64 second_at, bool shared, int n_first, int n_second,
			  u32 encoded)
{
	struct futex_key first, second;
	u32 old, new, seen;
	int error = make_key(first_at, shared, &first) ?: make_key(second_at, shared, &second);

	if (!error && get_user_u32(second_at, &old))
		error = -EFAULT;
	while (!error && !(error = operate(encoded, old, &new))) {
		error = user_cmpxchg_u32(second_at, old, new, &seen);
		if (error || seen == old)
			break;
		old = seen;
	}
	if (error)
		return error;
	int also = compare(encoded, old);
	if (also < 0)
		return also;
	long woken = wake_key(&first, MAX(n_first, 1), ~0u);
	return also ? woken + wake_key(&second, MAX(n_second, 1), ~0u) : woken;
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
		*deadline = time_ns_to_machine(CLOCK_MONOTONIC, ns);
	return 0;
}

SYSCALL6(futex, u64, address, int, op, u32, value, u64, timeout_at, u64, address2, u32, value3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	u64 deadline;
	int error;

	if ((op & FUTEX_CLOCK_REALTIME) && (op & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
		return -ENOSYS;
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
	case FUTEX_REQUEUE:
		return futex_requeue(address, address2, shared, value, timeout_at, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(address, address2, shared, value, timeout_at, &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(address, address2, shared, value, timeout_at, value3);
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

SYSCALL3(get_robust_list, int, pid, u64, head_at, u64, size_at)
{
	u64 head = 0;
	long error = -ESRCH;

	rcu_read_lock();
	struct task *task = pid ? task_find(pid) : current;
	if (task && !refcount_get_not_zero(&task->refs))
		task = NULL;
	rcu_read_unlock();
	if (task) {
		head = READ_ONCE(task->robust_list);
		error = ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS) ? 0 : -EPERM;
		task_put(task);
	}
	if (error)
		return error;
	if (put_user_u64(size_at, sizeof(struct robust_list_head)))
		return -EFAULT;
	return put_user_u64(head_at, head);
}

static void owner_died(u64 address, bool pending)
{
	u32 value, seen;

	if (get_user_u32(address, &value))
		return;
	// It died between the release and the wake-up.
	if (pending && !value)
		futex_wake_address(address, 1);
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
			owner_died((entry & ~1ul) + head.futex_offset, false);
		entry = next;
	}
	if (head.list_op_pending)
		owner_died((head.list_op_pending & ~1ul) + head.futex_offset, true);
}
