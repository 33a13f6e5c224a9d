// The end of a task: it lets go of what it holds, hands its children on, and tells its parent.
//
// A thread that is not the leader disappears at once. A leader stays as a zombie until the last
// of its threads is gone and its parent has waited for it. Order in task_exit(): the memory goes
// first (so that robust futexes and the vfork parent learn of it), then descriptors and the rest,
// and last, under tasklist_lock, the family is told.

#include <cgroup/cgroup.h>
#include <core/panic.h>
#include <core/printk.h>
#include <mm/mm.h>
#include <ns/pid_ns.h>
#include <process/accounting.h>
#include <process/coredump.h>
#include <process/clone.h>
#include <process/exit.h>
#include <process/process.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <uapi/signal.h>
#include <uapi/wait.h>

#include "internal.h"

// --- Telling the parent ---

// Fills a SIGCHLD for the end of `task`, as its parent sees it.
static void exit_siginfo(struct task *task, int sig, struct siginfo *info)
{
	struct pid_namespace *parent_ns = task_active_pid_ns(task->parent);
	int status = task->exit_code;
	u64 sum, utime, stime;

	process_cputime(task->process, &sum, &utime, &stime);
	*info = (struct siginfo){.si_signo = sig};
	info->si_pid = task_nr_ns(task, PIDTYPE_TGID, parent_ns);
	info->si_uid = task_uid_seen_by(task, task->parent);
	info->si_utime = ns_to_clock_ticks(utime);
	info->si_stime = ns_to_clock_ticks(stime);
	if (status & 0x80) {
		info->si_code = CLD_DUMPED;
		info->si_status = status & 0x7f;
	} else if (status & 0x7f) {
		info->si_code = CLD_KILLED;
		info->si_status = status & 0x7f;
	} else {
		info->si_code = CLD_EXITED;
		info->si_status = status >> 8;
	}
}

// Tells the parent that the process of `task` has ended. Returns whether nobody wants its status,
// so that it can be released at once. tasklist_lock written.
static bool notify_parent_locked(struct task *task, int sig)
{
	struct sighand *sighand = task->parent->sighand;
	struct siginfo info;
	bool autoreap = false;

	// Another signal than SIGCHLD was agreed with a program that the parent no longer runs.
	if (sig != SIGCHLD && task->parent_exec_id != task->parent->self_exec_id)
		sig = SIGCHLD;
	exit_siginfo(task, sig, &info);
	spin_lock(&sighand->lock);
	struct kernel_sigaction *action = &sighand->action[SIGCHLD - 1];
	if (!task->ptrace && sig == SIGCHLD &&
	    (action->handler == SIG_IGN_ADDRESS || (action->flags & SA_NOCLDWAIT))) {
		// POSIX 3.3.1.3: the parent does not want to know. Linux still sends the
		// signal if it is only SA_NOCLDWAIT.
		autoreap = true;
		if (action->handler == SIG_IGN_ADDRESS)
			sig = 0;
	}
	if (!task->ptrace && (task->process->flags & PROCESS_AUTOREAP)) {
		autoreap = true;
		sig = 0;
	}
	// clone(2) takes any number; what is no signal is none.
	if (sig > 0 && sig <= 64)
		signal_send_process_locked(task->parent, sig, &info);
	spin_unlock(&sighand->lock);
	wake_up_all(&task->parent->process->child_wait);
	wake_up_all(&task->pid->wait_pidfd);
	return autoreap;
}

bool exit_notify_leader_locked(struct task *leader)
{
	return notify_parent_locked(leader, leader->exit_signal);
}

// --- The children ---

static bool task_alive(const struct task *task)
{
	return !(task->flags & TF_EXITING);
}

static struct task *find_living_thread(struct process *process, const struct task *but)
{
	struct task *thread;

	list_for_each_entry (thread, &process->threads, thread_node) {
		if (thread != but && task_alive(thread))
			return thread;
	}
	return NULL;
}

// Who becomes the parent of `dying`'s children: another thread of it, else the nearest ancestor
// that asked to be a subreaper (within the pid namespace), else the namespace's init.
// tasklist_lock written.
static struct task *find_new_parent(struct task *dying)
{
	struct task *thread = find_living_thread(dying->process, dying);
	struct pid_namespace *ns = task_active_pid_ns(dying);

	if (thread)
		return thread;
	if (dying->process->has_child_subreaper) {
		for (struct task *at = dying->real_parent; at->pid; at = at->real_parent) {
			if (task_active_pid_ns(at) != ns)
				break;
			if (!at->process->is_child_subreaper)
				continue;
			thread = find_living_thread(at->process, dying);
			if (thread)
				return thread;
		}
	}
	if (dying == ns->reaper)
		return dying->real_parent; // init itself goes: its children are dead already
	return ns->reaper;
}

// A thread of a namespace's init that goes leaves its office to another one.
// tasklist_lock written.
static void reaper_hand_on(struct task *dying)
{
	struct pid_namespace *ns = task_active_pid_ns(dying);

	if (likely(ns->reaper != dying))
		return;
	struct task *thread = find_living_thread(dying->process, dying);
	if (thread)
		rcu_assign_pointer(ns->reaper, thread);
}

// A child gets a new parent. If it is a zombie, the new parent is told (or it is put on `dead`).
static void child_reparent(struct task *child, struct task *parent, struct task *old,
			   struct list_head *dead)
{
	struct task *thread;

	thread_group_for_each (thread, child->process) {
		thread->real_parent = parent;
		if (!thread->ptrace)
			thread->parent = parent;
		// As on Linux, "the parent" is the thread that made the child.
		if (thread->pdeath_signal)
			signal_send_permitted(thread, thread->pdeath_signal, SIGINFO_NOINFO,
					      PIDTYPE_TGID);
	}
	if (parent->process != old->process && child->exit_state != EXIT_REAPED) {
		// Whom we were did not matter to the old parent; now it must hear SIGCHLD.
		child->exit_signal = SIGCHLD;
		if (!child->ptrace && child->exit_state == EXIT_ZOMBIE &&
		    thread_group_empty(child) && notify_parent_locked(child, SIGCHLD)) {
			child->exit_state = EXIT_REAPED;
			list_add(&child->ptrace_entry, dead);
		}
		pgrp_check_orphaned(child, old);
	}
	list_move_tail(&child->sibling, &parent->children);
}

// tasklist_lock written.
static void children_hand_on(struct task *dying, struct list_head *dead)
{
	struct task *child, *next;

	reaper_hand_on(dying);
	if (list_empty(&dying->children))
		return;
	struct task *parent = find_new_parent(dying);
	list_for_each_entry_safe (child, next, &dying->children, sibling)
		child_reparent(child, parent, dying, dead);
}

static void release_list(struct list_head *dead)
{
	struct task *task, *next;

	list_for_each_entry_safe (task, next, dead, ptrace_entry) {
		list_del_init(&task->ptrace_entry);
		task_release(task);
	}
}

// The last act with the family: after it others may release `task`.
static void exit_notify(struct task *task, bool group_dead)
{
	struct list_head dead;
	bool autoreap;

	list_init(&dead);
	write_lock_irq(&tasklist_lock);
	children_hand_on(task, &dead);
	if (group_dead)
		pgrp_check_orphaned(task->group_leader, NULL);
	task->exit_state = EXIT_ZOMBIE;
	if (thread_group_leader(task))
		autoreap = thread_group_empty(task) &&
			   notify_parent_locked(task, task->exit_signal);
	else
		autoreap = true;
	if (!thread_group_leader(task))
		wake_up_all(&task->pid->wait_pidfd); // a descriptor of this thread alone
	if (autoreap) {
		task->exit_state = EXIT_REAPED;
		list_add(&task->ptrace_entry, &dead);
	}
	// An exec that waits for us to be gone.
	struct process *process = task->process;
	if (process->notify_count < 0)
		task_wake(process->group_exec_task, TASK_NORMAL | TASK_WAKEKILL);
	write_unlock_irq(&tasklist_lock);
	release_list(&dead);
}

// --- The end ---

// The first process of the machine must not end; one of a nested namespace takes all with it.
static void exit_as_init(struct task *task, int code)
{
	struct pid_namespace *ns = task_active_pid_ns(task);

	if (READ_ONCE(ns->reaper)->process != task->process)
		return;
	if (ns == &init_pid_ns)
		panic("Attempted to kill init! exitcode=0x%08x", code);
	pid_ns_zap(ns);
	if (READ_ONCE(ns->reboot_code)) // it ended by reboot(2)
		task->exit_code = task->process->group_exit_code = ns->reboot_code;
}

// The last thread goes: what it says is the status of the process, unless that has been said.
static void conclude_process(struct process *process, struct sighand *sighand, int code)
{
	spin_lock_irq(&sighand->lock);
	if (!(process->flags & PROCESS_GROUP_EXIT)) {
		process->flags |= PROCESS_GROUP_EXIT;
		process->group_exit_code = code;
	}
	spin_unlock_irq(&sighand->lock);
}

NORETURN void task_exit(int code)
{
	struct task *task = current;

	if (task->flags & TF_EXITING) {
		// A fault on the way out: leak what is left rather than fault again.
		pr_err("exit: %s[%d] failed while exiting\n", task->name, task_pid_nr(task));
		set_current_state(TASK_UNINTERRUPTIBLE);
		for (;;)
			schedule();
	}
	coredump_join();
	signal_exit(task); // sets TF_EXITING and passes group signals on
	bool group_dead = atomic_sub_return(&task->process->live, 1) == 0;
	task->exit_code = code;
	if (group_dead) {
		conclude_process(task->process, task->sighand, code);
		exit_as_init(task, task->process->group_exit_code ?: code);
		process_timers_exit(task->process);
		if (task->mm)
			usage_note_rss(task->process, task->mm);
	}
	if (task->mm) {
		if (group_dead)
			WRITE_ONCE(task->process->dumpable_at_end, READ_ONCE(task->mm->dumpable));
		task_release_mm(task, true);
	}
	mm_exit_current();
	resources_exit(task);
	cgroup_task_exit(task);
	if (group_dead)
		session_leave_tty(task);
	exit_notify(task, group_dead);
	sched_exit(); // switches away for the last time
}

NORETURN void process_exit(int code)
{
	struct sighand *sighand = current->sighand;
	struct process *process = current->process;

	spin_lock_irq(&sighand->lock);
	if (process->flags & PROCESS_GROUP_EXIT) {
		code = process->group_exit_code;
	} else if (process->group_exec_task && process->group_exec_task != current) {
		code = 0; // we make room for an exec: the process goes on
	} else {
		process->group_exit_code = code;
		process->flags |= PROCESS_GROUP_EXIT;
		signal_kill_other_threads_locked(process);
	}
	spin_unlock_irq(&sighand->lock);
	task_exit(code);
}

// --- exec with other threads alive ---

static int wait_others_dead(struct process *process, struct sighand *sighand)
{
	while (process->notify_count) {
		set_current_state(TASK_KILLABLE);
		spin_unlock_irq(&sighand->lock);
		schedule();
		if (task_kill_pending(current))
			return -EAGAIN;
		spin_lock_irq(&sighand->lock);
	}
	spin_unlock_irq(&sighand->lock);
	return 0;
}

// Current was not the leader: waits until the leader is a zombie, then takes its place and pid.
static int leader_replace(struct process *process)
{
	struct task *leader = current->group_leader;

	for (;;) {
		write_lock_irq(&tasklist_lock);
		process->notify_count = -1; // exit_notify() of the leader wakes us
		if (leader->exit_state)
			break;
		set_current_state(TASK_KILLABLE);
		write_unlock_irq(&tasklist_lock);
		schedule();
		if (task_kill_pending(current))
			return -EAGAIN;
	}
	current->start_ns = leader->start_ns;
	current->start_boottime_ns = leader->start_boottime_ns;
	task_swap_identity(leader);
	leader->exit_state = EXIT_REAPED;
	process->notify_count = 0;
	process->group_exec_task = NULL;
	write_unlock_irq(&tasklist_lock);
	task_release(leader);
	return 0;
}

int process_become_single(void)
{
	struct process *process = current->process;
	struct sighand *sighand = current->sighand;
	int error;

	if (thread_group_empty(current)) {
		current->exit_signal = SIGCHLD;
		return 0;
	}
	spin_lock_irq(&sighand->lock);
	if ((process->flags & PROCESS_GROUP_EXIT) || process->group_exec_task) {
		spin_unlock_irq(&sighand->lock);
		return -EAGAIN; // we are being killed, or lost against another exec
	}
	process->group_exec_task = current;
	signal_kill_other_threads_locked(process);
	process->notify_count = process->thread_count - 1;
	if (!thread_group_leader(current))
		process->notify_count--; // the leader stays as a zombie
	error = wait_others_dead(process, sighand);
	if (!error && !thread_group_leader(current))
		error = leader_replace(process);
	if (error) {
		read_lock(&tasklist_lock);
		process->group_exec_task = NULL;
		process->notify_count = 0;
		read_unlock(&tasklist_lock);
		return error;
	}
	process->group_exec_task = NULL;
	process->notify_count = 0;
	current->exit_signal = SIGCHLD;
	return 0;
}
