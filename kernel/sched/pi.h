// Priority inheritance: who waits for a lock lends its urgency to who holds it. pi.c has the theory.
#pragma once

#include <core/spinlock.h>
#include <lib/rbtree.h>
#include <sched/task.h>

#define PI_CHAIN_MAX 1024 // as on Linux: a longer chain of waiting counts as a deadlock

// One lock for the whole graph of who waits for whom. Rank LOCK_PI_GRAPH.
extern struct spinlock pi_graph_lock;

// Legend: [graph] pi_graph_lock.

enum pi_state {
	PI_IDLE,  // waits for nothing
	PI_WAITS, // for waiter.lock
	PI_GIVEN, // it got what it waited for
};

struct pi_lock {
	struct task *holder;    // [graph] NULL: nobody
	struct rb_root waiters; // [graph] the most urgent first, then by arrival
	struct rb_node held;    // [graph] in holder->pi_held
	u8 urgency; // [graph] of the first waiter, 0 = nobody; what `held` is ordered by
};

struct pi_waiter {
	struct rb_node node;  // [graph] in lock->waiters
	struct task *task;    // [graph]
	struct pi_lock *lock; // [graph]
	u8 urgency;           // [graph] of the task, when it was put in its place
	u8 state;             // [graph; the task reads it bare] enum pi_state
};

void pi_lock_init(struct pi_lock *lock);
void pi_waiter_init(struct pi_waiter *waiter);

// All below but the last: pi_graph_lock is held.

// Somebody (NULL: nobody) is the holder from now on, for a lock that is not handed on.
void pi_set_holder(struct pi_lock *lock, struct task *holder);
// The task, which waits for nothing else, waits for the lock, which has a holder. -EDEADLK: the
// holder waits, over however many, for the task; or the chain is too long. Does not sleep: the
// caller does, until waiter->state is PI_GIVEN.
int pi_wait(struct pi_lock *lock, struct pi_waiter *waiter, struct task *task);
// It waits no longer.
void pi_unwait(struct pi_waiter *waiter);
struct task *pi_first_waiter(const struct pi_lock *lock);
// Makes the first waiter the holder, and wakes it. NULL: nobody waits, and nobody holds it now.
struct task *pi_hand_on(struct pi_lock *lock);
// A lock that the task holds, the one with the most urgent waiter; or NULL.
struct pi_lock *pi_first_held(const struct task *task);

// The urgency of the task itself has changed. Takes the lock of the graph.
void pi_task_changed(struct task *task);
