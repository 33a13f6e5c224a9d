// The system calls of signals: arguments, copies, permission. See signal(7).

#include <arch/signal.h>
#include <arch/trapframe.h>
#include <core/errno.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/clocks.h>
#include <signal/queue.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/time.h>

#define SIGSET_SIZE 8

// --- Copies ---

static int mask_from_user(u64 address, u64 *mask)
{
	int error = get_user_u64(address, mask);

	*mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	return error;
}

// --- Sending ---

// kill(-1): everybody but init and ourselves.
static int kill_all(int sig)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task *leader;
	int result = -ESRCH;

	read_lock(&tasklist_lock);
	list_for_each_entry (leader, &all_processes, all_node) {
		if (task_nr_ns(leader, PIDTYPE_TGID, ns) <= 1 ||
		    leader->process == current->process)
			continue;
		int error = signal_send_permitted(leader, sig, SIGINFO_NOINFO, PIDTYPE_PGID);
		// As Linux: to be forbidden everybody is no error.
		if (error != -EPERM)
			result = error;
		else if (result == -ESRCH)
			result = 0;
	}
	read_unlock(&tasklist_lock);
	return result;
}

SYSCALL2(kill, int, nr, int, sig)
{
	int error;

	if (nr == -1)
		return kill_all(sig);
	if (nr == -2147483647 - 1)
		return -ESRCH;
	if (nr == 0) {
		read_lock(&tasklist_lock);
		struct pid *own = pid_get(task_pgrp(current));
		read_unlock(&tasklist_lock);
		error = signal_send_checked(own, PIDTYPE_PGID, sig, SIGINFO_NOINFO);
		pid_put(own);
		return error;
	}
	if (nr > 0) {
		rcu_read_lock();
		struct task *task = task_find(nr); // a thread's number names its process here
		error = task ? signal_send_permitted(task, sig, SIGINFO_NOINFO, PIDTYPE_TGID)
			     : -ESRCH;
		rcu_read_unlock();
		return error;
	}
	struct pid *pid = pid_find_get(-nr);
	if (!pid)
		return -ESRCH;
	error = signal_send_checked(pid, PIDTYPE_PGID, sig, SIGINFO_NOINFO);
	pid_put(pid);
	return error;
}

static int send_to_thread(int tgid, int nr, int sig, const struct siginfo *info)
{
	int error = -ESRCH;

	rcu_read_lock();
	struct task *task = task_find(nr);
	if (task && (tgid <= 0 || task_tgid_vnr(task) == tgid)) {
		error = signal_send_permitted(task, sig, info, PIDTYPE_PID);
		// It has died in between: as if the signal had come just before that.
		if (error == -ESRCH && sig)
			error = 0;
	}
	rcu_read_unlock();
	return error;
}

static int send_tkill(int tgid, int nr, int sig)
{
	struct siginfo info = {.si_signo = sig, .si_code = SI_TKILL};

	info.si_pid = task_tgid_vnr(current);
	info.si_uid = uid_to_user_munged(current_cred()->user_ns, current_cred()->uid);
	return send_to_thread(tgid, nr, sig, &info);
}

SYSCALL2(tkill, int, nr, int, sig)
{
	if (nr <= 0)
		return -EINVAL;
	return send_tkill(0, nr, sig);
}

SYSCALL3(tgkill, int, tgid, int, nr, int, sig)
{
	if (nr <= 0 || tgid <= 0)
		return -EINVAL;
	return send_tkill(tgid, nr, sig);
}

// Nobody may pretend that a signal comes from the kernel or from kill(), but to himself.
static bool info_is_forged(const struct siginfo *info, int nr)
{
	return (info->si_code >= 0 || info->si_code == SI_TKILL) && task_pid_vnr(current) != nr;
}

SYSCALL3(rt_sigqueueinfo, int, nr, int, sig, u64, info_at)
{
	struct siginfo info;
	int error = siginfo_from_user(sig, info_at, &info);

	if (error)
		return error;
	if (info_is_forged(&info, nr))
		return -EPERM;
	struct pid *pid = pid_find_get(nr);
	if (!pid)
		return -ESRCH;
	rcu_read_lock();
	// A thread's number names its process here.
	struct task *task = pid_task(pid, PIDTYPE_PID);
	error = task ? signal_send_permitted(task, sig, &info, PIDTYPE_TGID) : -ESRCH;
	rcu_read_unlock();
	pid_put(pid);
	return error;
}

SYSCALL4(rt_tgsigqueueinfo, int, tgid, int, nr, int, sig, u64, info_at)
{
	struct siginfo info;
	int error = siginfo_from_user(sig, info_at, &info);

	if (error)
		return error;
	if (nr <= 0 || tgid <= 0)
		return -EINVAL;
	if (info_is_forged(&info, nr))
		return -EPERM;
	return send_to_thread(tgid, nr, sig, &info);
}

// --- Actions and masks ---

SYSCALL4(rt_sigaction, int, sig, u64, new_at, u64, old_at, size_t, size)
{
	struct kernel_sigaction new, old;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (new_at && copy_from_user(&new, new_at, sizeof(new)))
		return -EFAULT;
	if (sig < 1 || sig > 64 || (new_at && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	if (new_at)
		new.flags &= SA_KNOWN; // so that programs can probe for flags
	signal_action_set(sig, new_at ? &new : NULL, old_at ? &old : NULL);
	if (old_at && copy_to_user(old_at, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

SYSCALL4(rt_sigprocmask, int, how, u64, new_at, u64, old_at, size_t, size)
{
	u64 old = current->blocked, mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (new_at) {
		if (mask_from_user(new_at, &mask))
			return -EFAULT;
		if (how == SIG_BLOCK)
			mask |= old;
		else if (how == SIG_UNBLOCK)
			mask = old & ~mask;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		signal_set_blocked(mask);
	}
	if (old_at && put_user_u64(old_at, old))
		return -EFAULT;
	return 0;
}

SYSCALL2(rt_sigpending, u64, set_at, size_t, size)
{
	if (size > SIGSET_SIZE)
		return -EINVAL;
	spin_lock_irq(&current->sighand->lock);
	u64 set = current->pending.set | current->process->shared_pending.set;
	spin_unlock_irq(&current->sighand->lock);
	set &= current->blocked;
	return copy_to_user(set_at, &set, size);
}

SYSCALL2(rt_sigsuspend, u64, mask_at, size_t, size)
{
	u64 mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (mask_from_user(mask_at, &mask))
		return -EFAULT;
	signal_mask_temporarily(mask);
	while (!task_signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!task_signal_pending(current))
			schedule();
		set_current_running();
	}
	return -ERESTARTNOHAND;
}

void signal_mask_temporarily(u64 mask)
{
	current->saved_blocked = current->blocked;
	signal_set_blocked(mask);
	atomic_fetch_or(&current->work, WORK_RESTORE_MASK);
}

void signal_mask_restore(void)
{
	if (atomic_fetch_and(&current->work, ~WORK_RESTORE_MASK) & WORK_RESTORE_MASK) {
		u64 saved = current->saved_blocked;

		current->saved_blocked = 0;
		signal_set_blocked(saved);
	}
}

// --- sigtimedwait ---

static int take_one(u64 set, struct siginfo *info)
{
	spin_lock_irq(&current->sighand->lock);
	int sig = signal_dequeue_locked(~set, info);
	spin_unlock_irq(&current->sighand->lock);
	return sig;
}

// The signals that are waited for are unblocked while we sleep, or nothing would wake us; what is
// pending for the process is ours to take.
static int wait_for_signal(u64 set, u64 deadline, struct siginfo *info)
{
	struct sighand *sighand = current->sighand;
	u64 left;

	spin_lock_irq(&sighand->lock);
	int sig = signal_dequeue_locked(~set, info);
	if (sig) {
		spin_unlock_irq(&sighand->lock);
		return sig;
	}
	u64 blocked = current->blocked;
	current->real_blocked = blocked;
	current->blocked = blocked & ~set;
	signal_recalc_locked(current);
	set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock_irq(&sighand->lock);
	left = schedule_timeout(deadline);
	spin_lock_irq(&sighand->lock);
	current->blocked = blocked;
	current->real_blocked = 0;
	sig = signal_dequeue_locked(~set, info);
	signal_recalc_locked(current);
	spin_unlock_irq(&sighand->lock);
	if (sig)
		return sig;
	return left ? -EINTR : -EAGAIN;
}

SYSCALL4(rt_sigtimedwait, u64, set_at, u64, info_at, u64, timeout_at, size_t, size)
{
	u64 set, deadline = TIME_NEVER;
	struct siginfo info;
	int sig;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (mask_from_user(set_at, &set))
		return -EFAULT;
	if (timeout_at) {
		int error = deadline_from_user(timeout_at, &deadline);
		if (error)
			return error;
	}
	sig = take_one(set, &info);
	if (!sig)
		sig = deadline <= clock_monotonic_ns() ? -EAGAIN
						       : wait_for_signal(set, deadline, &info);
	if (sig > 0 && info_at && siginfo_to_user(info_at, &info))
		return -EFAULT;
	return sig;
}

// --- Alternate stack, return ---

SYSCALL2(sigaltstack, u64, new_at, u64, old_at)
{
	stack_t new, old = current->sigaltstack;
	u64 sp = arch_user_sp(task_trapframe(current));

	if (new_at && copy_from_user(&new, new_at, sizeof(new)))
		return -EFAULT;
	old.ss_flags = (old.ss_flags & SS_AUTODISARM) | (!old.ss_size                   ? SS_DISABLE
							 : signal_stack_holds(&old, sp) ? SS_ONSTACK
											: 0);
	int error = new_at ? signal_stack_set(&new, sp) : 0;
	if (!error && old_at && copy_to_user(old_at, &old, sizeof(old)))
		return -EFAULT;
	return error;
}

SYSCALL0(rt_sigreturn)
{
	current->restart.fn = NULL;
	return arch_signal_return(task_trapframe(current));
}

SYSCALL0(restart_syscall)
{
	return current->restart.fn ? current->restart.fn(current) : -EINTR;
}
