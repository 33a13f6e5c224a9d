// The system calls of memory: arguments and files.

#include <fs/file.h>
#include <fs/files.h>
#include <mm/iov_iter.h>
#include <mm/mmap.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <process/ptrace_access.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

#define MAP_KNOWN                                                                                \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_GROWSDOWN | \
	 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |    \
	 MAP_FIXED_NOREPLACE | (MAP_HUGE_MASK << MAP_HUGE_SHIFT))

// Huge pages are not kept in reserve, so a mapping that asks for some finds none.
static int check_huge(int flags)
{
	unsigned order = (u32)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	return !order || order == 21 || order == 30 ? -ENOMEM : -EINVAL;
}

SYSCALL6(mmap, u64, address, u64, length, int, prot, int, flags, int, fd, u64, offset)
{
	struct file *file = NULL;
	u64 result;

	if (offset % PAGE_SIZE)
		return -EINVAL;
	int type = flags & MAP_TYPE;
	if (!(flags & MAP_ANONYMOUS) && !(file = file_get_fd(fd)))
		return -EBADF;
	int error = 0;
	if (type != MAP_PRIVATE && type != MAP_SHARED && (type != MAP_SHARED_VALIDATE || !file))
		error = -EINVAL;
	else if (flags & MAP_HUGETLB)
		error = file ? -EINVAL : check_huge(flags);
	else if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		error = -EOPNOTSUPP;
	if (error) {
		if (file)
			file_put(file);
		return error;
	}
	error = mm_mmap(current->mm, address, length, prot, flags, file, offset, &result);
	if (file)
		file_put(file);
	return error ?: (long)result;
}

SYSCALL2(munmap, u64, address, u64, length)
{
	return mm_munmap(current->mm, address, length);
}

SYSCALL3(mprotect, u64, address, u64, length, int, prot)
{
	return mm_mprotect(current->mm, address, length, prot);
}

SYSCALL5(mremap, u64, address, u64, old_length, u64, new_length, int, flags, u64, target)
{
	return mm_mremap(current->mm, address, old_length, new_length, flags, target);
}

SYSCALL3(madvise, u64, address, u64, length, int, advice)
{
	return mm_madvise(current->mm, address, length, advice);
}

SYSCALL1(brk, u64, brk)
{
	return mm_brk(current->mm, brk);
}

// --- Locking, residence ---

SYSCALL2(mlock, u64, address, u64, length)
{
	return mm_mlock(current->mm, address, length, VM_LOCKED);
}

SYSCALL3(mlock2, u64, address, u64, length, int, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return mm_mlock(current->mm, address, length,
			VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0));
}

SYSCALL2(munlock, u64, address, u64, length)
{
	return mm_mlock(current->mm, address, length, 0);
}

SYSCALL1(mlockall, int, flags)
{
	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	return mm_mlockall(current->mm, flags);
}

SYSCALL0(munlockall)
{
	return mm_mlockall(current->mm, 0);
}

SYSCALL3(mincore, u64, start, u64, length, u64, vec)
{
	u64 pages = DIV_ROUND_UP(length, PAGE_SIZE), done = 0;
	long error = 0;

	if (start % PAGE_SIZE)
		return -EINVAL;
	if (!user_range_ok(start, length))
		return -ENOMEM;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	u8 *buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buffer)
		return -EAGAIN;
	while (!error && done < pages) {
		u64 n = MIN(pages - done, PAGE_SIZE);

		error = mm_mincore(current->mm, start + done * PAGE_SIZE, n, buffer);
		if (!error)
			error = copy_to_user(vec + done, buffer, n);
		done += n;
	}
	kfree(buffer);
	return error;
}

SYSCALL3(msync, u64, start, u64, length, int, flags)
{
	return mm_msync(current->mm, start, length, flags);
}

// --- Another process's memory ---

#define VM_BOUNCE (4 * PAGE_SIZE)

// Moves between current's buffers and one range of the other. Bytes done.
static size_t move_range(struct mm *mm, struct iov_iter *local, u64 remote, size_t n, bool write,
			 char *bounce)
{
	size_t done = 0;

	while (done < n) {
		size_t piece = MIN(n - done, VM_BOUNCE - (remote + done) % PAGE_SIZE), moved;

		if (write) {
			piece = iter_copy_from(local, bounce, piece);
			moved = mm_copy_to_partial(mm, remote + done, bounce, piece);
		} else {
			piece = mm_copy_from_partial(mm, remote + done, bounce, piece);
			moved = iter_copy_to(local, bounce, piece);
		}
		done += moved;
		if (moved < piece || !piece)
			break;
	}
	return done;
}

static long move_ranges(struct mm *mm, struct iov_iter *local, const struct iovec *remote,
			unsigned long count, bool write)
{
	char *bounce = kmalloc(VM_BOUNCE, GFP_KERNEL);
	long done = 0;

	if (!bounce)
		return -ENOMEM;
	for (unsigned long i = 0; i < count && iter_count(local); i++) {
		size_t n = MIN(remote[i].iov_len, iter_count(local));
		size_t moved = move_range(mm, local, remote[i].iov_base, n, write, bounce);

		done += moved;
		if (moved < n) {
			kfree(bounce);
			return done ?: -EFAULT;
		}
	}
	kfree(bounce);
	return done;
}

static int memory_of(int nr, struct mm **out)
{
	struct pid *pid = pid_find_get(nr);
	struct task *task = pid ? pid_task_get(pid, PIDTYPE_PID) : NULL;
	int error = -ESRCH;

	if (pid)
		pid_put(pid);
	if (!task)
		return -ESRCH;
	spin_lock(&task->alloc_lock);
	struct mm *mm = task->mm ? mm_get(task->mm) : NULL;
	spin_unlock(&task->alloc_lock);
	if (mm && (mm == current->mm || ptrace_may_access(task, PTRACE_MODE_ATTACH_REALCREDS)))
		error = 0;
	else if (mm)
		error = -EPERM;
	if (error && mm)
		mm_put(mm);
	task_put(task);
	*out = mm;
	return error;
}

static long process_vm_rw(int nr, u64 local_vec, u64 local_count, u64 remote_vec, u64 remote_count,
			  u64 flags, bool write)
{
	struct iovec *local, *remote;
	struct iov_iter iter;
	struct mm *mm;

	if (flags)
		return -EINVAL;
	long error = iovec_from_user(local_vec, local_count, &local);
	if (error)
		return error;
	iter_init_user(&iter, local, local_count);
	error = iter_count(&iter) ? iovec_from_user_unchecked(remote_vec, remote_count, &remote)
				  : 0;
	if (error || !iter_count(&iter)) {
		kfree(local);
		return error;
	}
	u64 total = 0;
	for (u64 i = 0; i < remote_count; i++)
		total += remote[i].iov_len;
	error = total ? memory_of(nr, &mm) : 0;
	if (total && !error) {
		error = move_ranges(mm, &iter, remote, remote_count, write);
		mm_put(mm);
	}
	kfree(remote);
	kfree(local);
	return error;
}

SYSCALL6(process_vm_readv, int, nr, u64, local, u64, local_count, u64, remote, u64, remote_count,
	 u64, flags)
{
	return process_vm_rw(nr, local, local_count, remote, remote_count, flags, false);
}

SYSCALL6(process_vm_writev, int, nr, u64, local, u64, local_count, u64, remote, u64, remote_count,
	 u64, flags)
{
	return process_vm_rw(nr, local, local_count, remote, remote_count, flags, true);
}
