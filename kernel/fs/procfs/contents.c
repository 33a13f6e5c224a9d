// What is in the memory of a process: /proc/PID/mem, environ, auxv and cmdline. All but the last stay
// with the memory that the process had when they were opened: once that is gone, nothing is read.

#include <fs/file.h>
#include <fs/procfs/procfs.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <process/ptrace_access.h>
#include <uapi/errno.h>
#include "memory.h"

// --- Opening ---

// Keeps the memory of the file's process in file->private. -EACCES, -ESRCH: it has none.
static int open_memory(struct inode *inode, struct file *file, int mode)
{
	struct task *task;
	int error = proc_inode_task(inode, &task);

	if (error)
		return error;
	struct mm *mm = proc_mm_get(task);
	if (!mm)
		error = -ESRCH;
	else if (mm != current->mm &&
		 !(mode == PTRACE_MODE_READ_FSCREDS ? ptrace_may_see_memory(task)
						    : ptrace_may_access(task, mode)))
		error = -EACCES;
	if (mm && !error) {
		mm_grab(mm);
		file->private = mm;
	}
	if (mm)
		mm_put(mm);
	task_put(task);
	return error;
}

static int open_to_read(struct inode *inode, struct file *file)
{
	return open_memory(inode, file, PTRACE_MODE_READ_FSCREDS);
}

static int open_to_change(struct inode *inode, struct file *file)
{
	return open_memory(inode, file, PTRACE_MODE_ATTACH_FSCREDS);
}

static int release_memory(struct file *file)
{
	mm_drop(file->private);
	return 0;
}

// --- mem ---

// By pages, through one of ours, as the areas' rights allow: as on a Linux of today, only a tracer
// could overrule these. An error only if nothing was done before it.
static ssize_t transfer(struct mm *mm, struct iov_iter *iter, u64 *pos, bool write)
{
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t done = 0;

	if (!page)
		return -ENOMEM;
	while (iter_count(iter)) {
		size_t n = MIN(iter_count(iter), (size_t)PAGE_SIZE);

		if (write && iter_copy_from(iter, page, n) < n) {
			done = -EFAULT;
			break;
		}
		size_t got = write ? mm_copy_to_partial(mm, *pos, page, n)
				   : mm_copy_from_partial(mm, *pos, page, n);
		if (!got) {
			done = done ?: -EIO;
			break;
		}
		if (!write && iter_copy_to(iter, page, got) < got) {
			done = -EFAULT;
			break;
		}
		*pos += got;
		done += got;
		if (got < n && write)
			break;
	}
	kfree(page);
	return done;
}

static ssize_t mem_transfer(struct file *file, struct iov_iter *iter, u64 *pos, bool write)
{
	struct mm *mm = file->private;

	if (!mm_get_not_empty(mm))
		return 0;
	ssize_t done = transfer(mm, iter, pos, write);
	mm_put(mm);
	return done;
}

static ssize_t mem_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	return mem_transfer(file, iter, pos, false);
}

static ssize_t mem_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	return mem_transfer(file, iter, pos, true);
}

// Every address is a position.
static s64 mem_llseek(struct file *file, s64 offset, int whence)
{
	if (whence > 1)
		return -EINVAL;
	file->pos = whence ? file->pos + offset : (u64)offset;
	return file->pos;
}

const struct file_ops proc_mem_ops = {
	.open = open_to_change,
	.release = release_memory,
	.read = mem_read,
	.write = mem_write,
	.llseek = mem_llseek,
};

// --- environ, cmdline ---

// The part of a range of the memory that lies from *pos on, as far as it can be read.
static ssize_t read_range(struct mm *mm, u64 start, u64 end, struct iov_iter *iter, u64 *pos)
{
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t done = 0;

	if (!page)
		return -ENOMEM;
	while (iter_count(iter) && start < end && *pos < end - start) {
		size_t n = MIN(MIN(iter_count(iter), (size_t)PAGE_SIZE), end - start - *pos);
		size_t got = mm_copy_from_partial(mm, start + *pos, page, n);
		size_t copied = iter_copy_to(iter, page, got);

		done += copied;
		*pos += copied;
		if (copied < n) {
			if (!done && copied < got)
				done = -EFAULT;
			break;
		}
	}
	kfree(page);
	return done;
}

static ssize_t environ_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct mm *mm = file->private;

	if (!mm_get_not_empty(mm))
		return 0;
	ssize_t done = read_range(mm, mm->layout.env_start, mm->layout.env_end, iter, pos);
	mm_put(mm);
	return done;
}

// A program that writes over its arguments gives itself a title, which may go on into the environment
// if that lies behind them. It ends at the first NUL.
static ssize_t read_title(struct mm *mm, struct iov_iter *iter, u64 *pos)
{
	const struct mm_layout *l = &mm->layout;
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t done = 0;

	if (!page)
		return -ENOMEM;
	u64 end = l->env_start == l->arg_end && l->env_end > l->env_start ? l->env_end : l->arg_end;
	size_t got = mm_copy_from_partial(mm, l->arg_start, page, PAGE_SIZE);
	size_t length = strnlen(page, got);

	if (length < got)
		length++;
	if (*pos < end - l->arg_start && *pos < length) {
		size_t n = MIN(MIN(length - *pos, iter_count(iter)), end - l->arg_start - *pos);

		done = iter_copy_to(iter, page + *pos, n);
		*pos += done;
		if (!done && n)
			done = -EFAULT;
	}
	kfree(page);
	return done;
}

static ssize_t cmdline_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct task *task;
	ssize_t done = proc_inode_task(file->inode, &task);
	char last;

	if (done)
		return done;
	struct mm *mm = proc_mm_get(task);
	task_put(task);
	if (!mm)
		return 0;
	u64 start = mm->layout.arg_start, end = mm->layout.arg_end;
	if (start < end && mm_copy_from_partial(mm, end - 1, &last, 1) == 1 && last)
		done = read_title(mm, iter, pos);
	else
		done = read_range(mm, start, end, iter, pos);
	mm_put(mm);
	return done;
}

const struct file_ops proc_environ_ops = {
	.open = open_to_read,
	.release = release_memory,
	.read = environ_read,
	.llseek = mem_llseek,
};
const struct file_ops proc_cmdline_ops = {.read = cmdline_read};

// --- auxv ---

static ssize_t auxv_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct mm *mm = file->private;
	ssize_t done = 0;

	if (!mm_get_not_empty(mm))
		return 0;
	size_t size = mm->auxv_count * sizeof(mm->auxv[0]);
	if (*pos < size) {
		size_t n = MIN(size - *pos, iter_count(iter));

		done = iter_copy_to(iter, (char *)mm->auxv + *pos, n);
		*pos += done;
		if (!done && n)
			done = -EFAULT;
	}
	mm_put(mm);
	return done;
}

const struct file_ops proc_auxv_ops = {
	.open = open_to_read,
	.release = release_memory,
	.read = auxv_read,
};
