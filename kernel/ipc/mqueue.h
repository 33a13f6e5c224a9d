// POSIX message queues: files of the mqueue file system.
#pragma once

#include <fs/file.h>
#include <fs/poll.h>
#include <sched/wait.h>
#include <uapi/mqueue.h>
#include <uapi/signal.h>

#include "ipc_ns.h"

struct user_counts;

struct mq_message {
	struct list_head link;
	u32 priority;
	size_t size;
	u8 text[];
};

// Legend: [I], [lock].
struct mqueue {
	struct spinlock lock;
	struct wait_queue senders, receivers; // pollers are on both
	u32 waiting_receivers;                // [lock]
	s64 max_messages, message_size;       // [I]
	struct list_head messages;            // [lock] by priority, then age
	s64 count;                            // [lock]
	u64 bytes;                            // [lock]
	struct pid *notify;                   // [lock] process to be told, counted; NULL: none
	struct sigevent notify_event;         // [lock]
	struct user_counts *user;             // [I] counted: whose limit it is on
	u64 charged;                          // [I] bytes of that
};

// The file system of an IPC namespace, made when it is first asked for. -ENOMEM.
int mqueue_of_ns(struct ipc_ns *ns, struct mount **out);
void mqueue_ns_destroy(struct ipc_ns *ns);

// The queue of an open file, or NULL if that is something else.
struct mqueue *mqueue_of(struct file *file);

// Makes and opens, as mq_open(2); attr NULL: as the namespace has it. -ENOSPC, -EINVAL, -EMFILE...
int mqueue_open(struct ipc_ns *ns, const char *name, int flags, u32 mode,
		const struct mq_attr *attr, struct file **out);
int mqueue_unlink(struct ipc_ns *ns, const char *name);

// Takes the message unless it fails: -EAGAIN, -ETIMEDOUT, -ERESTARTSYS.
int mqueue_send(struct mqueue *queue, struct mq_message *message, bool wait, u64 deadline);
int mqueue_receive(struct mqueue *queue, bool wait, u64 deadline, struct mq_message **out);
// NULL: current wants to hear no more. -EBUSY.
int mqueue_notify(struct mqueue *queue, const struct sigevent *event);
