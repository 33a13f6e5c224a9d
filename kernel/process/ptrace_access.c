// Whether current may look into another task: the rule of ptrace(2), "Ptrace access mode checking".

#include <mm/mm.h>
#include <ns/cred.h>
#include <process/ptrace_access.h>
#include <sched/process.h>

bool ptrace_may_access(struct task *task, int mode)
{
	const struct cred *self = current_cred();
	bool allowed = true;

	(void)mode; // both modes check the real ids
	if (task->process == current->process)
		return true;
	const struct cred *other = task_cred_get(task);
	bool same = self->uid == other->euid && self->uid == other->suid &&
		    self->uid == other->uid && self->gid == other->egid &&
		    self->gid == other->sgid && self->gid == other->gid;
	bool capable = ns_capable(other->user_ns, CAP_SYS_PTRACE);
	if (!same && !capable)
		allowed = false;
	spin_lock(&task->alloc_lock);
	if (task->mm && task->mm->dumpable != DUMPABLE_USER && !capable)
		allowed = false;
	spin_unlock(&task->alloc_lock);
	cred_put(other);
	return allowed;
}
