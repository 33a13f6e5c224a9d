// The rules for clone's flags, as one pure function that tests can try with every combination.
#pragma once

#include <lib/base.h>

// What the rules depend on beside the flags.
struct clone_facts {
	bool caller_is_init;              // first process of a pid namespace: cannot have siblings
	bool pid_ns_for_children_differs; // unshare(CLONE_NEWPID) or setns came before
	bool clone3;                      // called through clone3(2)
	int exit_signal;                  // of clone3; clone(2) has it in the flags
	bool one_tid_address; // descriptor and parent's tid would be stored at the same address
};

// Every namespace that clone can make, but for CLONE_NEWTIME, which only clone3 can say.
#define CLONE_NS_FLAGS                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

// The flags of clone with what they imply.
u64 clone_flags_expand(u64 flags);
// 0, or -EINVAL for a combination that Linux refuses. See clone(2).
int clone_flags_check(u64 flags, const struct clone_facts *facts);

// All that unshare(2) accepts, and what a flag brings with it.
#define UNSHARE_FLAGS                                                                     \
	(CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | \
	 CLONE_SYSVSEM | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER |     \
	 CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME | UNSHARE_EMPTY_MNTNS)

// The flags with all their implications: NEWUSER needs THREAD and FS, VM needs SIGHAND and so on. What
// only unshare(2) calls so has then its name in clone3(2).
u64 unshare_flags_expand(u64 flags);
