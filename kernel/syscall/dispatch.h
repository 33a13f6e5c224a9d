// From the trap to the system call and back.
#pragma once

struct trapframe;

// After each system call in debug builds: what must hold when its function has returned.
void syscall_check(void);

// What remains to be done before user mode is entered again: reschedule, signals, tracing. Called
// with interrupts off when task.work is not zero, all registers in the frame; returns with interrupts off and no work left.
void exit_to_user_work(struct trapframe *tf);
