// In place of the machine's: the one task of a host test.
#pragma once

#include <lib/base.h>

struct hart;
struct task;

struct arch_task {
	u64 kernel_sp, user_sp;
	struct hart *hart;
	u64 ra, sp, s[12], gp, fp[33];
};

extern struct task *host_task;
#define current host_task

static inline struct hart *arch_this_hart(void)
{
	return NULL;
}
