// Contexts: how a task's first switch is prepared, how a child gets its parent's registers, and
// the floating-point registers.
//
// The kernel does not use the floating-point unit. sstatus.FS in a task's trapframe says what its
// registers hold: Off until the first use (which traps as an illegal instruction), then Initial,
// and Dirty once they were written. They are stored when the task is switched away from dirty, and
// loaded when it is switched to, so a task that never uses them costs nothing.

#include <arch/context.h>
#include <arch/trapframe.h>
#include <asm/csr.h>
#include <lib/string.h>
#include <sched/sched.h>
#include <sched/task.h>
#include "fpu.h"

_Static_assert(offsetof(struct task, arch) == 0, "struct arch_task must be first");
_Static_assert(offsetof(struct task, work) == TASK_WORK, "TASK_WORK");
_Static_assert(offsetof(struct arch_task, user_sp) == TASK_USER_SP, "TASK_USER_SP");
_Static_assert(offsetof(struct arch_task, hart) == TASK_HART, "TASK_HART");
_Static_assert(offsetof(struct arch_task, ra) == TASK_CTX_RA, "TASK_CTX_RA");
_Static_assert(offsetof(struct arch_task, s) == TASK_CTX_S, "TASK_CTX_S");
_Static_assert(offsetof(struct arch_task, gp) == TASK_CTX_GP, "TASK_CTX_GP");
_Static_assert(offsetof(struct arch_task, stack_canary) == TASK_CANARY, "TASK_CANARY");
_Static_assert(sizeof(((struct arch_task *)0)->fp) == FPU_STATE_WORDS * sizeof(u64), "fp");

struct task *context_switch(struct task *prev, struct task *next);
void fpu_store(u64 state[FPU_STATE_WORDS]);
void fpu_load(const u64 state[FPU_STATE_WORDS]);
void task_first_entry(void);

#define USER_STATUS (SSTATUS_SPIE | SSTATUS_UXL_64)

void arch_task_init(struct task *task, void *kstack)
{
	task->arch.kernel_sp = (u64)kstack + KSTACK_SIZE;
}

// The unit must be on while its registers are moved.
void fpu_live_store(u64 state[FPU_STATE_WORDS])
{
	csr_set(sstatus, SSTATUS_FS);
	fpu_store(state);
	csr_clear(sstatus, SSTATUS_FS);
}

static void fpu_load_from(const u64 state[FPU_STATE_WORDS])
{
	csr_set(sstatus, SSTATUS_FS);
	fpu_load(state);
	csr_clear(sstatus, SSTATUS_FS);
}

static bool has_user_half(const struct task *task)
{
	return task->mm != NULL;
}

static void set_fs(struct trapframe *tf, u64 state)
{
	tf->status = (tf->status & ~SSTATUS_FS) | state;
}

static void fpu_switch_out(struct task *task)
{
	struct trapframe *tf = task_trapframe(task);

	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_DIRTY) {
		fpu_live_store(task->arch.fp);
		set_fs(tf, SSTATUS_FS_CLEAN);
	}
}

void fpu_live_load(struct trapframe *tf, const u64 state[FPU_STATE_WORDS])
{
	fpu_load_from(state);
	set_fs(tf, SSTATUS_FS_DIRTY);
}

static void fpu_switch_in(struct task *task)
{
	if ((task_trapframe(task)->status & SSTATUS_FS) != SSTATUS_FS_OFF)
		fpu_load_from(task->arch.fp);
}

struct task *arch_switch_to(struct task *prev, struct task *next)
{
	if (has_user_half(prev))
		fpu_switch_out(prev);
	next->arch.hart = prev->arch.hart;
	if (has_user_half(next))
		fpu_switch_in(next);
	return context_switch(prev, next);
}

void arch_fpu_save(void)
{
	fpu_switch_out(current);
}

// First use since exec: registers start as zero, for what is in them is another's.
bool fpu_first_use(struct trapframe *tf)
{
	if ((tf->status & SSTATUS_FS) != SSTATUS_FS_OFF)
		return false;
	memset(current->arch.fp, 0, sizeof(current->arch.fp));
	fpu_load_from(current->arch.fp);
	set_fs(tf, SSTATUS_FS_CLEAN);
	return true;
}

static void first_switch(struct task *task, void (*fn)(void *), void *arg)
{
	task->arch.ra = (u64)task_first_entry;
	task->arch.sp = task->arch.kernel_sp - sizeof(struct trapframe);
	memset(task->arch.s, 0, sizeof(task->arch.s));
	task->arch.s[1] = (u64)fn;
	task->arch.s[2] = (u64)arg;
}

void arch_task_init_kernel(struct task *task, void (*fn)(void *), void *arg)
{
	memset(task_trapframe(task), 0, sizeof(struct trapframe));
	first_switch(task, fn, arg);
}

void arch_task_copy_user(struct task *child, struct task *parent, const struct clone_regs *regs)
{
	struct trapframe *tf = task_trapframe(child);

	arch_fpu_save();
	*tf = *task_trapframe(parent);
	if ((tf->status & SSTATUS_FS) != SSTATUS_FS_OFF)
		memcpy(child->arch.fp, parent->arch.fp, sizeof(child->arch.fp));
	tf->a[0] = 0;
	if (regs->stack)
		tf->sp = regs->stack;
	if (regs->set_tls)
		tf->tp = regs->tls;
	first_switch(child, NULL, NULL);
}

void arch_task_start_user(struct task *task, u64 pc, u64 sp)
{
	struct trapframe *tf = task_trapframe(task);

	memset(tf, 0, sizeof(*tf));
	tf->pc = pc;
	tf->sp = sp;
	tf->status = USER_STATUS;
}

void arch_core_registers(struct task *task, u64 regs[32], u64 fpregs[33])
{
	const struct trapframe *tf = task_trapframe(task);

	memcpy(regs, tf, 32 * sizeof(u64));
	memset(fpregs, 0, 33 * sizeof(u64));
	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF)
		return;
	if (task == current)
		arch_fpu_save();
	memcpy(fpregs, task->arch.fp, sizeof(task->arch.fp));
}
