// The system calls of memory: arguments and files.

#include <fs/file.h>
#include <fs/files.h>
#include <mm/mmap.h>
#include <sched/process.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

SYSCALL6(mmap, u64, address, u64, length, int, prot, int, flags, int, fd, u64, offset)
{
	struct file *file = NULL;
	u64 result;

	if (offset % PAGE_SIZE)
		return -EINVAL;
	int type = flags & MAP_TYPE;
	if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS) && !(file = file_get_fd(fd)))
		return -EBADF;
	int error = mm_mmap(current->mm, address, length, prot, flags, file, offset, &result);
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
