// The ends of a system call's way through the kernel. The trap entry calls its function through the
// table (arch/riscv/entry.S); here is what happens when there is none, and the last stop before
// user mode.

#include <arch/irq.h>
#include <arch/trapframe.h>
#include <core/lock_check.h>
#include <core/printk.h>
#include <process/rseq.h>
#include <sched/lock_owner.h>
#include <sched/pid.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <syscall/dispatch.h>
#include <syscall/table.h>
#include <uapi/errno.h>

long syscall_absent(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 nr)
{
	static unsigned long named[512 / 64]; // those that were logged, each once
	const char *name = nr < SYSCALL_COUNT ? syscall_names[nr] : NULL;

	if (nr < 512 &&
	    !(__atomic_fetch_or(&named[nr / 64], 1ul << nr % 64, __ATOMIC_RELAXED) >> nr % 64 & 1))
		printk_ratelimited(LOG_INFO, "%s[%d]: system call %lu (%s) is not implemented\n",
				   current->name, task_pid_nr(current), nr, name ?: "unknown");
	return -ENOSYS;
}

void syscall_check(void)
{
	lock_check_none_held();
	sleeping_lock_check_none();
}

void exit_to_user_work(struct trapframe *tf)
{
	u32 work;

	while ((work = atomic_read(&current->work)) != 0) {
		arch_irq_enable();
		if (work & WORK_RESCHED) {
			schedule();
			sched_leave_hart();
		}
		if (unlikely(work & WORK_CPU_TIMERS))
			cpu_timers_run();
		if (work & WORK_RSEQ || (current->rseq_addr && (work & WORK_SIGNAL)))
			rseq_fix_up(tf, work & WORK_SIGNAL);
		if (work & (WORK_SIGNAL | WORK_KILL | WORK_RESTORE_MASK | WORK_FREEZE))
			signal_deliver(tf);
		arch_irq_disable();
	}
}
