// From the trap to the system call and back.
#pragma once

struct trapframe;

// Runs the system call that the registers ask for and stores its result in them. Called by the
// machine's trap entry with interrupts on; the program counter is already past the ecall.
void syscall_dispatch(struct trapframe *tf);

// What remains to be done before user mode is entered again: reschedule, signals, tracing. Called
// with interrupts off when task.work is not zero; returns with interrupts off and no work left.
void exit_to_user_work(struct trapframe *tf);
