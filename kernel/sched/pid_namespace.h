// Pid namespaces: trees of process numbers. The numbers themselves are in pid.c; how a namespace
// is made for clone and how it dies with its init is in ns/pid_ns.c and process/exit.c.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <sched/pid.h>

struct ns_common;
struct user_ns;

#define PID_MAP_PAGE_BITS (PAGE_SIZE * 8)
#define PID_MAP_PAGES     (PID_MAX_LIMIT / PID_MAP_PAGE_BITS)

// Legend: [I] immutable, [pid_lock] in pid.c, [tl] tasklist_lock.
struct pid_namespace {
	struct refcount refs;
	u32 level;                    // [I] 0 for the first
	struct pid_namespace *parent; // [I] counted
	struct user_ns *user_ns;      // [I] counted: owner
	u64 inode_nr;                 // [I] identity in /proc/PID/ns
	unsigned long
		*map[PID_MAP_PAGES]; // [pid_lock] bit set = number in use; pages made on demand
	int last;            // [pid_lock] last number given out; /proc/sys/kernel/ns_last_pid
	int pid_max;         // [pid_lock] numbers are below it
	int allocated;       // [pid_lock] numbers in use
	bool closed;         // [pid_lock] init has died: no new numbers
	struct task *reaper; // [tl write, rcu read] init of the namespace
	struct task *zapper; // [pid_lock] dying init, woken as the others go
	int reboot_code;     // [tl] signal that its init appears killed by
	void *proc_root;     // for procfs
	struct rcu_head rcu;
};

struct pid_namespace *pid_namespace_get(struct pid_namespace *ns);

// Drops a reference; the last one frees the namespace and drops its parent's. Registered from
// above: what else must go with it (its owner's reference) is done by pid_namespace_release.
void pid_namespace_put(struct pid_namespace *ns);
extern void (*pid_namespace_release)(struct pid_namespace *ns);

// Makes an empty namespace below `parent`. -ENOSPC beyond the depth limit, -ENOMEM.
int pid_namespace_create(struct pid_namespace *parent, struct pid_namespace **out);

// No more numbers: fork into it fails with ENOMEM from now on.
void pid_namespace_close(struct pid_namespace *ns);

// The smallest number in use that is >= nr, as a pid; NULL at the end. Within rcu.
struct pid *pid_find_from(int nr, struct pid_namespace *ns);

// Whether `ns` is `ancestor` or lies below it.
bool pid_namespace_within(const struct pid_namespace *ns, const struct pid_namespace *ancestor);

// Last number given out, and to set it (CAP_CHECKPOINT_RESTORE is checked by the caller).
int pid_namespace_last(struct pid_namespace *ns);
int pid_namespace_set_last(struct pid_namespace *ns, int last);

void pid_init(void);
