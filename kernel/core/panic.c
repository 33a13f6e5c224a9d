// The ends of the kernel: panic and oops, and the warnings before.

#include <arch/backtrace.h>
#include <arch/current.h>
#include <arch/irq.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <core/cmdline.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/printk.h>
#include <core/timer.h>
#include <lib/printf.h>

bool panicking;
unsigned *warn_capture;
void (*panic_show_registers)(struct trapframe *tf);
NORETURN void (*oops_kill_task)(void);
bool (*oops_may_kill_task)(void);
static unsigned oopses, warnings;

// A return address names the instruction behind a call, which may be another function's first.
static bool print_frame(void *ctx, u64 pc)
{
	(void)ctx;
	pr_emerg("  %016lx %pS\n", pc, (void *)(pc - 1));
	return true;
}

void dump_stack(void)
{
	pr_emerg("Call trace:\n");
	arch_backtrace(NULL, print_frame, NULL);
}

void dump_task_stack(struct task *task)
{
	arch_backtrace(task, print_frame, NULL);
}

// panic=N: reboot after N seconds, -1 at once; without it the machine goes off with failure.
static NORETURN void machine_end(void)
{
	const char *wish = cmdline_get("panic");

	if (wish && *wish) {
		if (*wish != '-') {
			u64 end = clock_monotonic_ns() + cmdline_get_u64("panic", 0) * NSEC_PER_SEC;
			while (clock_monotonic_ns() < end)
				arch_cpu_relax();
		}
		arch_reboot();
	}
	arch_poweroff(false);
	printk(LOG_EMERG, "panic: this machine has no power-off; it stops here\n");
	arch_hart_park();
}

NORETURN void panic(const char *fmt, ...)
{
	static bool nested;
	static u32 entered;
	char text[512];
	va_list args;

	arch_irq_disable();
	if (__atomic_exchange_n(&entered, 1, __ATOMIC_SEQ_CST)) {
		// Another hart was first, or the report itself failed.
		if (nested)
			arch_hart_park();
		nested = true;
		machine_end();
	}
	panicking = true;
	printk_panic_mode();
	va_start(args, fmt);
	printk_format(text, sizeof(text), fmt, args);
	va_end(args);
	pr_emerg("Kernel panic - not syncing: %s\n", text);
	dump_stack();
	lock_check_dump();
	ipi_stop_others();
	pr_emerg("---[ end Kernel panic - not syncing: %s ]---\n", text);
	machine_end();
}

NORETURN void oops(struct trapframe *tf, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	printk_format(text, sizeof(text), fmt, args);
	va_end(args);
	__atomic_fetch_add(&oopses, 1, __ATOMIC_RELAXED);
	kernel_fault_noted();
	pr_emerg("Oops: %s\n", text);
	if (tf && panic_show_registers)
		panic_show_registers(tf);
	dump_stack();
	const char *policy = cmdline_get("oops");
	if (in_irq() || !oops_may_kill_task || !oops_may_kill_task() || (policy && *policy == 'p'))
		panic("%s", text);
	oops_kill_task();
}

unsigned oops_count(void)
{
	return oopses;
}

unsigned warn_count(void)
{
	return warnings;
}

static bool faulty;

void kernel_fault_noted(void)
{
	WRITE_ONCE(faulty, true);
}

bool kernel_was_faulty(void)
{
	return READ_ONCE(faulty);
}

void warn_report(const char *file, int line, const char *what)
{
	if (warn_capture) {
		++*warn_capture;
		return;
	}
	__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
	kernel_fault_noted();
	pr_warn("WARNING: %s at %s:%d\n", what, file, line);
	dump_stack();
}

NORETURN void bug_report(const char *file, int line, const char *what)
{
	oops(NULL, "BUG: %s at %s:%d", what, file, line);
}
