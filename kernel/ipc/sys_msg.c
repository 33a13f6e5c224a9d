// msgget(2), msgsnd(2), msgrcv(2), msgctl(2).

#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <syscall/define.h>
#include <uapi/errno.h>

#include "msg.h"

static struct msg_queue *find(int id)
{
	struct ipc_object *object = ipc_find(&ipc_ns_current()->ids[IPC_MSG], id);

	return IS_ERR(object) ? (void *)object : container_of(object, struct msg_queue, object);
}

SYSCALL2(msgget, int, key, int, flags)
{
	struct ipc_ns *ns = ipc_ns_current();

	return ipc_get(ns, &ns->ids[IPC_MSG], key, 0, flags);
}

static int message_from_user(u64 at, size_t size, struct message **out)
{
	u64 type;

	if (get_user_u64(at, &type))
		return -EFAULT;
	if ((s64)type < 1)
		return -EINVAL;
	struct message *message = kvmalloc(sizeof(*message) + size, GFP_KERNEL);
	if (!message)
		return -ENOMEM;
	message->type = type;
	message->size = size;
	if (copy_from_user(message->text, at + sizeof(u64), size)) {
		kvfree(message);
		return -EFAULT;
	}
	*out = message;
	return 0;
}

SYSCALL4(msgsnd, int, id, u64, at, size_t, size, int, flags)
{
	struct message *message;

	if (size > ipc_ns_current()->msg_max || id < 0)
		return get_user_u64(at, &(u64){0}) ? -EFAULT : -EINVAL;
	int error = message_from_user(at, size, &message);
	if (error)
		return error;
	struct msg_queue *queue = find(id);
	if (IS_ERR(queue)) {
		kvfree(message);
		return PTR_ERR(queue);
	}
	error = ipc_permission(queue->ns, &queue->object, 0222);
	if (!error)
		error = msg_send(queue, message, flags);
	if (error)
		kvfree(message);
	ipc_object_put(&queue->object);
	return error;
}

static long message_to_user(const struct message *message, u64 at, size_t size)
{
	size_t n = MIN(size, message->size);

	if (put_user_u64(at, message->type) || copy_to_user(at + sizeof(u64), message->text, n))
		return -EFAULT;
	return n;
}

SYSCALL5(msgrcv, int, id, u64, at, size_t, size, s64, type, int, flags)
{
	struct message *message;

	if (id < 0 || (s64)size < 0)
		return -EINVAL;
	if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	struct msg_queue *queue = find(id);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	long result = ipc_permission(queue->ns, &queue->object, 0444);
	if (!result)
		result = msg_receive(queue, size, type, flags, &message);
	if (!result) {
		result = message_to_user(message, at, size);
		kvfree(message);
	}
	ipc_object_put(&queue->object);
	return result;
}

// --- msgctl ---

static long give_limits(struct ipc_ns *ns, bool usage, u64 out)
{
	struct ipc_ids *ids = &ns->ids[IPC_MSG];
	struct msginfo info = {
		.msgpool = usage ? ids->used : ids->max * ns->msg_queue_bytes / 1024,
		.msgmap = usage ? atomic64_read(&ns->msg_count) : 16384,
		.msgmax = ns->msg_max,
		.msgmnb = ns->msg_queue_bytes,
		.msgmni = ids->max,
		.msgssz = 16,
		.msgtql = usage ? atomic64_read(&ns->msg_bytes) : 16384,
		.msgseg = 0xffff,
	};

	return copy_to_user(out, &info, sizeof(info)) ?: ipc_max_index(ids);
}

static long give_status(struct msg_queue *queue, u64 out)
{
	struct msqid64_ds status = {0};

	spin_lock(&queue->object.lock);
	ipc_perm_show(&queue->object, &status.msg_perm);
	status.msg_stime = queue->stime;
	status.msg_rtime = queue->rtime;
	status.msg_ctime = queue->object.ctime;
	status.msg_cbytes = queue->bytes;
	status.msg_qnum = queue->count;
	status.msg_qbytes = queue->limit;
	status.msg_lspid = queue->last_sender ? pid_vnr(queue->last_sender) : 0;
	status.msg_lrpid = queue->last_receiver ? pid_vnr(queue->last_receiver) : 0;
	spin_unlock(&queue->object.lock);
	return copy_to_user(out, &status, sizeof(status));
}

static long set_status(struct msg_queue *queue, u64 in)
{
	struct msqid64_ds status;

	if (copy_from_user(&status, in, sizeof(status)))
		return -EFAULT;
	long error = ipc_may_control(queue->ns, &queue->object);
	if (error)
		return error;
	if (status.msg_qbytes > queue->ns->msg_queue_bytes && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	spin_lock(&queue->object.lock);
	error = ipc_perm_set(&queue->object, &status.msg_perm);
	if (!error)
		queue->limit = status.msg_qbytes;
	spin_unlock(&queue->object.lock);
	wake_up_all(&queue->senders);
	return error;
}

static long control(struct msg_queue *queue, int command, u64 buffer)
{
	long error = 0;

	switch (command) {
	case IPC_STAT:
	case MSG_STAT:
		error = ipc_permission(queue->ns, &queue->object, 0444);
		if (error)
			return error;
		return give_status(queue, buffer) ?: command == IPC_STAT ? 0 : queue->object.id;
	case MSG_STAT_ANY:
		return give_status(queue, buffer) ?: queue->object.id;
	case IPC_SET:
		return set_status(queue, buffer);
	case IPC_RMID:
		error = ipc_may_control(queue->ns, &queue->object);
		if (!error)
			msg_remove(queue);
		return error;
	}
	return -EINVAL;
}

SYSCALL3(msgctl, int, id, int, command, u64, buffer)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_ids *ids = &ns->ids[IPC_MSG];
	bool by_index = command == MSG_STAT || command == MSG_STAT_ANY;

	if (command < 0 || id < 0)
		return -EINVAL;
	if (command == IPC_INFO || command == MSG_INFO)
		return give_limits(ns, command == MSG_INFO, buffer);
	struct ipc_object *object = by_index ? ipc_find_index(ids, id) : ipc_find(ids, id);
	if (!object)
		return -EINVAL;
	if (IS_ERR(object))
		return PTR_ERR(object);
	long result = control(container_of(object, struct msg_queue, object), command, buffer);
	ipc_object_put(object);
	return result;
}
