// Credentials: who a task is and what it may. A struct cred never changes once a task has it:
// a change is made to a copy, which then replaces it.
#pragma once

#include <core/rcu.h>
#include <core/refcount.h>
#include <lib/base.h>
#include <sched/task.h>
#include <uapi/capability.h>

struct user_ns;
struct user_counts;

// Supplementary groups, sorted, shared between credentials.
struct groups {
	struct refcount refs;
	u32 count;
	u32 gid[];
};

struct cred {
	struct refcount refs;
	u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid; // as the first user namespace counts
	u32 securebits;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	struct user_ns *user_ns;    // counted
	struct user_counts *counts; // of uid in user_ns: processes, queued signals, mqueues
	struct groups *groups;      // counted
	struct rcu_head rcu;
};

extern struct cred init_cred;

#define CAP_FULL_SET ((1ul << (CAP_LAST_CAP + 1)) - 1)

static inline const struct cred *current_cred(void)
{
	return current->cred;
}

const struct cred *cred_get(const struct cred *cred);
void cred_put(const struct cred *cred);
// The objective credentials of another task, with a reference.
const struct cred *task_cred_get(struct task *task);

// A private copy of current's, to be changed and committed or thrown away. NULL: no memory.
struct cred *cred_prepare(void);
// Makes `cred` current's. Consumes it. Cannot fail.
void cred_commit(struct cred *cred);
void cred_discard(struct cred *cred);
// A copy of any credentials (clone's child). NULL: no memory.
struct cred *cred_copy(const struct cred *old);
// Sets the real uid of a private copy, and whose counts it is on. -EAGAIN: no memory.
int cred_set_user(struct cred *cred, u32 uid);
// Registered by process/: what else happens when a task's identity changes (dumpable).
extern void (*cred_dumpable_reset)(struct task *task);

// Overrides the subjective credentials for a while (access(2)).
const struct cred *cred_override(const struct cred *cred);
void cred_revert(const struct cred *old);

// Whether current has the capability over objects of `ns` (of the first user namespace).
// Marks current as having used a privilege.
bool ns_capable(struct user_ns *ns, int cap);
bool capable(int cap);
bool cred_capable(const struct cred *cred, struct user_ns *ns, int cap);

// Whether current may change how another is scheduled whose ids allow it: not if that one is permitted
// more than current, unless by CAP_SYS_NICE over it.
bool cred_may_schedule(const struct cred *other);

bool cred_in_group(const struct cred *cred, u32 gid);  // by fsgid
bool cred_in_egroup(const struct cred *cred, u32 gid); // by egid

// An unfilled set of groups, to be filled in sorted order. NULL: no memory.
struct groups *groups_alloc(u32 count);
void groups_put(struct groups *groups);

void cred_init(void);
