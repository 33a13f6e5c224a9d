// Sealing: mseal(2). A sealed area keeps its place, its size, its rights and what it maps until the
// address space ends; munmap, mmap over it, mremap, mprotect and advice that destroys ask here, or look
// at VM_SEALED themselves.

#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <uapi/errno.h>
#include "internal.h"

bool range_is_sealed(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma)) {
		if (vma->flags & VM_SEALED)
			return true;
	}
	return false;
}

static bool range_has_hole(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *vma = vma_find(mm, start); vma && vma->start <= start;
	     vma = vma_next(vma)) {
		if (vma->end >= end)
			return false;
		start = vma->end;
	}
	return true;
}

static int seal_locked(struct mm *mm, u64 start, u64 end)
{
	if (range_has_hole(mm, start, end))
		return -ENOMEM;
	mm->sealed = true;
	for (u64 at = start; at < end;) {
		struct vma *vma = vma_find(mm, at);
		u64 to = MIN(vma->end, end);

		if (!(vma->flags & VM_SEALED)) {
			int error = vma_split_range(mm, at, to);
			if (error)
				return error;
			vma = vma_find(mm, at);
			vma_set_flags(vma, vma->flags | VM_SEALED);
			vma_merge(vma);
		}
		at = to;
	}
	return 0;
}

int mm_seal(struct mm *mm, u64 address, u64 length)
{
	u64 end = address + ALIGN_UP(length, PAGE_SIZE);

	if (address % PAGE_SIZE || end < address || (length && !ALIGN_UP(length, PAGE_SIZE)))
		return -EINVAL;
	if (end == address)
		return 0;
	down_write(&mm->map_lock);
	int error = seal_locked(mm, address, end);
	up_write(&mm->map_lock);
	return error;
}
