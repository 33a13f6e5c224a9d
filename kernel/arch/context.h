// Making and switching contexts.
#pragma once

#include <arch/current.h>
#include <lib/base.h>

// What clone gives a child beside a copy of its parent's registers.
struct clone_regs {
	u64 stack; // 0 = as the parent's
	u64 tls;
	bool set_tls;
};

// Switches from current to next. Interrupts off, run-queue lock held. Returns, when `prev` runs
// again, the task that ran before it did.
struct task *arch_switch_to(struct task *prev, struct task *next);

// The task has its kernel stack: fills what assembly needs.
void arch_task_init(struct task *task, void *kstack);

// First switch to it calls task_ret_from_fork(prev), then fn(arg). If fn returns, the task goes to
// user mode with the registers that arch_task_start_user() has set.
void arch_task_init_kernel(struct task *task, void (*fn)(void *), void *arg);

// A child of current: first switch to it calls task_ret_from_fork(prev) and returns 0 to user mode.
void arch_task_copy_user(struct task *child, struct task *parent, const struct clone_regs *regs);

// exec: fresh registers for user mode, nothing of the old program left.
void arch_task_start_user(struct task *task, u64 pc, u64 sp);

// Saves current's live floating-point registers to its task, for core dumps and fork.
void arch_fpu_save(void);

struct task;
// For a core file: registers as user_regs_struct has them, and the floating-point state, of current or
// of a thread that has called arch_fpu_save() and will not go back to user mode.
void arch_core_registers(struct task *task, u64 regs[32], u64 fpregs[33]);

// The compiler calls it, by this name, at the end of a function that finds another canary on its stack
// than its task has.
NORETURN void __stack_chk_fail(void);
