#pragma once

#include <asm/layout.h>
#include <lib/base.h>

// Registers of an interrupted context, in the order of Linux's user_regs_struct and then our own.
struct trapframe {
	u64 pc, ra, sp, gp, tp, t0, t1, t2, s0, s1;
	u64 a[8];
	u64 s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6;
	u64 status, tval, cause, orig_a0;
};

_Static_assert(sizeof(struct trapframe) == TF_SIZE, "trapframe");
_Static_assert(offsetof(struct trapframe, a) == TF_A0, "trapframe.a");
_Static_assert(offsetof(struct trapframe, status) == TF_STATUS, "trapframe.status");
_Static_assert(offsetof(struct trapframe, s2) == TF_S2, "trapframe.s2");

static inline u64 arch_syscall_nr(const struct trapframe *tf)
{
	return tf->a[7];
}

static inline u64 arch_syscall_arg(const struct trapframe *tf, int i)
{
	return i ? tf->a[i] : tf->orig_a0;
}

static inline void arch_syscall_set_result(struct trapframe *tf, long result)
{
	tf->a[0] = result;
}

static inline long arch_syscall_result(const struct trapframe *tf)
{
	return tf->a[0];
}

// The ecall is executed again, with the argument that its result has overwritten.
static inline void arch_syscall_restart(struct trapframe *tf)
{
	tf->a[0] = tf->orig_a0;
	tf->pc -= 4;
}

// restart_syscall(2) is called in its place.
static inline void arch_syscall_restart_block(struct trapframe *tf)
{
	tf->a[0] = tf->orig_a0;
	tf->a[7] = 128;
	tf->pc -= 4;
}

static inline u64 arch_user_sp(const struct trapframe *tf)
{
	return tf->sp;
}

static inline u64 arch_user_pc(const struct trapframe *tf)
{
	return tf->pc;
}
