// Signal frames on the user's stack.
#pragma once

#include <lib/base.h>

struct signal_delivery;
struct trapframe;

// Saves the registers in a frame and makes them enter the handler. 0, or -EFAULT (no stack).
int arch_signal_frame_setup(struct trapframe *tf, struct signal_delivery *delivery);
// rt_sigreturn(2): registers and mask from the frame. Returns what goes to a0.
long arch_signal_return(struct trapframe *tf);
// Bytes that an alternate stack must have at least.
u64 arch_min_signal_stack(void);
