// Process groups and sessions: setpgid, setsid and their kin, and the rule for orphaned groups.
//
// A group is orphaned when no member has a parent that is in the same session but another group:
// then nobody could continue it after a stop, and if a member is stopped at that moment POSIX
// wants the group to get SIGHUP and SIGCONT.

#include <process/process.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

#include "internal.h"

bool pgrp_will_be_orphaned(struct pid *pgrp, struct task *ignored)
{
	struct task *task;

	pid_for_each_task (task, pgrp, PIDTYPE_PGID) {
		if (task == ignored || (task->exit_state && thread_group_empty(task)) ||
		    task_tgid_nr(task->real_parent) == 1)
			continue;
		if (task_pgrp(task->real_parent) != pgrp &&
		    task_session(task->real_parent) == task_session(task))
			return false;
	}
	return true;
}

static bool pgrp_has_stopped(struct pid *pgrp)
{
	struct task *task;

	pid_for_each_task (task, pgrp, PIDTYPE_PGID) {
		if (task->process->flags & PROCESS_STOP_STOPPED)
			return true;
	}
	return false;
}

void pgrp_check_orphaned(struct task *task, struct task *parent_before)
{
	struct task *parent = parent_before ?: task->real_parent;
	struct task *ignored = parent_before ? NULL : task;
	struct pid *pgrp = task_pgrp(task);

	// Only if the tie that is cut was one that kept the group from being orphaned.
	if (task_pgrp(parent) == pgrp || task_session(parent) != task_session(task))
		return;
	if (!pgrp_will_be_orphaned(pgrp, ignored) || !pgrp_has_stopped(pgrp))
		return;
	signal_send_pgrp_locked(pgrp, SIGHUP, SIGINFO_PRIV);
	signal_send_pgrp_locked(pgrp, SIGCONT, SIGINFO_PRIV);
}

bool pgrp_is_orphaned(struct pid *pgrp)
{
	read_lock(&tasklist_lock);
	bool orphaned = pgrp_will_be_orphaned(pgrp, NULL);
	read_unlock(&tasklist_lock);
	return orphaned;
}

// --- setpgid(2) ---

// Which process setpgid may change: current's, or a child that has not exec'd, in our session.
static int setpgid_target(int nr, struct task **target)
{
	struct task *leader = current->group_leader;
	struct task *task = nr == task_tgid_vnr(current) ? leader : task_find(nr);

	if (!task)
		return -ESRCH;
	if (!thread_group_leader(task))
		return -EINVAL;
	if (task->real_parent->process == current->process) {
		if (task_session(task) != task_session(leader))
			return -EPERM;
		if (!(task->flags & TF_FORKNOEXEC))
			return -EACCES;
	} else if (task != leader) {
		return -ESRCH;
	}
	if (task->process->leader_of_session)
		return -EPERM;
	*target = task;
	return 0;
}

// The group must exist in our session, unless the process makes a new one of its own.
static int setpgid_locked(int nr, int pgid)
{
	struct task *task;
	int error = setpgid_target(nr, &task);

	if (error)
		return error;
	struct pid *pgrp = task->pid;
	if (pgid != nr) {
		pgrp = pid_find(pgid, task_active_pid_ns(current));
		struct task *member = pid_task(pgrp, PIDTYPE_PGID);
		if (!member || task_session(member) != task_session(current->group_leader))
			return -EPERM;
	}
	if (task_pgrp(task) != pgrp)
		pid_change(task, PIDTYPE_PGID, pgrp);
	return 0;
}

// setpgid(2)
SYSCALL2(setpgid, int, pid, int, pgid)
{
	if (!pid)
		pid = task_tgid_vnr(current);
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	write_lock_irq(&tasklist_lock);
	int error = setpgid_locked(pid, pgid);
	write_unlock_irq(&tasklist_lock);
	return error;
}

// Group or session of a process, or of current if `nr` is 0.
static long pid_of_role(int nr, enum pid_type type)
{
	long result = -ESRCH;

	rcu_read_lock();
	struct task *task = nr ? task_find(nr) : current;
	if (task)
		result = task_nr_ns(task, type, task_active_pid_ns(current));
	rcu_read_unlock();
	return result;
}

SYSCALL1(getpgid, int, pid)
{
	return pid_of_role(pid, PIDTYPE_PGID);
}

SYSCALL1(getsid, int, pid)
{
	return pid_of_role(pid, PIDTYPE_SID); // 0: outside of the namespace, or the first session
}

// setsid(2): a new session, with current's process as leader of it and of a new group.
SYSCALL0(setsid)
{
	struct task *leader = current->group_leader;
	struct process *process = leader->process;
	struct pid *pid = leader->pid;
	long result = -EPERM;

	write_lock_irq(&tasklist_lock);
	// The number must not be in use by a group, or we would join it.
	if (!process->leader_of_session && !pid_task(pid, PIDTYPE_PGID)) {
		process->leader_of_session = true;
		if (task_session(leader) != pid)
			pid_change(leader, PIDTYPE_SID, pid);
		if (task_pgrp(leader) != pid)
			pid_change(leader, PIDTYPE_PGID, pid);
		spin_lock(&leader->sighand->lock);
		process->tty = NULL;
		spin_unlock(&leader->sighand->lock);
		result = pid_vnr(pid);
	}
	write_unlock_irq(&tasklist_lock);
	return result;
}
