// IPC namespaces: made empty by clone and unshare, gone with the last task or open file that is in
// them, and all objects with them.

#include <core/init.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#include "ipc_ns.h"
#include "mqueue.h"

static struct slab_cache *ipc_ns_cache;

struct ipc_ns init_ipc_ns;

struct ipc_ns *ipc_ns_get(struct ipc_ns *ns)
{
	refcount_get(&ns->common.refs);
	return ns;
}

void ipc_ns_put(struct ipc_ns *ns)
{
	ns_put(&ns->common);
}

static void ipc_ns_free(struct ns_common *common)
{
	struct ipc_ns *ns = (struct ipc_ns *)common;

	mqueue_ns_destroy(ns);
	for (int i = 0; i < IPC_KINDS; i++)
		ipc_ids_destroy(&ns->ids[i]);
	ns_common_end(common);
	slab_free(ipc_ns_cache, ns);
}

const struct ns_kind ipc_ns_kind = {
	.type = NS_IPC,
	.name = "ipc",
	.flag = CLONE_NEWIPC,
	.free = ipc_ns_free,
};
_Static_assert(offsetof(struct ipc_ns, common) == 0, "see ns_common.h");

struct ipc_ns *ipc_ns_current(void)
{
	return current->nsproxy->ipc;
}

static void set_up(struct ipc_ns *ns)
{
	ns->shm_max = ns->shm_all = ~0ul - (1ul << 24);
	ns->sem_per_set = 32000;
	ns->sem_all = 32000u * 32000u;
	ns->sem_ops = 500;
	ns->msg_max = 8192;
	ns->msg_queue_bytes = 16384;
	ns->mqueue = (struct mqueue_limits){256, 10, 8192, 10, 8192};
	ipc_ids_init(&ns->ids[IPC_SHM], &shm_kind, 4096);
	ipc_ids_init(&ns->ids[IPC_SEM], &sem_kind, 32000);
	ipc_ids_init(&ns->ids[IPC_MSG], &msg_kind, 32000);
}

int ipc_ns_create(struct user_ns *owner, struct ipc_ns **out)
{
	struct ipc_ns *ns = slab_alloc(ipc_ns_cache, GFP_KERNEL | GFP_ZERO);

	if (!ns)
		return -ENOMEM;
	int error = ns_common_init(&ns->common, &ipc_ns_kind, owner);
	if (error) {
		slab_free(ipc_ns_cache, ns);
		return error;
	}
	set_up(ns);
	ns->maker_uid = current_cred()->fsuid;
	ns->maker_gid = current_cred()->fsgid;
	*out = ns;
	return 0;
}

static int ipc_init(void)
{
	ipc_ns_cache = slab_cache_create("ipc_ns", sizeof(struct ipc_ns), 0,
					 SLAB_PANIC | SLAB_ACCOUNT, NULL);
	set_up(&init_ipc_ns);
	init_ipc_ns.common = (struct ns_common){.refs = REFCOUNT_INIT(1),
						.kind = &ipc_ns_kind,
						.number = 0xefffffffu, // PROC_IPC_INIT_INO
						.owner = &init_user_ns};
	init_nsproxy.ipc = &init_ipc_ns;
	return 0;
}
INITCALL(EARLY, ipc_init);
