// Inside of the scheduler: the run queue of a hart.
#pragma once

#include <lib/rbtree.h>
#include <sched/sched.h>

#define RT_PRIORITIES 100
#define SAMPLE_NS     (10 * NSEC_PER_MSEC) // at the least so often is seen what a busy hart does
#define SLICE_NS      (3 * NSEC_PER_MSEC)

// Legend: [lock] of the queue; [own] only its hart, interrupts off.
struct run_queue {
	struct spinlock lock;               // rank LOCK_RUN_QUEUE, interrupts off
	u32 index;                          // [I] of the hart
	struct task *current;               // [lock]
	struct task *idle;                  // [I]
	u32 runnable;                       // [lock] queued or running, without idle
	u32 fair_count;                     // [lock] waiting in the tree
	struct rb_root fair;                // [lock] by virtual runtime
	u64 min_vruntime_ns;                // [lock] never goes back
	struct list_head rt[RT_PRIORITIES]; // [lock] by priority
	u64 rt_bits[2];                     // [lock] priorities with somebody waiting
	struct task *dead;                  // [own] ended; freed by the next task
	struct mm *drop_mm;                 // [own] lazy reference to be dropped after the switch
	u64 switches, idle_ns, busy_ns, idle_since_ns; // [lock]
	u64 user_ns, nice_ns, system_ns;               // [own] sampled by the tick
	s32 uninterruptible; // [lock] asleep so that they count as load; see loadavg.c
};

extern struct run_queue run_queues[MAX_HARTS];
// [a] harts on which a real-time task waits, perhaps for the blink of an eye; see steal_rt().
extern struct hartmask harts_rt_waiting;

static inline struct run_queue *this_rq(void)
{
	return &run_queues[hart_index()];
}

// Locks the queue of the hart that the task is on, wherever it goes meanwhile.
struct run_queue *task_rq_lock(struct task *task, unsigned long *flags);
void task_rq_unlock(struct run_queue *rq, unsigned long flags);

// rq->lock held. Put a runnable task on a queue; take it off. `first`: a real-time task stands before
// its equals, not behind them; among fair tasks it makes no difference.
void rq_enqueue(struct run_queue *rq, struct task *task, bool first);
void rq_dequeue(struct run_queue *rq, struct task *task);
// The one that should run next; idle if there is none. Not taken off.
struct task *rq_pick(struct run_queue *rq);
// Charges the running task for its time.
void rq_account(struct run_queue *rq);
// Whether `task` should push aside what runs.
bool rq_preempts(const struct run_queue *rq, const struct task *task);
u32 weight_of_nice(int nice);
// From its policy and nice, and what is lent to it.
u32 sched_weight(const struct sched_entity *se);
bool rq_task_is_fair(const struct task *task);
u64 rq_slice_ns(const struct run_queue *rq);
// Whether a timer or a limit of its process counts CPU time, so that it needs a tick.
bool task_has_cpu_timers(const struct task *task);
