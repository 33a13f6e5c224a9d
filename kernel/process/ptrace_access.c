// Whether current may look into another task: the rule of ptrace(2), "Ptrace access mode checking".

#include <mm/mm.h>
#include <ns/cred.h>
#include <process/ptrace_access.h>
#include <sched/process.h>

bool ptrace_may_access(struct task *task, int mode)
{
	const struct cred *self = current_cred();
	bool by_fs = mode == PTRACE_MODE_READ_FSCREDS || mode == PTRACE_MODE_ATTACH_FSCREDS;
	bool allowed = true;

	if (task->process == current->process)
		return true;
	const struct cred *other = task_cred_get(task);
	u32 uid = by_fs ? self->fsuid : self->uid;
	u32 gid = by_fs ? self->fsgid : self->gid;
	bool same = uid == other->euid && uid == other->suid && uid == other->uid &&
		    gid == other->egid && gid == other->sgid && gid == other->gid;
	// Whose ids are the same may still be more: privileged, or of a user namespace outside ours.
	u64 own = by_fs ? self->cap_effective : self->cap_permitted;
	bool more = self->user_ns != other->user_ns || (other->cap_permitted & ~own);
	spin_lock(&task->alloc_lock);
	bool hidden = task->mm && task->mm->dumpable != DUMPABLE_USER;
	spin_unlock(&task->alloc_lock);
	// Asked for last: who does not need the privilege has not used it.
	if (!same || more || hidden)
		allowed = ns_capable(other->user_ns, CAP_SYS_PTRACE);
	cred_put(other);
	return allowed;
}

bool ptrace_may_see_memory(struct task *task)
{
	return ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS) || capable(CAP_PERFMON) ||
	       capable(CAP_SYS_ADMIN);
}
