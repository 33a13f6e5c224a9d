// Moving data in other ways than read(2) and write(2): vectors at a position, from file to file;
// and advice about data, of which there is none to take when all files are memory.

#include <core/errno.h>
#include <fs/files.h>
#include <fs/open.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <syscall/transfer_count.h>
#include <uapi/errno.h>
#include <uapi/uio.h>

#define RWF_SUPPORTED (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT)
#define RWF_HIPRI     1
#define RWF_DSYNC     2
#define RWF_SYNC      4
#define RWF_NOWAIT    8
#define COUNT_MAX     0x7ffff000ul

static ssize_t transfer_at(struct file *file, struct iov_iter *iter, s64 pos, bool write)
{
	ssize_t (*fn)(struct file *, struct iov_iter *, u64 *) = write ? file_write : file_read;
	u64 at = pos, none = 0;
	ssize_t done;

	if (file->ops->stream)
		return pos == -1 ? fn(file, iter, &none) : -ESPIPE;
	if (pos != -1)
		return fn(file, iter, &at);
	mutex_lock(&file->pos_lock);
	done = fn(file, iter, &file->pos);
	mutex_unlock(&file->pos_lock);
	return done;
}

static ssize_t vector_at(int fd, u64 vec_at, unsigned long segments, s64 pos, int flags, bool write)
{
	struct iov_iter iter;
	struct iovec *vec;

	if (flags & ~RWF_SUPPORTED)
		return -EOPNOTSUPP;
	struct file *file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	ssize_t done = iovec_from_user(vec_at, segments, &vec);
	if (!done) {
		iter_init_user(&iter, vec, segments);
		done = transfer_at(file, &iter, pos, write);
		if (write)
			transfer_count_write(done);
		else
			transfer_count_read(done);
		kfree(vec);
	}
	file_put(file);
	return done;
}

SYSCALL4(preadv, int, fd, u64, vec, unsigned long, segments, s64, pos)
{
	return pos < 0 ? -EINVAL : vector_at(fd, vec, segments, pos, 0, false);
}

SYSCALL4(pwritev, int, fd, u64, vec, unsigned long, segments, s64, pos)
{
	return pos < 0 ? -EINVAL : vector_at(fd, vec, segments, pos, 0, true);
}

// The fifth argument is the upper half of the position on machines of 32 bits.
SYSCALL6(preadv2, int, fd, u64, vec, unsigned long, segments, s64, pos, u64, unused, int, flags)
{
	return pos < -1 ? -EINVAL : vector_at(fd, vec, segments, pos, flags, false);
}

SYSCALL6(pwritev2, int, fd, u64, vec, unsigned long, segments, s64, pos, u64, unused, int, flags)
{
	return pos < -1 ? -EINVAL : vector_at(fd, vec, segments, pos, flags, true);
}

// --- From file to file, through a buffer of our own ---

// One buffer's worth. What was read but could not be written is given back by the position.
static ssize_t copy_some(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, char *buffer,
			 size_t n)
{
	struct iov_iter iter;

	iter_init_kernel(&iter, buffer, n);
	u64 from = *in_pos;
	ssize_t got = file_read(in, &iter, &from);
	if (got <= 0)
		return got;
	iter_init_kernel(&iter, buffer, got);
	ssize_t put = file_write(out, &iter, out_pos);
	if (put > 0)
		*in_pos += put;
	return put;
}

static ssize_t copy_between(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos,
			    size_t count)
{
	size_t size = MIN(MAX(count, 1ul), 4 * PAGE_SIZE), done = 0;
	char *buffer = kmalloc(size, GFP_KERNEL);
	ssize_t n = 0;

	if (!buffer)
		return -ENOMEM;
	count = MIN(count, COUNT_MAX);
	while (done < count) {
		n = copy_some(in, in_pos, out, out_pos, buffer, MIN(count - done, size));
		if (n <= 0)
			break;
		done += n;
		if (task_signal_pending(current))
			break;
		cond_resched();
	}
	kfree(buffer);
	return done ? (ssize_t)done : n;
}

// Each end at its own position, which moves, or at one that user memory holds.
static ssize_t copy_files(struct file *in, u64 in_at, struct file *out, u64 out_at, size_t count)
{
	u64 in_pos = in->pos, out_pos = out->pos;

	if (in_at && get_user_u64(in_at, &in_pos))
		return -EFAULT;
	if (out_at && get_user_u64(out_at, &out_pos))
		return -EFAULT;
	if ((s64)in_pos < 0 || (s64)out_pos < 0)
		return -EINVAL;
	ssize_t done = copy_between(in, &in_pos, out, &out_pos, count);
	transfer_count_read(done);
	transfer_count_write(done);
	if (done <= 0)
		return done;
	if (in_at ? put_user_u64(in_at, in_pos) : 0)
		return -EFAULT;
	if (out_at ? put_user_u64(out_at, out_pos) : 0)
		return -EFAULT;
	if (!in_at && !in->ops->stream)
		WRITE_ONCE(in->pos, in_pos);
	if (!out_at && !out->ops->stream)
		WRITE_ONCE(out->pos, out_pos);
	return done;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, u64, pos_at, size_t, count)
{
	struct file *in = file_get_fd(in_fd), *out = file_get_fd(out_fd);
	ssize_t done;

	if (!in || !out || !(in->flags & FILE_READ) || !(out->flags & FILE_WRITE))
		done = -EBADF;
	else if (in->ops->stream)
		done = pos_at ? -ESPIPE : -EINVAL; // a splice would be asked for
	else if (out->flags & O_APPEND)
		done = -EINVAL;
	else
		done = copy_files(in, pos_at, out, 0, count);
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return done;
}

SYSCALL6(copy_file_range, int, in_fd, u64, in_at, int, out_fd, u64, out_at, size_t, count, unsigned,
	 flags)
{
	struct file *in = file_get_fd(in_fd), *out = file_get_fd(out_fd);
	ssize_t done;

	if (!in || !out)
		done = -EBADF;
	else if (flags)
		done = -EINVAL;
	else if (!(in->flags & FILE_READ) || !(out->flags & FILE_WRITE) || (out->flags & O_APPEND))
		done = -EBADF;
	else if (!in->inode || !out->inode)
		done = -EINVAL;
	else if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		done = -EISDIR;
	else if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		done = -EINVAL;
	else if (in->inode->sb != out->inode->sb)
		done = -EXDEV;
	else
		done = copy_files(in, in_at, out, out_at, count);
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return done;
}

// --- Space, storage and advice ---

SYSCALL4(fallocate, int, fd, int, mode, s64, offset, s64, length)
{
	struct file *file = file_get_fd(fd);
	long error;

	if (!file)
		return -EBADF;
	if (offset < 0 || length <= 0)
		error = -EINVAL;
	else if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		error = -EOPNOTSUPP;
	else if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		error = -EOPNOTSUPP;
	else if (!(file->flags & FILE_WRITE))
		error = -EBADF;
	else if (file->ops->stream)
		error = -ESPIPE;
	else if (!file->inode || !S_ISREG(file->inode->mode))
		error = file->inode && S_ISDIR(file->inode->mode) ? -EISDIR : -ENODEV;
	else if (offset + length < 0)
		error = -EFBIG;
	else if (!file->ops->fallocate)
		error = -EOPNOTSUPP;
	else
		error = file->ops->fallocate(file, mode, offset, length);
	file_put(file);
	return error;
}

static long on_open_file(int fd)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	file_put(file);
	return 0;
}

SYSCALL1(fdatasync, int, fd)
{
	return on_open_file(fd);
}

SYSCALL1(syncfs, int, fd)
{
	return on_open_file(fd);
}

static long advise(int fd, s64 offset, s64 length, bool bad)
{
	struct file *file = file_get_fd(fd);
	long error = 0;

	if (!file)
		return -EBADF;
	if (bad || offset < 0 || length < 0)
		error = -EINVAL;
	else if (file->ops->stream)
		error = -ESPIPE;
	file_put(file);
	return error;
}

SYSCALL4(sync_file_range, int, fd, s64, offset, s64, length, unsigned, flags)
{
	return advise(fd, offset, length, flags & ~7u);
}

SYSCALL4(fadvise64, int, fd, s64, offset, s64, length, int, advice)
{
	return advise(fd, 0, length, advice < 0 || advice > 5);
}

SYSCALL3(readahead, int, fd, s64, offset, size_t, count)
{
	struct file *file = file_get_fd(fd);
	long error = 0;

	if (!file || !(file->flags & FILE_READ))
		error = -EBADF;
	else if (!file->inode || !S_ISREG(file->inode->mode))
		error = -EINVAL;
	if (file)
		file_put(file);
	return error;
}
