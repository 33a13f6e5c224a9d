// Pipes and FIFOs: a ring of bytes in pages, readers and writers. Writes of at most PIPE_BUF bytes
// are never torn. See pipe(7).

#include <core/errno.h>
#include <core/init.h>
#include <fs/async.h>
#include <fs/file.h>
#include <fs/pipe.h>
#include <fs/poll.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/wait.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/magic.h>
#include <uapi/stat.h>

#define PIPE_PAGES_DEFAULT   16
#define PIPE_SIZE_PRIVILEGED (1u << 23)
#define FIONREAD             0x541b

// Legend: [lock].
struct pipe {
	struct mutex lock;
	struct wait_queue wait;         // readers, writers, pollers
	struct async_list async;        // who wants signals
	u32 readers, writers;           // [lock] open ends
	u32 reader_opens, writer_opens; // [lock] ever: for FIFO opens that wait
	u32 head, count;                // [lock] bytes
	u32 size;                       // [lock]
	u32 files;                      // [inode lock] struct files that refer to it
	char **page;                    // [lock] made when first written
	char *few_pages[PIPE_PAGES_DEFAULT];
};

u64 pipe_max_size = 1 << 20;
void (*pipe_broken_hook)(void);

static struct pipe *pipe_new(void)
{
	struct pipe *pipe = kzalloc(sizeof(*pipe), GFP_KERNEL);

	if (!pipe)
		return NULL;
	mutex_init(&pipe->lock, LOCK_PIPE);
	wait_queue_init(&pipe->wait);
	async_list_init(&pipe->async);
	pipe->size = PIPE_PAGES_DEFAULT * PAGE_SIZE;
	if (unlikely(pipe->size > READ_ONCE(pipe_max_size)) && !capable(CAP_SYS_RESOURCE))
		pipe->size = READ_ONCE(pipe_max_size);
	pipe->page = pipe->few_pages;
	return pipe;
}

static void pages_free(struct pipe *pipe)
{
	for (u32 i = 0; i < pipe->size / PAGE_SIZE; i++) {
		if (pipe->page[i])
			page_free_virt(pipe->page[i]);
	}
	if (pipe->page != pipe->few_pages)
		kfree(pipe->page);
}

static void pipe_free(struct pipe *pipe)
{
	pages_free(pipe);
	kfree(pipe);
}

// The longest run of bytes from an offset in the ring that is contiguous in memory.
static char *run_at(struct pipe *pipe, u32 at, size_t *n)
{
	u32 page = at % pipe->size / PAGE_SIZE, offset = at % PAGE_SIZE;

	if (!pipe->page[page] && !(pipe->page[page] = page_alloc_virt(GFP_KERNEL)))
		return NULL;
	*n = MIN(*n, PAGE_SIZE - offset);
	return pipe->page[page] + offset;
}

static ssize_t take_bytes(struct pipe *pipe, struct iov_iter *iter)
{
	ssize_t done = 0;

	while (pipe->count && iter_count(iter)) {
		size_t n = MIN((size_t)pipe->count, iter_count(iter));
		char *run = run_at(pipe, pipe->head, &n);

		// As on Linux, what cannot be copied whole stays.
		if (iter_copy_to(iter, run, n) < n)
			return done ?: -EFAULT;
		pipe->head = (pipe->head + n) % pipe->size;
		pipe->count -= n;
		done += n;
	}
	return done;
}

static ssize_t pipe_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct pipe *pipe = file->private;
	ssize_t done = 0;

	(void)pos;
	if (!iter_count(iter))
		return 0;
	mutex_lock(&pipe->lock);
	while (!pipe->count) {
		if (!pipe->writers)
			goto out;
		if (file->flags & O_NONBLOCK) {
			done = -EAGAIN;
			goto out;
		}
		mutex_unlock(&pipe->lock);
		int error = wait_event_interruptible(
			&pipe->wait, READ_ONCE(pipe->count) || !READ_ONCE(pipe->writers));
		if (error)
			return error;
		mutex_lock(&pipe->lock);
	}
	bool was_full = pipe->size - pipe->count < PIPE_BUF;
	done = take_bytes(pipe, iter);
	mutex_unlock(&pipe->lock);
	if (done > 0 && was_full)
		wake_up_all_key(&pipe->wait, POLLOUT | POLLWRNORM);
	if (done > 0)
		async_notify(&pipe->async, FILE_WRITE, POLL_OUT);
	return done;
out:
	mutex_unlock(&pipe->lock);
	return done;
}

static ssize_t put_bytes(struct pipe *pipe, struct iov_iter *iter)
{
	ssize_t done = 0;

	while (pipe->count < pipe->size && iter_count(iter)) {
		size_t n = MIN((size_t)(pipe->size - pipe->count), iter_count(iter));
		char *run = run_at(pipe, pipe->head + pipe->count, &n);
		if (!run)
			return done ?: -ENOMEM;
		if (iter_copy_from(iter, run, n) < n)
			return done ?: -EFAULT;
		pipe->count += n;
		done += n;
	}
	return done;
}

static ssize_t pipe_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct pipe *pipe = file->private;
	size_t need = iter_count(iter) <= PIPE_BUF ? iter_count(iter) : 1;
	ssize_t done = 0, moved;

	(void)pos;
	if (!iter_count(iter))
		return 0;
	mutex_lock(&pipe->lock);
	for (;;) {
		if (!pipe->readers) {
			mutex_unlock(&pipe->lock);
			pipe_broken_hook();
			return done ?: -EPIPE;
		}
		if (pipe->size - pipe->count >= need) {
			moved = put_bytes(pipe, iter);
			if (moved > 0)
				done += moved;
			else if (!done)
				done = moved;
			// Each write, not only the first into an empty pipe: edge-triggered
			// epoll counts on that. Nobody waits most of the time.
			if (moved > 0)
				wake_up_all_key(&pipe->wait, POLLIN | POLLRDNORM);
			if (!iter_count(iter) || moved <= 0)
				break;
			need = 1;
			continue;
		}
		if (file->flags & O_NONBLOCK) {
			done = done ?: -EAGAIN;
			break;
		}
		mutex_unlock(&pipe->lock);
		int error = wait_event_interruptible(&pipe->wait,
						     pipe->size - READ_ONCE(pipe->count) >= need ||
							     !READ_ONCE(pipe->readers));
		if (error)
			return done ?: error;
		mutex_lock(&pipe->lock);
	}
	mutex_unlock(&pipe->lock);
	if (done > 0)
		async_notify(&pipe->async, FILE_READ, POLL_IN);
	return done;
}

static struct async_list *pipe_async(struct file *file, bool on)
{
	(void)on;
	return &((struct pipe *)file->private)->async;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->private;
	u32 events = 0;

	poll_wait(file, &pipe->wait, table);
	mutex_lock(&pipe->lock);
	if (file->flags & FILE_READ) {
		if (pipe->count)
			events |= POLLIN | POLLRDNORM;
		if (!pipe->writers && pipe->writer_opens)
			events |= POLLHUP;
	}
	if (file->flags & FILE_WRITE) {
		if (pipe->size - pipe->count >= PIPE_BUF)
			events |= POLLOUT | POLLWRNORM;
		if (!pipe->readers)
			events |= POLLERR;
	}
	mutex_unlock(&pipe->lock);
	return events;
}

static long pipe_ioctl(struct file *file, u32 command, u64 argument)
{
	struct pipe *pipe = file->private;

	if (command != FIONREAD)
		return -ENOTTY;
	return put_user_u32(argument, READ_ONCE(pipe->count));
}

static int pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;
	struct inode *inode = file->inode;

	mutex_lock(&pipe->lock);
	pipe->readers -= !!(file->flags & FILE_READ);
	pipe->writers -= !!(file->flags & FILE_WRITE);
	if (!pipe->readers != !pipe->writers) { // somebody is left alone
		async_notify(&pipe->async, FILE_READ, POLL_IN);
		async_notify(&pipe->async, FILE_WRITE, POLL_OUT);
	}
	mutex_unlock(&pipe->lock);
	wake_up_all_key(&pipe->wait, POLLIN | POLLOUT | POLLHUP | POLLERR);
	// Only now is it ours no more: the other end may be closed on another hart, and free it.
	down_write(&inode->lock);
	bool last = --pipe->files == 0;
	if (last)
		inode->private = NULL;
	up_write(&inode->lock);
	if (last)
		pipe_free(pipe);
	return 0;
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
	.async = pipe_async,
	.stream = true,
};

static struct mount *pipe_mount; // [I]
static const struct inode_ops pipe_inode_ops;

static int pipe_inode(struct pipe *pipe, struct inode **out)
{
	struct inode *inode = inode_alloc(pipe_mount->sb, S_IFIFO | 0600);

	if (!inode)
		return -ENOMEM;
	inode->ops = &pipe_inode_ops;
	inode->private = pipe;
	*out = inode;
	return 0;
}

// Opens one end. The inode is the caller's.
static int pipe_end(struct pipe *pipe, struct inode *inode, u32 flags, struct file **out)
{
	struct file *file = file_alloc(flags);
	char name[32];

	if (!file)
		return -ENFILE;
	snprintf(name, sizeof(name), "pipe:[%lu]", (unsigned long)inode->number);
	int error = file_set_nameless(file, pipe_mount, name, inode_get(inode));
	if (error) {
		file_put(file);
		return error;
	}
	bool reads = file->flags & FILE_READ;
	file->ops = &pipe_ops;
	file->private = pipe;
	pipe->files++;
	pipe->readers += reads;
	pipe->reader_opens += reads;
	pipe->writers += !reads;
	pipe->writer_opens += !reads;
	*out = file;
	return 0;
}

int pipe_create(u32 flags, struct file **reader, struct file **writer)
{
	struct pipe *pipe = pipe_new();
	struct inode *inode;

	if (!pipe)
		return -ENOMEM;
	int error = pipe_inode(pipe, &inode);
	if (error) {
		pipe_free(pipe);
		return error;
	}
	error = pipe_end(pipe, inode, O_RDONLY | flags, reader);
	if (!error) {
		error = pipe_end(pipe, inode, O_WRONLY | flags, writer);
		if (error)
			file_put(*reader);
	} else {
		pipe_free(pipe);
	}
	inode_put(inode);
	return error;
}

static int pipe_init(void)
{
	pipe_mount = nameless_mount("pipefs", PIPEFS_MAGIC);
	return 0;
}
INITCALL(FS, pipe_init);

// --- FIFOs ---

static struct pipe *fifo_pipe(struct inode *inode)
{
	down_write(&inode->lock);
	struct pipe *pipe = inode->private;
	if (!pipe)
		pipe = inode->private = pipe_new();
	if (pipe)
		pipe->files++;
	up_write(&inode->lock);
	return pipe;
}

// Opening one end waits for the other, unless both are wanted or nobody wants to wait.
static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *pipe = fifo_pipe(inode);
	bool reads = file->flags & FILE_READ, writes = file->flags & FILE_WRITE;
	int error = 0;

	if (!pipe)
		return -ENOMEM;
	mutex_lock(&pipe->lock);
	file->private = pipe;
	pipe->readers += reads;
	pipe->writers += writes;
	pipe->reader_opens += reads;
	pipe->writer_opens += writes;
	u32 reader_opens = pipe->reader_opens, writer_opens = pipe->writer_opens;
	bool alone = (reads && !writes && !pipe->writers) || (writes && !reads && !pipe->readers);
	mutex_unlock(&pipe->lock);
	wake_up_all(&pipe->wait);
	if (alone && (file->flags & O_NONBLOCK))
		error = writes ? -ENXIO : 0;
	else if (alone)
		error = wait_event_interruptible(
			&pipe->wait, reads ? READ_ONCE(pipe->writer_opens) != writer_opens
					   : READ_ONCE(pipe->reader_opens) != reader_opens);
	if (error)
		pipe_release(file);
	else
		file->ops = &pipe_ops;
	return error;
}

// --- Capacity ---

static struct pipe *pipe_of(struct file *file)
{
	return file->ops == &pipe_ops ? file->private : NULL;
}

long pipe_capacity(struct file *file)
{
	struct pipe *pipe = pipe_of(file);

	return pipe ? (long)READ_ONCE(pipe->size) : -EBADF;
}

// Moves what is in the pipe to the beginning of a new ring. lock held.
static int resize_locked(struct pipe *pipe, u32 size)
{
	struct pipe new = {.size = size, .count = pipe->count};
	u32 done = 0;

	new.page = kzalloc(size / PAGE_SIZE * sizeof(char *), GFP_KERNEL);
	if (!new.page)
		return -ENOMEM;
	while (done < pipe->count) {
		size_t n = pipe->count - done;
		char *from = run_at(pipe, pipe->head + done, &n);
		char *to = run_at(&new, done, &n);

		if (!to) {
			pages_free(&new);
			return -ENOMEM;
		}
		memcpy(to, from, n);
		done += n;
	}
	pages_free(pipe);
	pipe->page = new.page;
	pipe->size = size;
	pipe->head = 0;
	return 0;
}

u32 pipe_round_size(u32 bytes)
{
	u32 size = PAGE_SIZE;

	while (size && size < bytes)
		size *= 2;
	return size;
}

long pipe_resize(struct file *file, u32 wanted)
{
	struct pipe *pipe = pipe_of(file);
	u32 size = pipe_round_size(wanted);
	long error = 0;

	if (!pipe)
		return -EBADF;
	if (!size)
		return -EINVAL;
	if (size > READ_ONCE(pipe_max_size) && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (size > PIPE_SIZE_PRIVILEGED)
		return -ENOMEM;
	mutex_lock(&pipe->lock);
	if (pipe->count > size)
		error = -EBUSY;
	else if (size != pipe->size)
		error = resize_locked(pipe, size);
	mutex_unlock(&pipe->lock);
	wake_up_all_key(&pipe->wait, POLLOUT | POLLWRNORM);
	return error ?: (long)size;
}

const struct file_ops fifo_ops = {.open = fifo_open};
