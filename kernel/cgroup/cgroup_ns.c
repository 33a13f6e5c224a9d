// Cgroup namespaces. Paths of groups are told as seen from the namespace's root, and mounts show
// what is below it.

#include <cgroup/cgroup.h>
#include <cgroup/cgroup_ns.h>
#include <mm/slab.h>
#include <ns/ns_common.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

struct cgroup_ns init_cgroup_ns = {
	.common = {.refs = REFCOUNT_INIT(1),
		   .kind = &cgroup_ns_kind,
		   .number = 0xeffffffbu, // PROC_CGROUP_INIT_INO
		   .owner = &init_user_ns},
	.root = &cgroup_root,
};

static void cgroup_ns_free(struct ns_common *common)
{
	struct cgroup_ns *ns = container_of(common, struct cgroup_ns, common);

	cgroup_put(ns->root);
	ns_common_end(common);
	kfree(ns);
}

const struct ns_kind cgroup_ns_kind = {
	.type = NS_CGROUP,
	.name = "cgroup",
	.flag = CLONE_NEWCGROUP,
	.free = cgroup_ns_free,
};
_Static_assert(offsetof(struct cgroup_ns, common) == 0, "see ns_common.h");

int cgroup_ns_create(struct cgroup *root, struct user_ns *owner, struct cgroup_ns **out)
{
	struct cgroup_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	int error = ns_common_init(&ns->common, &cgroup_ns_kind, owner);
	if (error) {
		kfree(ns);
		return error;
	}
	ns->root = cgroup_get(root);
	*out = ns;
	return 0;
}
