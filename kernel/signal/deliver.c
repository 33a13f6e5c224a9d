// Delivery: what a task does with its pending signals on the way back to user mode, and what
// becomes of the system call that they interrupted.

#include <arch/signal.h>
#include <arch/trapframe.h>
#include <cgroup/cgroup.h>
#include <core/errno.h>
#include <core/printk.h>
#include <sched/pid.h>
#include <sched/sched.h>
#include <signal/delivery.h>
#include <signal/queue.h>
#include <signal/stop.h>
#include <uapi/errno.h>

const struct signal_death_ops *signal_death_ops;

// --- Restart of system calls ---

// A handler will run: the call ends with EINTR, or is done again after the handler.
static void restart_before_handler(struct trapframe *tf, const struct kernel_sigaction *action)
{
	switch (arch_syscall_result(tf)) {
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		arch_syscall_set_result(tf, -EINTR);
		break;
	case -ERESTARTSYS:
		if (!(action->flags & SA_RESTART)) {
			arch_syscall_set_result(tf, -EINTR);
			break;
		}
		FALLTHROUGH;
	case -ERESTARTNOINTR:
		arch_syscall_restart(tf);
		break;
	}
}

// No handler: the call is simply done again.
static void restart_without_handler(struct trapframe *tf)
{
	switch (arch_syscall_result(tf)) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
		arch_syscall_restart(tf);
		break;
	case -ERESTART_RESTARTBLOCK:
		arch_syscall_restart_block(tf);
		break;
	}
}

// --- Default actions ---

static NORETURN void die(int sig, struct trapframe *tf, const struct siginfo *info)
{
	int status = sig;

	if ((SIGNAL_BIT(sig) & SIGNALS_CORE) && signal_death_ops->dump_core(tf, info))
		status |= 0x80;
	signal_death_ops->exit_process(status);
}

// Stops, unless the group is orphaned and the signal came from the terminal. sighand->lock held,
// and dropped.
static void stop(int sig, struct sighand *sighand)
{
	if (sig != SIGSTOP) {
		spin_unlock_irq(&sighand->lock);
		if (signal_death_ops->group_is_orphaned())
			return;
		spin_lock_irq(&sighand->lock);
	}
	bool stopping = group_stop_begin_locked(sig);
	spin_unlock_irq(&sighand->lock);
	if (stopping)
		group_stop_participate();
}

// --- Choosing ---

static bool init_is_immune(int sig)
{
	return (current->process->flags & PROCESS_UNKILLABLE) && sig != SIGKILL && sig != SIGSTOP;
}

// Stands still for the cgroup freezer, or notes that it no longer does. Whether there was anything to
// do: then sighand->lock, which is held, is dropped.
static bool freeze_locked(struct sighand *sighand)
{
	if (unlikely(current->job_control & JOB_FREEZE)) {
		// Under the lock: whoever lets us go on finds us asleep. Signals that are not fatal
		// wait; they would not let us sleep.
		set_current_state(TASK_INTERRUPTIBLE);
		atomic_fetch_and(&current->work, ~WORK_SIGNAL);
		spin_unlock_irq(&sighand->lock);
		cgroup_enter_frozen();
		schedule();
		set_current_running();
		return true;
	}
	if (unlikely(current->cgroup_frozen)) {
		spin_unlock_irq(&sighand->lock);
		cgroup_leave_frozen();
		return true;
	}
	return false;
}

// Finds the next signal that has a handler, acting on those that have none meanwhile.
static bool next_handled(struct trapframe *tf, struct signal_delivery *delivery)
{
	struct sighand *sighand = current->sighand;

	for (;;) {
		spin_lock_irq(&sighand->lock);
		if (unlikely(current->job_control & JOB_STOP_PENDING)) {
			spin_unlock_irq(&sighand->lock);
			group_stop_participate();
			continue;
		}
		if (unlikely(current->process->flags &
			     (PROCESS_CLD_STOPPED | PROCESS_CLD_CONTINUED)) &&
		    group_continue_notify_locked(sighand)) {
			spin_unlock_irq(&sighand->lock);
			continue;
		}
		if (current->process->flags & PROCESS_GROUP_EXIT ||
		    current->process->group_exec_task) {
			if (current->process->group_exec_task == current)
				; // we are the one that stays
			else {
				spin_unlock_irq(&sighand->lock);
				die(SIGKILL, tf, &delivery->info);
			}
		}
		if (freeze_locked(sighand))
			continue;
		int sig = signal_dequeue_locked(current->blocked, &delivery->info);
		if (!sig) {
			spin_unlock_irq(&sighand->lock);
			return false;
		}
		struct kernel_sigaction *action = &sighand->action[sig - 1];
		if (action->handler == SIG_IGN_ADDRESS) {
			spin_unlock_irq(&sighand->lock);
			continue;
		}
		if (action->handler != SIG_DFL_ADDRESS) {
			delivery->sig = sig;
			delivery->action = *action;
			if (action->flags & SA_RESETHAND)
				action->handler = SIG_DFL_ADDRESS;
			spin_unlock_irq(&sighand->lock);
			return true;
		}
		if ((SIGNAL_BIT(sig) & SIGNALS_IGNORED_BY_DEFAULT) || init_is_immune(sig)) {
			spin_unlock_irq(&sighand->lock);
			continue;
		}
		if (SIGNAL_BIT(sig) & SIGNALS_STOP) {
			stop(sig, sighand);
			continue;
		}
		spin_unlock_irq(&sighand->lock);
		die(sig, tf, &delivery->info);
	}
}

// --- The handler's frame ---

static void run_handler(struct trapframe *tf, struct signal_delivery *delivery)
{
	bool restore = atomic_read(&current->work) & WORK_RESTORE_MASK;

	if (arch_in_syscall(tf))
		restart_before_handler(tf, &delivery->action);
	arch_syscall_forget(tf); // done once, even if there is no room for the frame
	delivery->old_mask = restore ? current->saved_blocked : current->blocked;
	if (arch_signal_frame_setup(tf, delivery) != 0) {
		// No stack for the frame: as Linux, a SIGSEGV that cannot be handled if it was
		// itself the signal.
		if (delivery->sig == SIGSEGV) {
			spin_lock_irq(&current->sighand->lock);
			current->sighand->action[SIGSEGV - 1].handler = SIG_DFL_ADDRESS;
			spin_unlock_irq(&current->sighand->lock);
		}
		signal_force(SIGSEGV);
		return;
	}
	if (restore) {
		atomic_fetch_and(&current->work, ~WORK_RESTORE_MASK);
		current->saved_blocked = 0;
	}
	u64 mask = current->blocked | delivery->action.mask;
	if (!(delivery->action.flags & SA_NODEFER))
		mask |= SIGNAL_BIT(delivery->sig);
	signal_set_blocked(mask);
}

void signal_deliver(struct trapframe *tf)
{
	struct signal_delivery delivery;

	if (next_handled(tf, &delivery)) {
		run_handler(tf, &delivery);
		return;
	}
	if (arch_in_syscall(tf))
		restart_without_handler(tf);
	arch_syscall_forget(tf);
	if (atomic_read(&current->work) & WORK_RESTORE_MASK) {
		atomic_fetch_and(&current->work, ~WORK_RESTORE_MASK);
		u64 saved = current->saved_blocked;
		current->saved_blocked = 0;
		signal_set_blocked(saved);
	}
}
