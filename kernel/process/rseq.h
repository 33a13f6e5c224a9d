// Restartable sequences: see rseq.c.
#pragma once

#include <sched/task.h>

struct trapframe;

// On the way to user mode, when WORK_RSEQ is set or a signal may be delivered: writes the numbers
// that have changed, and sends a thread that was interrupted in a section to its abort address.
// Interrupts on. A section that is malformed is the end of the process.
void rseq_fix_up(struct trapframe *tf, bool signal);

// Current leaves its memory (exec, exit): no area any more.
void rseq_leave(struct task *task);

// The tasks that run in `mm` on the harts of the mask pass rseq_fix_up() before they go on in user
// mode; for membarrier(2).
void rseq_interrupt_others(struct mm *mm, const struct hartmask *harts);
