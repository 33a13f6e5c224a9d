// What the files of process/ share among themselves.
#pragma once

#include <process/resources.h>
#include <sched/process.h>
#include <sched/task.h>

// The functions that the table in resources.c names, by resource.
void *cred_resource_get(void *value);
int cred_resource_dup(void *value, struct resource_context *context, void **copy);
void cred_resource_put(void *value);
void cred_resource_switched(void *old, void *value);

void *files_resource_get(void *value);
int files_resource_dup(void *value, struct resource_context *context, void **copy);
void files_resource_put(void *value);
bool files_resource_is_shared(void *value);

void *fs_resource_get(void *value);
int fs_resource_dup(void *value, struct resource_context *context, void **copy);
void fs_resource_put(void *value);
bool fs_resource_is_shared(void *value);

void *sighand_resource_get(void *value);
int sighand_resource_dup(void *value, struct resource_context *context, void **copy);
void sighand_resource_put(void *value);
bool sighand_resource_is_shared(void *value);

void *process_resource_get(void *value);
int process_resource_dup(void *value, struct resource_context *context, void **copy);
void process_resource_put(void *value);
bool process_resource_is_shared(void *value);

void *mm_resource_get(void *value);
int mm_resource_dup(void *value, struct resource_context *context, void **copy);
void mm_resource_put(void *value);
bool mm_resource_is_shared(void *value);

void *io_resource_get(void *value);
int io_resource_dup(void *value, struct resource_context *context, void **copy);
void io_resource_put(void *value);
// What ioprio_set(2) has set, 0 if nothing. (io_context.c)
int io_priority_get(struct task *task);
// -ENOMEM, -ESRCH: the task is on its way out. Does not sleep.
int io_priority_set(struct task *task, u16 priority);

int undo_resource_create(void **value);
void *undo_resource_get(void *value);
int undo_resource_dup(void *value, struct resource_context *context, void **copy);
void undo_resource_put(void *value);

void *cgroup_resource_get(void *value);
int cgroup_resource_dup(void *value, struct resource_context *context, void **copy);
void cgroup_resource_put(void *value);

void *nsproxy_resource_get(void *value);
int nsproxy_resource_dup(void *value, struct resource_context *context, void **copy);
void nsproxy_resource_put(void *value);
void nsproxy_resource_switched(void *old, void *value);

// Whether a child cannot have the same set, whatever the flags of the clone say.
bool nsproxy_resource_differs(const void *value, u64 flags);
// exec: current enters the time namespace that its children would be in. -ENOMEM. (namespaces.c)
int exec_enter_time_ns(void);

// A process with one thread to come. NULL: no memory. (process.c)
struct process *process_alloc(void);
struct process *process_get(struct process *process);
void process_put(struct process *process);

// Takes a thread off the list of its process, and adds what it has used to what is kept there, so that
// nobody counts it twice. tasklist_lock written. (accounting.c)
void usage_take_thread(struct process *process, struct task *task);
// Adds a reaped child's usage, and that of its children, to its parent's. (accounting.c)
void usage_add_child(struct process *parent, struct process *child);

// Takes a dead task out of the tables and drops what is left of it. tasklist_lock not held.
// (release.c)
void task_release(struct task *task);

// The scheduler's task_free hook. (release.c)
void task_free_resources(struct task *task);
// Tells the parent of a leader whose last thread has gone. Returns whether nobody will wait for it.
// tasklist_lock written. (exit.c)
bool exit_notify_leader_locked(struct task *leader);
// Exchanges pid, list places and parentage of current and the dead leader of its group, for exec.
// tasklist_lock written. (release.c)
void task_swap_identity(struct task *leader);

// Writes a core file of current, if its limit and its memory allow. Whether one was. (coredump.c)
struct siginfo;
bool coredump_write(const struct siginfo *info);

// The leader of a session goes: its terminal is free. (death.c)
void session_leave_tty(struct task *task);

// Whether the process group would be left without anybody to continue it if `ignored` goes.
// tasklist_lock held. (pgrp.c)
bool pgrp_will_be_orphaned(struct pid *pgrp, struct task *ignored);
// After `parent_before` (NULL: the task itself) went: if that orphaned the group of `task`, and it
// has stopped members, they get SIGHUP and SIGCONT. tasklist_lock written. (pgrp.c)
void pgrp_check_orphaned(struct task *task, struct task *parent_before);

extern struct atomic task_count; // tasks that exist, zombies included (clone.c)

// For the descriptors of a task that is taken out of the tables. tasklist_lock written. (pidfd_info.c)
void pid_note_end(struct task *task);
