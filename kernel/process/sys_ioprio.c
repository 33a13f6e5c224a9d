// ioprio_get(2), ioprio_set(2). No device here orders its work by them; what is set is kept, shared by
// CLONE_IO, and reported.

#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/ioprio.h>

#include "internal.h"

// What a task without a priority of its own has.
static int by_nice(const struct task *task)
{
	int class = task->se.policy == SCHED_IDLE   ? IOPRIO_CLASS_IDLE
		    : policy_is_rt(task->se.policy) ? IOPRIO_CLASS_RT
						    : IOPRIO_CLASS_BE;

	return IOPRIO_VALUE(class, (task_nice(task) + 20) / 5);
}

static int effective(struct task *task)
{
	int value = io_priority_get(task);

	return IOPRIO_CLASS(value) == IOPRIO_CLASS_NONE ? by_nice(task) : value;
}

static int value_check(int value)
{
	switch (IOPRIO_CLASS(value)) {
	case IOPRIO_CLASS_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		return 0;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return IOPRIO_LEVEL(value) ? -EINVAL : 0;
	}
	return -EINVAL;
}

static bool may_set(struct task *task)
{
	const struct cred *self = current_cred(), *other = task_cred_get(task);
	bool ours = other->uid == self->euid || other->uid == self->uid || capable(CAP_SYS_NICE);
	bool may = ours && cred_may_schedule(other);

	cred_put(other);
	return may;
}

// One task of those that are meant. *result: what the call returns so far; false: that is all.
static bool visit(struct task *task, bool set, int value, int *result)
{
	if (set) {
		*result = may_set(task) ? io_priority_set(task, value) : -EPERM;
		return !*result;
	}
	value = effective(task);
	*result = *result < 0 ? value : MIN(*result, value);
	return true;
}

static int visit_group(int who, bool set, int value)
{
	struct pid *pgrp = who ? pid_find(who, task_active_pid_ns(current)) : task_pgrp(current);
	struct task *leader, *task;
	int result = -ESRCH;

	if (!pgrp)
		return result;
	pid_for_each_task (leader, pgrp, PIDTYPE_PGID) {
		thread_group_for_each (task, leader->process) {
			if (!visit(task, set, value, &result))
				return result;
		}
	}
	return result;
}

static int visit_user(int who, bool set, int value)
{
	u32 uid = uid_from_user(current_cred()->user_ns, who); // 0 is root, not the caller
	struct task *leader, *task;
	int result = -ESRCH;

	if (uid == INVALID_ID)
		return result;
	list_for_each_entry (leader, &all_processes, all_node) {
		thread_group_for_each (task, leader->process) {
			const struct cred *cred = task_cred_get(task);
			bool meant = cred->uid == uid && task_pid_vnr(task);

			cred_put(cred);
			if (meant && !visit(task, set, value, &result))
				return result;
		}
	}
	return result;
}

static int visit_process(int who, bool set, int value)
{
	struct task *task = who ? task_find(who) : current;
	int result = -ESRCH;

	if (!task)
		return result;
	if (!set)
		return io_priority_get(task); // as it was set, not as it works
	visit(task, set, value, &result);
	return result;
}

static int visit_all(int which, int who, bool set, int value)
{
	int result = -EINVAL;

	read_lock(&tasklist_lock);
	if (which == IOPRIO_WHO_PROCESS)
		result = visit_process(who, set, value);
	else if (which == IOPRIO_WHO_PGRP)
		result = visit_group(who, set, value);
	else if (which == IOPRIO_WHO_USER)
		result = visit_user(who, set, value);
	read_unlock(&tasklist_lock);
	return result;
}

SYSCALL2(ioprio_get, int, which, int, who)
{
	return visit_all(which, who, false, 0);
}

SYSCALL3(ioprio_set, int, which, int, who, int, value)
{
	return value_check(value) ?: visit_all(which, who, true, value);
}
