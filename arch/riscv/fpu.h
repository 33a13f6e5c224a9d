// The floating-point unit, inside of the machine's part: while a task runs, the unit has its
// registers unless sstatus.FS of its trapframe is off, in the kernel too.
#pragma once

#include <lib/base.h>

struct trapframe;

// As the ABI has it; the word behind fcsr is zero.
#define FPU_STATE_WORDS 33

// The first use since exec: registers of zero, and true. False: it was in use.
bool fpu_first_use(struct trapframe *tf);
// Current's registers out of the unit and into it. The latter makes them differ from what the task has.
// Its trapframe says that they are in use.
void fpu_live_store(u64 state[FPU_STATE_WORDS]);
void fpu_live_load(struct trapframe *tf, const u64 state[FPU_STATE_WORDS]);
