// Pid namespaces: trees of process numbers. The numbers themselves are in pid.c; how a namespace
// is made for clone and how it dies with its init is in ns/pid_ns.c and process/exit.c.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <sched/ns_common.h>
#include <sched/pid.h>

struct user_ns;

#define PID_MAP_PAGE_BITS (PAGE_SIZE * 8)
#define PID_MAP_PAGES     (PID_MAX_LIMIT / PID_MAP_PAGE_BITS)

// Legend: [I] immutable, [pid_lock] in pid.c, [tl] tasklist_lock.
struct pid_namespace {
	struct ns_common common;
	u32 level;                    // [I] 0 for the first
	struct pid_namespace *parent; // [I] counted
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

void pid_namespace_put(struct pid_namespace *ns);

// An empty namespace below `parent`, whose common part is yet to be filled in. NULL: no memory.
// See ns/pid_ns.h for the whole.
struct pid_namespace *pid_namespace_alloc(struct pid_namespace *parent);
// Frees it after a grace period. Its parent's reference is not touched.
void pid_namespace_free(struct pid_namespace *ns);

// No more numbers: fork into it fails with ENOMEM from now on.
void pid_namespace_close(struct pid_namespace *ns);

// The smallest number in use that is >= nr, as a pid; NULL at the end. Within rcu.
struct pid *pid_find_from(int nr, struct pid_namespace *ns);

// Whether `ns` is `ancestor` or lies below it.
bool pid_namespace_within(const struct pid_namespace *ns, const struct pid_namespace *ancestor);

// Last number given out, and to set it (CAP_CHECKPOINT_RESTORE is checked by the caller).
int pid_namespace_last(struct pid_namespace *ns);
int pid_namespace_set_last(struct pid_namespace *ns, int last);
// Where numbers end from now on; those in use stay. -EINVAL.
int pid_namespace_set_max(struct pid_namespace *ns, u64 max);

void pid_init(void);
