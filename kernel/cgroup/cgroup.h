// Control groups (version 2): a tree of groups, each task in one of them. See README.md.
#pragma once

#include <core/atomic.h>
#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <lib/list.h>
#include <sched/mutex.h>
#include <sched/wait.h>

struct task;

// Controllers, as bits of cgroup.control.
enum cgroup_controllers {
	CGROUP_PIDS = 1 << 0,
	CGROUP_ALL = CGROUP_PIDS,
	CGROUP_THREADED = CGROUP_PIDS, // those that may be used within a process
};

// A file whose changes can be waited for.
struct cgroup_event {
	struct atomic count; // [a] changes so far
	struct wait_queue wait;
};

#define CGROUP_UNLIMITED INT32_MAX // of depth and descendants
#define PIDS_UNLIMITED   INT64_MAX // of tasks
#define CGROUP_NAME_MAX  255

// How many tasks there are in a group and below, zombies included; always counted, limited if the
// parent has the controller enabled.
struct cgroup_pids {
	struct atomic64 current;              // [a]
	u64 max, peak;                        // [a] single words
	struct atomic64 events, events_local; // [a] forks that failed: here or below, here
	struct atomic64 failed_here;          // [a] forks of tasks in this very group
	struct cgroup_event changed, changed_local;
};

// Legend: [I]; [a]; [tree] cgroup_tree_lock; [members] cgroup_members_lock. [tree, members]: both to
// write, either to read.
struct cgroup {
	struct refcount refs;
	struct cgroup *parent; // [I] counted; NULL: the root
	u32 level;             // [I] 0: the root
	u64 id;                // [I] that of the inode of its folder

	struct list_head children, sibling; // [tree, members] live ones, in order of age
	struct cgroup *domain;          // [tree, members] itself; threaded: that of its processes
	u32 descendants;                // [tree] live ones below
	struct atomic dying;            // [a] dead ones below that are still held
	int max_depth, max_descendants; // [tree]
	u32 control;                    // [tree] enabled for the children
	u32 threaded_children;          // [tree]
	bool dead;                      // [tree, members]

	struct list_head tasks; // [members] task.cgroup_link
	u32 task_count;         // [members] that have not exited
	u32 populated_domains;  // [members] children of this kind with tasks in or below them
	u32 populated_threaded; // [members]
	u32 child_count;        // [members] live ones

	bool freeze;         // [tree] asked for here
	bool freezing;       // [members] here or above
	bool frozen;         // [members] all tasks here and below stand still
	u32 frozen_tasks;    // [members]
	u32 frozen_children; // [members]
	struct cgroup_event events;

	struct cgroup_pids pids;
	void *node; // of the file system; freed with the group
	char name[];
};

extern struct cgroup cgroup_root;
extern struct mutex cgroup_tree_lock;
extern struct spinlock cgroup_members_lock; // with interrupts off

static inline struct cgroup *cgroup_get(struct cgroup *cgroup)
{
	if (cgroup->parent) // the root is there for ever
		refcount_get(&cgroup->refs);
	return cgroup;
}
// Any context. NULL is let through.
void cgroup_put(struct cgroup *cgroup);

// --- The tree; cgroup_tree_lock held ---

// A new group, with a reference for the tree; the caller takes one more for what it keeps. `node`:
// memory of the file system, taken on success. -EAGAIN beyond a limit, -ENODEV below a dead one,
// -ENOMEM.
int cgroup_create(struct cgroup *parent, const char *name, void *node, struct cgroup **out);
// -EBUSY: it has tasks or children.
int cgroup_destroy(struct cgroup *cgroup);
// Walks a group and all live ones below it, parents first. NULL at the end.
struct cgroup *cgroup_next(struct cgroup *at, const struct cgroup *top);
#define cgroup_for_each(at, top) for ((at) = (top); (at); (at) = cgroup_next((at), (top)))
bool cgroup_within(const struct cgroup *cgroup, const struct cgroup *ancestor);

// What kind of group it is: see cgroups(7), "threaded mode".
static inline bool cgroup_is_threaded(const struct cgroup *cgroup)
{
	return cgroup->domain != cgroup;
}
bool cgroup_is_thread_root(const struct cgroup *cgroup);
bool cgroup_is_valid_domain(const struct cgroup *cgroup);
// -EOPNOTSUPP
int cgroup_set_threaded(struct cgroup *cgroup);

u32 cgroup_available(const struct cgroup *cgroup); // controllers that can be enabled for children
// -ENOENT: not available; -EBUSY: a child uses it, or there are tasks; -EOPNOTSUPP.
int cgroup_set_control(struct cgroup *cgroup, u32 enable, u32 disable);

// --- Members ---

bool cgroup_populated(const struct cgroup *cgroup); // [tree or members]
// Whether a task may be put there. -EOPNOTSUPP, -EBUSY. cgroup_tree_lock held.
int cgroup_may_hold(const struct cgroup *cgroup);
// Moves a task, or all threads of its process; those that have exited stay. cgroup_tree_lock held.
void cgroup_migrate(struct cgroup *to, struct task *task, bool whole);
// The group that a task is in, with a reference.
struct cgroup *task_cgroup_get(struct task *task);
// Kills all that is in a group and below. cgroup_tree_lock held.
void cgroup_kill(struct cgroup *top);

// The life of a task. A child has its cgroup, counted, from its parent or from CLONE_INTO_CGROUP.
// -EAGAIN: a limit.
int cgroup_charge_child(struct task *child);
void cgroup_uncharge_child(struct task *child);
// Makes a child that is being published a member; cgroup_members_lock held, and sighand->lock.
// `chosen`: by CLONE_INTO_CGROUP; else it goes where current is, even if that has changed.
// -ENODEV: the chosen one has gone. The second cannot fail.
int cgroup_child_check_locked(const struct task *child, bool chosen);
void cgroup_child_join_locked(struct task *child, bool chosen);
void cgroup_first_task(struct task *task); // of all, into the root
// It runs no more; its place is kept for /proc.
void cgroup_task_exit(struct task *task);
void cgroup_task_release(struct task *task);

// --- The freezer (freezer.c) ---

void cgroup_freeze(struct cgroup *cgroup, bool freeze); // cgroup_tree_lock held
// Current stands still in a way that counts as frozen, until it leaves that. Members lock not held.
void cgroup_enter_frozen(void);
void cgroup_leave_frozen(void);
// Whether all is frozen may have changed. cgroup_members_lock held.
void cgroup_update_frozen_locked(struct cgroup *cgroup);
// A task is to stand still, or to go on. cgroup_members_lock held.
void cgroup_freeze_task_locked(struct task *task, bool freeze);

// --- The pids controller (pids.c) ---

int pids_charge(struct cgroup *cgroup); // -EAGAIN
void pids_uncharge(struct cgroup *cgroup);
void pids_move(struct cgroup *from, struct cgroup *to); // whatever the limits say
void pids_reset(struct cgroup *cgroup);                 // enabled or disabled: from the start
bool pids_enabled(const struct cgroup *cgroup);

// --- Names and events ---

// The path as it is seen from `root`, with "/.." for each step up. The length, or -ENAMETOOLONG.
int cgroup_path(const struct cgroup *cgroup, const struct cgroup *root, char *buffer, size_t size);
void cgroup_event_init(struct cgroup_event *event);
void cgroup_notify(struct cgroup_event *event);

// Options of the mount that concern the whole tree.
enum cgroup_options {
	CGROUP_NS_DELEGATE = 1 << 0,       // namespaces are borders that tasks do not cross
	CGROUP_PIDS_LOCAL_EVENTS = 1 << 1, // pids.events tells of this group alone
};
extern u32 cgroup_options; // [a]
u32 cgroup_count(void);
