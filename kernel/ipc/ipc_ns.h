// IPC namespaces: the System V objects that a group of tasks sees, and their limits.
#pragma once

#include <core/atomic.h>
#include <sched/ns_common.h>

#include "ids.h"

struct mount;
struct user_ns;

enum ipc_kind_index {
	IPC_SHM,
	IPC_SEM,
	IPC_MSG,
	IPC_KINDS
};

// Limits on POSIX queues: /proc/sys/fs/mqueue.
struct mqueue_limits {
	u32 queues_max, msg_max, msgsize_max, msg_default, msgsize_default;
};

// Legend: [I], [a]; limits are bare words that /proc/sys/kernel changes.
struct ipc_ns {
	struct ns_common common;
	struct ipc_ids ids[IPC_KINDS];
	u64 shm_max, shm_all;                 // limits: bytes of one segment, pages of all
	u32 sem_per_set, sem_all, sem_ops;    // limits
	u32 msg_max, msg_queue_bytes;         // limits
	struct atomic64 shm_pages, sem_used;  // [a]
	struct atomic64 msg_bytes, msg_count; // [a]
	struct mqueue_limits mqueue;
	u32 maker_uid, maker_gid;   // [I] to whom the directory of its message queues belongs
	struct mount *mqueue_mount; // [ids[IPC_MSG].create] counted; NULL: not made yet
};

extern struct ipc_ns init_ipc_ns;

struct ipc_ns *ipc_ns_get(struct ipc_ns *ns);
void ipc_ns_put(struct ipc_ns *ns);
extern const struct ns_kind ipc_ns_kind;
// A new, empty one, owned by `owner`. -ENOMEM, -ENOSPC.
int ipc_ns_create(struct user_ns *owner, struct ipc_ns **out);
// Of current.
struct ipc_ns *ipc_ns_current(void);

extern const struct ipc_kind shm_kind, sem_kind, msg_kind;
