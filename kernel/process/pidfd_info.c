// What a process descriptor tells of its process: PIDFD_GET_INFO, and descriptors for its
// namespaces. Of one that was reaped, the pid keeps how it ended (struct pid_end).

#include <cgroup/cgroup.h>
#include <fs/file.h>
#include <fs/nsfs.h>
#include <mm/mm.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/pidfd.h>
#include <process/ptrace_access.h>
#include <process/task_ns.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/pidfd.h>

#include "internal.h"

#define SUPPORTED 0xffu

// --- Who it is ---

static void tell_creds(struct task *task, struct pidfd_info *info)
{
	const struct cred *cred = task_cred_get(task);
	struct user_ns *ns = current_cred()->user_ns;

	info->ruid = uid_to_user_munged(ns, cred->uid);
	info->rgid = gid_to_user_munged(ns, cred->gid);
	info->euid = uid_to_user_munged(ns, cred->euid);
	info->egid = gid_to_user_munged(ns, cred->egid);
	info->suid = uid_to_user_munged(ns, cred->suid);
	info->sgid = gid_to_user_munged(ns, cred->sgid);
	info->fsuid = uid_to_user_munged(ns, cred->fsuid);
	info->fsgid = gid_to_user_munged(ns, cred->fsgid);
	cred_put(cred);
}

static u64 cgroup_id_of(struct task *task)
{
	struct cgroup *cgroup = task_cgroup_get(task);
	u64 id = cgroup->id;

	cgroup_put(cgroup);
	return id;
}

// Whose a core would be.
static u32 core_mask(struct task *task)
{
	spin_lock(&task->alloc_lock);
	u32 dumpable = task->mm ? READ_ONCE(task->mm->dumpable)
				: READ_ONCE(task->process->dumpable_at_end);
	spin_unlock(&task->alloc_lock);
	switch (dumpable) {
	case DUMPABLE_USER:
		return PIDFD_COREDUMP_USER;
	case DUMPABLE_SUID:
		return PIDFD_COREDUMP_ROOT;
	}
	return PIDFD_COREDUMP_SKIP;
}

// -ESRCH if it is not in our pid namespace, or on its last steps.
static int tell_task(struct task *task, u64 asked, struct pidfd_info *info)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	rcu_read_lock();
	info->pid = task_nr_ns(task, PIDTYPE_PID, ns);
	info->tgid = task_nr_ns(task, PIDTYPE_TGID, ns);
	struct task *parent = rcu_dereference(task->real_parent);
	info->ppid = info->pid && parent->pid ? task_nr_ns(parent, PIDTYPE_TGID, ns) : 0;
	rcu_read_unlock();
	if (!info->pid || !info->tgid)
		return -ESRCH;
	tell_creds(task, info);
	info->cgroupid = cgroup_id_of(task);
	info->mask |= PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID;
	if (asked & PIDFD_INFO_COREDUMP) {
		info->coredump_mask = core_mask(task);
		info->mask |= PIDFD_INFO_COREDUMP;
	}
	return 0;
}

// --- How it ended ---

void pid_note_end(struct task *task)
{
	struct process *process = task->process;
	bool whole = thread_group_leader(task) && (process->flags & PROCESS_GROUP_EXIT);

	task->pid->end = (struct pid_end){
		.known = true,
		.exit_code = whole ? process->group_exit_code : task->exit_code,
		.cgroup = task->cgroup->id,
	};
}

static int tell_end(struct pid *pid, u64 asked, struct pidfd_info *info)
{
	read_lock(&tasklist_lock);
	struct pid_end end = pid->end;
	read_unlock(&tasklist_lock);
	if (!end.known || !(asked & PIDFD_INFO_EXIT))
		return -ESRCH;
	info->exit_code = end.exit_code;
	info->cgroupid = end.cgroup;
	info->mask |= PIDFD_INFO_EXIT | PIDFD_INFO_CGROUPID;
	return 0;
}

static long get_info(struct pid *pid, u64 info_at, size_t size)
{
	struct pidfd_info info = {0};
	u64 asked;

	if (!info_at)
		return -EINVAL;
	if (get_user_u64(info_at, &asked))
		return -EFAULT;
	if (asked & PIDFD_INFO_SUPPORTED_MASK) {
		info.supported_mask = SUPPORTED;
		info.mask = PIDFD_INFO_SUPPORTED_MASK;
	}
	struct task *task = pid_task_get(pid, PIDTYPE_PID);
	int error = task ? tell_task(task, asked, &info) : tell_end(pid, asked, &info);
	if (task)
		task_put(task);
	if (error)
		return error;
	size_t known = MIN(size, sizeof(info));
	if (copy_to_user(info_at, &info, known))
		return -EFAULT;
	return clear_user(info_at + known, size - known) == size - known ? 0 : -EFAULT;
}

// --- Its namespaces ---

// By the number of the question; 0: none.
static const struct {
	bool there;
	int what;
} namespaces[] = {
	[1] = {true, NS_CGROUP},
	[2] = {true, NS_IPC},
	[3] = {true, NS_MNT},
	[5] = {true, NS_PID},
	[6] = {true, TASK_NS_PID_FOR_CHILDREN},
	[7] = {true, NS_TIME},
	[8] = {true, NSPROXY_TIME_FOR_CHILDREN},
	[9] = {true, NS_USER},
	[10] = {true, NS_UTS},
};
#define GET_NET_NAMESPACE 4

static long open_namespace(struct task *task, int what)
{
	if (!ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS))
		return -EACCES;
	// Who has left its namespaces tells none of them, not even those that a zombie keeps.
	struct nsproxy *nsproxy = task_nsproxy_get(task);
	if (!nsproxy)
		return -ESRCH;
	nsproxy_put(nsproxy);
	struct ns_common *ns = task_ns_get(task, what);
	return ns ? nsfs_open(ns) : -EOPNOTSUPP;
}

static long get_namespace(struct pid *pid, unsigned number, u64 argument)
{
	if (argument)
		return -EINVAL;
	if (number == GET_NET_NAMESPACE)
		return -EOPNOTSUPP; // as a Linux without network namespaces
	struct task *task = pid_task_get(pid, PIDTYPE_PID);
	if (!task)
		return -ESRCH;
	long fd = open_namespace(task, namespaces[number].what);
	task_put(task);
	return fd;
}

// The parts of a command.
#define COMMAND_NUMBER(command)    ((command)&0xff)
#define COMMAND_TYPE(command)      ((command) >> 8 & 0xff)
#define COMMAND_SIZE(command)      ((command) >> 16 & 0x3fff)
#define COMMAND_DIRECTION(command) ((command) >> 30)
#define DIRECTION_BOTH             3

long pidfd_ioctl(struct file *file, u32 command, u64 argument)
{
	struct pid *pid = file->private;
	unsigned number = COMMAND_NUMBER(command), size = COMMAND_SIZE(command);

	if (COMMAND_TYPE(command) != PIDFD_IOCTL_TYPE)
		return -ENOTTY;
	if (number == PIDFD_GET_INFO)
		return COMMAND_DIRECTION(command) == DIRECTION_BOTH && size >= PIDFD_INFO_SIZE_VER0
			       ? get_info(pid, argument, size)
			       : -ENOTTY;
	if (COMMAND_DIRECTION(command) || size || number >= ARRAY_SIZE(namespaces))
		return -ENOTTY;
	if (!namespaces[number].there && number != GET_NET_NAMESPACE)
		return -ENOTTY;
	return get_namespace(pid, number, argument);
}
