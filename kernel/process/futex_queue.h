// Inside of the futexes: keys, buckets and waiters. futex.c has the theory.
#pragma once

#include <core/spinlock.h>
#include <core/timer.h>
#include <lib/list.h>
#include <sched/pi.h>
#include <sched/task.h>

// What is asked about a word, beside its address.
enum futex_flags {
	FUTEX_SHARED = 1 << 0, // other address spaces may mean the same word
	FUTEX_NUMA = 1 << 1,   // the word behind it names a memory node
	FUTEX_WRITE = 1 << 2,  // the kernel is going to write to it
};

struct futex_key {
	u64 object; // address space, or the number of what a shared area maps
	u64 address;
};

struct futex_bucket {
	struct spinlock lock;     // rank LOCK_FUTEX; two of them: by rising address
	struct list_head waiters; // [lock] the most urgent first, then by arrival
};

// Legend: [bucket] lock of the bucket it is queued in; [I] not changed while it is queued.
struct futex_waiter {
	struct list_head link;       // [bucket] empty = woken
	struct futex_key key;        // [bucket]
	struct futex_bucket *bucket; // written with the locks of both, the old and the new, held
	struct task *task;           // [I]
	u32 bitset;                  // [I]
	u8 rt_priority;              // [I] of the task when it came, 0 = fair
	struct futex_pi *pi;         // [I] NULL: a plain wait, which a wake-up ends
};

// What a waiter has beside that is to get a lock with priority inheritance.
struct futex_pi {
	struct pi_waiter wait;
	struct futex_lock *lock;        // [bucket] counted; NULL: it has not been moved there yet
	const struct futex_key *target; // [I] where a requeue may move it; NULL: nowhere
};

// One of several words that are waited for at once.
struct futex_choice {
	struct futex_waiter waiter;
	u64 address;
	u32 expected;
	u32 flags;
};

// How long to wait: until a point of monotonic time, or of real time, which may be set meanwhile.
struct futex_timeout {
	u64 at_ns; // TIME_NEVER: no limit
	bool realtime;
	bool expired; // written by the timer
	struct task *task;
	struct realtime_timer timer; // in use only if `realtime`
};

// The key of an aligned word. -EINVAL: not aligned, or no such node; -EFAULT (a shared word only if it
// cannot be used as the flags say). May sleep.
int futex_key_make(u64 address, u32 flags, struct futex_key *key);

static inline bool futex_key_same(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->address == b->address;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key);

// Both buckets, which may be the same one.
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

// For current, with its key; queued nowhere yet.
void futex_waiter_init(struct futex_waiter *waiter, u32 bitset);
// Puts the waiter in the bucket, whose lock is held. It may be in another one that is locked, too.
void futex_enqueue(struct futex_waiter *waiter, struct futex_bucket *bucket);
// Queues the waiter, whose key is set, if the word has the value. 0, -EAGAIN, -EFAULT. May sleep.
int futex_enqueue_if_equal(struct futex_waiter *waiter, u64 address, u32 expected);
// Takes and returns the lock of the bucket that it is in: a requeue may move it at any time.
struct futex_bucket *futex_lock_own(struct futex_waiter *waiter);
// The first in the bucket, which is locked, that waits for the key; or NULL.
struct futex_waiter *futex_first_waiter(struct futex_bucket *bucket, const struct futex_key *key);
// Takes the lock of the bucket, which may be used for the first time.
void futex_lock_bucket(struct futex_bucket *bucket);
// Takes it off the queue. Returns false if it had been woken before.
bool futex_dequeue(struct futex_waiter *waiter);
// Takes it off and wakes its task. The bucket is locked; the waiter may be gone at once.
void futex_wake_locked(struct futex_waiter *waiter);

// Around the sleep of current; pause sleeps once (the state has been set), and returns false when
// the time is over.
void futex_timeout_begin(struct futex_timeout *timeout);
bool futex_timeout_pause(struct futex_timeout *timeout);
void futex_timeout_end(struct futex_timeout *timeout);

// --- The operations. All may sleep; addresses are user space's, and are checked.

// Waits until woken by a bit of `bitset`. 0, -EAGAIN: not the value, -ETIMEDOUT, -ERESTARTSYS: a
// signal, -EFAULT, -EINVAL.
long futex_wait(u64 address, u32 flags, u32 expected, u32 bitset, struct futex_timeout *timeout);
// Waits for any of n, whose keys are set. The index of one that was woken, or as above.
long futex_wait_any(struct futex_choice *choices, unsigned n, struct futex_timeout *timeout);
// Wakes at most n (at least one). How many, or -EFAULT, -EINVAL.
long futex_wake(u64 address, u32 flags, int n, u32 bitset);
// Changes the second word as `encoded` says, wakes who wait for the first, and if what the second
// was passes the test, who wait for that.
long futex_wake_op(u64 first_at, u64 second_at, u32 flags, int n_first, int n_second, u32 encoded);
// Wakes n_wake who wait for the first word, and has n_move more wait for the second. With
// `expected` only if the first word is so: else -EAGAIN. How many were woken or moved.
long futex_requeue(u64 from_at, u64 to_at, u32 flags, int n_wake, int n_move, const u32 *expected);

// --- Locks with priority inheritance (futex_pi.c)

// The kernel's half of a lock that somebody waits for.
struct futex_lock;

// Takes the lock whose word is at the address, or (unless `only_try`) waits for it. 0, -EAGAIN: not
// at once; -EDEADLK, -EINVAL, -ESRCH, -EPERM: what the word says is not so; -ETIMEDOUT,
// -ERESTARTNOINTR, -ENOMEM, -EFAULT.
long futex_lock(u64 address, u32 flags, bool only_try, struct futex_timeout *timeout);
// Gives it to the most urgent who waits. -EPERM: current does not hold it; -EINVAL, -EFAULT.
long futex_unlock(u64 address, u32 flags);
// Waits for the first word, until futex_requeue_pi() moves it to the lock at the second, then for
// that. As futex_wait() and futex_lock().
long futex_wait_requeue(u64 address, u32 flags, u32 expected, struct futex_timeout *timeout,
			u64 lock_at);
// Has one who waits for the first word, and n_move more, take the lock at the second or wait for
// it, if the first word is as expected. How many, or errors as above.
long futex_requeue_pi(u64 from_at, u64 lock_at, u32 flags, int n_wake, int n_move, u32 expected);

// Parts that both of them use. May be called with a bucket locked where it says so.

struct futex_lock *futex_lock_alloc(void); // NULL: no memory
void futex_lock_free(struct futex_lock *lock);
// The bucket of the key is locked. Takes the lock for the task (1), or has it wait (0; unless
// `only_try`), or says why not: -EAGAIN: the word has changed, try again; -EFAULT: fault it in
// first; -EBUSY: *owner, now counted, is ending; or an error for the caller. *spare is NULL when it
// has been used. `keep`: others will wait for the lock, too: if it is taken, *kept is a reference.
int futex_claim_locked(u64 address, const struct futex_key *key, struct task *task,
		       struct futex_pi *pi, bool only_try, struct futex_lock **spare,
		       struct futex_lock **kept, struct task **owner);
// One more waits for a lock that has a holder. Bucket locked. 0 or -EDEADLK.
int futex_lock_join(struct futex_lock *lock, struct futex_pi *pi, struct task *task);
void futex_lock_put(struct futex_lock *lock);
// After one of the three errors above, with no lock held: does what helps, and returns 0 if it is
// worth to try again, or the error.
int futex_claim_again(int error, u64 address, struct task *owner);
// Sleeps until the lock is given, or a signal comes. False: the time is over.
bool futex_wait_until_given(struct futex_pi *pi, struct futex_timeout *timeout);
// The end of a wait for a lock: 0: current has it; -EINTR: a signal, -ETIMEDOUT, -EFAULT.
long futex_lock_finish(u64 address, struct futex_waiter *waiter, bool in_time);

// A task lets go of its address space, so of its locks: begin, then the robust list, then end.
void futex_exit_begin(struct task *task);
void futex_exit_end(struct task *task, bool exiting);
