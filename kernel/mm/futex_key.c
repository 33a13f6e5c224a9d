// Identifying futex words: see futex_key.h.

#include <mm/futex_key.h>
#include <mm/mm.h>
#include <sched/task.h>
#include <uapi/errno.h>

int futex_key_of(u64 address, bool shared, u64 *object, u64 *offset)
{
	struct mm *mm = current->mm;

	*object = (u64)mm;
	*offset = address;
	if (!shared)
		return 0;
	down_read(&mm->map_lock);
	struct vma *vma = vma_find(mm, address);
	bool found = vma && vma->start <= address;
	if (found && (vma->flags & VM_SHARED)) {
		*object = (u64)vma->mapping;
		*offset = address - vma->start + vma->offset;
	}
	up_read(&mm->map_lock);
	return found ? 0 : -EFAULT;
}
