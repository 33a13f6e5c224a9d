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
#include "fpu.h"
#include "vdso_image.h"

// Behind the largest floating-point state there is the list of extensions, which is empty: a header
// of zeroes ends it.
struct extension {
	u32 reserved;
	u32 magic, size;
};

struct extensions {
	u8 room[516];
	struct extension end;
};

struct machine_context {
	u64 regs[32]; // pc, then x1 to x31
	union {
		u64 d[FPU_STATE_WORDS]; // f0 to f31 and fcsr
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
	u64 info_room[(SIGINFO_SIZE - sizeof(struct siginfo)) / sizeof(u64)];
	struct user_context context;
};

#define FRAME_OFFSET(field) offsetof(struct signal_frame, field)

_Static_assert(offsetof(struct user_context, machine) == 176, "ucontext");
_Static_assert(offsetof(struct machine_context, d) == 256, "fpregs");
_Static_assert(sizeof(struct machine_context) == 784, "mcontext");
_Static_assert(offsetof(struct machine_context, extensions.end) == 256 + 516, "extensions");
u64 arch_min_signal_stack(void)
{
	return sizeof(struct signal_frame);
}

// --- To the frame ---

static ALWAYS_INLINE void copy_registers(u64 to[32], const u64 from[32])
{
	for (int i = 0; i < 32; i += 8, to += 8, from += 8) {
		u64 a = from[0], b = from[1], c = from[2], d = from[3];
		u64 e = from[4], f = from[5], g = from[6], h = from[7];

		to[0] = a, to[1] = b, to[2] = c, to[3] = d;
		to[4] = e, to[5] = f, to[6] = g, to[7] = h;
	}
}

// Writes all of a frame but what lies between its parts, which stays as it is.
static void frame_fill(struct signal_frame *frame, struct trapframe *tf,
		       const struct signal_delivery *delivery)
{
	struct user_context *context = &frame->context;

	frame->info = delivery->info;
	for (size_t i = 0; i < ARRAY_SIZE(frame->info_room); i++)
		frame->info_room[i] = 0;
	context->head = (struct context_head){.stack = current->sigaltstack,
					      .mask = delivery->old_mask};
	copy_registers(context->machine.regs, (const u64 *)tf);
	if ((tf->status & SSTATUS_FS) != SSTATUS_FS_OFF)
		fpu_live_store(context->machine.d);
	else
		memset(context->machine.d, 0, sizeof(context->machine.d));
	context->machine.extensions.end = (struct extension){0};
}

// The long way: the stack crosses pages or is yet to be faulted in.
static NOINLINE int frame_write_slowly(u64 at, struct trapframe *tf,
				       const struct signal_delivery *delivery)
{
	static const struct {
		u64 offset, end;
	} parts[] = {
		{0, FRAME_OFFSET(context.mask_room)},
		{FRAME_OFFSET(context.machine), FRAME_OFFSET(context.machine.d[FPU_STATE_WORDS])},
		{FRAME_OFFSET(context.machine.extensions.end), sizeof(struct signal_frame)},
	};
	struct signal_frame frame;

	frame_fill(&frame, tf, delivery);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (copy_to_user(at + parts[i].offset, (u8 *)&frame + parts[i].offset,
				 parts[i].end - parts[i].offset))
			return -EFAULT;
	}
	return 0;
}

static int frame_write(u64 at, struct trapframe *tf, const struct signal_delivery *delivery)
{
	unsigned long flags;
	struct signal_frame *frame = user_window_open(at, sizeof(*frame), true, &flags);

	if (unlikely(!frame))
		return frame_write_slowly(at, tf, delivery);
	frame_fill(frame, tf, delivery);
	user_window_close(flags);
	return 0;
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

	if (!at || frame_write(at, tf, delivery))
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

// What is looked at in a frame beside the registers: each word is read once, for another thread may
// write there.
struct frame_words {
	stack_t stack;
	u64 mask;
	struct extension end;
};

// A context that never used the floating-point unit stays so unless the frame says otherwise.
static void restore_fpu(struct trapframe *tf, const u64 *state)
{
	if ((tf->status & SSTATUS_FS) == SSTATUS_FS_OFF) {
		u64 used = (u32)state[32]; // the word behind fcsr means nothing

		for (int i = 0; i < 32; i++)
			used |= state[i];
		if (!used)
			return;
	}
	fpu_live_load(tf, state);
}

static ALWAYS_INLINE void frame_take(const struct signal_frame *frame, struct trapframe *tf,
				     struct frame_words *words)
{
	const struct user_context *context = &frame->context;

	words->stack = *(const volatile stack_t *)&context->head.stack;
	words->mask = READ_ONCE(context->head.mask);
	words->end = *(const volatile struct extension *)&context->machine.extensions.end;
	copy_registers((u64 *)tf, context->machine.regs);
	restore_fpu(tf, context->machine.d);
}

static NOINLINE int frame_read_slowly(u64 at, struct trapframe *tf, struct frame_words *words)
{
	struct signal_frame frame;

	if (copy_from_user(&frame, at, sizeof(frame)))
		return -EFAULT;
	frame_take(&frame, tf, words);
	return 0;
}

static int frame_read(u64 at, struct trapframe *tf, struct frame_words *words)
{
	unsigned long flags;
	const struct signal_frame *frame = user_window_open(at, sizeof(*frame), false, &flags);

	if (unlikely(!frame))
		return frame_read_slowly(at, tf, words);
	frame_take(frame, tf, words);
	user_window_close(flags);
	return 0;
}

static int restore_context(struct trapframe *tf, u64 at)
{
	struct frame_words words;

	if (frame_read(at, tf, &words))
		return -EFAULT;
	signal_set_blocked(words.mask);
	// Linux looks at the list of extensions as well, so that a later kernel can put something
	// there.
	if (words.end.reserved | words.end.magic | words.end.size)
		return -EFAULT;
	(void)signal_stack_set(&words.stack, tf->sp); // what it may not be it is not
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
