// Timers of a process that send signals.
#pragma once

#include <sched/process.h>
#include <signal/clocks.h>

struct queued_signal;
struct siginfo;

// --- Life of a process ---

void process_timers_init(struct process *process);
// The last thread goes: nothing fires any more, and nobody waits for its CPU time.
void process_timers_exit(struct process *process);
void process_timers_exec(void); // timer_create's of current go, setitimer's stay
// RLIMIT_CPU or RLIMIT_RTTIME was set, or inherited.
void process_cpu_limit_changed(struct process *process);

// --- Whoever waits for a CPU clock to reach a time ---

// Guarded by timers_lock of the process whose time it is.
struct cpu_timer {
	struct list_head link;
	struct cpu_clock clock;  // [I]
	struct process *process; // on whose list it is; NULL: not armed
	u64 expires_ns;
	// Called once when the time has come, or (`gone`) when its owner will use no more time. The
	// timer is not armed then. Task context, no locks.
	void (*fire)(struct cpu_timer *timer, bool gone);
};
// -ESRCH: the owner is gone. Not while it is armed.
int cpu_timer_arm(struct cpu_timer *timer, u64 expires_ns);
// Whether it was armed: then fire() is not called.
bool cpu_timer_disarm(struct cpu_timer *timer);
// On the way to user mode, after a tick while something counts current's CPU time.
void cpu_timers_run(void);
// Recomputes whether the tick must look. timers_lock held.
void cpu_timers_update_locked(struct process *process);

// --- Interval timers (setitimer) ---

// Exchanges the value and the interval of a timer of current, in nanoseconds; `new` NULL only reads.
// -EINVAL: no such timer.
int itimer_exchange(int which, const u64 new[2], u64 old[2]);
// SIGALRM is being delivered: the next period begins. sighand->lock held.
void real_timer_taken_locked(struct process *process);

// --- timer_create ---

// A timer's signal was taken from a queue: counts overruns, starts the next period. Whether it is
// to be delivered: not if the timer was set anew or deleted meanwhile. No locks. Drops the queue's
// reference.
bool posix_timer_signal_taken(struct queued_signal *entry, struct siginfo *info);
// The queue forgets an entry. sighand->lock held.
void posix_timer_signal_dropped(struct queued_signal *entry);
// The signal is no longer ignored: timers of current whose signal was dropped go on.
void posix_timers_unignore(int sig);
void posix_timers_delete_all(struct process *process);
