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
	struct user_ns *user_ns;      // counted
	struct user_counts *counts;   // of uid in user_ns: processes, queued signals, mqueues
	struct groups *groups;        // counted
	struct rcu_head rcu;
};

extern struct cred init_cred;

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

// Overrides the subjective credentials for a while (access(2)).
const struct cred *cred_override(const struct cred *cred);
void cred_revert(const struct cred *old);

// Whether current has the capability over objects of `ns` (of the first user namespace).
// Marks current as having used a privilege.
bool ns_capable(struct user_ns *ns, int cap);
bool capable(int cap);
bool cred_capable(const struct cred *cred, struct user_ns *ns, int cap);

bool cred_in_group(const struct cred *cred, u32 gid);
