// How a program lies in its address space: the stack, the heap (brk(2)), and where exec and mmap
// begin. Places are drawn at random, unless the personality says ADDR_NO_RANDOMIZE.

#include <core/random.h>
#include <mm/commit.h>
#include <mm/mmap.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include <uapi/personality.h>
#include "internal.h"

#define STACK_INITIAL (33 * PAGE_SIZE)
#define DATA_FLAGS    (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

// --- brk ---

static int brk_grow(struct mm *mm, u64 from, u64 to)
{
	struct vma like = {.flags = DATA_FLAGS | VM_ACCOUNT | mm->new_flags}, *vma;
	u64 pages = (to - from) >> PAGE_SHIFT;

	vma = vma_find(mm, from);
	if (vma && vma->start < to + (vma->flags & VM_GROWSDOWN ? MM_STACK_GUARD : PAGE_SIZE))
		return -ENOMEM;
	if (mm->vma_count >= READ_ONCE(max_map_count) || mm_check_limits(mm, pages, like.flags) ||
	    mlock_check_more(mm, pages, like.flags) || commit_charge(mm, pages))
		return -ENOMEM;
	int error = vma_map(mm, from, to - from, &like, &vma);
	if (error)
		commit_uncharge(pages);
	return error;
}

static bool brk_allowed(const struct mm *mm, u64 brk)
{
	const struct mm_layout *layout = &mm->layout;
	u64 limit = rlimit(RLIMIT_DATA);

	return brk >= mm->start_brk && brk < MM_USER_TOP &&
	       (limit == RLIM_INFINITY ||
		(brk - mm->start_brk) + (layout->end_data - layout->start_data) <= limit);
}

u64 mm_brk(struct mm *mm, u64 brk)
{
	u64 populate = 0, end = ALIGN_UP(brk, PAGE_SIZE), old_end;

	down_write(&mm->map_lock);
	old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
	if (brk_allowed(mm, brk)) {
		int error = 0;
		if (end > old_end)
			error = brk_grow(mm, old_end, end);
		else if (end < old_end)
			error = unmap_range(mm, end, old_end);
		if (!error) {
			mm->brk = brk;
			populate = (mm->new_flags & VM_LOCK_BITS) == VM_LOCKED ? end : 0;
		}
	}
	brk = mm->brk;
	up_write(&mm->map_lock);
	if (populate > old_end)
		mm_populate(mm, old_end, populate);
	return brk;
}

// --- exec ---

u64 randomize_va_space = RANDOMIZE_ALL;

static u64 random_pages(const struct mm *mm, unsigned bits)
{
	return mm->randomized ? (random_u64() & ((1ul << bits) - 1)) << PAGE_SHIFT : 0;
}

// The stack ends below the top of the address space.
int mm_map_stack(struct mm *mm, u32 personality, u64 *top)
{
	struct vma like = {.flags = DATA_FLAGS | VM_GROWSDOWN | VM_STACK | VM_ACCOUNT}, *vma;

	mm->personality = personality;
	mm->randomized = READ_ONCE(randomize_va_space) && !(personality & ADDR_NO_RANDOMIZE);
	u64 end = MM_USER_TOP - PAGE_SIZE - random_pages(mm, 11);
	int error = commit_charge(mm, STACK_INITIAL >> PAGE_SHIFT);
	if (error)
		return error;
	error = vma_map(mm, end - STACK_INITIAL, STACK_INITIAL, &like, &vma);
	if (error) {
		commit_uncharge(STACK_INITIAL >> PAGE_SHIFT);
		return error;
	}
	*top = end;
	return 0;
}

void mm_set_base(struct mm *mm, u64 stack_top, u64 stack_limit)
{
	u64 room = CLAMP(stack_limit, 128 * MIB, MM_USER_TOP / 6 * 5);

	mm->mmap_base = ALIGN_DOWN(stack_top - room - MM_STACK_GUARD - random_pages(mm, 16),
				   PAGE_SIZE);
}

int mm_stack_make_executable(struct mm *mm)
{
	struct vma *vma = vma_find(mm, MM_USER_TOP / 2);

	while (vma && !(vma->flags & VM_STACK))
		vma = vma_next(vma);
	if (vma)
		vma_set_flags(vma, vma->flags | VM_EXEC);
	return 0;
}

u64 mm_pie_base(struct mm *mm)
{
	return ALIGN_DOWN(MM_USER_TOP / 3 * 2, PAGE_SIZE) + random_pages(mm, 16);
}

// Where the heap begins: some way behind the program's data.
u64 mm_brk_base(struct mm *mm, u64 end_data)
{
	u64 distance = READ_ONCE(randomize_va_space) == RANDOMIZE_ALL ? random_pages(mm, 13) : 0;

	return ALIGN_UP(end_data, PAGE_SIZE) + distance;
}
