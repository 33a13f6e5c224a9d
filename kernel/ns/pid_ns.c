// Pid namespaces as namespaces: owner, limits, hierarchy.

#include <core/init.h>
#include <ns/ns_common.h>
#include <ns/pid_ns.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

static void pid_ns_free(struct ns_common *common)
{
	struct pid_namespace *ns = (struct pid_namespace *)common;

	for (;;) { // and all above that nobody else holds: a loop, for they may be 32
		struct pid_namespace *parent = ns->parent;

		ns_common_end(&ns->common);
		pid_namespace_free(ns);
		if (!refcount_put(&parent->common.refs))
			return;
		ns = parent;
	}
}

static struct ns_common *parent_of(struct ns_common *common)
{
	struct pid_namespace *parent = ((struct pid_namespace *)common)->parent;

	return parent ? &parent->common : NULL;
}

const struct ns_kind pid_ns_kind = {
	.type = NS_PID,
	.name = "pid",
	.flag = CLONE_NEWPID,
	.free = pid_ns_free,
	.parent = parent_of,
};
_Static_assert(offsetof(struct pid_namespace, common) == 0, "see ns_common.h");

int pid_ns_create(struct pid_namespace *parent, struct user_ns *owner, struct pid_namespace **out)
{
	if (!user_ns_within(owner, parent->common.owner))
		return -EINVAL;
	if (parent->level + 1 > PID_NS_MAX_LEVEL)
		return -ENOSPC;
	struct pid_namespace *ns = pid_namespace_alloc(parent);
	int error = ns ? ns_common_init(&ns->common, &pid_ns_kind, owner) : -ENOMEM;
	if (error) {
		if (ns)
			pid_namespace_free(ns);
		return error;
	}
	pid_namespace_get(parent);
	*out = ns;
	return 0;
}

static int pid_ns_init(void)
{
	init_pid_ns.common.kind = &pid_ns_kind;
	init_pid_ns.common.number = 0xeffffffcu; // PROC_PID_INIT_INO
	init_pid_ns.common.owner = &init_user_ns;
	return 0;
}
INITCALL(EARLY, pid_ns_init);
