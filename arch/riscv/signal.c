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
#include "vdso_image.h"

struct fp_state {
	u64 f[32];
	u32 fcsr;
	u32 reserved[3];
} ALIGNED(16);

// Behind the largest floating-point state there is the list of extensions, which is empty: a header
// of zeroes ends it.
struct extensions {
	u8 room[516];
	u32 reserved;
	u32 magic, size;
};

struct machine_context {
	u64 regs[32]; // pc, then x1 to x31
	union {
		struct fp_state d;
		struct extensions extensions;
	} ALIGNED(16);
};

// What stands before the machine's part.
struct context_head {
	u64 flags;
	u64 link;
	stack_t stack;
	u64 mask;
};

struct user_context {
	struct context_head head;
	u8 mask_room[120];
	struct machine_context machine ALIGNED(16);
};

struct signal_frame {
	struct siginfo info;
	u8 info_room[SIGINFO_SIZE - sizeof(struct siginfo)];
	struct user_context context;
};

#define FRAME_OFFSET(field) offsetof(struct signal_frame, field)

_Static_assert(offsetof(struct user_context, machine) == 176, "ucontext");
_Static_assert(offsetof(struct machine_context, d) == 256, "fpregs");
_Static_assert(sizeof(struct machine_context) == 784, "mcontext");
_Static_assert(offsetof(struct arch_task, fp_end) + sizeof(u64) - offsetof(struct arch_task, f) ==
		       sizeof(struct fp_state),
	       "fpregs in the task");

bool fpu_first_use(struct trapframe *tf);

u64 arch_min_signal_stack(void)
{
	return sizeof(struct signal_frame);
}

// --- To the frame ---

// The parts go to the user's stack from where they are; what lies between them is left alone.

static int save_head(u64 at, const struct signal_delivery *delivery)
{
	struct {
		struct siginfo info;
		u8 info_room[SIGINFO_SIZE - sizeof(struct siginfo)];
		struct context_head head;
	} start = {
		.info = delivery->info,
		.head.stack = current->sigaltstack,
		.head.mask = delivery->old_mask,
	};

	_Static_assert(offsetof(typeof(start), head) == FRAME_OFFSET(context.head), "frame");
	return copy_to_user(at, &start, sizeof(start));
}

static int save_registers(u64 at, const struct trapframe *tf)
{
	return copy_to_user(at + FRAME_OFFSET(context.machine.regs), tf, 32 * sizeof(u64));
}

static int save_fpu(u64 at, const struct trapframe *tf)
{
	u64 end = at + FRAME_OFFSET(context.machine.extensions.reserved);

	at += FRAME_OFFSET(context.machine.d);
	if (put_user_u32(end, 0) || put_user_u64(end + 4, 0))
		return -EFAULT;
	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF)
		return clear_user(at, sizeof(struct fp_state)) == sizeof(struct fp_state) ? 0
											  : -EFAULT;
	arch_fpu_save();
	return copy_to_user(at, current->arch.f, sizeof(struct fp_state));
}

// Where the frame goes; 0 if the alternate stack would overflow.
static u64 frame_address(const struct trapframe *tf, const struct signal_delivery *delivery)
{
	const stack_t *stack = &current->sigaltstack;
	u64 sp = tf->sp;

	if (signal_stack_holds(stack, sp) &&
	    !signal_stack_holds(stack, sp - sizeof(struct signal_frame)))
		return 0;
	if ((delivery->action.flags & SA_ONSTACK) && stack->ss_size &&
	    !signal_stack_holds(stack, sp))
		sp = (u64)stack->ss_sp + stack->ss_size;
	return ALIGN_DOWN(sp - sizeof(struct signal_frame), 16);
}

int arch_signal_frame_setup(struct trapframe *tf, struct signal_delivery *delivery)
{
	u64 at = frame_address(tf, delivery);

	if (!at || save_head(at, delivery) || save_registers(at, tf) || save_fpu(at, tf))
		return -EFAULT;
	if (current->sigaltstack.ss_flags & SS_AUTODISARM)
		current->sigaltstack = (stack_t){.ss_flags = SS_DISABLE};
	tf->ra = mm_vdso_base(current->mm) + vdso_sigreturn_offset;
	tf->pc = delivery->action.handler;
	tf->sp = at;
	tf->a[0] = delivery->sig;
	tf->a[1] = at + FRAME_OFFSET(info);
	tf->a[2] = at + FRAME_OFFSET(context);
	return 0;
}

// --- And back ---

static int restore_fpu(struct trapframe *tf, u64 at)
{
	static const struct fp_state zero;
	struct fp_state state;

	at += FRAME_OFFSET(context.machine.d);
	// A context that never used the unit stays so.
	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF) {
		if (copy_from_user(&state, at, sizeof(state)))
			return -EFAULT;
		if (!memcmp(state.f, zero.f, sizeof(zero.f)) && !state.fcsr)
			return 0;
		fpu_first_use(tf);
	}
	if (copy_from_user(current->arch.f, at, offsetof(struct fp_state, reserved)))
		return -EFAULT;
	arch_fpu_restore();
	tf->status = (tf->status & ~SSTATUS_FS) | SSTATUS_FS_CLEAN;
	return 0;
}

// Linux looks at the list of extensions as well, so that a later kernel can put something there.
static int check_extensions(u64 at)
{
	u32 words[3];

	if (copy_from_user(words, at + FRAME_OFFSET(context.machine.extensions.reserved),
			   sizeof(words)))
		return -EFAULT;
	return (words[0] | words[1] | words[2]) ? -EINVAL : 0;
}

static int restore_context(struct trapframe *tf, u64 at)
{
	struct context_head head;

	if (copy_from_user(&head, at + FRAME_OFFSET(context.head), sizeof(head)))
		return -EFAULT;
	signal_set_blocked(head.mask);
	if (copy_from_user(tf, at + FRAME_OFFSET(context.machine.regs), 32 * sizeof(u64)) ||
	    restore_fpu(tf, at))
		return -EFAULT;
	if (check_extensions(at))
		return -EFAULT;
	(void)signal_stack_set(&head.stack, tf->sp); // what it may not be it is not
	return 0;
}

long arch_signal_return(struct trapframe *tf)
{
	u64 at = tf->sp;

	arch_syscall_forget(tf); // no restart: a0 is the interrupted code's
	if (restore_context(tf, at))
		signal_force(SIGSEGV);
	return tf->a[0];
}
