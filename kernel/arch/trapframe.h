// The registers that a task had in user mode, and how a system call reads and answers them.
#pragma once

#include <asm/trapframe.h>
#include <arch/current.h>

// Of a task that is in the kernel; at the top of its kernel stack.
static inline struct trapframe *task_trapframe(const struct task *task)
{
	return (struct trapframe *)(((const struct arch_task *)task)->kernel_sp -
				    sizeof(struct trapframe));
}
