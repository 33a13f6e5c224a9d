// mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).

#include <core/printk.h>
#include <core/timer.h>
#include <fs/files.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <syscall/define.h>
#include <uapi/errno.h>

#include "mqueue.h"

int timespec_from_user(u64 address, u64 *ns);

SYSCALL4(mq_open, u64, name_at, int, flags, u32, mode, u64, attr_at)
{
	struct mq_attr attr;
	struct file *file;
	char *name;

	if (attr_at && copy_from_user(&attr, attr_at, sizeof(attr)))
		return -EFAULT;
	int error = path_from_user(name_at, true, &name);
	if (error)
		return error;
	int fd = fd_alloc(O_CLOEXEC);
	error = fd < 0 ? fd
		       : mqueue_open(ipc_ns_current(), name, flags, mode, attr_at ? &attr : NULL,
				     &file);
	path_free(name);
	if (error && fd >= 0)
		fd_release_unused(fd);
	if (error)
		return error;
	fd_install(fd, file);
	return fd;
}

SYSCALL1(mq_unlink, u64, name_at)
{
	char *name;
	int error = path_from_user(name_at, true, &name);

	if (error)
		return error;
	error = mqueue_unlink(ipc_ns_current(), name);
	path_free(name);
	return error;
}

// From a point of the real-time clock to one of the monotonic.
static int deadline_from_user(u64 at, u64 *deadline)
{
	u64 until;

	*deadline = TIME_NEVER;
	if (!at)
		return 0;
	int error = timespec_from_user(at, &until);
	u64 now = clock_realtime_ns();
	if (!error)
		*deadline = clock_monotonic_ns() + (until > now ? until - now : 0);
	return error;
}

// The open queue behind a descriptor, with a reference to the file. -EBADF
static int find(int fd, u32 mode, struct file **file, struct mqueue **queue)
{
	*file = file_get_fd(fd);
	if (!*file)
		return -EBADF;
	*queue = mqueue_of(*file);
	if (*queue && ((*file)->flags & mode) == mode)
		return 0;
	file_put(*file);
	return -EBADF;
}

static int message_from_user(u64 at, size_t size, u32 priority, struct mq_message **out)
{
	struct mq_message *message = kvmalloc(sizeof(*message) + size, GFP_KERNEL);

	if (!message)
		return -ENOMEM;
	message->size = size;
	message->priority = priority;
	if (copy_from_user(message->text, at, size)) {
		kvfree(message);
		return -EFAULT;
	}
	*out = message;
	return 0;
}

SYSCALL5(mq_timedsend, int, fd, u64, at, size_t, size, u32, priority, u64, timeout_at)
{
	struct mq_message *message;
	struct mqueue *queue;
	struct file *file;
	u64 deadline;

	int error = deadline_from_user(timeout_at, &deadline);
	if (error)
		return error;
	if (priority >= MQ_PRIO_MAX)
		return -EINVAL;
	error = find(fd, FILE_WRITE, &file, &queue);
	if (error)
		return error;
	error = size > (u64)queue->message_size ? -EMSGSIZE : 0;
	if (!error)
		error = message_from_user(at, size, priority, &message);
	if (!error) {
		error = mqueue_send(queue, message, !(file->flags & O_NONBLOCK), deadline);
		if (error)
			kvfree(message);
	}
	file_put(file);
	return error;
}

static long message_to_user(const struct mq_message *message, u64 at, u64 priority_at)
{
	if (priority_at && put_user_u32(priority_at, message->priority))
		return -EFAULT;
	return copy_to_user(at, message->text, message->size) ? -EFAULT : (long)message->size;
}

SYSCALL5(mq_timedreceive, int, fd, u64, at, size_t, size, u64, priority_at, u64, timeout_at)
{
	struct mq_message *message;
	struct mqueue *queue;
	struct file *file;
	u64 deadline;

	long result = deadline_from_user(timeout_at, &deadline);
	if (!result)
		result = find(fd, FILE_READ, &file, &queue);
	if (result)
		return result;
	result = size < (u64)queue->message_size ? -EMSGSIZE : 0;
	if (!result)
		result = mqueue_receive(queue, !(file->flags & O_NONBLOCK), deadline, &message);
	if (!result) {
		result = message_to_user(message, at, priority_at);
		kvfree(message);
	}
	file_put(file);
	return result;
}

// SIGEV_THREAD wants to be told through a socket, of which there are none: its descriptor is bad.
static int check_event(const struct sigevent *event)
{
	switch (event->sigev_notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
		return event->sigev_signo < 0 || event->sigev_signo > 64 ? -EINVAL : 0;
	case SIGEV_THREAD:
		printk_ratelimited(LOG_INFO, "%s: mq_notify: SIGEV_THREAD is not implemented\n",
				   current->name);
		return -EBADF;
	}
	return -EINVAL;
}

SYSCALL2(mq_notify, int, fd, u64, event_at)
{
	struct sigevent event;
	struct mqueue *queue;
	struct file *file;

	if (event_at && copy_from_user(&event, event_at, sizeof(event)))
		return -EFAULT;
	int error = event_at ? check_event(&event) : 0;
	if (!error)
		error = find(fd, 0, &file, &queue);
	if (error)
		return error;
	error = mqueue_notify(queue, event_at ? &event : NULL);
	file_put(file);
	return error;
}

SYSCALL3(mq_getsetattr, int, fd, u64, new_at, u64, old_at)
{
	struct mq_attr new, old = {0};
	struct mqueue *queue;
	struct file *file;

	if (new_at && copy_from_user(&new, new_at, sizeof(new)))
		return -EFAULT;
	if (new_at && (new.mq_flags & ~(s64)O_NONBLOCK))
		return -EINVAL;
	int error = find(fd, 0, &file, &queue);
	if (error)
		return error;
	old.mq_maxmsg = queue->max_messages;
	old.mq_msgsize = queue->message_size;
	old.mq_curmsgs = READ_ONCE(queue->count);
	old.mq_flags = file->flags & O_NONBLOCK;
	if (new_at)
		file->flags = (file->flags & ~O_NONBLOCK) | (new.mq_flags &O_NONBLOCK);
	file_put(file);
	return old_at ? copy_to_user(old_at, &old, sizeof(old)) : 0;
}
