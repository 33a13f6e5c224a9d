// System calls that tell about memory or advise on it, also another process's: process_madvise,
// cachestat, mseal.

#include <fs/file.h>
#include <fs/files.h>
#include <fs/inode.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <process/pidfd.h>
#include <process/ptrace_access.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

SYSCALL3(mseal, u64, address, u64, length, u64, flags)
{
	return flags ? -EINVAL : mm_seal(current->mm, address, length);
}

// Shadow stacks need hardware (Zicfiss) that is not used.
SYSCALL3(map_shadow_stack, u64, address, u64, size, u64, flags)
{
	(void)address, (void)size, (void)flags;
	return -EOPNOTSUPP;
}

// --- process_madvise ---

#define PIDFD_SELF_THREAD -10000
#define PIDFD_SELF        -10001

static int task_of_pidfd(int fd, struct task **out)
{
	struct pid *pid;
	bool nonblocking;

	if (fd == PIDFD_SELF_THREAD || fd == PIDFD_SELF) {
		task_get(current);
		*out = current;
		return 0;
	}
	int error = pidfd_get_pid(fd, &pid, &nonblocking);
	if (error)
		return error;
	*out = pid_task_get(pid, PIDTYPE_PID);
	pid_put(pid);
	return *out ? 0 : -ESRCH;
}

// The address space that current may advise on. To others only what does no harm is said.
static int memory_to_advise(struct task *task, int advice, struct mm **out)
{
	int error = 0;

	spin_lock(&task->alloc_lock);
	struct mm *mm = task->mm ? mm_get(task->mm) : NULL;
	spin_unlock(&task->alloc_lock);
	if (!mm)
		return -ESRCH;
	if (mm != current->mm) {
		if (!ptrace_may_see_memory(task))
			error = -EACCES;
		else if (advice != MADV_COLD && advice != MADV_PAGEOUT && advice != MADV_WILLNEED)
			error = -EINVAL;
		else if (!capable(CAP_SYS_NICE))
			error = -EPERM;
	}
	if (error)
		mm_put(mm);
	*out = mm;
	return error;
}

// Bytes advised on, or an error if there are none.
static long advise_ranges(struct mm *mm, const struct iovec *vec, u64 count, int advice)
{
	long done = 0;

	for (u64 i = 0; i < count; i++) {
		int error = mm_madvise(mm, vec[i].iov_base, vec[i].iov_len, advice);

		if (error)
			return done ?: error;
		done += vec[i].iov_len;
	}
	return done;
}

SYSCALL5(process_madvise, int, pidfd, u64, vec_at, u64, count, int, advice, unsigned, flags)
{
	struct iovec *vec;
	struct task *task;
	struct mm *mm;

	if (flags)
		return -EINVAL;
	long error = iovec_from_user(vec_at, count, &vec);
	if (error)
		return error;
	error = task_of_pidfd(pidfd, &task);
	if (!error) {
		error = memory_to_advise(task, advice, &mm);
		task_put(task);
	}
	if (!error) {
		error = advise_ranges(mm, vec, count, advice);
		mm_put(mm);
	}
	kfree(vec);
	return error;
}

// --- cachestat ---

struct cachestat_range {
	u64 offset, length;
};

struct cachestat {
	u64 cached, dirty, writeback, evicted, recently_evicted;
};

// Who could write the file may know what others have read of it.
static bool may_know_cache(struct file *file)
{
	return (file->flags & FILE_WRITE) || !file->inode || inode_owner_or_capable(file->inode) ||
	       !inode_permission(file->inode, MAY_WRITE);
}

// Files live in memory: nothing is ever evicted, and there is nowhere to write back to.
static long cachestat_of(struct file *file, u64 range_at, u64 out_at, unsigned flags)
{
	struct cachestat_range range;
	struct cachestat out = {0};

	if (copy_from_user(&range, range_at, sizeof(range)))
		return -EFAULT;
	if (!may_know_cache(file))
		return -EPERM;
	if (flags)
		return -EINVAL;
	u64 last = range.length ? (range.offset + range.length - 1) / PAGE_SIZE : ~0ul;
	if (file->inode)
		out.cached = mapping_count_pages(&file->inode->mapping, range.offset / PAGE_SIZE,
						 last);
	return copy_to_user(out_at, &out, sizeof(out));
}

SYSCALL4(cachestat, int, fd, u64, range_at, u64, out_at, unsigned, flags)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	long result = file->flags & O_PATH ? -EBADF : cachestat_of(file, range_at, out_at, flags);
	file_put(file);
	return result;
}
