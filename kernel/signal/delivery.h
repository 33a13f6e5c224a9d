// What delivery hands to the machine, and what it asks of the floors above.
#pragma once

#include <signal/signal.h>

// A signal for which a handler is to run.
struct signal_delivery {
	int sig;
	struct kernel_sigaction action;
	struct siginfo info;
	u64 old_mask; // to be restored by rt_sigreturn
};

// Registered by process/, once at boot.
struct signal_death_ops {
	// Ends the process of current with a wait status.
	NORETURN void (*exit_process)(int status);
	// Writes a core file if that is wanted; returns whether it did.
	bool (*dump_core)(struct trapframe *tf, const struct siginfo *info);
	// Whether nobody is left to continue current's process group.
	bool (*group_is_orphaned)(void);
};
extern const struct signal_death_ops *signal_death_ops;
