// Changing rights: mprotect(2).

#include <mm/commit.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include "internal.h"

// A private area that becomes writable promises its pages from then on.
static int charge_writable(struct vma *vma, u64 pages, u32 *flags)
{
	if (!(*flags & VM_WRITE))
		return 0;
	if (!(vma->flags & VM_WRITE) && mm_check_limits(vma->mm, pages, *flags) &&
	    !mm_check_limits(vma->mm, 0, vma->flags))
		return -ENOMEM;
	if (vma->flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))
		return 0;
	if (commit_charge(vma->mm, pages))
		return -ENOMEM;
	*flags |= VM_ACCOUNT;
	return 0;
}

static bool has_private_pages(struct mm *mm, u64 start, u64 end)
{
	struct pte entry;
	bool found = false;
	u64 sharers;

	spin_lock(&mm->table_lock);
	for (; !found && table_next(mm, &start, end, &entry, &sharers); start += PAGE_SIZE)
		found = entry_page(entry) != zero_page;
	spin_unlock(&mm->table_lock);
	return found;
}

// Anonymous memory that can be written no more and never was promises nothing.
static bool keeps_promise(struct vma *vma, u64 start, u64 end, u32 access)
{
	return (access & VM_WRITE) || vma->mapping || (vma->flags & VM_SHARED) ||
	       has_private_pages(vma->mm, start, end);
}

// One area's part of the range, which it covers whole after splitting. *next: where to go on.
static int protect_vma(struct vma *vma, u64 start, u64 end, u32 access, struct vma **joined)
{
	u32 flags = (vma->flags & ~VM_ACCESS) | access;
	struct mm *mm = vma->mm;

	*joined = vma;
	if (access & ~(vma->flags >> 4) & VM_ACCESS)
		return -EACCES;
	if (READ_ONCE(mm->deny_write_exec) && (access & VM_EXEC) &&
	    ((access & VM_WRITE) || !(vma->flags & VM_EXEC)))
		return -EACCES;
	if (vma->flags & VM_SEALED)
		return -EPERM;
	if (flags == vma->flags)
		return 0;
	u64 pages = (end - start) >> PAGE_SHIFT;
	int error = charge_writable(vma, pages, &flags);
	if (error)
		return error;
	bool charged = (flags & ~vma->flags) & VM_ACCOUNT;
	if ((flags & VM_ACCOUNT) && !keeps_promise(vma, start, end, access))
		flags &= ~VM_ACCOUNT;
	bool released = (vma->flags & ~flags) & VM_ACCOUNT;
	error = vma_split_range(mm, start, end);
	if (error) {
		commit_uncharge(charged ? pages : 0);
		return error;
	}
	vma = vma_find(mm, start);
	vma_set_flags(vma, flags);
	commit_uncharge(released ? pages : 0);
	error = table_protect(mm, vma, start, end);
	*joined = vma_merge(vma);
	return error;
}

static int protect_locked(struct mm *mm, u64 start, u64 end, u32 access, int prot)
{
	struct vma *vma = vma_find(mm, start);

	if (!vma || (vma->start > start && !(prot & PROT_GROWSDOWN)))
		return -ENOMEM;
	if (prot & PROT_GROWSDOWN) {
		if (vma->start >= end)
			return -ENOMEM;
		start = vma->start;
		if (!(vma->flags & VM_GROWSDOWN))
			return -EINVAL;
	}
	while (start < end) {
		if (!vma || vma->start > start)
			return -ENOMEM;
		u64 to = MIN(vma->end, end);
		int error = protect_vma(vma, start, to, access, &vma);
		if (error)
			return error;
		start = to;
		if (vma->end <= start)
			vma = vma_next(vma);
	}
	return 0;
}

int mm_mprotect(struct mm *mm, u64 address, u64 length, int prot)
{
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || address % PAGE_SIZE)
		return -EINVAL;
	if (!length)
		return 0;
	u64 end = address + ALIGN_UP(length, PAGE_SIZE);
	if (end <= address)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | grows))
		return -EINVAL;
	if (grows & PROT_GROWSUP)
		return -EINVAL; // no area grows up on this machine
	down_write(&mm->map_lock);
	int error = protect_locked(mm, address, end, vma_flags_of_prot(mm, prot), prot);
	up_write(&mm->map_lock);
	return error;
}
