// A process: what all threads of one thread group have in common (Linux calls it signal_struct).
// It lives from the first clone without CLONE_THREAD until the last reference after the reaping.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <core/timer.h>
#include <sched/task.h>
#include <sched/wait.h>
#include <sched/mutex.h>
#include <sched/rwsem.h>
#include <uapi/resource.h>

struct core_state;
struct posix_timer;
struct tty;

// process.flags, under sighand->lock.
enum process_flags {
	PROCESS_STOP_STOPPED = 1 << 0,   // a group stop is complete
	PROCESS_STOP_CONTINUED = 1 << 1, // SIGCONT since the last wait
	PROCESS_GROUP_EXIT = 1 << 2,     // group_exit_code holds
	PROCESS_UNKILLABLE = 1 << 3,     // init of a pid namespace
	PROCESS_CLD_STOPPED = 1 << 4,    // parent is still to be told of a stop
	PROCESS_CLD_CONTINUED = 1 << 5,
	PROCESS_AUTOREAP = 1 << 6, // nobody waits for it (CLONE_AUTOREAP)
};

// Resources used by threads that are gone, or by children that were waited for.
struct usage {
	u64 utime_ns, stime_ns;
	u64 minor_faults, major_faults;
	u64 switches_voluntary, switches_forced;
	u64 in_blocks, out_blocks;
	u64 read_chars, write_chars, read_calls, write_calls;
	u64 max_rss_pages;
};

// Interval timers of ITIMER_VIRTUAL and ITIMER_PROF, and the CPU-clock posix timers.
struct cpu_itimer {
	u64 expires_ns, interval_ns; // of the clock it follows; 0 = off
};

// Legend as in sched/task.h, and [stats] for stats_lock, [tty] for the tty's lock.
struct process {
	struct refcount refs;           // of the struct: one by each thread
	struct atomic live;             // threads that have not exited
	int thread_count;               // [tl, sig]
	struct list_head threads;       // [tl write, rcu read] task.thread_node
	struct list_head ongoing_forks; // [sig] struct pending_fork
	struct task *leader;            // [tl]

	struct wait_queue child_wait;         // wait4() sleeps here
	struct signal_pending shared_pending; // [sig]
	struct task *next_target;             // [sig] whom the next group signal is tried on first
	u32 flags;                            // [sig] enum process_flags
	int group_exit_code;                  // [sig]
	u32 dumpable_at_end;                  // [a] of the memory, when the last thread left it
	struct core_state *core;              // [sig] a core dump that waits for threads
	int group_stop_count;                 // [sig] threads that have yet to stop
	struct task *group_exec_task; // [sig] the thread that execs and waits for the others
	int notify_count;             // [sig] how many it still waits for

	struct pid *pids[PIDTYPE_COUNT]; // [tl] TGID, PGID, SID (PID is unused)
	bool leader_of_session;          // [tl]
	bool is_child_subreaper;         // [tl]
	bool has_child_subreaper;        // [tl] some ancestor is one
	bool session_old_pgrp_orphaned;  // [tl]
	struct tty *tty;                 // [sig] controlling terminal
	struct pid *tty_old_pgrp;        // [sig]

	struct spinlock stats_lock;
	struct usage self_dead;             // [stats] threads that exited
	struct usage children;              // [stats] processes that were waited for
	u64 sum_exec_dead_ns;               // [stats]
	struct cputime_split cputime_shown; // [stats] what was reported last

	struct rlimit rlimits[RLIM_NLIMITS]; // [alloc of the leader]; single words are read bare

	struct timer real_timer;          // [sig] ITIMER_REAL
	u64 real_interval_ns;             // [sig]
	struct spinlock timers_lock;      // of the fields from here on. Irq-safe. LOCK_POSIX_TIMER
	struct cpu_itimer cpu_itimers[2]; // [timers] VIRTUAL, PROF
	struct rb_root posix_timers;      // [timers] by id
	int next_timer_id;                // [timers]
	struct list_head cpu_timers;      // [timers] struct cpu_timer: who waits for our CPU time
	bool cpu_timers_armed;            // [timers to write] the tick must look

	s16 oom_score_adj, oom_score_adj_min; // [alloc]
	struct mutex cred_guard;              // exec against ptrace; see process/exec.c
	struct rw_semaphore exec_lock;        // held for writing while mm and creds change together
	struct rcu_head rcu;
};

// A fork that is under way: signals to several processes that arrive meanwhile are noted here and
// go to the child as well, so that none falls between the two. See process/clone.c.
struct pending_fork {
	struct list_head link;
	u64 delayed; // set of signals
};

// All processes, by their leaders' all_node. [tl write, rcu read]
extern struct list_head all_processes;

// The limit of current's process, as a bare read of one word.
static inline u64 rlimit(unsigned resource)
{
	return READ_ONCE(current->process->rlimits[resource].rlim_cur);
}

static inline bool thread_group_leader(const struct task *task)
{
	return task->exit_signal >= 0;
}

static inline bool thread_group_empty(const struct task *task)
{
	return task->process->thread_count == 1;
}

// All threads of the group of `task`, which comes too. Under tasklist_lock or rcu.
#define thread_group_for_each(pos, process) \
	list_for_each_entry_rcu (pos, &(process)->threads, thread_node)
