// The way of a system call through the kernel, and the last stop before user mode.

#include <arch/irq.h>
#include <arch/trapframe.h>
#include <core/errno.h>
#include <core/lock_check.h>
#include <core/printk.h>
#include <sched/pid.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <syscall/dispatch.h>
#include <syscall/table.h>
#include <uapi/errno.h>

static long syscall_absent(u64 nr)
{
	static unsigned long named[512 / 64]; // those that were logged, each once
	const char *name = nr < syscall_count ? syscall_names[nr] : NULL;

	if (nr < 512 &&
	    !(__atomic_fetch_or(&named[nr / 64], 1ul << nr % 64, __ATOMIC_RELAXED) >> nr % 64 & 1))
		printk_ratelimited(LOG_INFO, "%s[%d]: system call %lu (%s) is not implemented\n",
				   current->name, task_pid_nr(current), nr, name ?: "unknown");
	return -ENOSYS;
}

void syscall_dispatch(struct trapframe *tf)
{
	u64 nr = arch_syscall_nr(tf);
	syscall_fn fn = nr < syscall_count ? syscall_table[nr] : NULL;
	long result;

	current->in_syscall = true;
	if (likely(fn))
		result = fn(arch_syscall_arg(tf, 0), arch_syscall_arg(tf, 1),
			    arch_syscall_arg(tf, 2), arch_syscall_arg(tf, 3),
			    arch_syscall_arg(tf, 4), arch_syscall_arg(tf, 5));
	else
		result = syscall_absent(nr);
	arch_syscall_set_result(tf, result);
	lock_check_none_held();
}

void exit_to_user_work(struct trapframe *tf)
{
	u32 work;

	while ((work = atomic_read(&current->work)) != 0) {
		arch_irq_enable();
		if (work & WORK_RESCHED)
			schedule();
		if (work & (WORK_SIGNAL | WORK_KILL | WORK_RESTORE_MASK | WORK_FREEZE))
			signal_deliver(tf);
		arch_irq_disable();
	}
	current->in_syscall = false;
}
