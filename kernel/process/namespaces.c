// Credentials and namespaces as clone and unshare see them: which new ones the flags ask for, in
// the right order, all or nothing. The kinds that do not exist yet are refused by name.

#include <cgroup/cgroup.h>
#include <cgroup/cgroup_ns.h>
#include <core/printk.h>
#include <fs/cgroupfs/cgroupfs.h>
#include <fs/file.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/mnt_ns.h>
#include <ipc/ipc_ns.h>
#include <ipc/undo.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/nsproxy.h>
#include <ns/pid_ns.h>
#include <ns/user_ns.h>
#include <ns/time_ns.h>
#include <ns/uts_ns.h>
#include <process/clone.h>
#include <process/clone_flags.h>
#include <process/resources.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#include "internal.h"

// --- Credentials: shared, since they never change, unless a new user namespace is asked for ---

void *cred_resource_get(void *value)
{
	return (void *)cred_get(value);
}

int cred_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct cred *cred = cred_copy(value);

	if (!cred)
		return -ENOMEM;
	if (context->flags & CLONE_NEWUSER) {
		// Who is shut in by chroot must not get the means to leave.
		int error = fs_context_is_chrooted(current->fs) ? -EPERM : user_ns_create(cred);
		if (error) {
			cred_discard(cred);
			return error;
		}
	}
	context->new_cred = cred;
	*copy = cred;
	return 0;
}

void cred_resource_put(void *value)
{
	cred_put(value);
}

void cred_resource_switched(void *old, void *value)
{
	(void)old;
	cred_commit(value); // both pointers, and the reference to the old
}

// --- The other namespaces ---

static const struct {
	u64 flag;
	const char *name;
} absent_kinds[] = {
	{CLONE_NEWNET, "CLONE_NEWNET"},
};

static int refuse_absent_kinds(u64 flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(absent_kinds); i++) {
		if (!(flags & absent_kinds[i].flag))
			continue;
		printk_ratelimited(LOG_INFO, "%s[%d]: %s is not implemented\n", current->name,
				   task_pid_nr(current), absent_kinds[i].name);
		return -EINVAL;
	}
	return 0;
}

void *nsproxy_resource_get(void *value)
{
	return nsproxy_get(value);
}

static int dup_uts(struct nsproxy *new, const struct nsproxy *old, u64 flags, struct user_ns *owner)
{
	if (flags & CLONE_NEWUTS)
		return uts_ns_dup(old->uts, owner, &new->uts);
	new->uts = uts_ns_get(old->uts);
	return 0;
}

static int dup_ipc(struct nsproxy *new, const struct nsproxy *old, u64 flags, struct user_ns *owner)
{
	if (flags & CLONE_NEWIPC)
		return ipc_ns_create(owner, &new->ipc);
	new->ipc = ipc_ns_get(old->ipc);
	return 0;
}

static int dup_pid(struct nsproxy *new, const struct nsproxy *old, u64 flags, struct user_ns *owner)
{
	if (!(flags & CLONE_NEWPID)) {
		new->pid_for_children = pid_namespace_get(old->pid_for_children);
		return 0;
	}
	// Only one step at a time: after an unshare a child must exist first.
	if (task_active_pid_ns(current) != old->pid_for_children)
		return -EINVAL;
	return pid_ns_create(old->pid_for_children, owner, &new->pid_for_children);
}

static int dup_cgroup(struct nsproxy *new, const struct nsproxy *old, u64 flags,
		      struct user_ns *owner, struct task *child)
{
	if (!(flags & CLONE_NEWCGROUP)) {
		new->cgroup = cgroup_ns_get(old->cgroup);
		return 0;
	}
	struct cgroup *root = child ? cgroup_get(child->cgroup) : task_cgroup_get(current);
	int error = cgroup_ns_create(root, owner, &new->cgroup);
	cgroup_put(root);
	return error;
}

static int dup_mnt(struct nsproxy *new, const struct nsproxy *old, u64 flags, struct user_ns *owner,
		   struct fs_context *fs)
{
	if (flags & CLONE_EMPTY_MNTNS)
		return mnt_ns_create_empty(owner, fs, &new->mnt);
	if (flags & CLONE_NEWNS)
		return mnt_ns_dup(old->mnt, owner, fs, &new->mnt);
	new->mnt = mnt_ns_get(old->mnt);
	return 0;
}

// A child with a memory of its own enters the namespace at once; one that shares ours cannot, since
// clocks are read through the memory: it does so when it execs.
static int dup_time(struct nsproxy *new, const struct nsproxy *old, u64 flags,
		    struct user_ns *owner, bool enter)
{
	int error = 0;

	if (flags & CLONE_NEWTIME)
		error = time_ns_dup(old->time_for_children, owner, &new->time_for_children);
	else
		new->time_for_children = time_ns_get(old->time_for_children);
	if (error)
		return error;
	new->time = time_ns_get(old->time);
	if (enter && new->time != new->time_for_children)
		nsproxy_enter_time(new);
	return 0;
}

bool nsproxy_resource_differs(const void *value, u64 flags)
{
	const struct nsproxy *nsproxy = value;

	return unlikely(nsproxy->time != nsproxy->time_for_children) && !(flags & CLONE_VM);
}

int nsproxy_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct nsproxy *old = value;
	const struct cred *cred = context->new_cred ?: current_cred();
	u64 flags = context->flags;

	if ((flags & (CLONE_NS_FLAGS | CLONE_NEWTIME)) &&
	    !cred_capable(cred, cred->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	// The undo list of semaphores belongs to one namespace of them.
	if (context->child && (flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM))
		return -EINVAL;
	int error = refuse_absent_kinds(flags);
	if (error)
		return error;
	struct nsproxy *new = nsproxy_alloc();
	if (!new)
		return -ENOMEM;
	struct fs_context *fs = context->new_fs ?: current->fs;
	error = dup_uts(new, old, flags, cred->user_ns);
	if (!error)
		error = dup_ipc(new, old, flags, cred->user_ns);
	if (!error)
		error = dup_pid(new, old, flags, cred->user_ns);
	if (!error)
		error = dup_cgroup(new, old, flags, cred->user_ns, context->child);
	if (!error)
		error = dup_time(new, old, flags, cred->user_ns,
				 context->child && !(flags & CLONE_VM));
	// Last, for it moves fs into the copied tree: nothing may fail after that.
	if (!error)
		error = dup_mnt(new, old, flags, cred->user_ns, fs);
	if (error) {
		nsproxy_put(new);
		return error;
	}
	*copy = new;
	return 0;
}

void nsproxy_resource_put(void *value)
{
	nsproxy_put(value);
}

void nsproxy_resource_switched(void *old, void *value)
{
	spin_lock(&current->alloc_lock);
	WRITE_ONCE(current->nsproxy, value);
	spin_unlock(&current->alloc_lock);
	nsproxy_put(old);
}

int exec_enter_time_ns(void)
{
	struct nsproxy *old = current->nsproxy, *new;

	if (old->time == old->time_for_children)
		return 0;
	new = nsproxy_copy(old);
	if (!new)
		return -ENOMEM;
	nsproxy_enter_time(new);
	resource_store(offsetof(struct task, nsproxy), new);
	return 0;
}

// --- The cgroup: that of the parent, or the one that clone3 names ---

// The parent's may change at any moment, so it is not `value` that is taken.
void *cgroup_resource_get(void *value)
{
	return value == &cgroup_root ? value : task_cgroup_get(current);
}

int cgroup_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct file *file = file_get_fd(context->request->cgroup);

	(void)value;
	if (!file)
		return -EBADF;
	int error = cgroupfs_target(file, context->flags & CLONE_THREAD, (struct cgroup **)copy);
	file_put(file);
	return error;
}

void cgroup_resource_put(void *value)
{
	cgroup_put(value);
}

// --- Undo lists of semaphores: with CLONE_SYSVSEM both have one, made if need be; else none ---

int undo_resource_create(void **value)
{
	return sem_undo_list_create((struct sem_undo_list **)value);
}

void *undo_resource_get(void *value)
{
	return sem_undo_list_get(value);
}

// What current leaves is undone, if it was the last, when its list is put.
int undo_resource_dup(void *value, struct resource_context *context, void **copy)
{
	(void)value;
	*copy = NULL;
	if (context->child)
		return 0;
	return sem_undo_list_create((struct sem_undo_list **)copy);
}

void undo_resource_put(void *value)
{
	sem_undo_list_put(value);
}
