// setns(2): into existing namespaces, by a namespace file or by those of a process (pidfd). All that
// can fail happens on copies; the commit at the end stores them through the table of resources.

#include <arch/vdso.h>
#include <fs/file.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/mnt_ns.h>
#include <fs/nsfs.h>
#include <mm/mm.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <process/clone_flags.h>
#include <process/pidfd.h>
#include <process/ptrace_access.h>
#include <process/resources.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#include "internal.h"

#define SETNS_FLAGS (CLONE_NS_FLAGS | CLONE_NEWTIME)

// What will be current's once all is checked. Members that do not change are NULL.
struct setns {
	struct nsproxy *nsproxy;
	struct cred *cred;     // private, for a new user namespace
	struct fs_context *fs; // private, for a new mount namespace
	bool several;          // kinds at once
};

// Capabilities are needed in the namespace's owner and in the user namespace that we will be in.
static bool may_enter(const struct setns *set, struct user_ns *owner)
{
	struct user_ns *own = set->cred ? set->cred->user_ns : current_cred()->user_ns;

	return ns_capable(owner, CAP_SYS_ADMIN) && ns_capable(own, CAP_SYS_ADMIN);
}

static int enter_user(struct setns *set, struct user_ns *ns)
{
	if (ns == current_cred()->user_ns || !thread_group_empty(current) ||
	    fs_context_is_shared(current->fs))
		return -EINVAL;
	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return -EPERM;
	set->cred = cred_prepare();
	return set->cred ? user_ns_enter(set->cred, ns) : -ENOMEM;
}

static int enter_mnt(struct setns *set, struct mnt_ns *ns)
{
	struct user_ns *own = set->cred ? set->cred->user_ns : current_cred()->user_ns;
	struct path root;

	if (!may_enter(set, mnt_ns_owner(ns)) || !ns_capable(own, CAP_SYS_CHROOT))
		return -EPERM;
	// With several kinds at once Linux moves those who share our root and directory, too.
	if (!set->several && fs_context_is_shared(current->fs))
		return -EINVAL;
	int error = fs_context_dup(current->fs, &set->fs);
	if (error)
		return error;
	mnt_ns_root(ns, &root);
	path_get(&root);
	fs_context_set_root(set->fs, &root);
	fs_context_set_cwd(set->fs, &root);
	return 0;
}

// Only downwards: nobody may leave the numbers that name him.
static int enter_pid(struct setns *set, struct pid_namespace *ns)
{
	if (!may_enter(set, ns->common.owner))
		return -EPERM;
	return pid_namespace_within(ns, task_active_pid_ns(current)) ? 0 : -EINVAL;
}

// Whether nobody else runs in current's memory: neither threads nor who is between vfork and exec.
static bool memory_is_own(void)
{
	bool own = thread_group_empty(current);
	struct task *leader, *thread;

	if (!own || !mm_is_shared(current->mm))
		return own;
	// It may be only somebody who reads it through /proc.
	rcu_read_lock();
	list_for_each_entry_rcu (leader, &all_processes, all_node) {
		thread_group_for_each (thread, leader->process) {
			if (thread != current && READ_ONCE(thread->mm) == current->mm)
				own = false;
		}
	}
	rcu_read_unlock();
	return own;
}

static int enter_time(struct setns *set, struct ns_common *ns)
{
	if (!memory_is_own())
		return -EUSERS;
	return may_enter(set, ns->owner) ? 0 : -EPERM;
}

// Checks and prepares one kind.
static int enter(struct setns *set, struct ns_common *ns)
{
	enum ns_type type = ns->kind->type;
	int error;

	switch (type) {
	case NS_USER:
		return enter_user(set, (struct user_ns *)ns);
	case NS_MNT:
		error = enter_mnt(set, (struct mnt_ns *)ns);
		break;
	case NS_PID:
		error = enter_pid(set, (struct pid_namespace *)ns);
		break;
	case NS_TIME:
		error = enter_time(set, ns);
		break;
	default:
		error = may_enter(set, ns->owner) ? 0 : -EPERM;
	}
	if (error)
		return error;
	ns_put(set->nsproxy->slot[type]);
	set->nsproxy->slot[type] = ns_get(ns);
	if (type == NS_TIME) {
		ns_put(set->nsproxy->slot[NSPROXY_TIME_FOR_CHILDREN]);
		set->nsproxy->slot[NSPROXY_TIME_FOR_CHILDREN] = ns_get(ns);
	}
	return 0;
}

static int enter_task(struct setns *set, struct task *task, u64 flags)
{
	int error = ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS) ? 0 : -EPERM;
	struct nsproxy *theirs = error ? NULL : task_nsproxy_get(task);

	if (!theirs)
		return error ?: -ESRCH;
	const struct cred *cred = task_cred_get(task);
	if (flags & CLONE_NEWUSER)
		error = enter_user(set, cred->user_ns);
	cred_put(cred);
	for (int type = NS_MNT; !error && type < NS_TYPES; type++) {
		struct ns_common *ns = theirs->slot[type];

		if (!ns || !(flags & ns->kind->flag))
			continue;
		// The numbers that name it, not those of its children.
		if (type == NS_PID)
			ns = &task_active_pid_ns(task)->common;
		error = enter(set, ns);
	}
	nsproxy_put(theirs);
	return error;
}

static void commit(struct setns *set)
{
	// The undo list is of semaphores that we leave behind.
	if (set->nsproxy->ipc != current->nsproxy->ipc && current->sem_undo)
		resource_store(offsetof(struct task, sem_undo), NULL);
	if (set->cred)
		resource_store(offsetof(struct task, cred), set->cred);
	if (set->fs) {
		struct path path;

		fs_context_root(set->fs, &path);
		fs_context_set_root(current->fs, &path);
		fs_context_cwd(set->fs, &path);
		fs_context_set_cwd(current->fs, &path);
		fs_context_put(set->fs);
	}
	resource_store(offsetof(struct task, nsproxy), set->nsproxy);
}

static void discard(struct setns *set)
{
	nsproxy_put(set->nsproxy);
	if (set->cred)
		cred_discard(set->cred);
	if (set->fs)
		fs_context_put(set->fs);
}

static int setns_by(struct file *file, u64 flags)
{
	struct ns_common *ns = nsfs_file_ns(file);
	struct pid *pid = pidfd_file_pid(file);
	struct setns set = {.several = flags & (flags - 1)};
	struct task *task = NULL;

	if (ns) {
		if (flags && flags != ns->kind->flag)
			return -EINVAL;
	} else if (!pid || !flags || (flags & ~(u64)SETNS_FLAGS)) {
		return -EINVAL;
	}
	if (pid && !(task = pid_task_get(pid, PIDTYPE_PID)))
		return -ESRCH;
	set.nsproxy = nsproxy_copy(current->nsproxy);
	int error = !set.nsproxy ? -ENOMEM : ns ? enter(&set, ns) : enter_task(&set, task, flags);
	if (!error && set.nsproxy->time != current->nsproxy->time) {
		time_ns_freeze(set.nsproxy->time);
		error = arch_vdso_switch(current->mm, set.nsproxy->time->vdso_data);
	}
	if (error)
		discard(&set);
	else
		commit(&set);
	if (task)
		task_put(task);
	return error;
}

SYSCALL2(setns, int, fd, int, flags)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	long error = setns_by(file, (u32)flags);
	file_put(file);
	return error;
}
