// Making tasks: what clone, clone3, fork, vfork and the first process have in common.
#pragma once

#include <lib/base.h>
#include <sched/pid.h>
#include <sched/task.h>

// A clone call, decoded. User addresses are u64.
struct clone_request {
	u64 flags;
	bool clone3;
	int exit_signal; // 0 = none
	u64 pidfd;       // where to store the descriptor (CLONE_PIDFD)
	u64 child_tid, parent_tid;
	u64 stack; // new stack pointer; 0 = keep the parent's
	u64 tls;
	int set_tid[PID_NS_MAX_LEVEL + 1]; // innermost first
	unsigned set_tid_count;
	int cgroup; // descriptor (CLONE_INTO_CGROUP)
};

// Clones current. Returns the child's thread id in current's pid namespace, or an errno. With
// CLONE_VFORK it returns when the child has exec'd or exited, or current is killed.
// Context: a system call, no locks. See clone(2).
long task_clone(const struct clone_request *request);

// Starts the first process, as a kernel thread that runs fn(arg) with everything that a user
// process has, so that it can exec. Panics when that cannot be.
void process_start_init(int (*fn)(void *), void *arg);

// Tasks alive, the most that there may be, and how many were ever made (/proc/stat).
int tasks_count(void);
#define THREADS_MAX_LIMIT 1073741823 // the numbers that a futex word has room for
int tasks_max(void);
u64 tasks_total_forks(void);
int tasks_set_max(int max);

// mm_release: what a task does for its memory when it leaves it by exec or exit: robust futexes,
// clear_child_tid, the waiting vfork parent. Context: current, may sleep.
void task_release_mm(struct task *task, bool exiting);

void clone_init(void);
