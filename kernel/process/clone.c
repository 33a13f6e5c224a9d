// Making a task out of current. Read in this order: task_clone() is the story; copy_task() is the
// half that may fail and can be undone by task_unmake() alone; task_publish() is the commit point,
// after which nothing fails.

#include <arch/context.h>
#include <arch/trapframe.h>
#include <cgroup/cgroup.h>
#include <core/errno.h>
#include <core/perhart.h>
#include <core/printk.h>
#include <fs/file.h>
#include <fs/files.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <process/clone.h>
#include <process/clone_flags.h>
#include <process/futex.h>
#include <process/pidfd.h>
#include <process/process.h>
#include <process/rseq.h>
#include <sched/completion.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#include "internal.h"

struct atomic task_count;
static int task_limit;
PER_HART(static u64, fork_count);

// What copy_task() has taken that is not in the child yet.
struct clone_pidfd {
	int fd; // -1 = none
	struct file *file;
};

// --- Limits ---

// RLIMIT_NPROC does not bind root (as the first user namespace counts, wherever it is), nor who may
// override limits.
static bool nproc_exempt(void)
{
	return current_cred()->uid == 0 || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
}

// Counts the child on its user and on the machine.
static int task_count_charge(struct task *child)
{
	struct user_counts *counts = child->real_cred->counts;

	if (atomic64_add_return(&counts->processes, 1) > (long)rlimit(RLIMIT_NPROC) &&
	    rlimit(RLIMIT_NPROC) != RLIM_INFINITY && !nproc_exempt()) {
		atomic64_sub(&counts->processes, 1);
		return -EAGAIN;
	}
	if (atomic_add_return(&task_count, 1) > READ_ONCE(task_limit)) {
		atomic_sub(&task_count, 1);
		atomic64_sub(&counts->processes, 1);
		return -EAGAIN;
	}
	return 0;
}

static void task_count_uncharge(struct task *child)
{
	atomic_sub(&task_count, 1);
	atomic64_sub(&child->real_cred->counts->processes, 1);
}

// --- The fallible half ---

// What a child has by value from its parent. All else is zero in a new task.
static void copy_values(struct task *child, const struct clone_request *request)
{
	child->flags = (current->flags & TF_RANDOMIZE) | TF_FORKNOEXEC;
	child->blocked = current->blocked;
	child->personality = current->personality;
	child->no_new_privs = current->no_new_privs || (request->flags & CLONE_NNP);
	child->io_flusher = current->io_flusher;
	child->mce_kill = current->mce_kill;
	child->timer_slack_ns = current->timer_slack_ns;
	child->default_timer_slack_ns = current->timer_slack_ns;
	child->self_exec_id = current->self_exec_id;
	memcpy(child->name, current->name, sizeof(child->name));
	// An alternate stack in a memory that both use would be used twice.
	if (!(request->flags & CLONE_VM) || (request->flags & CLONE_VFORK))
		child->sigaltstack = current->sigaltstack;
	if (request->flags & CLONE_CHILD_SETTID)
		child->set_child_tid = request->child_tid;
	if (request->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = request->child_tid;
	// The area for restartable sequences belongs to the memory; a thread registers its own.
	if (!(request->flags & CLONE_VM)) {
		child->rseq_addr = current->rseq_addr;
		child->rseq_len = current->rseq_len;
		child->rseq_signature = current->rseq_signature;
	}
	child->rseq_cid = child->rseq_hart_written = child->rseq_cid_written = -1;
	child->exit_signal = (request->flags & CLONE_THREAD) ? -1 : request->exit_signal;
	child->start_ns = clock_monotonic_ns();
	child->start_boottime_ns = clock_boottime_ns();
}

static void init_own_fields(struct task *child)
{
	spin_init(&child->alloc_lock, LOCK_TASK_ALLOC);
	list_init(&child->children);
	list_init(&child->sibling);
	list_init(&child->ptraced);
	list_init(&child->ptrace_entry);
	list_init(&child->thread_node);
	list_init(&child->all_node);
	list_init(&child->pending.queue);
	list_init(&child->cgroup_link);
}

// Chosen numbers (clone3's set_tid, innermost namespace first): each must be one that its namespace
// can have, and choosing it needs a capability there. Whether it is free, pid_alloc() sees.
static int set_tid_check(struct pid_namespace *ns, const struct clone_request *request)
{
	if (request->set_tid_count > ns->level + 1)
		return -EINVAL;
	for (unsigned i = 0; i < request->set_tid_count; i++, ns = ns->parent) {
		int nr = request->set_tid[i];

		if (nr < 1 || nr >= READ_ONCE(ns->pid_max) || (nr != 1 && !READ_ONCE(ns->reaper)))
			return -EINVAL;
		if (!ns_capable(ns->common.owner, CAP_CHECKPOINT_RESTORE) &&
		    !ns_capable(ns->common.owner, CAP_SYS_ADMIN))
			return -EPERM;
	}
	return 0;
}

static int prepare_pidfd(struct task *child, const struct clone_request *request,
			 struct clone_pidfd *pidfd)
{
	if (!(request->flags & CLONE_PIDFD))
		return 0;
	bool thread = request->flags & CLONE_THREAD;
	int error = pidfd_prepare(child->pid, thread, &pidfd->fd, &pidfd->file);
	if (error)
		return error;
	if (request->flags & CLONE_PIDFD_AUTOKILL)
		pidfd_file_kills(pidfd->file);
	return put_user_u32(request->pidfd, pidfd->fd);
}

static void discard_pidfd(struct clone_pidfd *pidfd)
{
	if (pidfd->fd < 0)
		return;
	fd_release_unused(pidfd->fd);
	file_put(pidfd->file);
}

// Drops everything that a child has that was not published. Tolerates any half-made state.
static void task_unmake(struct task *child)
{
	if (child->pid) {
		pid_free(child->pid);
		child->pid = NULL;
	}
	cgroup_uncharge_child(child);
	if (child->real_cred)
		task_count_uncharge(child);
	if (child->sighand || child->process || child->cred)
		resources_discard(child);
	if (child->real_cred)
		cred_put(child->real_cred);
	child->real_cred = NULL;
	task_discard(child);
}

// Builds a child up to the point where it could be published. On failure nothing is left.
static int copy_task(const struct clone_request *request, struct task **out,
		     struct clone_pidfd *pidfd)
{
	struct task *child = task_alloc();
	struct resource_context context = {
		.flags = request->flags, .child = child, .request = request};
	struct clone_regs regs = {.stack = request->stack,
				  .tls = request->tls,
				  .set_tls = request->flags & CLONE_SETTLS};
	int error;

	if (!child)
		return -ENOMEM;
	init_own_fields(child);
	copy_values(child, request);
	error = resources_clone(&context);
	if (error)
		goto out_unmake;
	child->real_cred = child->cred;
	error = task_count_charge(child);
	if (error) {
		child->real_cred = NULL;
		goto out_unmake;
	}
	cred_get(child->real_cred); // one for each of the two pointers
	error = cgroup_charge_child(child);
	if (error)
		goto out_unmake;
	sched_fork(child);
	arch_task_copy_user(child, current, &regs);
	error = set_tid_check(child->nsproxy->pid_for_children, request);
	if (!error)
		error = pid_alloc(child->nsproxy->pid_for_children, request->set_tid,
				  request->set_tid_count, &child->pid);
	if (!error)
		error = prepare_pidfd(child, request, pidfd);
	if (error)
		goto out_unmake;
	*out = child;
	return 0;

out_unmake:
	discard_pidfd(pidfd);
	task_unmake(child);
	return error;
}

// --- The commit point ---

static void publish_parentage(struct task *child, const struct clone_request *request)
{
	if (request->flags & (CLONE_PARENT | CLONE_THREAD)) {
		child->real_parent = current->real_parent;
		child->parent_exec_id = current->parent_exec_id;
		if (!(request->flags & CLONE_THREAD))
			child->exit_signal = current->group_leader->exit_signal;
	} else {
		child->real_parent = current;
		child->parent_exec_id = current->self_exec_id;
	}
	child->parent = child->real_parent;
}

static void publish_thread(struct task *child)
{
	struct process *process = child->process;

	child->group_leader = current->group_leader;
	process->thread_count++;
	atomic_inc(&process->live);
	list_add_tail_rcu(&child->thread_node, &process->threads);
	pid_attach(child, PIDTYPE_PID, child->pid);
}

static void publish_process(struct task *child, const struct clone_request *request,
			    u64 delayed_signals)
{
	struct process *process = child->process;
	struct pid_namespace *ns = task_active_pid_ns(child);

	child->group_leader = child;
	process->leader = child;
	process->thread_count = 1;
	process->next_target = child;
	// The first process of a pid namespace reaps its orphans and cannot be killed from inside.
	if (child->pid->numbers[child->pid->level].nr == 1) {
		rcu_assign_pointer(ns->reaper, child);
		process->flags |= PROCESS_UNKILLABLE;
	}
	if (request->flags & CLONE_AUTOREAP)
		process->flags |= PROCESS_AUTOREAP;
	process->shared_pending.set = delayed_signals;
	process->tty = current->process->tty;
	const struct process *parent = child->real_parent->process;
	process->has_child_subreaper = parent->has_child_subreaper || parent->is_child_subreaper;
	list_add_tail_rcu(&child->thread_node, &process->threads);
	list_add_tail(&child->sibling, &child->real_parent->children);
	list_add_tail_rcu(&child->all_node, &all_processes);
	pid_attach(child, PIDTYPE_PID, child->pid);
	pid_attach(child, PIDTYPE_TGID, child->pid);
	pid_attach(child, PIDTYPE_PGID, task_pgrp(current));
	pid_attach(child, PIDTYPE_SID, task_session(current));
}

// The last checks, and then the child exists for all to see. Returns -EINTR if current is being
// killed (its group must not grow any more), -ENOMEM if the namespace's init has died.
static int task_publish(struct task *child, const struct clone_request *request,
			struct pending_fork *fork)
{
	struct sighand *sighand = current->sighand;
	int error = 0;

	write_lock_irq(&tasklist_lock);
	spin_lock(&cgroup_members_lock);
	spin_lock(&sighand->lock);
	if (task_active_pid_ns(child)->closed)
		error = -ENOMEM;
	else if (task_kill_pending(current))
		error = -EINTR;
	else
		error = cgroup_child_check_locked(child, request->flags & CLONE_INTO_CGROUP);
	if (error)
		goto out_unlock;
	publish_parentage(child, request);
	if (request->flags & CLONE_THREAD)
		publish_thread(child);
	else
		publish_process(child, request, fork->delayed);
	list_del_init(&fork->link);
	this_hart_var(fork_count)++;
	cgroup_child_join_locked(child, request->flags & CLONE_INTO_CGROUP);
	signal_recalc_new_child_locked(child);
out_unlock:
	spin_unlock(&sighand->lock);
	spin_unlock(&cgroup_members_lock);
	write_unlock_irq(&tasklist_lock);
	return error;
}

// --- Signals to several processes that arrive meanwhile ---
//
// A signal to a process group must be seen by a fork's parent and child alike, either before the
// fork or after it. Before: it is pending now, and the fork is restarted after its delivery.
// After: from here until the commit point, senders to groups leave a note (pending_fork), which
// the child starts with.

static int fork_signals_begin(struct pending_fork *fork, const struct clone_request *request)
{
	struct sighand *sighand = current->sighand;
	int error = 0;

	fork->delayed = 0;
	list_init(&fork->link);
	spin_lock_irq(&sighand->lock);
	if (!(request->flags & CLONE_THREAD))
		list_add(&fork->link, &current->process->ongoing_forks);
	signal_recalc_locked(current);
	if (atomic_read(&current->work) & WORK_SIGNAL)
		error = -ERESTARTNOINTR;
	spin_unlock_irq(&sighand->lock);
	return error;
}

static void fork_signals_end(struct pending_fork *fork)
{
	if (list_empty(&fork->link))
		return;
	spin_lock_irq(&current->sighand->lock);
	list_del_init(&fork->link);
	spin_unlock_irq(&current->sighand->lock);
}

// --- vfork ---

// Sleeps until the child has left our memory, or we are killed.
static void vfork_wait(struct task *child, struct completion *done)
{
	cgroup_enter_frozen(); // it cannot run, and the child may stand still
	int error = wait_for_completion_killable(done);
	cgroup_leave_frozen();
	if (!error)
		return;
	// Killed: the child must not complete what is on our stack.
	spin_lock(&child->alloc_lock);
	child->vfork_done = NULL;
	spin_unlock(&child->alloc_lock);
}

static int check_request(const struct clone_request *request)
{
	struct clone_facts facts = {
		.caller_is_init = current->process->flags & PROCESS_UNKILLABLE,
		.pid_ns_for_children_differs = current->nsproxy->pid_for_children !=
					       task_active_pid_ns(current),
		.clone3 = request->clone3,
		.exit_signal = request->exit_signal,
		.one_tid_address = request->pidfd == request->parent_tid,
	};
	int error = clone_flags_check(request->flags, &facts);

	// A program that has more rights than we must not end by our hand: but without new ones it has not.
	if (!error && (request->flags & CLONE_PIDFD_AUTOKILL) && !(request->flags & CLONE_NNP) &&
	    !ns_capable(current_cred()->user_ns, CAP_SYS_ADMIN))
		error = -EPERM;
	return error;
}

long task_clone(const struct clone_request *request)
{
	struct clone_pidfd pidfd = {.fd = -1};
	struct pending_fork fork;
	struct completion vfork_done;
	struct task *child;

	int error = check_request(request);
	if (error)
		return error;
	error = fork_signals_begin(&fork, request);
	if (!error)
		error = copy_task(request, &child, &pidfd);
	if (!error && (error = task_publish(child, request, &fork)) != 0) {
		discard_pidfd(&pidfd);
		task_unmake(child);
	}
	if (error) {
		fork_signals_end(&fork);
		return error;
	}

	current->nproc_exceeded = false; // this fork has judged it
	// Committed. The child may run, exit and be reaped from the moment that it is started.
	long nr = pid_vnr(child->pid);
	if (pidfd.fd >= 0)
		fd_install(pidfd.fd, pidfd.file);
	if (request->flags & CLONE_PARENT_SETTID)
		(void)put_user_u32(request->parent_tid, nr); // Linux ignores a bad address here
	if (request->flags & CLONE_VFORK) {
		completion_init(&vfork_done);
		child->vfork_done = &vfork_done;
		child->flags |= TF_VFORKED;
		task_get(child);
	}
	sched_start(child);
	if (request->flags & CLONE_VFORK) {
		vfork_wait(child, &vfork_done);
		task_put(child);
	}
	return nr;
}

// --- Leaving a memory ---

void task_release_mm(struct task *task, bool exiting)
{
	futex_exit_cleanup(task, exiting);
	rseq_leave(task);
	// The word is only cleared if somebody else can still see it: not when the memory goes.
	if (task->clear_child_tid) {
		if (mm_is_shared(task->mm)) {
			(void)put_user_u32(task->clear_child_tid, 0);
			futex_wake_address(task->clear_child_tid, 1);
		}
		task->clear_child_tid = 0;
	}
	if (!(task->flags & TF_VFORKED))
		return;
	spin_lock(&task->alloc_lock);
	struct completion *done = task->vfork_done;
	task->vfork_done = NULL;
	if (done)
		complete(done);
	spin_unlock(&task->alloc_lock);
	task->flags &= ~TF_VFORKED;
}

// --- Counts ---

int tasks_count(void)
{
	return atomic_read(&task_count);
}

int tasks_max(void)
{
	return READ_ONCE(task_limit);
}

int tasks_set_max(int max)
{
	if (max < 1 || max > THREADS_MAX_LIMIT)
		return -EINVAL;
	WRITE_ONCE(task_limit, max);
	return 0;
}

u64 tasks_total_forks(void)
{
	u64 total = 0;

	for_each_online_hart (hart)
		total += hart_var(fork_count, hart->index);
	return total;
}

// As on Linux: an eighth of memory may be kernel stacks.
void clone_init(void)
{
	u64 by_memory = total_pages_count() * PAGE_SIZE / (16 * KIB * 8);

	task_limit = CLAMP(by_memory, 20ul, (u64)PID_MAX_LIMIT);
	atomic_set(&task_count, 1);
}
