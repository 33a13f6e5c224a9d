// Waiting for children.
#pragma once

#include <lib/base.h>
#include <sched/pid.h>
#include <sched/process.h>

// What is waited for, and what was found.
struct wait_request {
	u32 options;         // WEXITED, WSTOPPED, WCONTINUED, WNOHANG, WNOWAIT, __W*
	enum pid_type type;  // how `pid` is meant: PID, TGID or PGID
	struct pid *pid;     // NULL = any child; the caller holds a reference
	bool pid_missing;    // a pid was named that does not exist
	struct usage *usage; // filled in if not NULL

	int found_pid; // thread id of the child, as current sees it
	u32 found_uid;
	int code;           // CLD_*
	int status;         // wait status for CLD_EXITED, KILLED, DUMPED; else the signal
	bool have_children; // (inside)
};

// Returns the pid of a child that matches, 0 if none is ready and WNOHANG is set, -ECHILD,
// or -ERESTARTSYS. Context: a system call, no locks. See waitid(2).
long wait_for_child(struct wait_request *request);
