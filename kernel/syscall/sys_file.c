// System calls on open files: read, write, seek, descriptors, ioctl, pipes.

#include <core/errno.h>
#include <fs/async.h>
#include <fs/files.h>
#include <fs/open.h>
#include <fs/pipe.h>
#include <fs/tty/tty.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <syscall/transfer_count.h>
#include <uapi/errno.h>
#include <uapi/termios.h>

static ssize_t transfer_file(struct file *file, struct iov_iter *iter, u64 *at, bool write,
			     bool shared)
{
	ssize_t (*fn)(struct file *, struct iov_iter *, u64 *) = write ? file_write : file_read;

	if (at && file->ops->stream)
		return -ESPIPE;
	if (at || file->ops->stream) {
		u64 none = 0;
		return fn(file, iter, at ?: &none);
	}
	if (!shared)
		return fn(file, iter, &file->pos);
	mutex_lock(&file->pos_lock);
	ssize_t done = fn(file, iter, &file->pos);
	mutex_unlock(&file->pos_lock);
	return done;
}

// One transfer at the file's own position, or at *at if that is given. A descriptor table that no
// other task has keeps the file for us: nobody else could close it, so no reference is taken; and
// if the table has the only one, nobody else moves the position.
static ssize_t transfer(int fd, struct iov_iter *iter, u64 *at, bool write)
{
	struct files *files = current->files;
	struct file *file;

	if (likely(!files_is_shared(files))) {
		struct fd_table *table = files->table;

		file = (u32)fd < table->size ? table->file[fd] : NULL;
		return file ? transfer_file(file, iter, at, write, refcount_read(&file->refs) > 1)
			    : -EBADF;
	}
	file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	ssize_t done = transfer_file(file, iter, at, write, true);
	file_put(file);
	return done;
}

static ssize_t transfer_counted(int fd, struct iov_iter *iter, u64 *at, bool write)
{
	ssize_t done = transfer(fd, iter, at, write);

	if (write)
		transfer_count_write(done);
	else
		transfer_count_read(done);
	return done;
}

SYSCALL3(read, int, fd, u64, buffer, size_t, n)
{
	struct iov_iter iter;

	if (!user_range_ok(buffer, n))
		return -EFAULT;
	iter_init_ubuf(&iter, buffer, n);
	return transfer_counted(fd, &iter, NULL, false);
}

SYSCALL3(write, int, fd, u64, buffer, size_t, n)
{
	struct iov_iter iter;

	if (!user_range_ok(buffer, n))
		return -EFAULT;
	iter_init_ubuf(&iter, buffer, n);
	return transfer_counted(fd, &iter, NULL, true);
}

SYSCALL4(pread64, int, fd, u64, buffer, size_t, n, s64, pos)
{
	struct iov_iter iter;
	u64 at = pos;

	if (pos < 0)
		return -EINVAL;
	iter_init_ubuf(&iter, buffer, n);
	return transfer_counted(fd, &iter, &at, false);
}

SYSCALL4(pwrite64, int, fd, u64, buffer, size_t, n, s64, pos)
{
	struct iov_iter iter;
	u64 at = pos;

	if (pos < 0)
		return -EINVAL;
	iter_init_ubuf(&iter, buffer, n);
	return transfer_counted(fd, &iter, &at, true);
}

static ssize_t transfer_vector(int fd, u64 vec_at, unsigned long segments, u64 *at, bool write)
{
	struct iov_iter iter;
	struct iovec *vec;
	int error = iovec_from_user(vec_at, segments, &vec);

	if (error)
		return error;
	iter_init_user(&iter, vec, segments);
	ssize_t done = transfer_counted(fd, &iter, at, write);
	kfree(vec);
	return done;
}

SYSCALL3(readv, int, fd, u64, vec, unsigned long, segments)
{
	return transfer_vector(fd, vec, segments, NULL, false);
}

SYSCALL3(writev, int, fd, u64, vec, unsigned long, segments)
{
	return transfer_vector(fd, vec, segments, NULL, true);
}

// --- Position ---

// SEEK_DATA and SEEK_HOLE: a page that is not there is a hole.
static s64 seek_data(struct file *file, s64 offset, bool hole)
{
	struct mapping *mapping = &file->inode->mapping;
	u64 size = mapping->size, at = offset;

	if (offset < 0 || at >= size)
		return -ENXIO;
	while (at < size) {
		struct page *page = mapping_find_page(mapping, at / PAGE_SIZE);

		if (page)
			page_put(page);
		if ((page == NULL) == hole)
			break;
		at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE;
		if (task_signal_pending(current))
			return -EINTR;
	}
	if (at >= size && !hole)
		return -ENXIO;
	file->pos = MIN(at, size);
	return file->pos;
}

static s64 seek(struct file *file, s64 offset, int whence)
{
	s64 from = 0;

	if (!file->ops->llseek && (file->ops->stream || !file->inode))
		return -ESPIPE;
	if (file->ops->llseek)
		return file->ops->llseek(file, offset, whence);
	switch (whence) {
	case 0:
		break;
	case 1:
		from = file->pos;
		break;
	case 2:
		from = file->inode->mapping.size;
		break;
	case 3:
	case 4:
		return S_ISREG(file->inode->mode) ? seek_data(file, offset, whence == 4) : -EINVAL;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(from, offset, &from) || from < 0)
		return -EINVAL;
	file->pos = from;
	return from;
}

SYSCALL3(lseek, int, fd, s64, offset, int, whence)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	mutex_lock(&file->pos_lock);
	s64 result = seek(file, offset, whence);
	mutex_unlock(&file->pos_lock);
	file_put(file);
	return result;
}

// --- Descriptors ---

SYSCALL4(openat, int, dirfd, u64, path_at, int, flags, u32, mode)
{
	struct file *file;
	char *path;
	int error = path_from_user(path_at, false, &path);

	if (error)
		return error;
	int fd = fd_alloc(flags);
	if (fd >= 0) {
		error = file_open(dirfd, path, flags | O_LARGEFILE, mode, &file);
		if (error) {
			fd_release_unused(fd);
			fd = error;
		} else {
			fd_install(fd, file);
		}
	}
	path_free(path);
	return fd;
}

SYSCALL1(close, int, fd)
{
	return fd_close(fd);
}

SYSCALL3(close_range, unsigned, first, unsigned, last, unsigned, flags)
{
	if (first > last || (flags & ~6u))
		return -EINVAL;
	return fd_close_range(first, last, flags);
}

// Also for F_DUPFD: sys_fcntl.c.
long file_dup_from(int fd, u32 min, u32 flags);
long file_dup_from(int fd, u32 min, u32 flags)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	int new = fd_alloc_from(min, flags);
	if (new < 0)
		file_put(file);
	else
		fd_install(new, file);
	return new;
}

SYSCALL1(dup, int, fd)
{
	return file_dup_from(fd, 0, 0);
}

SYSCALL3(dup3, int, fd, int, target, int, flags)
{
	if ((flags & ~O_CLOEXEC) || fd == target)
		return -EINVAL;
	return fd_dup_to(fd, target, flags);
}

static long set_nonblocking(struct file *file, u64 on_at)
{
	u32 on;

	if (get_user_u32(on_at, &on))
		return -EFAULT;
	WRITE_ONCE(file->flags, on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK);
	return 0;
}

static long set_async(struct file *file, int fd, u64 on_at)
{
	u32 on;

	if (get_user_u32(on_at, &on))
		return -EFAULT;
	return !on == !(file->flags & O_ASYNC) ? 0 : file_async_set(file, fd, on);
}

// Some commands are for files of all kinds.
static long any_ioctl(struct file *file, int fd, unsigned command, u64 argument)
{
	switch (command) {
	case FIOCLEX:
		return fd_set_flags(fd, FD_CLOEXEC);
	case FIONCLEX:
		return fd_set_flags(fd, 0);
	case FIONBIO:
		return set_nonblocking(file, argument);
	case FIOASYNC:
		return set_async(file, fd, argument);
	}
	return file->ops->ioctl ? file->ops->ioctl(file, command, argument) : -ENOTTY;
}

SYSCALL3(ioctl, int, fd, unsigned, command, u64, argument)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	long result = file->flags & O_PATH ? -EBADF : any_ioctl(file, fd, command, argument);
	file_put(file);
	return result;
}

SYSCALL2(pipe2, u64, fds_at, int, flags)
{
	struct file *reader, *writer;
	int fds[2];

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	if (flags & O_DIRECT)
		return -EINVAL; // packets are not implemented
	int error = pipe_create(flags & O_NONBLOCK, &reader, &writer);
	if (error)
		return error;
	fds[0] = fd_alloc(flags);
	fds[1] = fds[0] < 0 ? fds[0] : fd_alloc(flags);
	error = fds[1] < 0 ? fds[1] : copy_to_user(fds_at, fds, sizeof(fds));
	if (error) {
		if (fds[0] >= 0)
			fd_release_unused(fds[0]);
		if (fds[1] >= 0)
			fd_release_unused(fds[1]);
		file_put(reader);
		file_put(writer);
		return error;
	}
	fd_install(fds[0], reader);
	fd_install(fds[1], writer);
	return 0;
}

SYSCALL2(ftruncate, int, fd, s64, size)
{
	struct file *file = file_get_fd(fd);
	int error = -EINVAL;

	if (!file)
		return -EBADF;
	if (size >= 0 && (file->flags & FILE_WRITE) && file->inode)
		error = vfs_truncate(file->inode, size);
	file_put(file);
	return error;
}

SYSCALL1(fsync, int, fd)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	file_put(file);
	return 0; // nothing is stored behind memory
}

SYSCALL0(sync)
{
	return 0;
}

SYSCALL0(vhangup)
{
	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	tty_vhangup();
	return 0;
}
