// getpriority(2), setpriority(2), sched_yield(2).

#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/resource.h>

// One may change one's own processes, and lower nice only within RLIMIT_NICE or by capability.
static int may_set_nice(struct task *task, int nice)
{
	const struct cred *self = current_cred(), *other = task_cred_get(task);
	int error = 0;

	if (self->euid != other->uid && self->euid != other->euid &&
	    !ns_capable(other->user_ns, CAP_SYS_NICE))
		error = -EPERM;
	else if (nice < task_nice(task) && (u64)(20 - nice) > rlimit(RLIMIT_NICE) &&
		 !capable(CAP_SYS_NICE)) // of the machine's time all namespaces have a share
		error = -EACCES;
	else if (!cred_may_schedule(other))
		error = -EPERM;
	cred_put(other);
	return error;
}

static int set_one(struct task *task, int nice, int result)
{
	int error = may_set_nice(task, nice);

	if (error)
		return error;
	sched_set_nice(task, nice);
	return result == -ESRCH ? 0 : result;
}

// The value that getpriority returns: 40..1 for nice -20..19.
static long best(struct task *task, long result)
{
	return MAX(result, 20l - task_nice(task));
}

static bool has_uid(struct task *task, u32 uid)
{
	const struct cred *cred = task_cred_get(task);
	bool same = cred->uid == uid;

	cred_put(cred);
	return same;
}

// Calls one of the two above for each task that is meant. tasklist_lock is taken.
static long for_each_meant(int which, int who, bool set, int nice)
{
	u32 uid = who ? uid_from_user(current_cred()->user_ns, who) : current_cred()->uid;
	long result = -ESRCH;
	struct task *task, *leader;

	read_lock(&tasklist_lock);
	if (which == PRIO_PROCESS) {
		task = who ? task_find(who) : current;
		if (task)
			result = set ? set_one(task, nice, result) : best(task, result);
	} else if (which == PRIO_PGRP) {
		struct pid *pgrp = who ? pid_find(who, task_active_pid_ns(current))
				       : task_pgrp(current);
		if (pgrp) {
			pid_for_each_task (task, pgrp, PIDTYPE_PGID)
				result = set ? set_one(task, nice, result) : best(task, result);
		}
	} else {
		list_for_each_entry (leader, &all_processes, all_node) {
			thread_group_for_each (task, leader->process) {
				if (has_uid(task, uid))
					result = set ? set_one(task, nice, result)
						     : best(task, result);
			}
		}
	}
	read_unlock(&tasklist_lock);
	return result;
}

SYSCALL2(getpriority, int, which, int, who)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return for_each_meant(which, who, false, 0);
}

SYSCALL3(setpriority, int, which, int, who, int, nice)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return for_each_meant(which, who, true, CLAMP(nice, -20, 19));
}

SYSCALL0(sched_yield)
{
	sched_yield_current();
	return 0;
}
