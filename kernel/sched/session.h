// What terminals and processes ask of each other about sessions and process groups: tables, since
// neither may name the other.
#pragma once

#include <lib/base.h>

struct pid;
struct task;

// Registered by terminals: the leader of a session has ended. Called without locks.
struct session_ops {
	void (*leader_exit)(struct task *task);
};
extern const struct session_ops *session_ops;

// Registered by processes: whether nobody is left to continue a process group. Takes tasklist_lock.
struct pgrp_ops {
	bool (*is_orphaned)(struct pid *pgrp);
};
extern const struct pgrp_ops *pgrp_ops;
