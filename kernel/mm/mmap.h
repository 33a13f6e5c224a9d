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
// Whole areas of the range can be changed no more, for ever. -EINVAL; -ENOMEM: there is a hole.
int mm_seal(struct mm *mm, u64 address, u64 length);
int mm_mprotect(struct mm *mm, u64 address, u64 length, int prot);
int mm_madvise(struct mm *mm, u64 address, u64 length, int advice);
long mm_mremap(struct mm *mm, u64 address, u64 old_length, u64 new_length, int flags, u64 target);
u64 mm_brk(struct mm *mm, u64 brk);

// mlock2(2) and munlock(2): `lock` gives the VM_LOCK_BITS to set. -EPERM, -ENOMEM, -EAGAIN, -EINVAL.
int mm_mlock(struct mm *mm, u64 address, u64 length, u32 lock);
int mm_mlockall(struct mm *mm, int flags); // flags 0: munlockall(2)
// Which pages of a mapped range are resident: a byte each. -ENOMEM: there is a hole.
int mm_mincore(struct mm *mm, u64 start, u64 pages, u8 *vec);
int mm_msync(struct mm *mm, u64 start, u64 length, int flags);
// Names a range of anonymous memory; NULL takes names away. -EBADF, -ENOMEM, -EINVAL.
int mm_set_anon_name(struct mm *mm, u64 start, u64 length, const char *name);

// exec: how the places of a new program are drawn, and the area of its stack; *top is where it ends.
// -ENOMEM.
int mm_map_stack(struct mm *mm, u32 personality, u64 *top);
// exec: where mappings begin, with room above for a stack of that limit. Before the first mapping.
void mm_set_base(struct mm *mm, u64 stack_top, u64 stack_limit);
int mm_stack_make_executable(struct mm *mm);
// All areas of the vDSO's data (VM_VDSO) show another object from now on. -ENOMEM: none does.
int mm_replace_vdso_data(struct mm *mm, struct mapping *mapping);
// A free range below mmap_base, or above it if there is none. -ENOMEM.
int mm_find_free(struct mm *mm, u64 length, u64 align, u64 *address);
// Where a position-independent program goes.
u64 mm_pie_base(struct mm *mm);
// vm.max_map_count: areas of one address space. kernel.randomize_va_space: 0 nothing is put at random, 1 all
// but the heap, 2 all. [a]
extern u64 max_map_count, randomize_va_space;
#define RANDOMIZE_ALL 2

// Where the heap begins, behind the program's data.
u64 mm_brk_base(struct mm *mm, u64 end_data);
