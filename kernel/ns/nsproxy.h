// The set of namespaces that a task lives in, but for the user namespace (in its credentials) and
// the pid namespace it is itself in (in its struct pid). Immutable once published: unshare and
// setns make a new one.
#pragma once

#include <core/rcu.h>
#include <core/refcount.h>
#include <lib/base.h>
#include <sched/ns_common.h>

struct cgroup_ns;
struct ipc_ns;
struct mnt_ns;
struct pid_namespace;
struct task;
struct time_ns;
struct uts_ns;

#define NSPROXY_TIME_FOR_CHILDREN NS_TYPES
#define NSPROXY_SLOTS             (NS_TYPES + 1)

// All members are counted. Each namespace begins with its struct ns_common, so that the same
// pointers can be walked by kind.
struct nsproxy {
	struct refcount refs;
	union {
		struct ns_common *slot[NSPROXY_SLOTS]; // by enum ns_type
		struct {
			void *none; // NS_USER: see struct cred
			struct mnt_ns *mnt;
			struct uts_ns *uts;
			struct ipc_ns *ipc;
			struct pid_namespace *pid_for_children;
			struct cgroup_ns *cgroup;
			struct time_ns *time, *time_for_children;
		};
	};
	struct rcu_head rcu;
};

extern struct nsproxy init_nsproxy;

struct nsproxy *nsproxy_get(struct nsproxy *nsproxy);
void nsproxy_put(struct nsproxy *nsproxy);
// Zeroed, with one reference; members are filled in by the caller. NULL: no memory.
struct nsproxy *nsproxy_alloc(void);
// The same namespaces in a new set, to be changed. NULL: no memory.
struct nsproxy *nsproxy_copy(const struct nsproxy *old);
// In a set that nobody else has: the time namespace that was for children becomes its own.
void nsproxy_enter_time(struct nsproxy *nsproxy);
// The set that a task has now, with a reference; NULL if it has exited.
struct nsproxy *task_nsproxy_get(struct task *task);
void nsproxy_init(void);
