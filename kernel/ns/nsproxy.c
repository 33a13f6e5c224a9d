// The set of namespaces of a task: references, and copies with some members replaced.

#include <core/init.h>
#include <core/atomic.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/ns_inode.h>
#include <ns/nsproxy.h>
#include <ns/uts_ns.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>

static struct slab_cache *nsproxy_cache;
static struct atomic64 next_inode = {0xf0000000l};

struct nsproxy init_nsproxy = {
	.refs = REFCOUNT_INIT(1),
	.uts = &init_uts_ns,
	.pid_for_children = &init_pid_ns,
};

// Registered by the owners of the contents (the mounts are fs').
void (*nsproxy_mnt_put)(struct mnt_ns *ns);
void (*nsproxy_ipc_put)(struct ipc_ns *ns);

u64 ns_inode_next(void)
{
	return (u64)atomic64_add_return(&next_inode, 1);
}

struct nsproxy *nsproxy_get(struct nsproxy *nsproxy)
{
	refcount_get(&nsproxy->refs);
	return nsproxy;
}

void nsproxy_put(struct nsproxy *nsproxy)
{
	if (!nsproxy || !refcount_put(&nsproxy->refs))
		return;
	uts_ns_put(nsproxy->uts);
	if (nsproxy->mnt && nsproxy_mnt_put)
		nsproxy_mnt_put(nsproxy->mnt);
	if (nsproxy->ipc)
		nsproxy_ipc_put(nsproxy->ipc);
	pid_namespace_put(nsproxy->pid_for_children);
	kfree_rcu(nsproxy, rcu);
}

struct nsproxy *nsproxy_alloc(void)
{
	struct nsproxy *nsproxy = slab_alloc(nsproxy_cache, GFP_KERNEL | GFP_ZERO);

	if (nsproxy)
		refcount_init(&nsproxy->refs, 1);
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
