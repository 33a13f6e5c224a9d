// Limits on System V objects, as entries of /proc/sys/kernel.
#pragma once

#include <fs/procfs/procfs.h>

#define PROC_IPC_LIMIT(called)                                      \
	int proc_show_##called(struct seq *seq, struct task *task); \
	ssize_t proc_write_##called(struct task *task, char *text, size_t n)

PROC_IPC_LIMIT(msgmax);
PROC_IPC_LIMIT(msgmnb);
PROC_IPC_LIMIT(msgmni);
PROC_IPC_LIMIT(msg_default);
PROC_IPC_LIMIT(msg_max);
PROC_IPC_LIMIT(msgsize_default);
PROC_IPC_LIMIT(msgsize_max);
PROC_IPC_LIMIT(queues_max);
PROC_IPC_LIMIT(sem);
PROC_IPC_LIMIT(shmall);
PROC_IPC_LIMIT(shmmax);
PROC_IPC_LIMIT(shmmni);

// /proc/sysvipc
extern const struct proc_entry proc_sysvipc_entries[];
#define PROC_SYSVIPC_COUNT 3
// Who may change limits of an IPC namespace. 0, -EACCES.
int proc_ipc_permission(struct inode *inode, int mask);
