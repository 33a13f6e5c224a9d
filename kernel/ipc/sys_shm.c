// shmget(2), shmat(2), shmdt(2), shmctl(2).

#include <core/printk.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <syscall/define.h>
#include <uapi/errno.h>

#include "shm.h"

SYSCALL3(shmget, int, key, size_t, size, int, flags)
{
	struct ipc_ns *ns = ipc_ns_current();

	if (flags & SHM_HUGETLB) {
		printk_ratelimited(LOG_INFO, "%s: shmget: SHM_HUGETLB is not implemented\n",
				   current->name);
		return -EINVAL;
	}
	return ipc_get(ns, &ns->ids[IPC_SHM], key, size, flags);
}

SYSCALL3(shmat, int, id, u64, address, int, flags)
{
	struct ipc_object *object = ipc_find(&ipc_ns_current()->ids[IPC_SHM], id);
	u64 at;

	if (IS_ERR(object))
		return PTR_ERR(object);
	long error = shm_attach(container_of(object, struct shm_segment, object), address, flags,
				&at);
	return error ?: (long)at;
}

SYSCALL1(shmdt, u64, address)
{
	return shm_detach(address);
}

// --- shmctl ---

static long give_limits(struct ipc_ns *ns, u64 out)
{
	struct shminfo64 info = {
		.shmmax = ns->shm_max,
		.shmmin = 1,
		.shmmni = ns->ids[IPC_SHM].max,
		.shmseg = ns->ids[IPC_SHM].max,
		.shmall = ns->shm_all,
	};

	return copy_to_user(out, &info, sizeof(info)) ?: ipc_max_index(&ns->ids[IPC_SHM]);
}

static long give_usage(struct ipc_ns *ns, u64 out)
{
	struct ipc_ids *ids = &ns->ids[IPC_SHM];
	struct shm_info info = {.used_ids = ids->used, .shm_tot = atomic64_read(&ns->shm_pages)};

	for (u32 i = 0; i < ids->size; i++) {
		struct ipc_object *object = ipc_find_index(ids, i);

		if (!object)
			continue;
		info.shm_rss += shm_resident(container_of(object, struct shm_segment, object));
		ipc_object_put(object);
	}
	return copy_to_user(out, &info, sizeof(info)) ?: ipc_max_index(ids);
}

static long give_status(struct shm_segment *segment, u64 out)
{
	struct shmid64_ds status = {.shm_segsz = segment->size};

	spin_lock(&segment->object.lock);
	ipc_perm_show(&segment->object, &status.shm_perm);
	status.shm_atime = segment->atime;
	status.shm_dtime = segment->dtime;
	status.shm_ctime = segment->object.ctime;
	status.shm_cpid = pid_vnr(segment->maker);
	status.shm_lpid = segment->last ? pid_vnr(segment->last) : 0;
	status.shm_nattch = segment->attached;
	spin_unlock(&segment->object.lock);
	return copy_to_user(out, &status, sizeof(status));
}

// There is no swap, so a locked segment differs from others by what is told of it only.
static long lock_segment(struct ipc_ns *ns, struct shm_segment *segment, bool lock)
{
	u32 euid = current_cred()->euid;

	if (!ns_capable(ns->common.owner, CAP_IPC_LOCK)) {
		if (euid != segment->object.uid && euid != segment->object.cuid)
			return -EPERM;
		if (lock && !rlimit(RLIMIT_MEMLOCK))
			return -EPERM;
	}
	spin_lock(&segment->object.lock);
	if (lock)
		segment->object.mode |= SHM_LOCKED;
	else
		segment->object.mode &= ~SHM_LOCKED;
	spin_unlock(&segment->object.lock);
	return 0;
}

static long set_status(struct ipc_ns *ns, struct shm_segment *segment, u64 in)
{
	struct shmid64_ds status;

	if (copy_from_user(&status, in, sizeof(status)))
		return -EFAULT;
	long error = ipc_may_control(ns, &segment->object);
	if (error)
		return error;
	spin_lock(&segment->object.lock);
	error = ipc_perm_set(&segment->object, &status.shm_perm);
	spin_unlock(&segment->object.lock);
	return error;
}

static long remove_segment(struct ipc_ns *ns, struct shm_segment *segment)
{
	long error = ipc_may_control(ns, &segment->object);

	if (!error)
		shm_remove(segment);
	return error;
}

static long control(struct ipc_ns *ns, struct shm_segment *segment, int command, u64 buffer)
{
	long error = 0;

	switch (command) {
	case IPC_STAT:
	case SHM_STAT:
		error = ipc_permission(ns, &segment->object, 0444);
		if (error)
			return error;
		return give_status(segment, buffer) ?: command == IPC_STAT ? 0 : segment->object.id;
	case SHM_STAT_ANY:
		return give_status(segment, buffer) ?: segment->object.id;
	case IPC_SET:
		return set_status(ns, segment, buffer);
	case IPC_RMID:
		return remove_segment(ns, segment);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return lock_segment(ns, segment, command == SHM_LOCK);
	}
	return -EINVAL;
}

SYSCALL3(shmctl, int, id, int, command, u64, buffer)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_ids *ids = &ns->ids[IPC_SHM];
	bool by_index = command == SHM_STAT || command == SHM_STAT_ANY;

	if (command < 0 || id < 0)
		return -EINVAL;
	if (command == IPC_INFO)
		return give_limits(ns, buffer);
	if (command == SHM_INFO)
		return give_usage(ns, buffer);
	struct ipc_object *object = by_index ? ipc_find_index(ids, id) : ipc_find(ids, id);
	if (!object)
		return -EINVAL;
	if (IS_ERR(object))
		return PTR_ERR(object);
	long result = control(ns, container_of(object, struct shm_segment, object), command,
			      buffer);
	ipc_object_put(object);
	return result;
}
