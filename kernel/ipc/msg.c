// System V message queues: messages with a type, sent and received in order.

#include <mm/slab.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#include "msg.h"

static int msg_create(struct ipc_ns *ns, u64 size, int flags, struct ipc_object **out)
{
	struct msg_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	(void)size;
	if (!queue)
		return -ENOMEM;
	ipc_object_init(&queue->object, &msg_kind, flags);
	queue->ns = ns;
	queue->limit = ns->msg_queue_bytes;
	list_init(&queue->messages);
	wait_queue_init(&queue->senders);
	wait_queue_init(&queue->receivers);
	*out = &queue->object;
	return 0;
}

static void msg_free(struct ipc_object *object)
{
	struct msg_queue *queue = container_of(object, struct msg_queue, object);

	while (!list_empty(&queue->messages)) {
		struct message *message = list_first_entry(&queue->messages, struct message, link);

		list_del(&message->link);
		kvfree(message);
	}
	pid_put(queue->last_sender);
	pid_put(queue->last_receiver);
	kfree(queue);
}

void msg_remove(struct msg_queue *queue)
{
	if (!ipc_unlink(&queue->object))
		return;
	spin_lock(&queue->object.lock);
	WRITE_ONCE(queue->object.removed, true);
	atomic64_sub(&queue->ns->msg_bytes, queue->bytes);
	atomic64_sub(&queue->ns->msg_count, queue->count);
	spin_unlock(&queue->object.lock);
	wake_up_all(&queue->senders);
	wake_up_all(&queue->receivers);
	ipc_object_put(&queue->object);
}

static void msg_kind_remove(struct ipc_object *object)
{
	msg_remove(container_of(object, struct msg_queue, object));
}

const struct ipc_kind msg_kind = {
	.create = msg_create,
	.free = msg_free,
	.remove = msg_kind_remove,
};

static void set_pid(struct pid **field)
{
	struct pid *old = *field;

	*field = pid_get(current->group_leader->pid);
	pid_put(old);
}

// --- Sending ---

static bool fits(const struct msg_queue *queue, size_t size)
{
	return READ_ONCE(queue->bytes) + size <= READ_ONCE(queue->limit) &&
	       READ_ONCE(queue->count) + 1 <= READ_ONCE(queue->limit);
}

// False: there is no room.
static bool put(struct msg_queue *queue, struct message *message)
{
	spin_lock(&queue->object.lock);
	bool done = !queue->object.removed && fits(queue, message->size);
	if (done) {
		list_add_tail(&message->link, &queue->messages);
		queue->bytes += message->size;
		WRITE_ONCE(queue->count, queue->count + 1);
		atomic64_add(&queue->ns->msg_bytes, message->size);
		atomic64_add(&queue->ns->msg_count, 1);
		set_pid(&queue->last_sender);
		queue->stime = ipc_now();
	}
	spin_unlock(&queue->object.lock);
	return done;
}

int msg_send(struct msg_queue *queue, struct message *message, int flags)
{
	size_t size = message->size;

	while (!put(queue, message)) {
		if (READ_ONCE(queue->object.removed))
			return -EIDRM;
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		if (wait_event_interruptible(&queue->senders,
					     fits(queue, size) || READ_ONCE(queue->object.removed)))
			return -ERESTARTNOHAND;
	}
	wake_up_all(&queue->receivers);
	return 0;
}

// --- Receiving ---

static bool is_wanted(const struct message *message, s64 type, int flags)
{
	if (!type)
		return true;
	if (type < 0)
		return message->type <= -type;
	return (message->type == type) != !!(flags & MSG_EXCEPT);
}

// With a negative type the one of the lowest type is meant. lock held.
static struct message *find_locked(struct msg_queue *queue, s64 type, int flags)
{
	struct message *message, *best = NULL;
	s64 position = 0;

	list_for_each_entry (message, &queue->messages, link) {
		if (flags & MSG_COPY) {
			if (position++ == type)
				return message;
			continue;
		}
		if (!is_wanted(message, type, flags))
			continue;
		if (type >= 0)
			return message;
		if (!best || message->type < best->type)
			best = message;
	}
	return best;
}

static int copy_locked(struct message *message, struct message **out)
{
	*out = kmemdup(message, sizeof(*message) + message->size, GFP_ATOMIC);
	return *out ? 0 : -ENOMEM;
}

// 1: nothing is there yet.
static int take(struct msg_queue *queue, size_t size, s64 type, int flags, struct message **out)
{
	int result = 1;

	spin_lock(&queue->object.lock);
	struct message *message = find_locked(queue, type, flags);
	if (queue->object.removed) {
		result = -EIDRM;
	} else if (message && message->size > size && !(flags & MSG_NOERROR)) {
		result = -E2BIG;
	} else if (message && (flags & MSG_COPY)) {
		result = copy_locked(message, out);
	} else if (message) {
		list_del(&message->link);
		queue->bytes -= message->size;
		WRITE_ONCE(queue->count, queue->count - 1);
		atomic64_sub(&queue->ns->msg_bytes, message->size);
		atomic64_sub(&queue->ns->msg_count, 1);
		set_pid(&queue->last_receiver);
		queue->rtime = ipc_now();
		*out = message;
		result = 0;
	}
	spin_unlock(&queue->object.lock);
	return result;
}

// What take() gives, once that is not "nothing yet". Each look is under the lock, so that no message
// is missed: the entry is on the queue before.
int msg_receive(struct msg_queue *queue, size_t size, s64 type, int flags, struct message **out)
{
	int result = take(queue, size, type, flags, out);
	struct wait_entry entry;

	if (result == 1 && (flags & IPC_NOWAIT))
		result = -ENOMSG;
	if (result == 1) {
		wait_entry_init(&entry, wake_autoremove, 0);
		for (;;) {
			int error = prepare_to_wait(&queue->receivers, &entry, TASK_INTERRUPTIBLE);

			result = take(queue, size, type, flags, out);
			if (result != 1)
				break;
			if (error) {
				result = -ERESTARTNOHAND;
				break;
			}
			schedule();
		}
		finish_wait(&queue->receivers, &entry);
	}
	if (!result && !(flags & MSG_COPY))
		wake_up_all(&queue->senders);
	return result;
}
