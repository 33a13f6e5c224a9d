// Futexes that are locks, with priority inheritance: FUTEX_LOCK_PI and its kin. See futex(2).
//
// The word holds the thread id of its owner, or 0; a free lock is taken, and one that nobody waits
// for released, by user space alone. Who finds it taken asks the kernel, which sets FUTEX_WAITERS in
// the word: from then on, to unlock takes the kernel, too. It also makes its own half of the lock,
// a struct futex_lock, which lives as long as somebody waits, and is found through who waits in
// the bucket. It hangs in the graph of sched/pi.c: that knows the holder, lends it the urgency of
// those who wait, and detects rings.
//
// To unlock is to hand on: under the lock of the bucket, the word and the graph change from the old
// owner to the most urgent waiter, which then only has to wake and find that it holds the lock. A
// time limit or a signal that comes at the same moment loses.
//
// An owner that ends cannot write the word (it may be mapped elsewhere in its memory, or not at
// all): it hands on in the graph, and the lock is an orphan until the next one has written its
// name into the word, with FUTEX_OWNER_DIED. The word of an orphan is not believed.
//
// Who waits for an owner that is just ending waits for the end of that first: the robust list may
// change the word. Whoever is not there any more, though the word names it, gives ESRCH.
//
// Lock order: bucket, then pi_graph_lock. User memory is touched under the first, not the second
// (but to write the next owner's name), and only if that needs no fault.

#include <core/errno.h>
#include <core/panic.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <process/futex_queue.h>
#include <sched/pid.h>
#include <sched/wait.h>
#include <uapi/futex.h>

struct futex_lock {
	struct pi_lock pi;
	u32 refs;    // [graph] futex_pi.lock that point here
	bool orphan; // [graph] its owner died, and the word does not name the holder yet
};

enum futex_exit_state {
	EXIT_FAR,  // may own locks
	EXIT_SOON, // its locks are being taken from it
	EXIT_DONE, // owns none any more
};

// Those who wait until an owner's locks have been taken from it.
static struct wait_queue owner_exits = WAIT_QUEUE_INIT(owner_exits);

struct futex_lock *futex_lock_alloc(void)
{
	struct futex_lock *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	if (lock)
		pi_lock_init(&lock->pi);
	return lock;
}

void futex_lock_free(struct futex_lock *lock)
{
	kfree(lock);
}

// --- Claiming ---

// Whether the word may be what it is while others wait for the lock. [graph]
static int check_word(const struct futex_lock *lock, u32 value)
{
	struct task *owner = lock->orphan ? NULL : lock->pi.holder;
	u32 tid = value & FUTEX_TID_MASK;

	if (value & FUTEX_OWNER_DIED) {
		if (!owner)
			return tid ? -EINVAL : 0;
		if (!tid)
			return 0; // the owner is on its way through the robust list
	} else if (!owner) {
		return -EINVAL;
	}
	return tid == (u32)task_pid_vnr(owner) ? 0 : -EINVAL;
}

static int join_graph_locked(struct futex_lock *lock, struct futex_pi *pi, struct task *task)
{
	int error = pi_wait(&lock->pi, &pi->wait, task);

	if (!error) {
		lock->refs++;
		pi->lock = lock;
	}
	return error;
}

int futex_lock_join(struct futex_lock *lock, struct futex_pi *pi, struct task *task)
{
	spin_lock(&pi_graph_lock);
	int error = join_graph_locked(lock, pi, task);
	spin_unlock(&pi_graph_lock);
	return error;
}

// Others wait already. An owner that ends takes no lock of a bucket: it may have marked the word and
// handed on since the word was read, so it is read again together with the graph.
static int claim_shared(u64 address, struct futex_waiter *first, u32 value, struct task *task,
			struct futex_pi *pi, bool only_try)
{
	u32 now;

	struct futex_lock *lock = first->pi ? first->pi->lock : NULL;

	if (!lock)
		return -EINVAL;
	spin_lock(&pi_graph_lock);
	int error = !peek_user_u32(address, &now) ? -EFAULT
		    : now != value                ? -EAGAIN
						  : check_word(lock, value);
	if (!error && !only_try)
		error = join_graph_locked(lock, pi, task);
	spin_unlock(&pi_graph_lock);
	return error;
}

// Nobody owns it.
static int claim_free(u64 address, u32 value, struct task *task, struct futex_lock **spare,
		      struct futex_lock **kept)
{
	u32 new = (value & FUTEX_OWNER_DIED) | (u32)task_pid_vnr(task), seen;

	if (kept)
		new |= FUTEX_WAITERS;
	if (!user_try_cmpxchg_u32(address, value, new, &seen))
		return -EFAULT;
	if (seen != value)
		return -EAGAIN;
	if (kept) {
		*kept = *spare;
		*spare = NULL;
		(*kept)->refs = 1;
		spin_lock(&pi_graph_lock);
		pi_set_holder(&(*kept)->pi, task);
		spin_unlock(&pi_graph_lock);
	}
	return 1;
}

// The owner that the word names is not there: is that so, or has the word changed meanwhile?
static int owner_missing(u64 address, u32 value)
{
	u32 now;

	if (!peek_user_u32(address, &now))
		return -EFAULT;
	return now == value ? -ESRCH : -EAGAIN;
}

// Somebody owns it, and nobody waits yet. The word is `value`, FUTEX_WAITERS is set. [rcu]
static int claim_owned(u64 address, u32 value, struct task *task, struct futex_pi *pi,
		       bool only_try, struct futex_lock **spare, struct task **owner)
{
	struct task *other = task_find(value & FUTEX_TID_MASK);

	if (!other)
		return owner_missing(address, value);
	if (other->flags & TF_KTHREAD)
		return -EPERM;
	spin_lock(&pi_graph_lock);
	u8 exits = other->futex_exit;
	int error = 0;
	if (exits == EXIT_FAR && !only_try) {
		struct futex_lock *lock = *spare;

		pi_set_holder(&lock->pi, other);
		error = join_graph_locked(lock, pi, task);
		if (error)
			pi_set_holder(&lock->pi, NULL);
		else
			*spare = NULL;
	}
	spin_unlock(&pi_graph_lock);
	if (exits == EXIT_DONE)
		return owner_missing(address, value);
	if (exits == EXIT_SOON) {
		if (!refcount_get_not_zero(&other->refs))
			return owner_missing(address, value);
		*owner = other;
		return -EBUSY;
	}
	return error;
}

int futex_claim_locked(u64 address, const struct futex_key *key, struct task *task,
		       struct futex_pi *pi, bool only_try, struct futex_lock **spare,
		       struct futex_lock **kept, struct task **owner)
{
	u32 value, seen;

	if (!peek_user_u32(address, &value))
		return -EFAULT;
	if ((value & FUTEX_TID_MASK) == (u32)task_pid_vnr(task))
		return -EDEADLK;
	struct futex_waiter *first = futex_first_waiter(futex_bucket_of(key), key);
	if (first)
		return claim_shared(address, first, value, task, pi, only_try);
	if (!(value & FUTEX_TID_MASK))
		return claim_free(address, value, task, spare, kept);
	if (!user_try_cmpxchg_u32(address, value, value | FUTEX_WAITERS, &seen))
		return -EFAULT;
	if (seen != value)
		return -EAGAIN;
	rcu_read_lock();
	int error = claim_owned(address, value | FUTEX_WAITERS, task, pi, only_try, spare, owner);
	rcu_read_unlock();
	return error;
}

int futex_claim_again(int error, u64 address, struct task *owner)
{
	switch (error) {
	case -EFAULT:
		return user_fault_in_write(address);
	case -EBUSY:
		wait_event(&owner_exits, READ_ONCE(owner->futex_exit) != EXIT_SOON);
		task_put(owner);
		return 0;
	case -EAGAIN:
		cond_resched();
		return 0;
	}
	return error;
}

// --- Letting go ---

void futex_lock_put(struct futex_lock *lock)
{
	spin_lock(&pi_graph_lock);
	bool last = !--lock->refs;
	if (last)
		pi_set_holder(&lock->pi, NULL);
	spin_unlock(&pi_graph_lock);
	if (last)
		futex_lock_free(lock);
}

// Current got an orphan: writes its name into the word. Bucket locked. 0 or -EFAULT.
static int name_holder_locked(u64 address)
{
	u32 name = (u32)task_pid_vnr(current) | FUTEX_WAITERS | FUTEX_OWNER_DIED, value, seen;

	if (!peek_user_u32(address, &value))
		return -EFAULT;
	for (;;) {
		if (!user_try_cmpxchg_u32(address, value, name, &seen))
			return -EFAULT;
		if (seen == value)
			return 0;
		value = seen;
	}
}

// Takes the waiter out of the graph unless it has been given the lock. Whether it has; *orphan:
// whether the word is to be written.
static bool stop_waiting(struct futex_pi *pi, bool *orphan)
{
	spin_lock(&pi_graph_lock);
	bool given = pi->wait.state == PI_GIVEN;
	if (pi->wait.state == PI_WAITS)
		pi_unwait(&pi->wait);
	*orphan = given && pi->lock && pi->lock->orphan;
	spin_unlock(&pi_graph_lock);
	return given;
}

static void adopt(struct futex_lock *lock)
{
	spin_lock(&pi_graph_lock);
	lock->orphan = false;
	spin_unlock(&pi_graph_lock);
}

long futex_lock_finish(u64 address, struct futex_waiter *waiter, bool in_time)
{
	struct futex_bucket *bucket = futex_lock_own(waiter);
	struct futex_pi *pi = waiter->pi;
	bool orphan;
	bool given = stop_waiting(pi, &orphan);
	long result = given ? 0 : in_time ? -EINTR : -ETIMEDOUT;

	if (orphan) {
		while ((result = name_holder_locked(address)) == -EFAULT) {
			spin_unlock(&bucket->lock);
			int error = user_fault_in_write(address);
			bucket = futex_lock_own(waiter);
			if (error)
				break; // whatever the word says: it is ours
		}
		adopt(pi->lock);
	}
	list_del_init(&waiter->link);
	spin_unlock(&bucket->lock);
	if (pi->lock)
		futex_lock_put(pi->lock);
	return result;
}

// --- Lock ---

bool futex_wait_until_given(struct futex_pi *pi, struct futex_timeout *timeout)
{
	bool in_time = true;

	futex_timeout_begin(timeout);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(pi->wait.state) == PI_GIVEN || !in_time ||
		    task_signal_pending(current))
			break;
		in_time = futex_timeout_pause(timeout);
	}
	set_current_running();
	futex_timeout_end(timeout);
	return in_time;
}

// As futex_claim_locked(), with all that helps it, and queues who has to wait.
static long claim(u64 address, struct futex_waiter *waiter, bool only_try,
		  struct futex_lock **spare)
{
	struct futex_bucket *bucket = futex_bucket_of(&waiter->key);
	struct task *owner = NULL;
	int result;

	do {
		futex_lock_bucket(bucket);
		result = futex_claim_locked(address, &waiter->key, current, waiter->pi, only_try,
					    spare, NULL, &owner);
		if (result == 0 && !only_try)
			futex_enqueue(waiter, bucket);
		spin_unlock(&bucket->lock);
		if (result >= 0)
			return result;
		result = futex_claim_again(result, address, owner);
	} while (!result);
	return result;
}

long futex_lock(u64 address, u32 flags, bool only_try, struct futex_timeout *timeout)
{
	struct futex_pi pi = {0};
	struct futex_waiter waiter;
	struct futex_lock *spare = futex_lock_alloc();

	if (!spare)
		return -ENOMEM;
	pi_waiter_init(&pi.wait);
	futex_waiter_init(&waiter, FUTEX_BITSET_MATCH_ANY);
	waiter.pi = &pi;
	long result = futex_key_make(address, flags | FUTEX_WRITE, &waiter.key)
			      ?: claim(address, &waiter, only_try, &spare);
	futex_lock_free(spare);
	if (result)
		return result < 0 ? result : 0;
	if (only_try)
		return -EAGAIN;
	bool in_time = futex_wait_until_given(&pi, timeout);
	result = futex_lock_finish(address, &waiter, in_time);
	return result == -EINTR ? -ERESTARTNOINTR : result;
}

// --- Unlock ---

// 0, or as futex_claim_locked(). Bucket locked.
static int hand_on_locked(u64 address, u32 value, const struct futex_waiter *first)
{
	struct futex_lock *lock = first->pi ? first->pi->lock : NULL;
	u32 seen;

	if (!lock)
		return -EINVAL;
	spin_lock(&pi_graph_lock);
	struct task *next = pi_first_waiter(&lock->pi);
	int error = 0;
	if (lock->orphan || lock->pi.holder != current)
		error = -EINVAL;
	else if (!user_try_cmpxchg_u32(address, value,
				       next ? (u32)task_pid_vnr(next) | FUTEX_WAITERS : 0, &seen))
		error = -EFAULT;
	else if (seen != value) // FUTEX_WAITERS may have been set just now
		error = (seen & FUTEX_TID_MASK) == value ? -EAGAIN : -EINVAL;
	else
		pi_hand_on(&lock->pi);
	spin_unlock(&pi_graph_lock);
	return error;
}

static int unlock_locked(u64 address, u32 value, const struct futex_key *key)
{
	struct futex_waiter *first = futex_first_waiter(futex_bucket_of(key), key);
	u32 seen;

	if (first)
		return hand_on_locked(address, value, first);
	if (!user_try_cmpxchg_u32(address, value, 0, &seen))
		return -EFAULT;
	return seen == value ? 0 : -EAGAIN;
}

long futex_unlock(u64 address, u32 flags)
{
	struct futex_key key;
	u32 value;
	int error;

	do {
		if (get_user_u32(address, &value))
			return -EFAULT;
		if ((value & FUTEX_TID_MASK) != (u32)task_pid_vnr(current))
			return -EPERM;
		error = futex_key_make(address, flags | FUTEX_WRITE, &key);
		if (error)
			return error;
		struct futex_bucket *bucket = futex_bucket_of(&key);
		futex_lock_bucket(bucket);
		error = unlock_locked(address, value, &key);
		spin_unlock(&bucket->lock);
		if (!error)
			return 0;
		error = futex_claim_again(error, address, NULL);
	} while (!error);
	return error;
}

// --- The end of an owner ---

void futex_exit_begin(struct task *task)
{
	spin_lock(&pi_graph_lock);
	WRITE_ONCE(task->futex_exit, EXIT_SOON);
	spin_unlock(&pi_graph_lock);
}

// Hands on one of its locks; false: it has none.
static bool abandon_one(struct task *task)
{
	spin_lock(&pi_graph_lock);
	struct pi_lock *held = pi_first_held(task);
	if (held) {
		container_of(held, struct futex_lock, pi)->orphan = true;
		pi_hand_on(held);
	}
	spin_unlock(&pi_graph_lock);
	return held;
}

void futex_exit_end(struct task *task, bool exiting)
{
	while (abandon_one(task))
		;
	smp_store_release(&task->futex_exit, exiting ? EXIT_DONE : EXIT_FAR);
	wake_up_all(&owner_exits);
}
