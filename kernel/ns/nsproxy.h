// The set of namespaces that a task lives in, but for the user namespace (in its credentials) and
// the pid namespace it is itself in (in its struct pid). Immutable once published: unshare and
// setns make a new one.
#pragma once

#include <core/rcu.h>
#include <core/refcount.h>
#include <lib/base.h>

struct cgroup_ns;
struct ipc_ns;
struct mnt_ns;
struct pid_namespace;
struct time_ns;
struct uts_ns;

struct nsproxy {
	struct refcount refs;
	struct uts_ns *uts;
	struct ipc_ns *ipc;
	struct mnt_ns *mnt;
	struct pid_namespace *pid_for_children;
	struct time_ns *time, *time_for_children;
	struct cgroup_ns *cgroup;
	struct rcu_head rcu;
};

extern struct nsproxy init_nsproxy;

struct nsproxy *nsproxy_get(struct nsproxy *nsproxy);
void nsproxy_put(struct nsproxy *nsproxy);
// Zeroed, with one reference; members are filled in by the caller. NULL: no memory.
struct nsproxy *nsproxy_alloc(void);
extern void (*nsproxy_mnt_put)(struct mnt_ns *ns);
extern void (*nsproxy_ipc_put)(struct ipc_ns *ns);
void nsproxy_init(void);
