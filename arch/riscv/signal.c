// Signal frames, exactly as Linux riscv64 lays them out: siginfo, then a ucontext whose machine
// context has the registers, the floating-point state, and an empty list of extensions.

#include <arch/context.h>
#include <arch/signal.h>
#include <arch/trapframe.h>
#include <asm/csr.h>
#include <core/errno.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/uaccess.h>
#include <sched/sched.h>
#include <signal/delivery.h>
#include <uapi/errno.h>

struct fp_state {
	u64 f[32];
	u32 fcsr;
	u32 reserved[3]; // the header of the extensions: all zero ends the list
} ALIGNED(16);

struct machine_context {
	u64 regs[32]; // pc, then x1 to x31
	union {
		struct fp_state d;
		u8 quad[528]; // room for the largest floating-point state
	} ALIGNED(16);
};

struct user_context {
	u64 flags;
	u64 link;
	stack_t stack;
	u64 mask;
	u8 mask_room[120];
	struct machine_context machine ALIGNED(16);
};

struct signal_frame {
	struct siginfo info;
	struct user_context context;
};

_Static_assert(offsetof(struct user_context, machine) == 176, "ucontext");
_Static_assert(offsetof(struct machine_context, d) == 256, "fpregs");
_Static_assert(sizeof(struct machine_context) == 784, "mcontext");

bool fpu_first_use(struct trapframe *tf);

u64 arch_min_signal_stack(void)
{
	return 2048;
}

// --- To the frame ---

static void save_context(struct user_context *context, struct trapframe *tf, u64 mask)
{
	context->flags = 0;
	context->link = 0;
	context->stack = current->sigaltstack;
	if (!context->stack.ss_size)
		context->stack.ss_flags = SS_DISABLE;
	context->mask = mask;
	memcpy(context->machine.regs, tf, sizeof(context->machine.regs));
	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF)
		return;
	arch_fpu_save();
	memcpy(context->machine.d.f, current->arch.f, sizeof(current->arch.f));
	context->machine.d.fcsr = current->arch.fcsr;
}

static bool on_stack(const stack_t *stack, u64 sp)
{
	return sp > (u64)stack->ss_sp && sp - (u64)stack->ss_sp <= stack->ss_size;
}

// Where the frame goes; 0 if the alternate stack would overflow.
static u64 frame_address(const struct trapframe *tf, const struct signal_delivery *delivery)
{
	const stack_t *stack = &current->sigaltstack;
	u64 sp = tf->sp;

	if (stack->ss_size && on_stack(stack, sp) &&
	    !on_stack(stack, sp - sizeof(struct signal_frame)))
		return 0;
	if ((delivery->action.flags & SA_ONSTACK) && stack->ss_size && !on_stack(stack, sp))
		sp = (u64)stack->ss_sp + stack->ss_size;
	return ALIGN_DOWN(sp - sizeof(struct signal_frame), 16);
}

int arch_signal_frame_setup(struct trapframe *tf, struct signal_delivery *delivery)
{
	struct signal_frame frame;
	u64 at = frame_address(tf, delivery);

	if (!at)
		return -EFAULT;
	memset(&frame.context, 0, sizeof(frame.context));
	frame.info = delivery->info;
	save_context(&frame.context, tf, delivery->old_mask);
	if (copy_to_user(at, &frame, sizeof(frame)))
		return -EFAULT;
	if (current->sigaltstack.ss_flags & SS_AUTODISARM)
		current->sigaltstack = (stack_t){.ss_flags = SS_DISABLE};
	tf->ra = mm_vdso_base(current->mm); // the trampoline: rt_sigreturn
	tf->pc = delivery->action.handler;
	tf->sp = at;
	tf->a[0] = delivery->sig;
	tf->a[1] = at + offsetof(struct signal_frame, info);
	tf->a[2] = at + offsetof(struct signal_frame, context);
	return 0;
}

// --- And back ---

static void restore_fpu(struct trapframe *tf, const struct fp_state *state)
{
	static const struct fp_state zero;

	// A context that never used the unit stays so.
	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF) {
		if (!memcmp(state->f, zero.f, sizeof(zero.f)) && !state->fcsr)
			return;
		fpu_first_use(tf);
	}
	memcpy(current->arch.f, state->f, sizeof(current->arch.f));
	current->arch.fcsr = state->fcsr;
	arch_fpu_restore();
	tf->status = (tf->status & ~SSTATUS_FS) | SSTATUS_FS_CLEAN;
}

long arch_signal_return(struct trapframe *tf)
{
	struct user_context context;
	u64 at = tf->sp + offsetof(struct signal_frame, context);

	if ((tf->sp & 15) || copy_from_user(&context, at, sizeof(context))) {
		signal_force(SIGSEGV);
		return 0;
	}
	signal_set_blocked(context.mask);
	memcpy(tf, context.machine.regs, sizeof(context.machine.regs));
	restore_fpu(tf, &context.machine.d);
	if (context.stack.ss_size && !(context.stack.ss_flags & SS_DISABLE))
		current->sigaltstack = context.stack;
	arch_syscall_forget(tf); // no restart: a0 is the interrupted code's
	return tf->a[0];
}
