// Job control. A stop signal that one thread takes makes all threads of the process stop: each is
// marked and woken, notices on its way to user mode, and the last one to stop tells the parent.
// SIGCONT undoes all this at the moment that it is sent, whoever blocks it; SIGKILL too.

#include <cgroup/cgroup.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/queue.h>
#include <signal/stop.h>
#include <uapi/errno.h>
#include <uapi/wait.h>

void signal_kill_threads_locked(struct process *process, struct task *except)
{
	struct task *thread;

	process->group_stop_count = 0;
	list_for_each_entry (thread, &process->threads, thread_node) {
		thread->job_control &= ~JOB_CONTROL_PENDING;
		if (thread == except || thread->exit_state)
			continue;
		thread->pending.set |= SIGNAL_BIT(SIGKILL);
		signal_wake(thread, TASK_WAKEKILL);
	}
}

void signal_kill_other_threads_locked(struct process *process)
{
	signal_kill_threads_locked(process, current);
}

static void remove_from_all(struct process *process, u64 mask)
{
	struct task *thread;

	signal_remove_locked(&process->shared_pending, mask);
	list_for_each_entry (thread, &process->threads, thread_node)
		signal_remove_locked(&thread->pending, mask);
}

// The process goes on, whatever it does with the signal itself.
static void continue_locked(struct process *process)
{
	struct task *thread;
	u32 why = 0;

	list_for_each_entry (thread, &process->threads, thread_node) {
		thread->job_control &= ~(JOB_CONTROL_PENDING | JOB_STOP_DEQUEUED |
					 JOB_STOP_CONSUME);
		task_wake(thread, TASK_STOPPED_BIT);
	}
	// What the parent hears: a stop that was completed and is now over, or one that was cut
	// short, which looks like a stop and a continuation that were too quick to see.
	if (process->flags & PROCESS_STOP_STOPPED)
		why = PROCESS_CLD_CONTINUED;
	else if (process->group_stop_count)
		why = PROCESS_CLD_STOPPED;
	if (why) {
		process->flags &= ~(PROCESS_STOP_STOPPED | PROCESS_CLD_STOPPED |
				    PROCESS_CLD_CONTINUED);
		process->flags |= PROCESS_STOP_CONTINUED | why;
		process->group_stop_count = 0;
		process->group_exit_code = 0;
		// Somebody must run to tell it.
		atomic_fetch_or(&process->next_target->work, WORK_SIGNAL);
	}
}

bool signal_prepare_locked(struct task *task, int sig)
{
	struct process *process = task->process;

	if (process->flags & PROCESS_GROUP_EXIT)
		return sig == SIGKILL && !(task->flags & TF_EXITING);
	if (SIGNAL_BIT(sig) & SIGNALS_STOP) {
		remove_from_all(process, SIGNAL_BIT(SIGCONT));
	} else if (sig == SIGCONT) {
		remove_from_all(process, SIGNALS_STOP);
		continue_locked(process);
	}
	return true;
}

bool group_stop_begin_locked(int sig)
{
	struct process *process = current->process;
	struct task *thread;

	if (!(current->job_control & JOB_STOP_DEQUEUED) || (process->flags & PROCESS_GROUP_EXIT) ||
	    process->group_exec_task)
		return false;
	current->job_control &= ~JOB_STOP_DEQUEUED;
	if (!(process->flags & PROCESS_STOP_STOPPED))
		process->group_exit_code = sig;
	process->group_stop_count = 0;
	list_for_each_entry (thread, &process->threads, thread_node) {
		if ((thread->flags & TF_EXITING) || (thread->job_control & JOB_STOP_PENDING))
			continue;
		thread->job_control |= JOB_STOP_PENDING | JOB_STOP_CONSUME;
		process->group_stop_count++;
		if (thread != current)
			signal_wake(thread, 0);
	}
	return true;
}

// --- Telling the parent ---

#define NSEC_PER_TICK_OF_USER 10000000ul // clock_t of user space

static void tell_parent_locked(struct task *leader, int code, int status)
{
	struct task *parent = leader->real_parent;
	struct siginfo info = {.si_signo = SIGCHLD, .si_code = code};
	u64 utime, stime;
	unsigned long flags;

	task_cputime(leader, &utime, &stime);
	info.si_utime = utime / NSEC_PER_TICK_OF_USER;
	info.si_stime = stime / NSEC_PER_TICK_OF_USER;

	info.si_pid = task_nr_ns(leader, PIDTYPE_TGID, task_active_pid_ns(parent));
	info.si_status = status;
	rcu_read_lock();
	info.si_uid = uid_to_user_munged(rcu_dereference(parent->cred)->user_ns,
					 rcu_dereference(leader->real_cred)->uid);
	rcu_read_unlock();
	struct sighand *sighand = sighand_lock(parent, &flags);
	if (sighand) {
		struct kernel_sigaction *action = &sighand->action[SIGCHLD - 1];

		if (action->handler != SIG_IGN_ADDRESS && !(action->flags & SA_NOCLDSTOP))
			signal_send_process_locked(parent, SIGCHLD, &info);
		sighand_unlock(sighand, flags);
	}
	// Even if no signal was sent, a wait4() must see it.
	wake_up_all(&parent->process->child_wait);
}

bool group_continue_notify_locked(struct sighand *sighand)
{
	struct process *process = current->process;
	u32 why = process->flags & (PROCESS_CLD_STOPPED | PROCESS_CLD_CONTINUED);

	if (!why)
		return false;
	process->flags &= ~why;
	spin_unlock_irq(&sighand->lock);
	read_lock(&tasklist_lock);
	if (why & PROCESS_CLD_CONTINUED)
		tell_parent_locked(current->group_leader, CLD_CONTINUED, SIGCONT);
	else
		tell_parent_locked(current->group_leader, CLD_STOPPED, SIGSTOP);
	read_unlock(&tasklist_lock);
	spin_lock_irq(&sighand->lock);
	return true;
}

// --- Stopping ---

// One thread less that has yet to stop (or that exits instead). Returns whether the process has
// now stopped as a whole. sighand->lock held.
static bool participate_locked(struct task *task)
{
	struct process *process = task->process;
	bool consume = task->job_control & JOB_STOP_CONSUME;

	task->job_control &= ~(JOB_STOP_PENDING | JOB_STOP_CONSUME);
	if (!consume || !process->group_stop_count)
		return false;
	if (--process->group_stop_count || (process->flags & PROCESS_STOP_STOPPED))
		return false;
	process->flags &= ~(PROCESS_STOP_CONTINUED | PROCESS_CLD_CONTINUED);
	process->flags |= PROCESS_STOP_STOPPED;
	return true;
}

bool group_stop_participate(void)
{
	struct sighand *sighand = current->sighand;
	struct process *process = current->process;

	spin_lock_irq(&sighand->lock);
	if (!(current->job_control & JOB_STOP_PENDING)) {
		spin_unlock_irq(&sighand->lock);
		return false;
	}
	bool complete = participate_locked(current);
	int sig = process->group_exit_code;
	// The state is set under the lock, so that a SIGCONT from now on finds it and wakes us.
	set_current_state(TASK_STOPPED);
	spin_unlock_irq(&sighand->lock);
	if (complete) {
		read_lock(&tasklist_lock);
		tell_parent_locked(current->group_leader, CLD_STOPPED, sig);
		read_unlock(&tasklist_lock);
	}
	cgroup_enter_frozen(); // until it is continued
	schedule();
	return true;
}

// --- Threads that come and go during a stop ---

void signal_recalc_new_child_locked(struct task *child)
{
	struct process *process = child->process;

	if (child->process == current->process && (current->job_control & JOB_STOP_PENDING)) {
		child->job_control |= JOB_STOP_PENDING | JOB_STOP_CONSUME;
		process->group_stop_count++;
	}
	signal_recalc_locked(child);
}

void signal_exit(struct task *task)
{
	struct sighand *sighand = task->sighand;
	bool complete = false;

	spin_lock_irq(&sighand->lock);
	int sig = task->process->group_exit_code;
	task->flags |= TF_EXITING;
	if (!thread_group_empty(task) && !(task->process->flags & PROCESS_GROUP_EXIT)) {
		if (atomic_read(&task->work) & WORK_SIGNAL)
			signal_retarget_locked(task, ~task->blocked);
		if (task->job_control & JOB_STOP_PENDING)
			complete = participate_locked(task);
	}
	spin_unlock_irq(&sighand->lock);
	if (!complete)
		return;
	read_lock(&tasklist_lock);
	tell_parent_locked(task->group_leader, CLD_STOPPED, sig);
	read_unlock(&tasklist_lock);
}
