// Timers of a process that send signals.
#pragma once

#include <sched/process.h>

void process_timers_init(struct process *process);
void process_timers_exit(struct process *process); // the last thread goes
void process_timers_exec(struct process *process); // timer_create's go, setitimer's stay
void process_cpu_limit_changed(struct process *process);

// ITIMER_REAL: nanoseconds, 0 = off; the old setting is stored.
void real_timer_set(struct process *process, u64 value_ns, u64 interval_ns, u64 *old_value,
		    u64 *old_interval);
