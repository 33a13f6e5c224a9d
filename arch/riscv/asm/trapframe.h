#pragma once

#include <asm/csr.h>
#include <asm/layout.h>
#include <lib/base.h>

// Registers of an interrupted context, in the order of Linux's user_regs_struct and then our own.
// gp and s0 to s11 of a context in user mode are only here while signals are delivered and in the
// calls that ask for them (entry.S); tval only after a fault, orig_a0 only in a system call.
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

// Whether the frame is of a system call that has not been dealt with: it may have to be restarted.
static inline bool arch_in_syscall(const struct trapframe *tf)
{
	return tf->cause == CAUSE_USER_ECALL;
}

static inline void arch_syscall_forget(struct trapframe *tf)
{
	tf->cause = ~0ul;
}

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
