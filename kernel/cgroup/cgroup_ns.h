// Cgroup namespaces: which group is the root of the tree that a task sees.
#pragma once

#include <lib/base.h>
#include <sched/ns_common.h>

struct cgroup;
struct user_ns;

struct cgroup_ns {
	struct ns_common common;
	struct cgroup *root; // [I] counted
};

extern struct cgroup_ns init_cgroup_ns;

static inline struct cgroup_ns *cgroup_ns_get(struct cgroup_ns *ns)
{
	ns_get(&ns->common);
	return ns;
}
// -ENOMEM, -ENOSPC.
int cgroup_ns_create(struct cgroup *root, struct user_ns *owner, struct cgroup_ns **out);
