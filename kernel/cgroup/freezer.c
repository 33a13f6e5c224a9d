// The freezer: tasks of a group stand still on their way to user mode, where they hold nothing. Each
// group counts its tasks and children that stand still; it is frozen when all do and when it is
// asked for, which goes up the tree. Tasks that are stopped or wait for a vfork's child count as
// frozen, for they cannot run before they look again.

#include <cgroup/cgroup.h>
#include <sched/sched.h>
#include <signal/queue.h>
#include <signal/signal.h>
#include <signal/stop.h>

void cgroup_update_frozen_locked(struct cgroup *cgroup)
{
	for (; cgroup; cgroup = cgroup->parent) {
		bool frozen = cgroup->freezing && cgroup->frozen_tasks == cgroup->task_count &&
			      cgroup->frozen_children == cgroup->child_count;

		if (frozen == cgroup->frozen)
			return;
		cgroup->frozen = frozen;
		if (cgroup->parent)
			cgroup->parent->frozen_children += frozen ? 1 : -1;
		cgroup_notify(&cgroup->events);
	}
}

void cgroup_freeze_task_locked(struct task *task, bool freeze)
{
	unsigned long flags;
	struct sighand *sighand = sighand_lock(task, &flags);

	if (!sighand)
		return;
	if (freeze) {
		task->job_control |= JOB_FREEZE;
		signal_wake(task, 0);
	} else {
		task->job_control &= ~JOB_FREEZE;
		task_wake(task, TASK_INTERRUPTIBLE);
	}
	sighand_unlock(sighand, flags);
}

// One group takes over what it and those above were asked for. Returns whether that changed.
static bool apply(struct cgroup *cgroup)
{
	bool freezing = cgroup->freeze || cgroup->parent->freezing, changed;
	struct task *task;

	spin_lock_irq(&cgroup_members_lock);
	changed = freezing != cgroup->freezing;
	if (changed) {
		cgroup->freezing = freezing;
		list_for_each_entry (task, &cgroup->tasks, cgroup_link) {
			if (!task->cgroup_exited)
				cgroup_freeze_task_locked(task, freezing);
		}
		cgroup_update_frozen_locked(cgroup);
	}
	spin_unlock_irq(&cgroup_members_lock);
	return changed;
}

void cgroup_freeze(struct cgroup *cgroup, bool freeze)
{
	struct cgroup *at;
	bool changed = false;

	if (cgroup->freeze == freeze)
		return;
	cgroup->freeze = freeze;
	cgroup_for_each(at, cgroup) changed |= apply(at);
	if (!changed)
		cgroup_notify(&cgroup->events);
}

void cgroup_enter_frozen(void)
{
	if (current->cgroup_frozen)
		return;
	spin_lock_irq(&cgroup_members_lock);
	current->cgroup_frozen = true;
	current->cgroup->frozen_tasks++;
	cgroup_update_frozen_locked(current->cgroup);
	spin_unlock_irq(&cgroup_members_lock);
}

void cgroup_leave_frozen(void)
{
	struct cgroup *cgroup;

	spin_lock_irq(&cgroup_members_lock);
	cgroup = current->cgroup;
	if (cgroup->freezing && !task_kill_pending(current)) {
		cgroup_freeze_task_locked(current, true); // not before it has stood still again
	} else {
		current->cgroup_frozen = false;
		cgroup->frozen_tasks--;
		cgroup_update_frozen_locked(cgroup);
	}
	spin_unlock_irq(&cgroup_members_lock);
}
