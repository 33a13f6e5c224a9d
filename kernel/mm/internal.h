// Inside of mm/: changing areas. map_lock is held for writing everywhere here, unless it says
// otherwise.
#pragma once

#include <mm/mm.h>

struct file;
struct mapping;

// --- vma.c ---

struct vma *vma_alloc(struct mm *mm); // NULL: no memory
void vma_insert(struct mm *mm, struct vma *vma);
void vma_remove(struct mm *mm, struct vma *vma);
// Gives back an area that is in no tree, and what it refers to.
void vma_release(struct vma *vma);
// Takes the references to what a new area maps; `from`: the area that it was copied from, or NULL.
void vma_hold_objects(struct vma *vma, struct vma *from);
// Cuts an area in two. -ENOMEM.
int vma_split(struct vma *vma, u64 at);
// Makes area borders at both ends. -ENOMEM.
int vma_split_range(struct mm *mm, u64 start, u64 end);
// Joins an area with its neighbours where they are alike. Returns the joined area.
struct vma *vma_merge(struct vma *vma);
void vma_set_flags(struct vma *vma, u32 flags);
void vma_set_range(struct vma *vma, u64 start, u64 end);
// The stack grows down to `address`: limits, the guard gap, what it promises. -ENOMEM.
int vma_grow_down(struct vma *vma, u64 address);
void vmas_release_all(struct mm *mm);
int vmas_dup(struct mm *old, struct mm *copy);
void anon_name_put(struct anon_name *name);
void vma_init(void);

// --- mmap.c ---

u32 vma_flags_of_prot(const struct mm *mm, int prot);
bool range_is_free(struct mm *mm, u64 start, u64 length);
// RLIMIT_AS and RLIMIT_DATA, for so many more pages with these flags. -ENOMEM.
int mm_check_limits(struct mm *mm, u64 pages, u32 flags);
// Where a mapping goes: map flags MAP_FIXED, MAP_FIXED_NOREPLACE; *address is the hint. Without one
// it is aligned if it can be.
int mm_choose_address(struct mm *mm, u64 *address, u64 length, u64 align, int flags);
// A new area where nothing is; its charge was taken. -ENOMEM. `*out` may be joined with others.
int vma_map(struct mm *mm, u64 start, u64 length, const struct vma *like, struct vma **out);
// -EPERM: an area is sealed.
int unmap_range(struct mm *mm, u64 start, u64 end);
// Whether an area of the range is sealed.
bool range_is_sealed(struct mm *mm, u64 start, u64 end);

// --- mlock.c ---

bool may_mlock(void);
// RLIMIT_MEMLOCK for so many more pages. -EAGAIN.
int mlock_check_more(struct mm *mm, u64 pages, u32 flags);
// Faults pages in, as the areas' rights say; no lock held. Goes on after what cannot be touched, and
// then gives -EFAULT; -ENOMEM, -EINTR at once.
int mm_populate(struct mm *mm, u64 start, u64 end);
// For one kind of access (enum fault_access). -EINVAL: the rights do not allow it; -EFAULT, -ENOMEM.
int mm_populate_access(struct mm *mm, u64 start, u64 end, unsigned access);
