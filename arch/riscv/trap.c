// Traps, sorted by cause. From user mode a fault becomes a signal, and a page fault is first
// offered to the memory manager. In the kernel no fault is legal: it is reported and the machine
// stops.

#include <arch/backtrace.h>
#include <arch/irq.h>
#include <arch/trapframe.h>
#include <asm/csr.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/printk.h>
#include <core/timer.h>
#include <drivers/irq.h>
#include <mm/fault.h>
#include <mm/oom.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include "boot.h"
#include "fpu.h"

void trap_from_user(struct trapframe *tf);
void trap_from_kernel(struct trapframe *tf);
NORETURN void kstack_overflow(u64 sp, u64 pc, u64 fp);

static const char *const cause_names[16] = {"instruction address misaligned",
					    "instruction access fault",
					    "illegal instruction",
					    "breakpoint",
					    "load address misaligned",
					    "load access fault",
					    "store address misaligned",
					    "store access fault",
					    "system call",
					    "system call from the kernel",
					    "reserved",
					    "system call from the machine",
					    "instruction page fault",
					    "load page fault",
					    "reserved",
					    "store page fault"};

// --- Interrupts ---

static void interrupt(u64 cause, bool from_user)
{
	irq_enter();
	switch (cause & ~CAUSE_INTERRUPT) {
	case IRQ_TIMER:
		timer_interrupt(from_user);
		break;
	case IRQ_SOFTWARE:
		csr_clear(sip, SIE_SSIE);
		ipi_handle();
		break;
	case IRQ_EXTERNAL:
		irq_dispatch_external();
		break;
	default:
		printk_ratelimited(LOG_WARNING, "trap: unexpected interrupt %lx\n", cause);
	}
	irq_exit();
}

// --- From user mode ---

static void user_page_fault(struct trapframe *tf)
{
	unsigned access = tf->cause == CAUSE_STORE_PAGE   ? FAULT_WRITE
			  : tf->cause == CAUSE_FETCH_PAGE ? FAULT_EXEC
							  : FAULT_READ;

	switch (mm_fault(current->mm, tf->tval, access | FAULT_USER)) {
	case FAULT_OK:
		break;
	case FAULT_SEGV_MAPERR:
		signal_force_fault(SIGSEGV, SEGV_MAPERR, tf->tval);
		break;
	case FAULT_SEGV_ACCERR:
		signal_force_fault(SIGSEGV, SEGV_ACCERR, tf->tval);
		break;
	case FAULT_BUS:
		signal_force_fault(SIGBUS, BUS_ADRERR, tf->tval);
		break;
	case FAULT_OOM:
		// The killer has chosen somebody, perhaps us, and the access is tried again; or there
		// is nobody.
		if (oom_gave_up())
			signal_force_fault(SIGBUS, BUS_ADRERR, tf->tval);
		break;
	}
}

static void user_fault(struct trapframe *tf)
{
	switch (tf->cause) {
	case CAUSE_FETCH_PAGE:
	case CAUSE_LOAD_PAGE:
	case CAUSE_STORE_PAGE:
		user_page_fault(tf);
		break;
	case CAUSE_ILLEGAL:
		if (!fpu_first_use(tf))
			signal_force_fault(SIGILL, ILL_ILLOPC, tf->pc);
		break;
	case CAUSE_BREAKPOINT:
		signal_force_fault(SIGTRAP, TRAP_BRKPT, tf->pc);
		break;
	case CAUSE_FETCH_MISALIGNED:
	case CAUSE_LOAD_MISALIGNED:
	case CAUSE_STORE_MISALIGNED:
		signal_force_fault(SIGBUS, BUS_ADRALN, tf->pc); // as Linux: of the instruction
		break;
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		signal_force_fault(SIGSEGV, SEGV_ACCERR, tf->pc);
		break;
	default:
		signal_force_fault(SIGILL, ILL_ILLTRP, tf->pc);
	}
}

void trap_from_user(struct trapframe *tf)
{
	if (tf->cause & CAUSE_INTERRUPT) {
		interrupt(tf->cause, true);
		return;
	}
	arch_irq_enable();
	user_fault(tf);
}

// --- From the kernel ---

void registers_dump(const struct trapframe *tf)
{
	const u64 *r = &tf->ra;
	static const char names[31][4] = {"ra", "sp",  "gp",  "tp", "t0", "t1", "t2", "s0",
					  "s1", "a0",  "a1",  "a2", "a3", "a4", "a5", "a6",
					  "a7", "s2",  "s3",  "s4", "s5", "s6", "s7", "s8",
					  "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

	pr_emerg("pc: %016lx %pS\n", tf->pc, (void *)tf->pc);
	for (int i = 0; i < 31; i += 3)
		pr_emerg("%3s: %016lx %3s: %016lx %3s: %016lx\n", names[i], r[i],
			 i + 1 < 31 ? names[i + 1] : "", i + 1 < 31 ? r[i + 1] : 0,
			 i + 2 < 31 ? names[i + 2] : "", i + 2 < 31 ? r[i + 2] : 0);
	pr_emerg("status: %lx cause: %lx tval: %016lx\n", tf->status, tf->cause, tf->tval);
}

void trap_from_kernel(struct trapframe *tf)
{
	if (tf->cause & CAUSE_INTERRUPT) {
		interrupt(tf->cause, false);
		return;
	}
	if (tf->cause == CAUSE_BREAKPOINT) {
		pr_warn("kernel: breakpoint at %pS\n", (void *)tf->pc);
		tf->pc += (*(u16 *)tf->pc & 3) == 3 ? 4 : 2;
		return;
	}
	registers_dump(tf);
	panic("%s in the kernel, address %016lx",
	      tf->cause < 16 ? cause_names[tf->cause] : "unknown trap", tf->tval);
}

NORETURN void kstack_overflow(u64 sp, u64 pc, u64 fp)
{
	panic("kernel stack overflow of %s: sp %016lx pc %016lx %pS fp %016lx", current->name, sp,
	      pc, (void *)pc, fp);
}

NORETURN void __stack_chk_fail(void)
{
	panic("the stack of %s was overrun in %pS", current->name,
	      (char *)__builtin_return_address(0) - 1);
}

void trap_init_hart(void)
{
	csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
	csr_write(scounteren, 7); // user mode may read cycle, time and instret
}

// --- Backtraces: frame records below s0 (return address, caller's s0) ---

static bool on_stack(u64 fp, u64 low)
{
	return fp >= low + 16 && fp <= low + KSTACK_SIZE && !(fp & 7);
}

void arch_backtrace(const struct task *task, bool (*fn)(void *ctx, u64 pc), void *ctx)
{
	u64 fp = task ? task->arch.s[0] : (u64)__builtin_frame_address(0);
	u64 low = ALIGN_DOWN(fp - 1, (u64)KSTACK_SIZE);

	if (task && !fn(ctx, task->arch.ra))
		return;
	for (int depth = 0; depth < 64 && on_stack(fp, low); depth++) {
		u64 pc = *(u64 *)(fp - 8);

		if (pc < (u64)text_start || pc >= (u64)text_end || !fn(ctx, pc))
			return;
		u64 next = *(u64 *)(fp - 16);
		if (next <= fp)
			return;
		fp = next;
	}
}
