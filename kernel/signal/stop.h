// Job control: stopping and continuing whole processes.
#pragma once

#include <signal/signal.h>

// task.job_control, under sighand->lock.
enum job_control {
	JOB_STOP_DEQUEUED = 1 << 0, // a stop signal was taken; SIGCONT since then clears it
	JOB_STOP_PENDING = 1 << 1,  // this thread is to stop
	JOB_STOP_CONSUME = 1 << 2,  // ...and counts in group_stop_count
	JOB_FREEZE = 1 << 3,        // the cgroup freezer wants this thread to stand still
	JOB_CONTROL_PENDING = JOB_STOP_PENDING,
};

// What sending a signal does at once, before it is queued: SIGCONT continues, and removes stop
// signals that wait; a stop signal removes SIGCONT. Returns whether to send it at all.
// sighand->lock held.
bool signal_prepare_locked(struct task *task, int sig);

// Current has taken a stop signal: all threads of its process are to stop. Returns false if it was
// overtaken by SIGCONT or SIGKILL. sighand->lock held.
bool group_stop_begin_locked(int sig);

// Stops current if it is to. Called without locks; returns when it was continued.
// Whether it stopped.
bool group_stop_participate(void);

// After a continuation: the parent is still to be told. Called by a thread on its way to user mode,
// sighand->lock held; drops and retakes it. Returns whether it told.
bool group_continue_notify_locked(struct sighand *sighand);

// Kills all threads but `except` (NULL: all), waking them. sighand->lock held.
void signal_kill_threads_locked(struct process *process, struct task *except);
