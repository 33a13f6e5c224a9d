// Advice: madvise(2). Some of it is binding (what is forgotten, what fork does), the rest is about
// paging, which there is none of: it is checked and remembered where it can be seen.

#include <lib/string.h>
#include <mm/fault.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include "internal.h"

// Advice that sets or clears flags of the areas.
static const struct flag_advice {
	int advice;
	u32 set, clear;
} flag_advices[] = {
	{MADV_NORMAL, 0, VM_RAND_READ | VM_SEQ_READ},
	{MADV_RANDOM, VM_RAND_READ, VM_SEQ_READ},
	{MADV_SEQUENTIAL, VM_SEQ_READ, VM_RAND_READ},
	{MADV_DONTFORK, VM_DONTFORK, 0},
	{MADV_DOFORK, 0, VM_DONTFORK},
	{MADV_WIPEONFORK, VM_WIPEONFORK, 0},
	{MADV_KEEPONFORK, 0, VM_WIPEONFORK},
	{MADV_DONTDUMP, VM_DONTDUMP, 0},
	{MADV_DODUMP, 0, VM_DONTDUMP},
	{MADV_HUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE},
	{MADV_NOHUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE},
	{MADV_MERGEABLE, VM_MERGEABLE, 0},
	{MADV_UNMERGEABLE, 0, VM_MERGEABLE},
};

static const struct flag_advice *flag_advice_find(int advice)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_advices); i++) {
		if (flag_advices[i].advice == advice)
			return &flag_advices[i];
	}
	return NULL;
}

static int change_flags(struct vma *vma, u64 start, u64 end, const struct flag_advice *advice)
{
	u32 flags = (vma->flags & ~advice->clear) | advice->set;
	struct mm *mm = vma->mm;

	if (advice->advice == MADV_WIPEONFORK && (vma->mapping || (vma->flags & VM_SHARED)))
		return -EINVAL;
	if (flags == vma->flags)
		return 0;
	int error = vma_split_range(mm, start, end);
	if (error)
		return error;
	vma = vma_find(mm, start);
	vma_set_flags(vma, flags);
	vma_merge(vma);
	return 0;
}

// Of a sealed area nobody takes away what could not be written back.
static bool is_refused(const struct vma *vma, int advice)
{
	if (!(vma->flags & VM_SEALED) || vma->mapping || (vma->flags & VM_WRITE))
		return false;
	return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE ||
	       advice == MADV_REMOVE || advice == MADV_DONTFORK || advice == MADV_WIPEONFORK ||
	       advice == MADV_GUARD_INSTALL;
}

// Makes huge pages of all aligned parts of the range. What has no table yet is passed over, but told.
static int collapse_vma(struct vma *vma, u64 start, u64 end)
{
	int error = 0;

	if (!huge_fits(vma, ALIGN_UP(vma->start, HUGE_SIZE)) || (vma->flags & VM_NOHUGEPAGE) ||
	    vma->mm->thp_disable == THP_DISABLED)
		return -EINVAL;
	for (u64 at = ALIGN_UP(start, HUGE_SIZE); at + HUGE_SIZE <= end; at += HUGE_SIZE) {
		int result = huge_collapse(vma, at);

		if (result == -ENOMEM)
			return result;
		error = error ?: result;
	}
	return error;
}

// map_lock written.
static int advise_vma(struct vma *vma, u64 start, u64 end, int advice)
{
	const struct flag_advice *flags = flag_advice_find(advice);
	bool locked = vma->flags & VM_LOCKED;
	struct mm *mm = vma->mm;

	if (is_refused(vma, advice))
		return -EPERM;
	if (flags)
		return change_flags(vma, start, end, flags);
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return locked && advice == MADV_DONTNEED ? -EINVAL
							 : table_zap_contents(mm, start, end);
	case MADV_FREE:
		return locked || vma->mapping ? -EINVAL : table_free_lazily(mm, start, end);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return locked ? -EINVAL : 0;
	case MADV_GUARD_INSTALL:
		if (locked)
			return -EINVAL;
		return table_zap_contents(mm, start, end) ?: table_guard(mm, start, end);
	case MADV_GUARD_REMOVE:
		table_unguard(mm, start, end);
		return 0;
	case MADV_COLLAPSE:
		return collapse_vma(vma, start, end);
	}
	return 0; // MADV_WILLNEED
}

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
	case MADV_COLLAPSE:
		return true;
	}
	return flag_advice_find(advice);
}

// --- Holes in the object behind a mapping ---

// The object at an address, with a reference, and its part of the range.
static int object_at(struct mm *mm, u64 address, u64 *end, struct file **file,
		     struct mapping **mapping, u64 *offset)
{
	struct vma *vma = vma_find(mm, address);
	u32 wanted = VM_SHARED | VM_MAYWRITE;

	if (!vma || vma->start > address)
		return -ENOMEM;
	if (is_refused(vma, MADV_REMOVE))
		return -EPERM;
	if (!vma->mapping || (vma->flags & VM_LOCKED))
		return -EINVAL;
	if ((vma->flags & wanted) != wanted)
		return -EACCES;
	*end = MIN(vma->end, *end);
	*offset = address - vma->start + vma->offset;
	*file = vma->file;
	*mapping = vma->mapping;
	if (vma->file)
		file_map_ops->get(vma->file);
	else
		mapping_get(vma->mapping);
	return 0;
}

// The inode's lock comes before map_lock, so the areas are looked at one by one.
static int advise_remove(struct mm *mm, u64 start, u64 end)
{
	while (start < end) {
		struct mapping *mapping;
		struct file *file;
		u64 to = end, offset;

		down_read(&mm->map_lock);
		int error = object_at(mm, start, &to, &file, &mapping, &offset);
		up_read(&mm->map_lock);
		if (error)
			return error;
		if (file) {
			error = file_map_ops->punch(file, offset, to - start);
			file_map_ops->put(file);
		} else {
			mapping_punch(mapping, offset >> PAGE_SHIFT,
				      ((offset + to - start) >> PAGE_SHIFT) - 1);
			mapping_put(mapping);
		}
		if (error)
			return error;
		start = to;
	}
	return 0;
}

static bool range_is_mapped(struct mm *mm, u64 start, u64 end)
{
	down_read(&mm->map_lock);
	struct vma *vma = vma_at(mm, start);
	while (vma && vma->end < end) {
		struct vma *next = vma_next(vma);
		vma = next && next->start == vma->end ? next : NULL;
	}
	up_read(&mm->map_lock);
	return vma;
}

static int advise_populate(struct mm *mm, u64 start, u64 end, int advice)
{
	int error = mm_populate_access(mm, start, end,
				       advice == MADV_POPULATE_WRITE ? FAULT_WRITE : FAULT_READ);

	if (!error || range_is_mapped(mm, start, end))
		return error;
	return -ENOMEM;
}

int mm_madvise(struct mm *mm, u64 address, u64 length, int advice)
{
	u64 end = address + ALIGN_UP(length, PAGE_SIZE), covered = address;
	bool hole = false;
	int error = 0;

	if (!advice_known(advice) || address % PAGE_SIZE || end < address ||
	    (length && !ALIGN_UP(length, PAGE_SIZE)))
		return -EINVAL;
	if (end == address)
		return 0;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return advise_populate(mm, address, end, advice);
	if (advice == MADV_REMOVE)
		return advise_remove(mm, address, end);
	down_write(&mm->map_lock);
	while (!error && covered < end) {
		struct vma *vma = vma_find(mm, covered);
		if (!vma || vma->start >= end)
			break;
		hole |= vma->start > covered;
		u64 from = MAX(vma->start, covered);
		covered = MIN(vma->end, end);
		error = advise_vma(vma, from, covered, advice);
	}
	up_write(&mm->map_lock);
	return error ?: hole || covered < end ? -ENOMEM : 0;
}

// --- Names ---

static int name_vma(struct vma *vma, u64 start, u64 end, struct anon_name *name)
{
	struct mm *mm = vma->mm;

	if (vma->file)
		return -EBADF;
	int error = vma_split_range(mm, start, end);
	if (error)
		return error;
	vma = vma_find(mm, start);
	anon_name_put(vma->name);
	vma->name = name;
	if (name)
		refcount_get(&name->refs);
	vma_merge(vma);
	return 0;
}

int mm_set_anon_name(struct mm *mm, u64 start, u64 length, const char *text)
{
	u64 end = start + ALIGN_UP(length, PAGE_SIZE), covered = start;
	struct anon_name *name = NULL;
	bool hole = false;
	int error = 0;

	if (start % PAGE_SIZE || end < start || (length && end == start))
		return -EINVAL;
	if (end == start)
		return 0;
	if (text) {
		name = kmalloc(sizeof(*name) + strlen(text) + 1, GFP_KERNEL);
		if (!name)
			return -ENOMEM;
		refcount_init(&name->refs, 1);
		memcpy(name->text, text, strlen(text) + 1);
	}
	down_write(&mm->map_lock);
	while (!error && covered < end) {
		struct vma *vma = vma_find(mm, covered);
		if (!vma || vma->start >= end)
			break;
		hole |= vma->start > covered;
		u64 from = MAX(vma->start, covered);
		covered = MIN(vma->end, end);
		error = name_vma(vma, from, covered, name);
	}
	up_write(&mm->map_lock);
	anon_name_put(name);
	return error ?: hole || covered < end ? -ENOMEM : 0;
}
