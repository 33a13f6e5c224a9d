// Mapping and unmapping: mmap(2) and munmap(2), and how a free range is found.

#include <lib/string.h>
#include <mm/commit.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <ns/cred.h>
#include <sched/process.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include <uapi/personality.h>
#include "internal.h"

u64 mmap_min_addr = PAGE_SIZE;
int (*file_mmap_hook)(struct file *file, int prot, int flags, struct mapping **mapping, u32 *may);

// --- Finding room ---

// Where the gap below an area ends: one that grows keeps its distance.
static u64 gap_end(const struct vma *vma)
{
	if ((vma->flags & VM_GROWSDOWN) && vma->start > MM_STACK_GUARD)
		return vma->start - MM_STACK_GUARD;
	return vma->start;
}

// The highest gap below `top` that is large enough. *skipped: the largest of those that were not.
static int find_below(struct mm *mm, u64 limit, u64 length, u64 align, u64 *address, u64 *skipped)
{
	u64 top = limit;
	struct vma *vma = vma_find(mm, top - 1);
	struct rb_node *node = vma ? &vma->node : rb_last(&mm->vmas);

	if (vma && vma->start >= top) {
		top = MIN(top, gap_end(vma));
		node = rb_prev(node);
	}
	for (;; node = rb_prev(node)) {
		vma = node ? rb_entry(node, struct vma, node) : NULL;
		u64 bottom = vma ? vma->end : MM_MMAP_MIN_ADDR;

		if (bottom < top) {
			u64 at = top - bottom >= length ? ALIGN_DOWN(top - length, align) : 0;
			if (at >= bottom) {
				*address = at;
				return 0;
			}
			*skipped = MAX(*skipped, top - bottom);
		}
		if (!vma)
			return -ENOMEM;
		top = MIN(limit, gap_end(vma));
	}
}

// Top down. No gap above free_top is larger than free_skipped, so most searches begin there;
// unmapping moves it up again.
int mm_find_free(struct mm *mm, u64 length, u64 align, u64 *address)
{
	u64 none = 0;

	if (!mm->free_top || length <= mm->free_skipped) {
		mm->free_top = mm->mmap_base;
		mm->free_skipped = 0;
	}
	int error = find_below(mm, mm->free_top, length, align, address, &mm->free_skipped);
	if (!error)
		mm->free_top = *address + length;
	else
		error = find_below(mm, MM_USER_TOP, length, align, address, &none);
	return error;
}

bool range_is_free(struct mm *mm, u64 start, u64 length)
{
	struct vma *vma = vma_find(mm, start);

	return !vma || vma->start >= start + length;
}

// As that, and far enough from areas that grow.
static bool hint_is_free(struct mm *mm, u64 start, u64 length)
{
	struct vma *vma = vma_find(mm, start);

	return !vma || start + length <= gap_end(vma);
}

// What is put in the distance that an area keeps takes the distance over: there is room below it
// where there was none, so the next search begins anew.
static void note_forced(struct mm *mm, u64 end)
{
	struct vma *above = vma_find(mm, end);

	if (above && above->start != gap_end(above))
		mm->free_top = 0;
}

int mm_choose_address(struct mm *mm, u64 *address, u64 length, u64 align, int flags)
{
	if (length > MM_USER_TOP)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (*address > MM_USER_TOP - length)
			return -ENOMEM;
		if (*address % PAGE_SIZE)
			return -EINVAL;
		if (*address < MM_MMAP_MIN_ADDR && !capable(CAP_SYS_RAWIO))
			return -EPERM;
		if ((flags & MAP_FIXED_NOREPLACE) && !range_is_free(mm, *address, length))
			return -EEXIST;
		note_forced(mm, *address + length);
		return 0;
	}
	u64 hint = ALIGN_DOWN(*address, PAGE_SIZE);
	if (hint) {
		hint = MAX(hint, MM_MMAP_MIN_ADDR);
		if (hint <= MM_USER_TOP - length && hint_is_free(mm, hint, length)) {
			*address = hint;
			return 0;
		}
		align = PAGE_SIZE;
	}
	if (align > PAGE_SIZE && !mm_find_free(mm, length, align, address))
		return 0;
	return mm_find_free(mm, length, PAGE_SIZE, address);
}

// --- Unmapping ---

int unmap_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find(mm, start), *next;

	if (!vma || vma->start >= end)
		return 0;
	if (unlikely(mm->sealed) && range_is_sealed(mm, start, end))
		return -EPERM;
	int error = vma_split_range(mm, start, end);
	if (error)
		return error;
	for (vma = vma_find(mm, start); vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		error = table_zap(mm, vma->start, vma->end);
		if (error)
			return error;
		if (vma->flags & VM_ACCOUNT)
			commit_uncharge((vma->end - vma->start) >> PAGE_SHIFT);
		vma_remove(mm, vma);
		vma_release(vma);
	}
	// The gap ends where the next area begins, which may be higher.
	if (mm->free_top && mm->free_top <= end)
		mm->free_top = vma ? MIN(vma->start, mm->mmap_base) : mm->mmap_base;
	return 0;
}

int mm_munmap(struct mm *mm, u64 address, u64 length)
{
	if (address % PAGE_SIZE || !length || address > MM_USER_TOP ||
	    length > MM_USER_TOP - address)
		return -EINVAL;
	down_write(&mm->map_lock);
	int error = unmap_range(mm, address, address + ALIGN_UP(length, PAGE_SIZE));
	up_write(&mm->map_lock);
	return error;
}

// --- Mapping ---

u32 vma_flags_of_prot(const struct mm *mm, int prot)
{
	// Exec maps for a program that is not current yet.
	u32 personality = mm == current->mm ? current->personality : mm->personality;

	if ((prot & PROT_READ) && (personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	return ((prot & PROT_READ) ? VM_READ : 0) | ((prot & PROT_WRITE) ? VM_WRITE : 0) |
	       ((prot & PROT_EXEC) ? VM_EXEC : 0);
}

int mm_check_limits(struct mm *mm, u64 pages, u32 flags)
{
	if (current->mm != mm)
		return 0; // exec fills a new one; limits were checked for the old
	if (mm->total_pages + pages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	if ((flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE &&
	    mm->data_pages + pages > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

int vma_map(struct mm *mm, u64 start, u64 length, const struct vma *like, struct vma **out)
{
	struct vma *vma = vma_alloc(mm);

	if (!vma)
		return -ENOMEM;
	vma->start = start;
	vma->end = start + length;
	vma->flags = like->flags;
	vma->file = like->file;
	vma->mapping = like->mapping;
	vma->offset = like->offset;
	vma->name = like->name;
	vma_hold_objects(vma, NULL);
	vma_insert(mm, vma);
	*out = vma_merge(vma);
	return 0;
}

static u64 mapped_pages_between(struct mm *mm, u64 start, u64 end)
{
	u64 pages = 0;

	for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma))
		pages += (MIN(vma->end, end) - MAX(vma->start, start)) >> PAGE_SHIFT;
	return pages;
}

// What a private area that may be written promises.
static bool is_accountable(u32 flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

// Private memory of whole huge pages lies so that it may consist of them.
static u64 alignment_of(const struct vma *like, u64 length)
{
	return like->mapping || length % HUGE_SIZE ? PAGE_SIZE : HUGE_SIZE;
}

static int map_locked(struct mm *mm, u64 *address, u64 length, struct vma *like, int flags)
{
	u64 pages = length >> PAGE_SHIFT, charged = 0;
	struct vma *vma;

	if (mm->vma_count >= READ_ONCE(max_map_count))
		return -ENOMEM;
	int error = mm_choose_address(mm, address, length, alignment_of(like, length), flags);
	like->flags |= mm->new_flags;
	if (!error && (flags & MAP_LOCKED) && !may_mlock())
		error = -EPERM;
	if (!error)
		error = mlock_check_more(mm, pages, like->flags);
	if (error)
		return error;
	if (mm_check_limits(mm, pages, like->flags) &&
	    mm_check_limits(mm, pages - mapped_pages_between(mm, *address, *address + length),
			    like->flags))
		return -ENOMEM;
	error = unmap_range(mm, *address, *address + length);
	if (!error && is_accountable(like->flags)) {
		error = commit_charge(mm, pages);
		charged = error ? 0 : pages;
		like->flags |= VM_ACCOUNT;
	}
	if (!error)
		error = vma_map(mm, *address, length, like, &vma);
	if (error)
		commit_uncharge(charged);
	return error;
}

static u32 map_flags_to_vma(int flags)
{
	u32 vm_flags = 0;

	if ((flags & MAP_TYPE) != MAP_PRIVATE)
		vm_flags |= VM_SHARED;
	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if (flags & MAP_STACK)
		vm_flags |= VM_NOHUGEPAGE;
	if ((flags & MAP_NORESERVE) && overcommit_mode != OVERCOMMIT_NEVER)
		vm_flags |= VM_NORESERVE;
	return vm_flags;
}

int mm_mmap_object(struct mm *mm, u64 address, u64 length, int prot, int flags, struct file *file,
		   struct mapping *mapping, u32 may, u64 offset, u64 *result)
{
	struct vma like = {.flags = vma_flags_of_prot(mm, prot) | map_flags_to_vma(flags) | may,
			   .file = file,
			   .mapping = mapping,
			   .offset = offset};
	struct mapping *shared = NULL;
	int error;

	if (!length)
		return -EINVAL;
	if (READ_ONCE(mm->deny_write_exec) && (like.flags & VM_WRITE) && (like.flags & VM_EXEC))
		return -EACCES;
	length = ALIGN_UP(length, PAGE_SIZE);
	if (!length || length > MM_USER_TOP)
		return -ENOMEM;
	if (offset + length < offset)
		return -EOVERFLOW;
	if ((like.flags & VM_GROWSDOWN) && (mapping || (like.flags & VM_SHARED)))
		return -EINVAL;
	if (!mapping && (like.flags & VM_SHARED)) {
		error = shmem_create(length, !(like.flags & VM_NORESERVE), &shared);
		if (error)
			return error;
		// The object has its own life: a file that asked for it, /dev/zero, is not held.
		like.file = NULL;
		like.mapping = shared;
		like.offset = 0;
	}
	down_write(&mm->map_lock);
	error = map_locked(mm, &address, length, &like, flags);
	up_write(&mm->map_lock);
	if (shared)
		mapping_put(shared);
	if (error)
		return error;
	if ((flags & MAP_POPULATE) || (like.flags & VM_LOCK_BITS) == VM_LOCKED)
		mm_populate(mm, address, address + length);
	*result = address;
	return 0;
}

int mm_mmap(struct mm *mm, u64 address, u64 length, int prot, int flags, struct file *file,
	    u64 offset, u64 *result)
{
	struct mapping *mapping = NULL;
	u32 may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	if (!length)
		return -EINVAL;
	if (file) {
		int error = file_mmap_hook(file, prot, flags, &mapping, &may);
		if (error)
			return error;
	}
	// A seal may have come since the file was asked: either it sees us, or we see it.
	bool writer = mapping && (flags & MAP_TYPE) != MAP_PRIVATE && (may & VM_MAYWRITE);
	if (writer && !mapping_writer_get(mapping)) {
		if (prot & PROT_WRITE)
			return -EPERM;
		may &= ~VM_MAYWRITE;
		writer = false;
	}
	int error = mm_mmap_object(mm, address, length, prot, flags, file, mapping, may, offset,
				   result);
	if (writer)
		mapping_writer_put(mapping);
	return error;
}
