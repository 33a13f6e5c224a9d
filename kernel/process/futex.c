// Futexes: waiting on a word of user memory. See futex(2).
//
// A waiter queues in a bucket chosen by the word's key and looks at the word under the bucket's
// lock; a waker takes the same lock, so a wake-up cannot fall between the look and the sleep. The
// key of private futexes is the address space and the address; of shared ones the object that is
// mapped, by a number that no other will ever have (mm/futex_key.c).
// In a bucket the more urgent stand before the others, so they are woken first.
//
// User memory cannot be faulted in under a bucket's lock. Whoever needs a word there tries, and if
// the page is not at hand drops the lock, faults it in, and begins again.

#include <core/errno.h>
#include <core/init.h>
#include <lib/hash.h>
#include <mm/futex_key.h>
#include <mm/uaccess.h>
#include <process/futex.h>
#include <process/futex_queue.h>
#include <sched/sched.h>
#include <uapi/futex.h>

#define BUCKET_BITS 8

static struct futex_bucket buckets[1 << BUCKET_BITS];

static int futex_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(buckets); i++)
		spin_init(&buckets[i].lock, LOCK_FUTEX);
	return 0;
}
INITCALL(CORE, futex_init);

// --- Keys and buckets ---

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	return &buckets[hash_u64(key->object ^ key->address, BUCKET_BITS)];
}

// The word behind a word names its memory node, and -1 lets the kernel choose. There is one node.
static int choose_node(u64 address)
{
	u32 node;

	if (get_user_u32(address, &node))
		return -EFAULT;
	if (node == FUTEX_NO_NODE)
		return put_user_u32(address, 0);
	return node ? -EINVAL : 0;
}

// The part that other files call, too, stands here as functions to be inlined: the way of a plain
// wait and wake is short.
static ALWAYS_INLINE int key_make(u64 address, u32 flags, struct futex_key *key)
{
	u32 size = (flags & FUTEX_NUMA) ? 8 : 4;

	if (address & (size - 1))
		return -EINVAL;
	if (!user_range_ok(address, size))
		return -EFAULT;
	if (likely(!(flags & ~FUTEX_WRITE))) {
		*key = (struct futex_key){(u64)current->mm, address};
		return 0;
	}
	int error = (flags & FUTEX_NUMA) ? choose_node(address + 4) : 0;
	if (!error)
		error = futex_key_of(address, flags & FUTEX_SHARED, flags & FUTEX_WRITE,
				     &key->object, &key->address);

	// In private memory, too, who says "shared" and who says "private" do not mean each other.
	if ((flags & FUTEX_SHARED) && key->object == (u64)current->mm)
		key->address |= 2;
	return error;
}

int futex_key_make(u64 address, u32 flags, struct futex_key *key)
{
	return key_make(address, flags, key);
}

static ALWAYS_INLINE void lock_bucket(struct futex_bucket *bucket)
{
	spin_lock(&bucket->lock);
	if (unlikely(!bucket->waiters.next))
		list_init(&bucket->waiters);
}

void futex_lock_bucket(struct futex_bucket *bucket)
{
	lock_bucket(bucket);
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	struct futex_bucket *first = MIN(a, b), *second = MAX(a, b);

	futex_lock_bucket(first);
	if (first == second)
		return;
	spin_lock_nested(&second->lock);
	if (unlikely(!second->waiters.next))
		list_init(&second->waiters);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

// --- Waiters ---

static ALWAYS_INLINE void waiter_init(struct futex_waiter *waiter, u32 bitset)
{
	list_init(&waiter->link);
	waiter->bucket = NULL;
	waiter->task = current;
	waiter->bitset = bitset;
	waiter->pi = NULL;
	waiter->rt_priority = policy_is_rt(current->se.policy) ? current->se.rt_priority : 0;
}

void futex_waiter_init(struct futex_waiter *waiter, u32 bitset)
{
	waiter_init(waiter, bitset);
}

struct futex_waiter *futex_first_waiter(struct futex_bucket *bucket, const struct futex_key *key)
{
	struct futex_waiter *waiter;

	list_for_each_entry (waiter, &bucket->waiters, link) {
		if (futex_key_same(&waiter->key, key))
			return waiter;
	}
	return NULL;
}

void futex_enqueue(struct futex_waiter *waiter, struct futex_bucket *bucket)
{
	struct list_head *before = &bucket->waiters;
	struct futex_waiter *other;

	if (unlikely(waiter->rt_priority)) {
		list_for_each_entry (other, &bucket->waiters, link) {
			if (other->rt_priority < waiter->rt_priority) {
				before = &other->link;
				break;
			}
		}
	}
	list_move_tail(&waiter->link, before);
	WRITE_ONCE(waiter->bucket, bucket);
}

static ALWAYS_INLINE int enqueue_if_equal(struct futex_waiter *waiter, u64 address, u32 expected)
{
	struct futex_bucket *bucket = futex_bucket_of(&waiter->key);
	u32 value;

	for (;;) {
		if (get_user_u32(address, &value))
			return -EFAULT;
		lock_bucket(bucket);
		if (peek_user_u32(address, &value))
			break;
		spin_unlock(&bucket->lock);
	}
	int error = value == expected ? 0 : -EAGAIN;
	if (!error)
		futex_enqueue(waiter, bucket);
	spin_unlock(&bucket->lock);
	return error;
}

int futex_enqueue_if_equal(struct futex_waiter *waiter, u64 address, u32 expected)
{
	return enqueue_if_equal(waiter, address, expected);
}

struct futex_bucket *futex_lock_own(struct futex_waiter *waiter)
{
	for (;;) {
		struct futex_bucket *bucket = READ_ONCE(waiter->bucket);

		spin_lock(&bucket->lock);
		if (bucket == waiter->bucket)
			return bucket;
		spin_unlock(&bucket->lock);
	}
}

bool futex_dequeue(struct futex_waiter *waiter)
{
	struct futex_bucket *bucket = futex_lock_own(waiter);
	bool queued = !list_empty(&waiter->link);

	if (queued)
		list_del_init(&waiter->link);
	spin_unlock(&bucket->lock);
	return queued;
}

// Without the lock: false means that the waker has touched it for the last time.
static ALWAYS_INLINE bool still_queued(const struct futex_waiter *waiter)
{
	return smp_load_acquire(&waiter->link.next) != &waiter->link;
}

// --- Wake ---

void futex_wake_locked(struct futex_waiter *waiter)
{
	struct task *task = task_get(waiter->task);

	list_del(&waiter->link);
	waiter->link.prev = &waiter->link;
	smp_store_release(&waiter->link.next, &waiter->link); // from here its stack may be gone
	task_wake(task, TASK_NORMAL);
	task_put(task);
}

// The bucket of the key is locked.
static long wake_key_locked(const struct futex_key *key, int n, u32 bitset)
{
	struct futex_bucket *bucket = futex_bucket_of(key);
	struct futex_waiter *waiter, *next;
	int woken = 0;

	list_for_each_entry_safe (waiter, next, &bucket->waiters, link) {
		if (!futex_key_same(&waiter->key, key))
			continue;
		if (unlikely(waiter->pi))
			return -EINVAL; // only who unlocks may wake it
		if (!(waiter->bitset & bitset))
			continue;
		futex_wake_locked(waiter);
		if (++woken >= n)
			break;
	}
	return woken;
}

static long wake_key(const struct futex_key *key, int n, u32 bitset)
{
	struct futex_bucket *bucket = futex_bucket_of(key);

	smp_mb();
	lock_bucket(bucket);
	long woken = wake_key_locked(key, n, bitset);
	spin_unlock(&bucket->lock);
	return woken;
}

long futex_wake(u64 address, u32 flags, int n, u32 bitset)
{
	struct futex_key key;

	if (!bitset)
		return -EINVAL;
	return key_make(address, flags, &key) ?: wake_key(&key, n, bitset);
}

void futex_wake_address(u64 address, int n)
{
	(void)futex_wake(address, FUTEX_SHARED, n, ~0u);
}

// --- Sleeping ---

static void timeout_expired(struct realtime_timer *timer)
{
	struct futex_timeout *timeout = container_of(timer, struct futex_timeout, timer);

	WRITE_ONCE(timeout->expired, true);
	task_wake(timeout->task, TASK_NORMAL);
}

void futex_timeout_begin(struct futex_timeout *timeout)
{
	if (likely(!timeout->realtime))
		return;
	timeout->expired = false;
	timeout->task = current;
	realtime_timer_init(&timeout->timer, timeout_expired);
	realtime_timer_start(&timeout->timer, timeout->at_ns);
}

bool futex_timeout_pause(struct futex_timeout *timeout)
{
	if (likely(!timeout->realtime))
		return schedule_timeout(timeout->at_ns);
	if (!READ_ONCE(timeout->expired))
		schedule();
	return !READ_ONCE(timeout->expired);
}

void futex_timeout_end(struct futex_timeout *timeout)
{
	if (unlikely(timeout->realtime))
		realtime_timer_cancel_sync(&timeout->timer);
}

long futex_wait(u64 address, u32 flags, u32 expected, u32 bitset, struct futex_timeout *timeout)
{
	struct futex_waiter waiter;
	bool in_time = true;

	if (!bitset)
		return -EINVAL;
	waiter_init(&waiter, bitset);
	int error = key_make(address, flags, &waiter.key)
			    ?: enqueue_if_equal(&waiter, address, expected);
	if (error)
		return error;
	futex_timeout_begin(timeout);
	do {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!still_queued(&waiter) || task_signal_pending(current))
			break;
		in_time = futex_timeout_pause(timeout);
	} while (still_queued(&waiter) && in_time);
	set_current_running();
	futex_timeout_end(timeout);
	if (!still_queued(&waiter) || !futex_dequeue(&waiter))
		return 0;
	return in_time ? -ERESTARTSYS : -ETIMEDOUT;
}

// --- Waiting for any of many ---

// Takes the first n off. The last of them that was woken, or -1.
static long dequeue_all(struct futex_choice *choices, unsigned n)
{
	long woken = -1;

	for (unsigned i = 0; i < n; i++) {
		if (!futex_dequeue(&choices[i].waiter))
			woken = i;
	}
	return woken;
}

static bool all_queued(const struct futex_choice *choices, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!still_queued(&choices[i].waiter))
			return false;
	}
	return true;
}

long futex_wait_any(struct futex_choice *choices, unsigned n, struct futex_timeout *timeout)
{
	bool in_time = true;

	for (unsigned i = 0; i < n; i++) {
		struct futex_choice *choice = &choices[i];
		int error = futex_enqueue_if_equal(&choice->waiter, choice->address,
						   choice->expected);
		if (error) {
			long woken = dequeue_all(choices, i);
			return woken >= 0 ? woken : error;
		}
	}
	futex_timeout_begin(timeout);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!all_queued(choices, n) || !in_time || task_signal_pending(current))
			break;
		in_time = futex_timeout_pause(timeout);
	}
	set_current_running();
	futex_timeout_end(timeout);
	long woken = dequeue_all(choices, n);
	if (woken >= 0)
		return woken;
	return in_time ? -ERESTARTSYS : -ETIMEDOUT;
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

// Does it without a fault, with the buckets locked. 0, -ENOSYS, or -EFAULT: fault it in first.
static int operate_locked(u64 address, u32 encoded, u32 *old)
{
	u32 new, seen;

	if (!peek_user_u32(address, old))
		return -EFAULT;
	for (;;) {
		int error = operate(encoded, *old, &new);

		if (error)
			return error;
		if (!user_try_cmpxchg_u32(address, *old, new, &seen))
			return -EFAULT;
		if (seen == *old)
			return 0;
		*old = seen;
	}
}

long futex_wake_op(u64 first_at, u64 second_at, u32 flags, int n_first, int n_second, u32 encoded)
{
	struct futex_key first, second;
	u32 old;
	int error = futex_key_make(first_at, flags, &first)
			    ?: futex_key_make(second_at, flags | FUTEX_WRITE, &second);

	if (error)
		return error;
	struct futex_bucket *a = futex_bucket_of(&first), *b = futex_bucket_of(&second);
	for (;;) {
		futex_lock_two(a, b);
		error = operate_locked(second_at, encoded, &old);
		if (error != -EFAULT)
			break;
		futex_unlock_two(a, b);
		if (user_fault_in_write(second_at))
			return -EFAULT;
	}
	long result = error ?: compare(encoded, old);
	if (result >= 0) {
		bool both = result;
		result = wake_key_locked(&first, n_first, ~0u);
		if (both && result >= 0) {
			long more = wake_key_locked(&second, n_second, ~0u);
			result = more < 0 ? more : result + more;
		}
	}
	futex_unlock_two(a, b);
	return result;
}
