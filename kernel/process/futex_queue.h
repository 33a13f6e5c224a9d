// Inside of the futexes: keys, buckets and waiters. futex.c has the theory.
#pragma once

#include <core/spinlock.h>
#include <core/timer.h>
#include <lib/list.h>
#include <sched/task.h>

// What is asked about a word, beside its address.
enum futex_flags {
	FUTEX_SHARED = 1 << 0, // other address spaces may mean the same word
	FUTEX_NUMA = 1 << 1,   // the word behind it names a memory node
};

struct futex_key {
	u64 object; // address space, or what a shared area maps
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

// The key of an aligned word. -EINVAL: not aligned, or no such node; -EFAULT. May sleep.
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
