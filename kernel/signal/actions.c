// Handlers: resetting them, and the permission to send.

#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/queue.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <uapi/errno.h>

void signal_actions_reset(struct sighand *sighand, bool ignored_too)
{
	for (int i = 0; i < 64; i++) {
		struct kernel_sigaction *action = &sighand->action[i];

		if (ignored_too || action->handler != SIG_IGN_ADDRESS)
			action->handler = SIG_DFL_ADDRESS;
		action->flags = 0;
		action->mask = 0;
	}
}

void signal_actions_exec(void)
{
	spin_lock_irq(&current->sighand->lock);
	signal_actions_reset(current->sighand, false);
	spin_unlock_irq(&current->sighand->lock);
}

// Whether it matters what becomes ignored, at a glance: something is pending to somebody here, or a
// timer may have sent what was not queued. sighand->lock held.
static bool ignoring_matters_locked(int sig)
{
	const struct process *process = current->process;
	u64 pending = process->shared_pending.set | current->pending.set;

	return process->thread_count > 1 || process->posix_timers.node ||
	       (pending & SIGNAL_BIT(sig));
}

// POSIX 3.3.1.3: what is pending and now ignored is forgotten. sighand->lock held.
static void forget_if_ignored_locked(int sig)
{
	struct task *thread;

	if (!signal_is_ignored(current, sig))
		return;
	signal_remove_locked(&current->process->shared_pending, SIGNAL_BIT(sig));
	list_for_each_entry (thread, &current->process->threads, thread_node)
		signal_remove_locked(&thread->pending, SIGNAL_BIT(sig));
}

static ALWAYS_INLINE void action_store(struct kernel_sigaction *action,
				       const struct kernel_sigaction *new)
{
	*action = *new;
	action->mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
}

// Sets an action where it matters what is ignored before and after. sighand->lock held, and dropped.
static NOINLINE void action_set_carefully(int sig, const struct kernel_sigaction *new,
					  struct kernel_sigaction *action)
{
	bool ignored = signal_is_ignored(current, sig);

	action_store(action, new);
	if (new->handler <= SIG_IGN_ADDRESS)
		forget_if_ignored_locked(sig);
	bool ends = ignored && !signal_is_ignored(current, sig);
	spin_unlock_irq(&current->sighand->lock);
	if (ends && current->process->posix_timers.node)
		posix_timers_unignore(sig);
}

void signal_action_set(int sig, const struct kernel_sigaction *new, struct kernel_sigaction *old)
{
	struct sighand *sighand = current->sighand;
	struct kernel_sigaction *action = &sighand->action[sig - 1];

	spin_lock_irq(&sighand->lock);
	if (old)
		*old = *action;
	if (new) {
		if (unlikely(ignoring_matters_locked(sig))) {
			action_set_carefully(sig, new, action);
			return;
		}
		action_store(action, new);
	}
	spin_unlock_irq(&sighand->lock);
}

int process_unshare_sighand(void)
{
	struct sighand *old = current->sighand;

	if (refcount_read(&old->refs) == 1)
		return 0;
	struct sighand *sighand = sighand_alloc();
	if (!sighand)
		return -ENOMEM;
	write_lock_irq(&tasklist_lock);
	spin_lock(&old->lock);
	memcpy(sighand->action, old->action, sizeof(sighand->action));
	rcu_assign_pointer(current->sighand, sighand);
	spin_unlock(&old->lock);
	write_unlock_irq(&tasklist_lock);
	sighand_put(old);
	return 0;
}

int signal_stack_set(const stack_t *new, u64 sp)
{
	int mode = new->ss_flags & ~SS_AUTODISARM;

	if (signal_stack_holds(&current->sigaltstack, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && new->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	current->sigaltstack = *new;
	if (mode == SS_DISABLE) {
		current->sigaltstack.ss_sp = NULL;
		current->sigaltstack.ss_size = 0;
	}
	return 0;
}

// --- Permission ---

// kill(2): real or effective id of the sender equals real or saved id of the receiver.
static bool same_user(const struct cred *self, const struct cred *other)
{
	return self->euid == other->suid || self->euid == other->uid || self->uid == other->suid ||
	       self->uid == other->uid;
}

static bool is_from_kernel(const struct siginfo *info)
{
	return info == SIGINFO_PRIV || (info != SIGINFO_NOINFO && info->si_code > 0);
}

int signal_check_permission(int sig, struct task *task, const struct siginfo *info)
{
	if (sig < 0 || sig > 64)
		return -EINVAL;
	if (is_from_kernel(info) || task->process == current->process)
		return 0;
	rcu_read_lock();
	const struct cred *other = rcu_dereference(task->real_cred);
	bool allowed = same_user(current_cred(), other) || ns_capable(other->user_ns, CAP_KILL);
	// SIGCONT may be sent to any process of the session.
	if (!allowed && sig == SIGCONT)
		allowed = task_session(task) == task_session(current);
	rcu_read_unlock();
	return allowed ? 0 : -EPERM;
}

int signal_send_permitted(struct task *task, int sig, const struct siginfo *info,
			  enum pid_type scope)
{
	int error = signal_check_permission(sig, task, info);

	if (error || !sig)
		return error;
	return signal_send(task, sig, info, scope);
}

int signal_send_checked(struct pid *pid, enum pid_type scope, int sig, const struct siginfo *info)
{
	struct task *task;
	int result = -ESRCH;

	if (scope == PIDTYPE_PGID) {
		read_lock(&tasklist_lock);
		pid_for_each_task (task, pid, PIDTYPE_PGID) {
			int error = signal_send_permitted(task, sig, info, scope);
			if (result == -ESRCH || !error)
				result = error;
		}
		read_unlock(&tasklist_lock);
		return result;
	}
	rcu_read_lock();
	task = pid_task(pid, scope);
	if (task)
		result = signal_send_permitted(task, sig, info, scope);
	rcu_read_unlock();
	return result;
}
