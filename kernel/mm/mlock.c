// Memory that stays resident: mlock(2) and its kin; filling areas; which pages are resident.
//
// Nothing is ever paged out here, so locking means to fill at once, to count, and to refuse that
// pages are given up by advice.

#include <mm/fault.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <ns/cred.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include "internal.h"

bool may_mlock(void)
{
	return rlimit(RLIMIT_MEMLOCK) || capable(CAP_IPC_LOCK);
}

int mlock_check_more(struct mm *mm, u64 pages, u32 flags)
{
	if (!(flags & VM_LOCKED) || current->mm != mm ||
	    mm->locked_pages + pages <= rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT ||
	    capable(CAP_IPC_LOCK))
		return 0;
	return -EAGAIN;
}

// --- Filling ---

static unsigned populate_access(u32 flags)
{
	if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		return FAULT_WRITE;
	return flags & (VM_READ | VM_WRITE) ? FAULT_READ : FAULT_EXEC;
}

int mm_populate_access(struct mm *mm, u64 start, u64 end, unsigned access)
{
	for (; start < end; start += PAGE_SIZE) {
		if (task_kill_pending(current))
			return -EINTR;
		if (mm_page_allows(mm, start, access))
			continue;
		switch (mm_fault(mm, start, access | FAULT_QUIET)) {
		case FAULT_OK:
			break;
		case FAULT_OOM:
			return -ENOMEM;
		case FAULT_SEGV_ACCERR:
			return -EINVAL;
		case FAULT_SEGV_MAPERR:
			return -ENOMEM;
		default:
			return -EFAULT;
		}
		cond_resched();
	}
	return 0;
}

// The area's part of a range from `start` on; false: there is none.
static bool next_part(struct mm *mm, u64 *start, u64 end, u64 *to, u32 *flags)
{
	down_read(&mm->map_lock);
	struct vma *vma = vma_find(mm, *start);
	bool found = vma && *start < end && vma->start < end;
	if (found) {
		*start = MAX(vma->start, *start);
		*to = MIN(vma->end, end);
		*flags = vma->flags;
	}
	up_read(&mm->map_lock);
	return found;
}

int mm_populate(struct mm *mm, u64 start, u64 end)
{
	int first_error = 0;
	u32 flags;
	u64 to;

	for (; next_part(mm, &start, end, &to, &flags); start = to) {
		int error = flags & VM_ACCESS ? 0 : -EFAULT;

		if (!error && !(flags & VM_LOCKONFAULT))
			error = mm_populate_access(mm, start, to, populate_access(flags));
		if (error == -EINTR || error == -ENOMEM)
			return error;
		first_error = first_error ?: error ? -EFAULT : 0;
	}
	return first_error;
}

// --- Locking ---

static int lock_range(struct mm *mm, u64 start, u64 end, u32 lock)
{
	while (start < end) {
		struct vma *vma = vma_at(mm, start);
		if (!vma)
			return -ENOMEM;
		u64 to = MIN(vma->end, end);
		u32 flags = (vma->flags & ~VM_LOCK_BITS) | lock;
		if (flags != vma->flags) {
			int error = vma_split_range(mm, start, to);
			if (error)
				return error;
			vma = vma_find(mm, start);
			vma_set_flags(vma, flags);
			vma_merge(vma);
		}
		start = to;
	}
	return 0;
}

static u64 locked_pages_between(struct mm *mm, u64 start, u64 end)
{
	u64 pages = 0;

	for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma)) {
		if (vma->flags & VM_LOCKED)
			pages += (MIN(vma->end, end) - MAX(vma->start, start)) >> PAGE_SHIFT;
	}
	return pages;
}

int mm_mlock(struct mm *mm, u64 address, u64 length, u32 lock)
{
	u64 start = ALIGN_DOWN(address, PAGE_SIZE);
	u64 size = ALIGN_UP(length + address % PAGE_SIZE, PAGE_SIZE), end = start + size;
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (lock && !may_mlock())
		return -EPERM;
	down_write(&mm->map_lock);
	u64 locked = mm->locked_pages + (size >> PAGE_SHIFT);
	if (lock && locked > limit && !capable(CAP_IPC_LOCK))
		locked -= locked_pages_between(mm, start, end);
	int error = 0;
	if (lock && locked > limit && !capable(CAP_IPC_LOCK))
		error = -ENOMEM;
	else if (end < start)
		error = -EINVAL;
	else
		error = lock_range(mm, start, end, lock);
	up_write(&mm->map_lock);
	if (error || !(lock & VM_LOCKED))
		return error;
	error = mm_populate(mm, start, end);
	return error == -EFAULT ? -ENOMEM : error == -ENOMEM ? -EAGAIN : error;
}

static int lock_all(struct mm *mm, u32 lock)
{
	struct vma *vma = vma_first(mm);

	while (vma) {
		u64 end = vma->end;

		vma_set_flags(vma, (vma->flags & ~VM_LOCK_BITS) | lock);
		vma_merge(vma);
		vma = vma_find(mm, end);
	}
	return 0;
}

int mm_mlockall(struct mm *mm, int flags)
{
	u32 lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);

	if (flags && !may_mlock())
		return -EPERM;
	down_write(&mm->map_lock);
	if ((flags & MCL_CURRENT) && mm->total_pages > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT &&
	    !capable(CAP_IPC_LOCK)) {
		up_write(&mm->map_lock);
		return -ENOMEM;
	}
	mm->new_flags = flags & MCL_FUTURE ? lock : 0;
	if (!flags || (flags & MCL_CURRENT))
		lock_all(mm, flags ? lock : 0);
	up_write(&mm->map_lock);
	if (flags & MCL_CURRENT)
		mm_populate(mm, 0, MM_USER_TOP); // what cannot be filled is passed over
	return 0;
}

// --- What is resident ---

static bool page_is_resident(struct mm *mm, struct vma *vma, u64 address)
{
	spin_lock(&mm->table_lock);
	struct pte entry = table_peek(mm, address);
	spin_unlock(&mm->table_lock);
	if (!pte_none(entry))
		return !(entry.v & PTE_GUARD);
	if (!vma->mapping)
		return false;
	struct page *page = mapping_find_page(vma->mapping,
					      (address - vma->start + vma->offset) >> PAGE_SHIFT);
	if (page)
		page_put(page);
	return page;
}

int mm_mincore(struct mm *mm, u64 start, u64 pages, u8 *vec)
{
	int error = 0;

	down_read(&mm->map_lock);
	for (u64 i = 0; i < pages && !error; i++) {
		struct vma *vma = vma_at(mm, start + i * PAGE_SIZE);

		if (vma)
			vec[i] = page_is_resident(mm, vma, start + i * PAGE_SIZE);
		else
			error = -ENOMEM;
	}
	up_read(&mm->map_lock);
	return error;
}

// Files live in memory only, so what was written through a mapping is where it belongs already.
int mm_msync(struct mm *mm, u64 start, u64 length, int flags)
{
	u64 end = start + ALIGN_UP(length, PAGE_SIZE), covered = start;
	int error = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || start % PAGE_SIZE ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < start)
		return -ENOMEM;
	down_read(&mm->map_lock);
	struct vma *vma = vma_find(mm, start);
	for (; vma && vma->start < end && error != -EBUSY; vma = vma_next(vma)) {
		if (vma->start > covered)
			error = -ENOMEM;
		if ((flags & MS_INVALIDATE) && (vma->flags & VM_LOCKED))
			error = -EBUSY;
		covered = vma->end;
	}
	if (covered < end && !error)
		error = -ENOMEM;
	up_read(&mm->map_lock);
	return error;
}
