// wait4(2) and waitid(2): a parent learns that a child has ended, stopped or continued.
//
// Each thread has its own children, but any thread of the group may wait for any of them, unless
// __WNOTHREAD is given. Whether a zombie is taken is decided by one compare-and-swap of its
// exit_state, so tasklist_lock is only read here.

#include <core/errno.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <process/accounting.h>
#include <process/pidfd.h>
#include <process/wait.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <uapi/errno.h>
#include <uapi/signal.h>
#include <uapi/wait.h>

#include "internal.h"

// Whether wait options that tell of clone children match this one.
static bool wanted_kind(const struct wait_request *request, const struct task *child)
{
	// A traced child is everybody's; __WALL takes both kinds.
	if ((request->options & __WALL) || child->ptrace)
		return true;
	// "Clone" children are those whose end sends another signal than SIGCHLD, or none.
	return (child->exit_signal != SIGCHLD) == !!(request->options & __WCLONE);
}

static bool wanted(const struct wait_request *request, const struct task *child)
{
	if (request->pid && READ_ONCE(child->process->pids[request->type]) != request->pid &&
	    !(request->type == PIDTYPE_PID && child->pid == request->pid))
		return false;
	return wanted_kind(request, child);
}

static void fill_result(struct wait_request *request, struct task *child, int code, int status)
{
	request->found_pid = task_nr_ns(child, PIDTYPE_PID, task_active_pid_ns(current));
	request->found_uid = task_uid_seen_by(child, current);
	request->code = code;
	request->status = status;
}

// Takes a zombie: reports it and, unless WNOWAIT, releases it. tasklist_lock is read-held, and is
// dropped if this returns non-zero.
static long take_zombie(struct wait_request *request, struct task *child)
{
	struct process *process = child->process;
	int status = (process->flags & PROCESS_GROUP_EXIT) ? process->group_exit_code
							   : child->exit_code;
	int code = (status & 0x7f) ? ((status & 0x80) ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;

	if (!(request->options & WNOWAIT)) {
		int zombie = EXIT_ZOMBIE;
		if (!__atomic_compare_exchange_n(&child->exit_state, &zombie, EXIT_REAPED, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return 0; // another thread was faster
	}
	fill_result(request, child, code, status);
	if (request->usage)
		usage_of_process_tree(child, request->usage);
	task_get(child);
	read_unlock(&tasklist_lock);
	if (!(request->options & WNOWAIT)) {
		usage_add_child(current->process, process);
		task_release(child);
	}
	task_put(child);
	return request->found_pid;
}

// Reports a stop or a continuation, once, if there is one that was not reported.
static long take_stop_or_continue(struct wait_request *request, struct task *child)
{
	struct process *process = child->process;
	struct sighand *sighand = child->sighand;
	int code = 0, status = 0;

	if (!sighand)
		return 0;
	spin_lock_irq(&sighand->lock);
	if ((request->options & WSTOPPED) && (process->flags & PROCESS_STOP_STOPPED) &&
	    process->group_exit_code) {
		code = CLD_STOPPED;
		status = process->group_exit_code;
		if (!(request->options & WNOWAIT))
			process->group_exit_code = 0;
	} else if ((request->options & WCONTINUED) && (process->flags & PROCESS_STOP_CONTINUED)) {
		code = CLD_CONTINUED;
		status = SIGCONT;
		if (!(request->options & WNOWAIT))
			process->flags &= ~PROCESS_STOP_CONTINUED;
	}
	spin_unlock_irq(&sighand->lock);
	if (!code)
		return 0;
	fill_result(request, child, code, status);
	if (request->usage)
		usage_of_process_tree(child, request->usage);
	read_unlock(&tasklist_lock);
	return request->found_pid;
}

// One child. 0: nothing to report, and the lock is still held.
static long consider(struct wait_request *request, struct task *child)
{
	if (!wanted(request, child))
		return 0;
	int exit_state = READ_ONCE(child->exit_state);

	if (exit_state == EXIT_REAPED)
		return 0;
	bool dead = exit_state == EXIT_ZOMBIE && thread_group_empty(child);
	// Nothing more will come of a dead one for who does not wait for its end.
	if (dead && !(request->options & WEXITED))
		return 0;
	request->have_children = true;
	return dead ? take_zombie(request, child) : take_stop_or_continue(request, child);
}

static long consider_children_of(struct wait_request *request, struct task *parent)
{
	struct task *child;

	list_for_each_entry (child, &parent->children, sibling) {
		long found = consider(request, child);
		if (found)
			return found;
	}
	return 0;
}

// Looks through all children once. 0: none is ready. Otherwise the lock was dropped.
static long scan_locked(struct wait_request *request)
{
	struct task *thread;

	if (request->options & __WNOTHREAD)
		return consider_children_of(request, current);
	list_for_each_entry (thread, &current->process->threads, thread_node) {
		long found = consider_children_of(request, thread);
		if (found)
			return found;
	}
	return 0;
}

static long scan(struct wait_request *request)
{
	request->have_children = false;
	// A pid that is no more, or never was a child's.
	if (request->pid_missing)
		return -ECHILD;
	read_lock(&tasklist_lock);
	long found = scan_locked(request);
	if (found)
		return found;
	read_unlock(&tasklist_lock);
	if (!request->have_children)
		return -ECHILD;
	return 0;
}

long wait_for_child(struct wait_request *request)
{
	struct wait_queue *queue = &current->process->child_wait;
	struct wait_entry entry;
	long found;

	wait_entry_init(&entry, wake_default, 0);
	for (;;) {
		int interrupted = 0;

		// Queued before the look, so that no child can end between the two unseen.
		if (!(request->options & WNOHANG))
			interrupted = prepare_to_wait(queue, &entry, TASK_INTERRUPTIBLE);
		found = scan(request);
		if (found || (request->options & WNOHANG))
			break;
		if (interrupted) {
			found = interrupted;
			break;
		}
		schedule();
	}
	if (!(request->options & WNOHANG))
		finish_wait(queue, &entry);
	return found;
}
