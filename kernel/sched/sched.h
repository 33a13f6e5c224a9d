// The scheduler: run queues, policies, wake-ups, the switch.
//
// How to wait without losing the wake-up. The waiter:
//	set_current_state(TASK_INTERRUPTIBLE);	// store, then a full barrier
//	if (!condition) schedule();
//	set_current_state(TASK_RUNNING);
// The waker makes the condition true, then calls task_wake(), which starts with a full barrier and
// looks at the state under the run-queue lock. Whichever barrier comes second sees the other's
// store: either the waiter sees the condition, or the waker sees the state. schedule() takes the
// task off the queue under the same lock, so a wake-up finds it before (and only sets it running
// again) or after (and puts it back). The wait queues of sched/wait.h do all this.
#pragma once

#include <core/timer.h>
#include <sched/task.h>
#include <uapi/sched.h>

// ---- Waiting and waking

// State store with a full barrier; see above.
#define set_current_state(s)                     \
	do {                                     \
		WRITE_ONCE(current->state, (s)); \
		smp_mb();                        \
	} while (0)

// State store without ordering: for going back to TASK_RUNNING.
static inline void set_current_running(void)
{
	WRITE_ONCE(current->state, TASK_RUNNING);
}

// Gives the hart away. If current's state is not TASK_RUNNING it leaves the queue until it is woken
// (unless the state is interruptible or killable and such a signal pends). Interrupts on, no
// spinlock held; returns with the state TASK_RUNNING, perhaps on another hart.
void schedule(void);

// As schedule(), but wakes at the absolute monotonic time (TIME_NEVER: no limit). Returns the time
// left, 0 if it ran out. The caller has set the state.
u64 schedule_timeout(u64 deadline_ns);

// Sleeps until the time, whatever happens.
void sleep_until(u64 deadline_ns);

// Makes the task runnable if its state is in the mask. Returns whether it was asleep so. Any
// context, with no run-queue lock held.
bool task_wake(struct task *task, u32 state_mask);

// The same when the waker is about to sleep itself: the task is kept on this hart if it may be.
bool task_wake_sync(struct task *task, u32 state_mask);

// Offers the hart in a long loop. Returns whether it switched. Sleeping context.
bool cond_resched_slow(void);
static inline bool cond_resched(void)
{
	might_sleep();
	if (likely(!(atomic_read(&current->work) & WORK_RESCHED)))
		return false;
	return cond_resched_slow();
}

// sched_yield(2): behind all others of the same urgency.
void sched_yield_current(void);

// Sets work bits on a task and makes sure that it sees them soon: if it runs in user mode on
// another hart, it is interrupted. Does not wake it. Ordered as a full barrier.
void task_set_work(struct task *task, u32 bits);

// Interrupts the hart that the task runs on, if it runs, so that it passes the exit to user mode.
void task_kick(struct task *task);

// Waits until a task that is not runnable has left its hart (ptrace, exec): then its registers
// and state stay. Returns the state mask it was seen in, 0 if it did not match.
u32 task_wait_inactive(struct task *task, u32 state_mask);

// Whether it executes on some hart at this moment (racy unless stopped).
static inline bool task_running(const struct task *task)
{
	return READ_ONCE(task->on_hart);
}

// ---- Life of a task (called by process/)

// Fills the child's scheduling state from current: policy, nice, reset-on-fork, affinity, virtual
// time. The child is in state TASK_NEW. Cannot fail.
void sched_fork(struct task *child);

// Makes a new task runnable for the first time. `vfork`: the parent will sleep at once.
void sched_start(struct task *child);

// Ends current: never returns. The stack is freed, and one reference is dropped, by the next task.
NORETURN void sched_exit(void);

// First code of a new task (from the machine's ret_from_fork and kernel-thread start).
void task_ret_from_fork(struct task *prev);

// What upper floors register, once, at boot (INIT_EARLY or INIT_CORE).
struct sched_hooks {
	// Loads next's address space, or lends prev's active_mm to a kernel thread (next->mm NULL)
	// and sets next->active_mm. Called for each switch where prev->active_mm != next->mm or
	// one of both is a kernel thread. Run-queue lock held, interrupts off. Returns an mm of
	// which a lazy reference is to be dropped after the switch, or NULL.
	struct mm *(*mm_switch)(struct task *prev, struct task *next);
	// Drops it. No locks, interrupts on; may not sleep.
	void (*mm_drop_lazy)(struct mm *mm);
	// For each switch from or to a task with an area of restartable sequences. Run-queue lock
	// held, interrupts off; this hart is next's already.
	void (*rseq_switch)(struct task *prev, struct task *next);
	// First run of a user task, before it returns to user mode, in its context (set_child_tid).
	void (*child_start)(struct task *task);
	// The struct's last reference is gone: free what hangs on it. After a grace period.
	void (*task_free)(struct task *task);
	// Makes a kernel thread known: pid, credentials, process. 0 or -errno. Sleeping context.
	int (*kthread_adopt)(struct task *task);
	// Ends current, a kernel thread that was adopted; must end in sched_exit().
	NORETURN void (*kthread_exit)(int code);
};
extern struct sched_hooks sched_hooks;

// ---- Policy (system calls)

// What sched_setattr(2) sets; checks only that the values are in range.
struct sched_params {
	u32 policy; // SCHED_OTHER, BATCH, IDLE, FIFO, RR
	bool reset_on_fork;
	s32 nice;     // OTHER and BATCH
	u32 priority; // FIFO and RR: 1..99, else 0
	u64 slice_ns; // OTHER and BATCH: wished slice, 0 = default
};

static inline bool policy_is_rt(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

void sched_get_params(struct task *task, struct sched_params *params);
// -EINVAL for values out of range. No permission is checked.
int sched_set_params(struct task *task, const struct sched_params *params);
int sched_params_check(const struct sched_params *params);
void sched_set_nice(struct task *task, int nice);
static inline int task_nice(const struct task *task)
{
	return task->se.nice;
}

// Where it may run. -EINVAL if no online hart is left. Moves it if it must.
int sched_set_affinity(struct task *task, const struct hartmask *mask);
// Current goes to a hart that it may use, if this is none. Sleeping context.
void sched_leave_hart(void);
void sched_get_affinity(struct task *task, struct hartmask *mask);

// Slice of SCHED_RR, or of a fair task, for sched_rr_get_interval(2); 0 for FIFO.
extern u64 sched_rr_slice_ns; // [a] kernel.sched_rr_timeslice_ms
#define SCHED_RR_SLICE_NS (100 * NSEC_PER_MSEC)
u64 sched_interval_ns(struct task *task);

// One scale for all policies: 0 (nice 19) to 39 (nice -20), and 41 to 139 (real-time 1 to 99).
#define URGENCY_FAIR_MAX 40 // above it is real time

// Priority inheritance: the task is at least that urgent (0 = as it is itself). For sched/pi.c.
void task_lend(struct task *task, u8 urgency);
// Its effective real-time priority: own or lent; 0 for fair tasks.
static inline u8 effective_rt(u32 policy, u8 rt_priority, u8 lent)
{
	u8 own = policy_is_rt(policy) ? rt_priority : 0;

	if (likely(lent <= URGENCY_FAIR_MAX))
		return own;
	return MAX(own, (u8)(lent - URGENCY_FAIR_MAX));
}

static inline u8 task_effective_rt(const struct task *task)
{
	return effective_rt(task->se.policy, task->se.rt_priority, task->se.lent);
}

// Its urgency, own or lent. A bare read.
static inline u8 task_urgency(const struct task *task)
{
	u8 own = policy_is_rt(task->se.policy) ? URGENCY_FAIR_MAX + task->se.rt_priority
					       : 19 - task->se.nice;

	return MAX(own, task->se.lent);
}

// Linux's kernel priority as in /proc/PID/stat field 18: nice+20, or -1 - rt_priority.
static inline int task_stat_priority(const struct task *task)
{
	return 39 - task_urgency(task);
}

// ---- Kernel threads

// A thread that runs fn(arg) and ends with its return value. kthread_create makes it, stopped;
// task_wake() or kthread_run() starts it. *out has a reference. 0, -ENOMEM, -EAGAIN.
int kthread_create(int (*fn)(void *), void *arg, struct task **out, const char *name, ...)
	__attribute__((format(printf, 4, 5)));
int kthread_run(int (*fn)(void *), void *arg, struct task **out, const char *name, ...)
	__attribute__((format(printf, 4, 5)));
// Asks it to end, wakes it, waits; returns fn's value and drops the caller's reference.
int kthread_stop(struct task *task);
// In the thread: whether it was asked to.
bool kthread_should_stop(void);

// ---- Boot (kernel/init, arch)

// Turns the boot context into hart 0's idle task. `init_task` is statically allocated.
extern struct task init_task;
void sched_init(void);
// Memory for hart `index`'s idle task; then on the hart itself, once it can take interrupts.
struct task *sched_idle_create(u32 index);
NORETURN void sched_idle_loop(void);

// ---- Time and statistics

// CPU time of a task: sum_exec is exact; the split is sampled by ticks and scaled so that
// utime + stime == sum_exec, and neither ever goes back.
void task_cputime(struct task *task, u64 *utime_ns, u64 *stime_ns);
u64 task_sum_exec_ns(struct task *task); // exact, includes the running slice
// The same of a process, with its dead threads. It must stay (rcu or a reference).
void process_cputime(struct process *process, u64 *sum_ns, u64 *utime_ns, u64 *stime_ns);
// The same scaling for sums over many tasks; `prev` remembers (the caller guards it), NULL = do not.
void cputime_adjust(u64 sum_exec_ns, u64 utime_samples, u64 stime_samples,
		    struct cputime_split *prev, u64 *utime_ns, u64 *stime_ns);

// What a hart has done since boot: busy and idle time are exact, user, nice and system time are the busy
// time, divided as the ticks have seen it.
struct hart_times {
	u64 user_ns, nice_ns, system_ns, idle_ns;
};
void sched_hart_times(u32 hart, struct hart_times *times);

// Load averages of 1, 5 and 15 minutes, as fixed point with 11 fractional bits.
void sched_loadavg(u64 avg[3]);
#define LOADAVG_SHIFT 11

u32 sched_nr_running(void); // runnable now, all harts

// Interrupt entry and exit around handlers (by arch/riscv/trap.c), irqs off. On the way out of an
// interrupt that hit user mode, WORK_RESCHED is honoured by the exit to user mode.
static inline void irq_enter(void)
{
	struct hart *hart = this_hart();

	hart->irq_depth++;
	hart->interrupts++;
}

static inline void irq_exit(void)
{
	this_hart()->irq_depth--;
}
