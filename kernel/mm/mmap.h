// Changing an address space: the calls behind mmap(2) and its kin. All take mm's map lock.
#pragma once

#include <mm/mm.h>

// Maps `length` bytes. `prot`, `flags`: of mmap(2). `mapping` and `file` NULL: anonymous. Errors as
// mmap(2); -EEXIST for MAP_FIXED_NOREPLACE.
int mm_mmap_object(struct mm *mm, u64 address, u64 length, int prot, int flags, struct file *file,
		   struct mapping *mapping, u32 may, u64 offset, u64 *result);
// The same for a file, with its rights checked; anonymous if it is NULL. (fs registers the check.)
int mm_mmap(struct mm *mm, u64 address, u64 length, int prot, int flags, struct file *file,
	    u64 offset, u64 *result);
extern int (*file_mmap_hook)(struct file *file, int prot, int flags, struct mapping **mapping,
			     u32 *may);
int mm_munmap(struct mm *mm, u64 address, u64 length);
int mm_mprotect(struct mm *mm, u64 address, u64 length, int prot);
int mm_madvise(struct mm *mm, u64 address, u64 length, int advice);
long mm_mremap(struct mm *mm, u64 address, u64 old_length, u64 new_length, int flags, u64 target);
u64 mm_brk(struct mm *mm, u64 brk);

// exec: the stack area; *top is where it ends.
int mm_map_stack(struct mm *mm, u32 personality, u64 *top);
int mm_stack_make_executable(struct mm *mm);
int mm_map_vdso(struct mm *mm);
// A free range below mmap_base. -ENOMEM.
int mm_find_free(struct mm *mm, u64 length, u64 align, u64 *address);
// Where a position-independent program goes.
u64 mm_pie_base(struct mm *mm);

// Inside of mm/, map_lock written: the stack grows down to `address`. -ENOMEM.
int vma_grow_down(struct vma *vma, u64 address);
void vma_release(struct vma *vma);
// Takes the references to what a new area maps; `from`: the area that it was copied from, or NULL.
void vma_hold_objects(struct vma *vma, struct vma *from);
struct vma *vma_alloc(struct mm *mm);
void vma_insert(struct mm *mm, struct vma *vma);
void vma_remove(struct mm *mm, struct vma *vma);
void vmas_release_all(struct mm *mm);
int vmas_dup(struct mm *old, struct mm *copy);
