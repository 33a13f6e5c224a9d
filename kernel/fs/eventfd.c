// eventfd(2): a counter that is read, written and waited for as a file.

#include <core/errno.h>
#include <fs/event.h>
#include <fs/poll.h>
#include <fs/seq.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/eventfd.h>

#define COUNT_MAX (~0ul - 1)

// Legend: [lock].
struct eventfd {
	u32 id; // for people who look at fdinfo
	struct spinlock lock;
	struct wait_queue wait;
	u64 count; // [lock]
	bool semaphore;
};

static u32 last_id; // [a]

// Takes what a read takes. False if there is nothing.
static bool take(struct eventfd *event, u64 *value)
{
	spin_lock(&event->lock);
	bool some = event->count != 0;
	*value = event->semaphore ? some : event->count;
	event->count -= *value;
	spin_unlock(&event->lock);
	return some;
}

static bool add(struct eventfd *event, u64 value)
{
	spin_lock(&event->lock);
	bool fits = value <= COUNT_MAX - event->count;
	if (fits)
		event->count += value;
	spin_unlock(&event->lock);
	return fits;
}

static ssize_t eventfd_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct eventfd *event = file->private;
	u64 value;

	(void)pos;
	if (iter_count(iter) < sizeof(value))
		return -EINVAL;
	while (!take(event, &value)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_interruptible(&event->wait, READ_ONCE(event->count));
		if (error)
			return error;
	}
	wake_up_key(&event->wait, POLLOUT);
	return iter_copy_to(iter, &value, sizeof(value)) == sizeof(value) ? (ssize_t)sizeof(value)
									  : -EFAULT;
}

static ssize_t eventfd_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct eventfd *event = file->private;
	u64 value;

	(void)pos;
	if (iter_count(iter) != sizeof(value))
		return -EINVAL;
	if (iter_copy_from(iter, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value == ~0ul)
		return -EINVAL;
	while (!add(event, value)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_interruptible(&event->wait,
						     value <= COUNT_MAX - READ_ONCE(event->count));
		if (error)
			return error;
	}
	if (value)
		wake_up_key(&event->wait, POLLIN);
	return sizeof(value);
}

static u32 eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *event = file->private;

	poll_wait(file, &event->wait, table);
	u64 count = READ_ONCE(event->count);
	return (count ? POLLIN : 0) | (count < COUNT_MAX ? POLLOUT : 0);
}

static void eventfd_show(struct file *file, struct seq *seq)
{
	struct eventfd *event = file->private;

	seq_printf(seq, "eventfd-count: %16lx\n", READ_ONCE(event->count));
	seq_printf(seq, "eventfd-id: %u\n", event->id);
	seq_printf(seq, "eventfd-semaphore: %d\n", event->semaphore);
}

// There is no position, but Linux lets it be set.
static s64 eventfd_llseek(struct file *file, s64 offset, int whence)
{
	(void)file, (void)offset, (void)whence;
	return 0;
}

static int eventfd_release(struct file *file)
{
	kfree(file->private);
	return 0;
}

static const struct file_ops eventfd_ops = {
	.llseek = eventfd_llseek,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_show,
	.stream = true,
};

int eventfd_create(u32 count, int flags, struct file **out)
{
	struct eventfd *event = kzalloc(sizeof(*event), GFP_KERNEL);

	if (!event)
		return -ENOMEM;
	spin_init(&event->lock, LOCK_FILE_SPIN);
	event->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	wait_queue_init(&event->wait);
	event->count = count;
	event->semaphore = flags & EFD_SEMAPHORE;
	int error = file_alloc_anon("[eventfd]", &eventfd_ops, event, O_RDWR | (flags & O_NONBLOCK),
				    out);
	if (error)
		kfree(event);
	return error;
}
