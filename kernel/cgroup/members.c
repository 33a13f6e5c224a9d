// Which task is in which group. A child is counted before it exists, where its parent is; at the
// moment that it is published, with the members locked, it joins the group that its parent is in
// then, so a migration of the parent takes it along or comes after it. A task that exits leaves its
// group, but still points there and is counted by the pids controller until it is reaped. The
// leader of a process stays on the list until the last thread has gone, for it names the process.

#include <cgroup/cgroup.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <signal/stop.h>
#include <uapi/errno.h>

struct spinlock cgroup_members_lock = SPINLOCK_INIT(LOCK_CGROUP);

bool cgroup_populated(const struct cgroup *cgroup)
{
	return cgroup->task_count || cgroup->populated_domains || cgroup->populated_threaded;
}

// A group has its first task, or no task any more: goes up as far as that changes something.
static void update_populated_locked(struct cgroup *cgroup, bool populated)
{
	// Called after the change of task_count, before that of the counts above.
	for (;;) {
		struct cgroup *child = cgroup;

		cgroup_notify(&cgroup->events);
		cgroup = cgroup->parent;
		if (!cgroup)
			return;
		u32 *count = cgroup_is_threaded(child) ? &cgroup->populated_threaded
						       : &cgroup->populated_domains;
		bool before = cgroup_populated(cgroup);
		*count += populated ? 1 : -1;
		if (cgroup_populated(cgroup) == before)
			return;
	}
}

static void count_task_locked(struct cgroup *cgroup, int change)
{
	bool before = cgroup_populated(cgroup);

	cgroup->task_count += change;
	if (cgroup_populated(cgroup) != before)
		update_populated_locked(cgroup, change > 0);
}

struct cgroup *task_cgroup_get(struct task *task)
{
	spin_lock_irq(&cgroup_members_lock);
	struct cgroup *cgroup = cgroup_get(task->cgroup);
	spin_unlock_irq(&cgroup_members_lock);
	return cgroup;
}

// --- Migration ---

static void move_locked(struct task *task, struct cgroup *to)
{
	struct cgroup *from = task->cgroup;

	if (task->cgroup_exited || list_empty(&task->cgroup_link) || from == to)
		return;
	bool was_freezing = from->freezing;
	list_del(&task->cgroup_link);
	list_add_tail(&task->cgroup_link, &to->tasks);
	task->cgroup = cgroup_get(to);
	count_task_locked(to, 1); // first, so that what is above both stays populated
	count_task_locked(from, -1);
	to->frozen_tasks += task->cgroup_frozen;
	from->frozen_tasks -= task->cgroup_frozen;
	pids_move(from, to);
	cgroup_update_frozen_locked(to);
	cgroup_update_frozen_locked(from);
	if (was_freezing != to->freezing)
		cgroup_freeze_task_locked(task, to->freezing);
	cgroup_put(from); // it lives: the tree holds it
}

void cgroup_migrate(struct cgroup *to, struct task *task, bool whole)
{
	struct task *thread;

	rcu_read_lock();
	spin_lock_irq(&cgroup_members_lock);
	if (!whole)
		move_locked(task, to);
	else
		thread_group_for_each (thread, task->process)
			move_locked(thread, to);
	spin_unlock_irq(&cgroup_members_lock);
	rcu_read_unlock();
}

static void kill_members(struct cgroup *cgroup)
{
	struct task *task;

	spin_lock_irq(&cgroup_members_lock);
	list_for_each_entry (task, &cgroup->tasks, cgroup_link)
		signal_send_process(task, SIGKILL, SIGINFO_NOINFO);
	spin_unlock_irq(&cgroup_members_lock);
}

void cgroup_kill(struct cgroup *top)
{
	struct cgroup *at;

	cgroup_for_each(at, top) kill_members(at);
}

// --- The life of a task ---

int cgroup_charge_child(struct task *child)
{
	int error = pids_charge(child->cgroup);

	child->cgroup_charged = !error;
	return error;
}

void cgroup_uncharge_child(struct task *child)
{
	if (child->cgroup_charged)
		pids_uncharge(child->cgroup);
	child->cgroup_charged = false;
}

int cgroup_child_check_locked(const struct task *child, bool chosen)
{
	return chosen && child->cgroup->dead ? -ENODEV : 0;
}

void cgroup_child_join_locked(struct task *child, bool chosen)
{
	struct cgroup *cgroup = child->cgroup;

	if (!chosen && unlikely(cgroup != current->cgroup)) { // migrated meanwhile
		child->cgroup = cgroup_get(current->cgroup);
		pids_move(cgroup, child->cgroup);
		cgroup_put(cgroup);
		cgroup = child->cgroup;
	}
	list_add_tail(&child->cgroup_link, &cgroup->tasks);
	count_task_locked(cgroup, 1);
	if (unlikely(cgroup->freezing)) {
		child->job_control |= JOB_FREEZE; // before its first instruction
		cgroup_update_frozen_locked(cgroup);
	}
}

void cgroup_first_task(struct task *task)
{
	spin_lock_irq(&cgroup_members_lock);
	task->cgroup = &cgroup_root;
	list_add_tail(&task->cgroup_link, &cgroup_root.tasks);
	count_task_locked(&cgroup_root, 1);
	spin_unlock_irq(&cgroup_members_lock);
}

void cgroup_task_exit(struct task *task)
{
	struct process *process = task->process;
	struct cgroup *cgroup;

	spin_lock_irq(&cgroup_members_lock);
	cgroup = task->cgroup;
	bool last = !atomic_read(&process->live);
	task->cgroup_exited = true;
	if (last || process->leader != task)
		list_del_init(&task->cgroup_link);
	if (last && process->leader->cgroup_exited)
		list_del_init(&process->leader->cgroup_link);
	cgroup->frozen_tasks -= task->cgroup_frozen;
	task->cgroup_frozen = false;
	count_task_locked(cgroup, -1);
	if (unlikely(cgroup->freezing))
		cgroup_update_frozen_locked(cgroup);
	spin_unlock_irq(&cgroup_members_lock);
}

void cgroup_task_release(struct task *task)
{
	pids_uncharge(task->cgroup);
	if (list_empty(&task->cgroup_link))
		return;
	// A leader whose place another thread took by exec.
	spin_lock_irq(&cgroup_members_lock);
	list_del_init(&task->cgroup_link);
	spin_unlock_irq(&cgroup_members_lock);
}
