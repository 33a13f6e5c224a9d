// Process identifiers: one struct pid stands for a number in each pid namespace from its own up
// to the first one, and for the tasks, process groups and sessions that bear it.
#pragma once

#include <core/rcu.h>
#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <lib/list.h>
#include <sched/task.h>
#include <sched/wait.h>

struct cred;
struct user_ns;
struct work;

#define PID_MAX_DEFAULT  32768
#define PID_MAX_LIMIT    (4 * 1024 * 1024)
#define PID_NS_MAX_LEVEL 32
#define PID_RESERVED     300 // where the search wraps to, as on Linux

struct pid_namespace;

// A pid as one namespace sees it.
struct pid_number {
	int nr;
	struct pid_namespace *ns;
	struct hlist_node hash_node; // [pid_lock, rcu]
};

// Legend: [I] immutable, [tl] tasklist_lock, [pid_lock] in pid.c.
// How the task with that number ended.
struct pid_end {
	bool known;
	s32 exit_code;
	u64 cgroup;
};

struct pid {
	struct refcount refs;
	u32 level;                              // [I] of the namespace it was made in
	struct hlist_head tasks[PIDTYPE_COUNT]; // [tl write, rcu read] task.pid_links
	struct wait_queue wait_pidfd;           // pollers of pidfds
	struct pid_end end;                     // [tl] once it has been reaped
	u64 inode_nr;                           // [I] what fstat of a pidfd shows
	struct rcu_head rcu;
	struct pid_number numbers[]; // [I] level + 1 of them
};

extern struct pid_namespace init_pid_ns;

// Makes a pid in `ns` and all its ancestors. set_tid, if n > 0, asks for given numbers, innermost
// first (clone3); the caller has checked that each may be asked for. Errors: -EAGAIN no number left,
// -ENOMEM (also when the namespace's init has died), -EEXIST number in use. May sleep; no locks.
int pid_alloc(struct pid_namespace *ns, const int *set_tid, unsigned n, struct pid **out);

// Makes the numbers free again and drops the reference that pid_alloc() gave.
void pid_free(struct pid *pid);

struct pid *pid_get(struct pid *pid); // NULL is let through
void pid_put(struct pid *pid);

// Finds the pid with that number in `ns`; no reference is taken: call within rcu.
struct pid *pid_find(int nr, struct pid_namespace *ns);
// The same in current's namespace, with a reference; NULL if there is none.
struct pid *pid_find_get(int nr);
struct pid *pid_find_get_ns(int nr, struct pid_namespace *ns);

// First task that bears `pid` as `type`. Within rcu or under tasklist_lock.
struct task *pid_task(const struct pid *pid, enum pid_type type);
// The same with a reference to the task.
struct task *pid_task_get(struct pid *pid, enum pid_type type);
// The task with that thread id in current's namespace. Within rcu.
struct task *task_find(int nr);

// The number of `pid` in `ns`, or 0 when it is not visible there.
int pid_nr_ns(const struct pid *pid, const struct pid_namespace *ns);
// As current's pid namespace sees it.
int pid_vnr(const struct pid *pid);
// As the first namespace sees it.
int pid_nr(const struct pid *pid);

struct pid_namespace *task_active_pid_ns(const struct task *task);
int task_nr_ns(const struct task *task, enum pid_type type, const struct pid_namespace *ns);
int task_pid_vnr(const struct task *task);
int task_tgid_vnr(const struct task *task);
int task_pid_nr(const struct task *task);
int task_tgid_nr(const struct task *task);

// Links, unlinks and moves a task to the list of those that bear its pid. tasklist_lock written.
void pid_attach(struct task *task, enum pid_type type, struct pid *pid);
void pid_detach(struct task *task, enum pid_type type);
void pid_change(struct task *task, enum pid_type type, struct pid *pid);

// `heir` takes the place of the thread-group leader `leader`: the leader's PID becomes heir's and
// the other way round, and heir bears TGID, PGID and SID. tasklist_lock written; for exec.
void pid_swap_tasks(struct task *leader, struct task *heir);

struct pid *task_pgrp(const struct task *task);    // under tasklist_lock or rcu
struct pid *task_session(const struct task *task); // under tasklist_lock or rcu

#define pid_for_each_task(pos, pid, type) \
	hlist_for_each_entry (pos, &(pid)->tasks[type], pid_links[type])
