// The task: what the scheduler runs, and the hub from which everything that a task may share or
// copy hangs. Upper floors own what their pointers point to; this header only forward-declares.
#pragma once

#include <arch/context.h>
#include <core/atomic.h>
#include <core/fault_inject.h>
#include <core/hart.h>
#include <core/rcu.h>
#include <core/refcount.h>
#include <core/spinlock.h>
#include <core/timer.h>
#include <lib/base.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <sched/lock_owner.h>
#include <uapi/signal.h>

struct cgroup;
struct cred;
struct files;
struct fs_context;
struct io_context;
struct mm;
struct mutex;
struct nsproxy;
struct pi_waiter;
struct pid;
struct process;
struct robust_list_head;
struct sem_undo_list;
struct sighand;
struct task_work;
struct trapframe;

// What a task is doing. Exactly one of the first group, WAKEKILL and friends modify UNINTERRUPTIBLE.
enum task_state {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1 << 0,
	TASK_UNINTERRUPTIBLE = 1 << 1,
	TASK_STOPPED_BIT = 1 << 2,
	TASK_TRACED_BIT = 1 << 3,
	TASK_WAKEKILL = 1 << 4,
	TASK_NEW = 1 << 5,
	TASK_DEAD = 1 << 6, // will never run again; the last switch frees its stack
	TASK_NOLOAD = 1 << 7,
	TASK_FROZEN = 1 << 8,
	TASK_KILLABLE = TASK_UNINTERRUPTIBLE | TASK_WAKEKILL,
	TASK_STOPPED = TASK_STOPPED_BIT | TASK_WAKEKILL,
	TASK_TRACED = TASK_TRACED_BIT | TASK_WAKEKILL,
	TASK_IDLE = TASK_UNINTERRUPTIBLE | TASK_NOLOAD,
	TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE,
};

// How far the exit of a task has come (task.exit_state).
enum task_exit_state {
	EXIT_NONE = 0,
	EXIT_ZOMBIE, // waits for its parent
	EXIT_REAPED, // somebody has claimed the right to free it
};

// Work to be done before the next return to user mode (task.work, atomic bits).
enum task_work_bits {
	WORK_RESCHED = 1 << 0,      // somebody better should run
	WORK_SIGNAL = 1 << 1,       // a signal may be deliverable: recompute
	WORK_NOTIFY = 1 << 2,       // task_works are queued
	WORK_TRACE = 1 << 3,        // stop at system-call entry and exit
	WORK_RESTORE_MASK = 1 << 4, // sigsuspend and kin: put saved_blocked back
	WORK_KILL = 1 << 5,         // a fatal signal is pending: killable sleeps end
	WORK_FREEZE = 1 << 6,       // the cgroup freezer or a stop wants it
	WORK_CPU_TIMERS = 1 << 7,   // a timer or limit of CPU time may have expired
	WORK_RSEQ = 1 << 8,         // the area of restartable sequences is to be fixed up
};

// Properties that stay (task.flags). Written by the task itself unless noted.
enum task_flags {
	TF_KTHREAD = 1 << 0,     // [I] kernel thread: has no user half
	TF_IDLE = 1 << 1,        // [I] a hart's idle task
	TF_EXITING = 1 << 2,     // has entered task_exit
	TF_FORKNOEXEC = 1 << 3,  // forked, has not yet called exec (acct, setpgid rule)
	TF_VFORKED = 1 << 4,     // a parent waits for mm_release
	TF_SUPERPRIV = 1 << 5,   // has used a privilege
	TF_CORE_PASSED = 1 << 6, // a core dump no longer waits for it
	TF_OOM = 1 << 7,         // found no memory, and nobody whose end would give some
	TF_MEMALLOC = 1 << 8,    // reclaiming: allocations use the reserves, never recurse
	TF_RANDOMIZE = 1 << 9,   // its program's places were drawn at random
	TF_SIGNALED = 1 << 10,   // ends by a signal
	TF_DUMPCORE = 1 << 11,   // of which a core file is written, if anybody wants one
};

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_PGID,
	PIDTYPE_SID,
	PIDTYPE_COUNT
};

// Signals that wait for delivery, to one task or to a whole process.
struct signal_pending {
	struct list_head queue; // struct queued_signal (signal/)
	u64 set;                // bit n-1 = signal n is pending
};

// CPU time of a task or a process, as it was reported last.
struct cputime_split {
	u64 utime_ns, stime_ns;
};

// The last word of a kernel stack in debug builds. Whoever overwrites it has come to the end of the
// stack without touching the guard page behind.
#define KSTACK_END 0x57ac6e9d0f1a11edul

// The scheduler's view of a task. Everything here belongs to the run-queue lock of the hart that
// the task is on, but for the fields marked otherwise. What its place
// in a queue depends on (policy, rt_priority, nice, lent, weight) is changed under pi_lock and that
// lock, so that it does not change between the choice of a queue and the way into it.
struct sched_entity {
	struct rb_node node;      // in the fair queue, ordered by virtual deadline
	struct list_head rt_link; // in the real-time queue of its priority
	u64 vruntime_ns;
	u64 deadline_ns;     // virtual deadline
	u64 min_vruntime_ns; // least vruntime in this subtree (augmented tree)
	s64 vlag_ns;         // service owed when it went to sleep
	u64 slice_ns;
	u64 exec_start_ns; // when it was last put on the hart or accounted
	u64 sum_exec_ns;   // [task] total time on a hart
	u64 slept_exec_ns; // what that was when it last went to sleep (RLIMIT_RTTIME)
	u32 weight;
	u8 policy;      // SCHED_OTHER...
	u8 rt_priority; // 1..99 for FIFO and RR
	s8 nice;
	u8 on_queue : 1;
	u8 reset_on_fork : 1;
	u8 turn_over : 1; // real-time: its turn is over, it goes behind its equals; see run_queue.c
	u8 lent;          // urgency that those lend who wait for what it holds (pi.c); 0 = none
	u64 rr_ran_ns;    // since its SCHED_RR turn began
};

// Legend: [I] never changes once the task can be found; [task] only the task itself, no lock;
// [a] atomic; [rq] lock of the run queue it is on; [alloc] task.alloc_lock; [tl] tasklist_lock
// (read to look, write to change); [sig] sighand->lock; [pi] task.pi_lock.
// A child starts as zeroes but for the fields between copy_begin and copy_end.
struct task {
	struct arch_task arch; // must be first: assembly reaches it through tp

	// Scheduling
	u32 state;            // [pi for wake-ups] enum task_state; see sched/sched.h
	struct atomic work;   // [a] enum task_work_bits; assembly looks at it on return to user
	struct refcount refs; // [a] of the struct; the stack goes when the task is dead
	struct hart *hart;    // [rq] the hart it runs or ran on
	bool on_hart;         // [rq] running now; a waker must wait until it is off
	struct sched_entity se;
	struct hartmask affinity;                // [rq]
	u64 switches_voluntary, switches_forced; // [rq]
	struct spinlock pi_lock;                 // wake-ups and priority inheritance
	struct list_head run_list_dead;          // [rq] to be freed after the last switch

	void *kstack; // [I] lowest address of the kernel stack; KSTACK_END is there
#if CONFIG_DEBUG
	struct lock_debug locks_held; // [task] sleeping locks
#endif

	// Identity
	u32 flags;               // enum task_flags
	int exit_state;          // [tl]
	int exit_code;           // [tl] as wait status
	int exit_signal;         // [tl] sent to the parent by a group leader; -1 for other threads
	int pdeath_signal;       // [task]
	u64 self_exec_id;        // [task] counts the programs that it became
	u64 parent_exec_id;      // [tl] what the parent's was when it made us
	struct process *process; // [tl, sig] thread group
	struct task *group_leader;    // [tl]
	struct list_head thread_node; // [tl, rcu] in process->threads
	struct list_head all_node;    // [tl, rcu] in the list of all processes (leaders only)
	struct pid *pid;              // [I] its own thread id
	struct hlist_node pid_links[PIDTYPE_COUNT]; // [tl, rcu]
	struct task *real_parent;                   // [tl, rcu] who made it
	struct task *parent;           // [tl] who gets SIGCHLD and may wait: the tracer, if any
	struct list_head children;     // [tl]
	struct list_head sibling;      // [tl]
	struct list_head ptraced;      // [tl] tasks that it traces
	struct list_head ptrace_entry; // [tl]
	u32 ptrace;                    // [tl, sig]
	void *trace;                   // [sig] process/ptrace

	// Resources: what clone shares or copies (process/resources.c)
	struct mm *mm;                  // [alloc] user address space; NULL for kernel threads
	struct mm *active_mm;           // [rq] whose page tables are loaded
	struct files *files;            // [alloc]
	struct fs_context *fs;          // [alloc]
	struct sighand *sighand;        // [tl, rcu]
	struct nsproxy *nsproxy;        // [alloc]
	struct sem_undo_list *sem_undo; // [task]
	struct io_context *io_context;  // [alloc]
	struct cgroup *cgroup;          // [cgroup_members_lock] stays after exit
	struct list_head cgroup_link;   // [cgroup_members_lock]
	bool cgroup_exited;             // [cgroup_members_lock] is a member no more
	bool cgroup_frozen;             // [cgroup_members_lock] counts as standing still
	bool cgroup_charged;            // [task] counted by the pids controller, not yet published
	const struct cred *cred;        // [task writes, rcu reads] effective
	const struct cred *real_cred;   // [task writes, rcu reads] objective
	struct spinlock alloc_lock; // guards the pointers above against /proc and ptrace readers

	// Signals
	struct signal_pending pending; // [sig]
	u64 blocked;                   // [sig] written only by the task
	u64 saved_blocked;             // [task] see WORK_RESTORE_MASK
	u64 real_blocked;              // [sig] what rt_sigtimedwait blocks beside its wait, else 0
	stack_t sigaltstack;           // [task]
	u32 job_control;               // [sig] stop and trap bits, see signal/stop.c
	struct {
		long (*fn)(struct task *); // [task] restart_syscall continues here
		u64 arg[6];
	} restart;

	// Clone, exit, futex
	u64 set_child_tid, clear_child_tid;      // [task] user addresses
	struct completion *vfork_done;           // [alloc] the parent waits here
	u64 robust_list;                         // [task] user address
	struct rb_root pi_held;                  // [pi_graph_lock] struct pi_lock, see sched/pi.h
	struct pi_waiter *pi_blocked_on;         // [pi_graph_lock]
	u8 futex_exit;                           // [pi_graph_lock] enum futex_exit_state
	u64 rseq_addr;                           // [task]
	u32 rseq_len, rseq_signature;            // [task]
	s32 rseq_cid;                            // [task, irqs off] -1: none, or no area
	s32 rseq_hart_written, rseq_cid_written; // [task] what the area says; -1: not known
	struct task_work *task_works;            // [a] done before return to user

	// Accounting
	u64 utime_ns, stime_ns; // [task writes; readers tolerate] ticks; see task_cputime()
	struct cputime_split cputime_shown; // [pi_lock] what task_cputime() reported last
	u64 minor_faults, major_faults;     // [task]
	u64 start_ns, start_boottime_ns;    // [I]
	u64 io_read_bytes, io_write_bytes;  // [task] of devices that hold blocks
	u64 io_read_chars, io_write_chars;  // [task] by read(2), write(2) and their kin
	u64 io_read_calls, io_write_calls;  // [task] of these

	struct fault_plan fault;                    // [task] see core/fault_inject.h
	char name[16];                              // [alloc] comm
	u64 timer_slack_ns, default_timer_slack_ns; // [task]
	u32 personality;                            // [task]
	bool no_new_privs;                          // [task]
	bool io_flusher; // [task] PR_SET_IO_FLUSHER: kept for others to ask; nothing recurses here
	u8 mce_kill;     // [task] enum mce_kill
	bool nproc_exceeded; // [task] setuid may have passed RLIMIT_NPROC; judged at exec
	bool dumpable_hint;  // unused by the scheduler
	struct rcu_head rcu; // delays the free of the struct
};

// PR_MCE_KILL.
enum mce_kill {
	MCE_KILL_DEFAULT,
	MCE_KILL_LATE,
	MCE_KILL_EARLY,
};

// The legend's tasklist lock: parent links, thread groups, pid links. Rank LOCK_TASKLIST.
extern struct rwlock tasklist_lock;

// A signal may be deliverable, or the task is being killed: interruptible sleeps end.
static inline bool task_signal_pending(const struct task *task)
{
	return atomic_read(&task->work) & (WORK_SIGNAL | WORK_NOTIFY);
}

// A fatal signal is pending: killable sleeps end.
static inline bool task_kill_pending(const struct task *task)
{
	return atomic_read(&task->work) & WORK_KILL;
}

// Takes and drops a reference to the struct. The last drop frees it after a grace period.
struct task *task_get(struct task *task);
void task_put(struct task *task);

// Allocates a zeroed task with a kernel stack, state TASK_NEW, one reference, and name copied from
// current. Returns NULL when memory is out. Undone by task_discard() until sched_start().
struct task *task_alloc(void);
void task_discard(struct task *task);

// Sets comm. Takes alloc_lock.
void task_set_name(struct task *task, const char *name);
