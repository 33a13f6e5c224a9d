// The set of namespaces of a task: references, and copies with some members replaced.

#include <cgroup/cgroup_ns.h>
#include <core/init.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/ns_common.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <ns/uts_ns.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>

static struct slab_cache *nsproxy_cache;

struct nsproxy init_nsproxy = {
	.refs = REFCOUNT_INIT(1),
	.uts = &init_uts_ns,
	.pid_for_children = &init_pid_ns,
	.cgroup = &init_cgroup_ns,
	.time = &init_time_ns,
	.time_for_children = &init_time_ns,
};

_Static_assert(offsetof(struct nsproxy, mnt) == offsetof(struct nsproxy, slot[NS_MNT]), "order");
_Static_assert(offsetof(struct nsproxy, time) == offsetof(struct nsproxy, slot[NS_TIME]), "order");

struct nsproxy *nsproxy_get(struct nsproxy *nsproxy)
{
	refcount_get(&nsproxy->refs);
	return nsproxy;
}

void nsproxy_put(struct nsproxy *nsproxy)
{
	if (!nsproxy || !refcount_put(&nsproxy->refs))
		return;
	for (int i = 0; i < NSPROXY_SLOTS; i++)
		ns_put(nsproxy->slot[i]);
	kfree_rcu(nsproxy, rcu);
}

struct nsproxy *nsproxy_alloc(void)
{
	struct nsproxy *nsproxy = slab_alloc(nsproxy_cache, GFP_KERNEL | GFP_ZERO);

	if (nsproxy)
		refcount_init(&nsproxy->refs, 1);
	return nsproxy;
}

struct nsproxy *nsproxy_copy(const struct nsproxy *old)
{
	struct nsproxy *new = nsproxy_alloc();

	for (int i = 0; new &&i < NSPROXY_SLOTS; i++) {
		if (old->slot[i])
			new->slot[i] = ns_get(old->slot[i]);
	}
	return new;
}

void nsproxy_enter_time(struct nsproxy *nsproxy)
{
	ns_put(&nsproxy->time->common);
	nsproxy->time = nsproxy->time_for_children;
	ns_get(&nsproxy->time->common);
	time_ns_freeze(nsproxy->time);
}

struct nsproxy *task_nsproxy_get(struct task *task)
{
	spin_lock(&task->alloc_lock);
	struct nsproxy *nsproxy = task->nsproxy ? nsproxy_get(task->nsproxy) : NULL;
	spin_unlock(&task->alloc_lock);
	return nsproxy;
}

void nsproxy_init(void)
{
	nsproxy_cache = slab_cache_create("nsproxy", sizeof(struct nsproxy), 0,
					  SLAB_PANIC | SLAB_HWALIGN | SLAB_ACCOUNT, NULL);
}

static int nsproxy_module_init(void)
{
	nsproxy_init();
	return 0;
}
INITCALL(EARLY, nsproxy_module_init);
