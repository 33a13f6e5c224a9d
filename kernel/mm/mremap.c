// mremap(2): an area shrinks, grows where it is, or goes elsewhere with its pages.

#include <mm/commit.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include "internal.h"

struct remap {
	struct mm *mm;
	u64 address, old_length, new_length;
	int flags;
	u64 target;                    // MREMAP_FIXED
	u64 populate, populate_length; // what a locked area has gained
};

// Whether the area may have its new size: limits, locked memory, promised memory. What was promised
// is charged.
static int charge_growth(struct remap *remap, struct vma *vma, u64 *charged)
{
	u64 kept = remap->flags & MREMAP_DONTUNMAP ? 0 : remap->old_length;
	u64 pages = remap->new_length > kept ? (remap->new_length - kept) >> PAGE_SHIFT : 0;

	*charged = 0;
	if (!pages)
		return 0;
	int error = mlock_check_more(remap->mm, pages, vma->flags);
	if (error)
		return error;
	if (mm_check_limits(remap->mm, pages, vma->flags))
		return -ENOMEM;
	if ((vma->flags & VM_ACCOUNT) && commit_charge(remap->mm, pages))
		return -ENOMEM;
	if (vma->flags & VM_ACCOUNT)
		*charged = pages;
	return 0;
}

static void note_populate(struct remap *remap, const struct vma *vma, u64 at)
{
	if ((vma->flags & VM_LOCK_BITS) != VM_LOCKED || remap->new_length <= remap->old_length)
		return;
	remap->populate = at + remap->old_length;
	remap->populate_length = remap->new_length - remap->old_length;
}

static int move_pages(struct remap *remap, struct vma *vma, u64 to)
{
	u64 length = MIN(remap->old_length, remap->new_length);

	// Truncation must not look at the old place and then at the new one before we are done.
	if (vma->mapping)
		mutex_lock(&vma->mapping->vmas_lock);
	int error = table_move(remap->mm, remap->address, to, length);
	if (vma->mapping)
		mutex_unlock(&vma->mapping->vmas_lock);
	return error;
}

// The old place goes. What it promised has gone with the pages.
static int leave_old_place(struct remap *remap)
{
	struct mm *mm = remap->mm;
	u64 end = remap->address + remap->old_length;
	int error = vma_split_range(mm, remap->address, end);

	if (error)
		return error;
	struct vma *vma = vma_find(mm, remap->address);
	if (remap->flags & MREMAP_DONTUNMAP) {
		vma_set_flags(vma, vma->flags & ~VM_LOCK_BITS);
		vma_merge(vma);
		return 0;
	}
	vma_set_flags(vma, vma->flags & ~VM_ACCOUNT);
	return unmap_range(mm, remap->address, end);
}

static long move_area(struct remap *remap, struct vma *vma, u64 to)
{
	struct vma like = *vma, *moved;
	struct mm *mm = remap->mm;
	u64 charged;

	if (mm->vma_count + 3 > READ_ONCE(max_map_count))
		return -ENOMEM;
	int error = charge_growth(remap, vma, &charged);
	if (error)
		return error;
	like.offset += remap->address - vma->start;
	// Borders first: nothing can fail between the new place and the old.
	error = remap->old_length
			? vma_split_range(mm, remap->address, remap->address + remap->old_length)
			: 0;
	if (!error)
		error = vma_map(mm, to, remap->new_length, &like, &moved);
	if (error) {
		commit_uncharge(charged);
		return error;
	}
	if (!remap->old_length)
		return to; // a second view of a shared area
	error = move_pages(remap, moved, to);
	if (error) {
		vma_split_range(mm, to, to + remap->new_length);
		vma_set_flags(vma_find(mm, to), like.flags & ~VM_ACCOUNT);
		unmap_range(mm, to, to + remap->new_length);
		commit_uncharge(charged);
		return error;
	}
	note_populate(remap, &like, to);
	return leave_old_place(remap) ?: (long)to;
}

// To a place of the caller's choice, or of ours.
static long move_to_target(struct remap *remap)
{
	u64 to = remap->target;
	struct vma *vma;
	int error = 0;

	if (remap->flags & MREMAP_FIXED) {
		error = mm_choose_address(remap->mm, &to, remap->new_length, PAGE_SIZE, MAP_FIXED)
				?: unmap_range(remap->mm, to, to + remap->new_length);
	} else {
		to = remap->flags & MREMAP_DONTUNMAP ? to : 0;
		error = mm_choose_address(remap->mm, &to, remap->new_length, PAGE_SIZE, 0);
	}
	if (!error && remap->new_length < remap->old_length) {
		error = unmap_range(remap->mm, remap->address + remap->new_length,
				    remap->address + remap->old_length);
		remap->old_length = remap->new_length;
	}
	vma = vma_at(remap->mm, remap->address);
	if (error || !vma)
		return error ?: -EFAULT;
	return move_area(remap, vma, to);
}

static long shrink(struct remap *remap)
{
	int error = unmap_range(remap->mm, remap->address + remap->new_length,
				remap->address + remap->old_length);

	return error ?: (long)remap->address;
}

static bool can_grow_in_place(const struct remap *remap, const struct vma *vma)
{
	u64 more = remap->new_length - remap->old_length;

	return remap->address + remap->old_length == vma->end && vma->end + more <= MM_USER_TOP &&
	       vma->end + more > vma->end && range_is_free(remap->mm, vma->end, more);
}

static long grow(struct remap *remap, struct vma *vma)
{
	u64 charged;

	if (!can_grow_in_place(remap, vma))
		return remap->flags & MREMAP_MAYMOVE ? move_to_target(remap) : -ENOMEM;
	int error = charge_growth(remap, vma, &charged);
	if (error)
		return error;
	vma_set_range(vma, vma->start, vma->end + (remap->new_length - remap->old_length));
	note_populate(remap, vma, remap->address);
	vma_merge(vma);
	return remap->address;
}

// A range of several areas, with holes between, goes somewhere else as it is. The first must begin
// at the range's start.
static long move_several(const struct remap *whole)
{
	u64 at = whole->address, end = at + whole->old_length;

	while (at < end) {
		struct vma *vma = vma_find(whole->mm, at);
		if (!vma || vma->start >= end)
			break;
		if (vma->start > at && at == whole->address)
			return -EFAULT;
		if (vma->flags & VM_SEALED)
			return -EPERM;
		struct remap one = *whole;
		one.address = MAX(at, vma->start);
		one.old_length = one.new_length = MIN(vma->end, end) - one.address;
		one.target = whole->target + (one.address - whole->address);
		at = one.address + one.old_length;
		long result = move_to_target(&one);
		if (result < 0)
			return result;
	}
	return at == whole->address ? -EFAULT : (long)whole->target;
}

static long remap_locked(struct remap *remap)
{
	struct vma *vma = vma_at(remap->mm, remap->address);
	bool new_place = remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);

	if (!vma)
		return -EFAULT;
	if (vma->flags & VM_SEALED)
		return -EPERM;
	if (!remap->old_length && !(vma->flags & VM_SHARED))
		return -EINVAL;
	if (!remap->old_length && !new_place && !(remap->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if ((remap->flags & MREMAP_FIXED) && remap->old_length == remap->new_length &&
	    remap->old_length > vma->end - remap->address)
		return move_several(remap);
	if (!new_place && remap->new_length == remap->old_length)
		return remap->address;
	if (!new_place && remap->new_length < remap->old_length)
		return shrink(remap);
	if (remap->old_length > vma->end - remap->address)
		return -EFAULT;
	return new_place || !remap->old_length ? move_to_target(remap) : grow(remap, vma);
}

static int check_arguments(const struct remap *remap)
{
	bool new_place = remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);

	if ((remap->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) ||
	    remap->address % PAGE_SIZE || !remap->new_length || remap->new_length > MM_USER_TOP)
		return -EINVAL;
	if (!new_place)
		return 0;
	if (!(remap->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((remap->flags & MREMAP_DONTUNMAP) && remap->old_length != remap->new_length)
		return -EINVAL;
	if (!(remap->flags & MREMAP_FIXED))
		return 0;
	if (remap->target % PAGE_SIZE || remap->target > MM_USER_TOP - remap->new_length)
		return -EINVAL;
	if (remap->target < remap->address + remap->old_length &&
	    remap->address < remap->target + remap->new_length)
		return -EINVAL;
	return 0;
}

long mm_mremap(struct mm *mm, u64 address, u64 old_length, u64 new_length, int flags, u64 target)
{
	struct remap remap = {.mm = mm,
			      .address = address,
			      .old_length = ALIGN_UP(old_length, PAGE_SIZE),
			      .new_length = ALIGN_UP(new_length, PAGE_SIZE),
			      .flags = flags,
			      .target = target};
	long result = check_arguments(&remap);

	if (result)
		return result;
	down_write(&mm->map_lock);
	result = remap_locked(&remap);
	up_write(&mm->map_lock);
	if (result >= 0 && remap.populate_length)
		mm_populate(mm, remap.populate, remap.populate + remap.populate_length);
	return result;
}
