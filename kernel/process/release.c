// Taking a dead task out of the tables: the last step of its life, done by the parent that waited
// for it, by itself if nobody cares, or by an exec that takes its place.

#include <cgroup/cgroup.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <process/exit.h>
#include <process/process.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/queue.h>
#include <signal/signal.h>
#include <uapi/wait.h>

#include "internal.h"

// The thread's share in its process's books. sighand->lock held.
static void leave_group_locked(struct task *task, struct process *process)
{
	if (!thread_group_leader(task)) {
		if (process->notify_count > 0 && --process->notify_count == 0)
			task_wake(process->group_exec_task, TASK_NORMAL | TASK_WAKEKILL);
		if (process->next_target == task)
			process->next_target = thread_next(task);
	}
	usage_take_thread(process, task);
	process->thread_count--;
}

// tasklist_lock written. The pids go last, for they may free numbers.
static void unhash_locked(struct task *task, bool leader)
{
	if (leader) {
		list_del_rcu(&task->all_node);
		list_del_init(&task->sibling);
		pid_detach(task, PIDTYPE_TGID);
		pid_detach(task, PIDTYPE_PGID);
		pid_detach(task, PIDTYPE_SID);
	}
	pid_note_end(task);
	pid_detach(task, PIDTYPE_PID);
}

// The last other thread of a zombie leader went: now the parent can be told of the leader.
// Returns whether the leader is to be released too. tasklist_lock written.
static bool leader_may_go_locked(struct task *leader)
{
	if (!thread_group_empty(leader) || leader->exit_state != EXIT_ZOMBIE)
		return false;
	if (!exit_notify_leader_locked(leader))
		return false;
	leader->exit_state = EXIT_REAPED;
	return true;
}

void task_release(struct task *task)
{
	while (task) {
		struct process *process = task->process;
		struct sighand *sighand = task->sighand;
		struct task *leader = task->group_leader;
		bool is_leader = task == leader;
		struct task *next = NULL;

		atomic64_sub(&task->real_cred->counts->processes, 1);
		write_lock_irq(&tasklist_lock);
		spin_lock(&sighand->lock);
		leave_group_locked(task, process);
		unhash_locked(task, is_leader);
		signal_flush_locked(&task->pending);
		if (is_leader)
			signal_flush_locked(&process->shared_pending);
		task->sighand = NULL;
		spin_unlock(&sighand->lock);
		if (!is_leader && leader_may_go_locked(leader))
			next = leader;
		write_unlock_irq(&tasklist_lock);

		cgroup_task_release(task);
		sighand_resource_put(sighand);
		atomic_sub(&task_count, 1);
		task_put(task);
		task = next;
	}
}

// current has been one thread, `leader` the first: they change places, so that current has the
// process's pid and the dead leader current's old one.
void task_swap_identity(struct task *leader)
{
	struct process *process = current->process;
	struct pid *own = current->pid;
	struct pid *group = leader->pid;

	pid_get(own);
	pid_get(group);
	pid_swap_tasks(leader, current);
	list_replace_rcu(&leader->all_node, &current->all_node);
	list_replace(&leader->sibling, &current->sibling);
	list_init(&leader->all_node);
	list_init(&leader->sibling);
	current->real_parent = leader->real_parent;
	current->parent = leader->ptrace ? leader->parent : leader->real_parent;
	current->group_leader = current;
	leader->group_leader = current;
	process->leader = current;
	current->exit_signal = SIGCHLD;
	leader->exit_signal = -1;
	pid_put(own);
	pid_put(group);
}

// The scheduler's hook: nobody can reach the struct any more.
void task_free_resources(struct task *task)
{
	if (task->process)
		process_put(task->process);
	cred_put(task->cred);
	cred_put(task->real_cred);
	cgroup_put(task->cgroup);
}
