// System V message queues.
#pragma once

#include <sched/wait.h>

#include "ipc_ns.h"

struct message {
	struct list_head link;
	s64 type;
	size_t size;
	u8 text[];
};

// Legend: [I], [lock] object.lock.
struct msg_queue {
	struct ipc_object object;
	struct ipc_ns *ns;         // [I] not counted
	struct list_head messages; // [lock]
	u64 bytes, count, limit;   // [lock] bytes and messages there; how many bytes may be
	s64 stime, rtime;          // [lock]
	struct pid *last_sender, *last_receiver; // [lock] counted
	struct wait_queue senders, receivers;
};

// Takes the message, unless it fails: -EAGAIN, -EIDRM, -ERESTARTNOHAND.
int msg_send(struct msg_queue *queue, struct message *message, int flags);
// The first that fits `type` and `flags` as msgrcv(2) says. -ENOMSG, -E2BIG, -EIDRM,
// -ERESTARTNOHAND. With MSG_COPY `type` is a position, and *out a copy. -ENOMEM
int msg_receive(struct msg_queue *queue, size_t size, s64 type, int flags, struct message **out);
void msg_remove(struct msg_queue *queue);
