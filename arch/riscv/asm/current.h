#pragma once

#include <lib/base.h>

struct hart;
struct task;

// What assembly and the switch need of a task; first member of struct task.
struct arch_task {
	u64 kernel_sp;     // [I] top of the kernel stack: where the trapframe of user mode ends
	u64 user_sp;       // scratch for the trap entry
	struct hart *hart; // set when it is switched to
	u64 ra, sp, s[12]; // callee-saved registers while it does not run
	u64 gp;            // the user's, which the kernel leaves alone (entry.S)
	u64 fp[33];        // floating-point registers, and fcsr, while they are not in the hart
	u64 stack_canary;  // [I] what guarded functions have below their return address
};

// In the kernel, tp points to the running task.
register struct task *riscv_current __asm__("tp");

#define current riscv_current

static inline struct hart *arch_this_hart(void)
{
	return ((struct arch_task *)riscv_current)->hart;
}
