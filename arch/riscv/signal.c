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
	u8 room[512];
	u32 more_room, reserved;
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

#define EXTENSIONS_HEADER   16 // its bytes, with the room before it that fills a word
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
static int save_context(u64 at, struct trapframe *tf, struct signal_delivery *delivery)
{
	static struct fp_state zero;
	struct context_head head = {
		.flags = 0, .link = 0, .stack = current->sigaltstack, .mask = delivery->old_mask};
	bool has_fp = (tf->status & SSTATUS_FS) != SSTATUS_FS_OFF;

	if (has_fp)
		arch_fpu_save();
	const struct user_part parts[] = {
		{FRAME_OFFSET(info), &delivery->info, sizeof(delivery->info)},
		{FRAME_OFFSET(info_room), &zero, sizeof(((struct signal_frame *)0)->info_room)},
		{FRAME_OFFSET(context.head), &head, sizeof(head)},
		{FRAME_OFFSET(context.machine.regs), tf, 32 * sizeof(u64)},
		{FRAME_OFFSET(context.machine.d), has_fp ? (void *)current->arch.f : &zero,
		 sizeof(struct fp_state)},
		{FRAME_OFFSET(context.machine.extensions.more_room), &zero, EXTENSIONS_HEADER},
	};
	return copy_parts_to_user(at, sizeof(struct signal_frame), parts, ARRAY_SIZE(parts));
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

	if (!at || save_context(at, tf, delivery))
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

// The floating-point state of a frame. A context that never used the unit stays so.
static void restore_fpu(struct trapframe *tf, const struct fp_state *state)
{
	static const struct fp_state zero;

	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF) {
		if (!memcmp(state->f, zero.f, sizeof(zero.f)) && !state->fcsr)
			return;
		fpu_first_use(tf);
		memcpy(current->arch.f, state->f, sizeof(current->arch.f));
		current->arch.fcsr = state->fcsr;
	}
	current->arch.fcsr &= 0xffffffff; // the reserved word behind it was read as well
	arch_fpu_restore();
	tf->status = (tf->status & ~SSTATUS_FS) | SSTATUS_FS_CLEAN;
}

// If it fails half-way, the registers are what they are: the SIGSEGV that follows is about that.
static int restore_context(struct trapframe *tf, u64 at)
{
	struct context_head head;
	struct fp_state state;
	u32 extensions[4] ALIGNED(8);
	bool has_fp = (tf->status & SSTATUS_FS) != SSTATUS_FS_OFF;
	const struct user_part parts[] = {
		{FRAME_OFFSET(context.head), &head, sizeof(head)},
		{FRAME_OFFSET(context.machine.regs), tf, 32 * sizeof(u64)},
		{FRAME_OFFSET(context.machine.d), has_fp ? (void *)current->arch.f : &state,
		 offsetof(struct fp_state, reserved[1])},
		{FRAME_OFFSET(context.machine.extensions.more_room), extensions, EXTENSIONS_HEADER},
	};

	// What is in the unit is given up: a switch meanwhile must not store it over what is read.
	if (has_fp)
		tf->status = (tf->status & ~SSTATUS_FS) | SSTATUS_FS_CLEAN;
	if (copy_parts_from_user(at, sizeof(struct signal_frame), parts, ARRAY_SIZE(parts)))
		return -EFAULT;
	signal_set_blocked(head.mask);
	restore_fpu(tf, &state);
	// Linux looks at the list of extensions as well, so that a later kernel can put something
	// there.
	if (extensions[1] | extensions[2] | extensions[3])
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
