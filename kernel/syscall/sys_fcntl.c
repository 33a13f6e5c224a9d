// fcntl(2) and flock(2).

#include <core/errno.h>
#include <fs/async.h>
#include <fs/files.h>
#include <fs/locks.h>
#include <fs/memfd.h>
#include <fs/pipe.h>
#include <mm/uaccess.h>
#include <sched/process.h>
#include <syscall/define.h>
#include <uapi/errno.h>

long file_dup_from(int fd, u32 min, u32 flags);

// From l_whence, l_start and l_len to a range. -EINVAL, -EOVERFLOW.
static int range_of(struct file *file, const struct flock *lock, struct lock_range *range)
{
	s64 base = lock->l_whence == 1   ? (s64)file->pos
		   : lock->l_whence == 2 ? (s64)file->inode->mapping.size
					 : 0;
	s64 start, end;

	if ((unsigned)lock->l_whence > 2 || (unsigned)lock->l_type > F_UNLCK)
		return -EINVAL;
	if (__builtin_add_overflow(base, lock->l_start, &start))
		return -EOVERFLOW;
	if (lock->l_len < 0) {
		end = start - 1;
		start += lock->l_len;
	} else if (__builtin_add_overflow(start, lock->l_len - 1, &end)) {
		return start < 0 ? -EINVAL : -EOVERFLOW;
	}
	if (start < 0)
		return -EINVAL;
	range->start = start;
	range->end = lock->l_len ? (u64)end : ~0ul;
	range->type = lock->l_type;
	return 0;
}

static long lock_command(struct file *file, int command, u64 lock_at)
{
	bool ofd = command >= F_OFD_GETLK;
	enum lock_kind kind = ofd ? LOCK_KIND_OFD : LOCK_KIND_POSIX;
	struct lock_range range;
	struct flock lock;

	if (copy_from_user(&lock, lock_at, sizeof(lock)))
		return -EFAULT;
	if (!file->inode)
		return -EINVAL;
	if (ofd && lock.l_pid)
		return -EINVAL;
	int error = range_of(file, &lock, &range);
	if (error)
		return error;
	if (command == F_GETLK || command == F_OFD_GETLK) {
		if (lock.l_type == F_UNLCK)
			return -EINVAL;
		lock_get(file, kind, &range);
		lock.l_type = range.type;
		if (range.type != F_UNLCK) {
			lock.l_whence = 0;
			lock.l_start = range.start;
			lock.l_len = range.end == ~0ul ? 0 : (s64)(range.end - range.start + 1);
			lock.l_pid = range.pid;
		}
		return copy_to_user(lock_at, &lock, sizeof(lock));
	}
	if ((range.type == F_RDLCK && !(file->flags & FILE_READ)) ||
	    (range.type == F_WRLCK && !(file->flags & FILE_WRITE)))
		return -EBADF;
	return lock_set(file, kind, &range, command == F_SETLKW || command == F_OFD_SETLKW);
}

// --- Who gets signals ---

struct owner_ex {
	int type, nr;
};

static long owner_set(struct file *file, int nr)
{
	if (nr == -2147483647 - 1)
		return -EINVAL;
	return file_owner_set(file, nr < 0 ? PIDTYPE_PGID : PIDTYPE_TGID, nr < 0 ? -nr : nr);
}

static long owner_get(struct file *file)
{
	enum pid_type type;
	int nr = file_owner_get(file, &type);

	return type == PIDTYPE_PGID ? -nr : nr;
}

static long owner_ex_set(struct file *file, u64 owner_at)
{
	static const enum pid_type types[] = {PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID};
	struct owner_ex owner;

	if (copy_from_user(&owner, owner_at, sizeof(owner)))
		return -EFAULT;
	if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP)
		return -EINVAL;
	return file_owner_set(file, types[owner.type], owner.nr);
}

static long owner_ex_get(struct file *file, u64 owner_at)
{
	enum pid_type type;
	struct owner_ex owner = {.nr = file_owner_get(file, &type)};

	owner.type = type == PIDTYPE_PGID   ? F_OWNER_PGRP
		     : type == PIDTYPE_TGID ? F_OWNER_PID
					    : F_OWNER_TID;
	return copy_to_user(owner_at, &owner, sizeof(owner));
}

static long owner_command(struct file *file, int command, u64 argument)
{
	switch (command) {
	case F_SETOWN:
		return owner_set(file, argument);
	case F_GETOWN:
		return owner_get(file);
	case F_SETOWN_EX:
		return owner_ex_set(file, argument);
	case F_GETOWN_EX:
		return owner_ex_get(file, argument);
	case F_SETSIG:
		return file_signal_set(file, argument);
	case F_GETSIG:
		return file_signal_get(file);
	}
	return -EINVAL;
}

static long flags_set(struct file *file, int fd, u64 flags)
{
	u32 settable = O_APPEND | O_NONBLOCK | O_NOATIME;

	// That a file was read is its owner's to hide.
	if ((flags & ~file->flags & O_NOATIME) && file->inode &&
	    !inode_owner_or_capable(file->inode))
		return -EPERM;
	if ((flags ^ file->flags) & O_ASYNC) {
		int error = file_async_set(file, fd, flags & O_ASYNC);
		if (error && error != -ENOTTY) // where there is no such thing it stays off
			return error;
	}
	WRITE_ONCE(file->flags, (file->flags & ~settable) | (flags & settable));
	return 0;
}

static long file_command(struct file *file, int fd, int command, u64 argument)
{
	switch (command) {
	case F_GETFL:
		return file->flags & ~(FILE_READ | FILE_WRITE);
	case F_SETFL:
		return flags_set(file, fd, argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_command(file, command, argument);
	case F_GETPIPE_SZ:
		return pipe_capacity(file);
	case F_SETPIPE_SZ:
		return pipe_resize(file, (u32)argument);
	case F_ADD_SEALS:
		return file_add_seals(file, argument);
	case F_GET_SEALS:
		return file_get_seals(file);
	}
	return owner_command(file, command, argument);
}

SYSCALL3(fcntl, int, fd, int, command, u64, argument)
{
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (argument >= rlimit(RLIMIT_NOFILE))
			return -EINVAL;
		return file_dup_from(fd, argument, command == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
	case F_GETFD:
		return fd_get_flags(fd);
	case F_SETFD:
		return fd_set_flags(fd, argument);
	}
	struct file *file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	// A descriptor that is only a path answers one question.
	long result = (file->flags & O_PATH) && command != F_GETFL
			      ? -EBADF
			      : file_command(file, fd, command, argument);
	file_put(file);
	return result;
}

SYSCALL2(flock, int, fd, int, operation)
{
	struct lock_range range = {.end = ~0ul};
	int kind = operation & ~LOCK_NB;

	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return -EINVAL;
	range.type = kind == LOCK_SH ? F_RDLCK : kind == LOCK_EX ? F_WRLCK : F_UNLCK;
	struct file *file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	long error = -EBADF;
	if (file->inode && (kind == LOCK_UN || (file->flags & (FILE_READ | FILE_WRITE))))
		error = lock_set(file, LOCK_KIND_FLOCK, &range, !(operation & LOCK_NB));
	file_put(file);
	return error;
}
