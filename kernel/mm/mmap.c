// Changing an address space: mmap, munmap, mprotect, madvise, mremap, brk, and what exec lays out.

#include <core/random.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include <uapi/personality.h>

#define VMA_COUNT_MAX 65530
#define STACK_INITIAL (33 * PAGE_SIZE)

int (*file_mmap_hook)(struct file *file, int prot, int flags, struct mapping **mapping, u32 *may);
int vma_split(struct vma *vma, u64 at);
struct vma *vma_merge(struct vma *vma);

// --- Finding room ---

// Top down: the highest gap below mmap_base that is large enough.
int mm_find_free(struct mm *mm, u64 length, u64 align, u64 *address)
{
	struct rb_node *node = rb_last(&mm->vmas);
	u64 top = mm->mmap_base;

	for (;; node = rb_prev(node)) {
		struct vma *vma = node ? rb_entry(node, struct vma, node) : NULL;
		u64 bottom = vma ? vma->end : MM_MMAP_MIN_ADDR;

		if (bottom < top && top - bottom >= length) {
			u64 at = ALIGN_DOWN(top - length, align);
			if (at >= bottom) {
				*address = at;
				return 0;
			}
		}
		if (!vma)
			return -ENOMEM;
		u64 start = vma->start;
		if ((vma->flags & VM_GROWSDOWN) && start > MM_STACK_GUARD)
			start -= MM_STACK_GUARD;
		top = MIN(top, start);
	}
}

static bool range_free(struct mm *mm, u64 start, u64 length)
{
	struct vma *vma = vma_find(mm, start);

	return !vma || vma->start >= start + length;
}

// map_lock written.
static int choose_address(struct mm *mm, u64 *address, u64 length, int flags)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (*address % PAGE_SIZE)
			return -EINVAL;
		if (*address + length > MM_USER_TOP || *address + length < *address)
			return -ENOMEM;
		if (*address < MM_MMAP_MIN_ADDR)
			return -EPERM;
		if ((flags & MAP_FIXED_NOREPLACE) && !range_free(mm, *address, length))
			return -EEXIST;
		return 0;
	}
	if (*address) {
		u64 hint = ALIGN_UP(MAX(*address, MM_MMAP_MIN_ADDR), PAGE_SIZE);

		if (hint + length <= MM_USER_TOP && hint + length > hint &&
		    range_free(mm, hint, length)) {
			*address = hint;
			return 0;
		}
	}
	return mm_find_free(mm, length, PAGE_SIZE, address);
}

// --- Unmapping; map_lock written ---

// Makes area borders at both ends.
static int split_at(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find(mm, start);
	int error = 0;

	if (vma && vma->start < start)
		error = vma_split(vma, start);
	vma = vma_find(mm, end);
	if (!error && vma && vma->start < end)
		error = vma_split(vma, end);
	return error;
}

static int unmap_locked(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma, *next;
	int error = split_at(mm, start, end);

	if (error)
		return error;
	vma = vma_find(mm, start);
	if (!vma || vma->start >= end)
		return 0;
	for (; vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		error = table_zap(mm, vma->start, vma->end);
		if (error)
			return error;
		vma_remove(mm, vma);
		vma_release(vma);
	}
	return 0;
}

int mm_munmap(struct mm *mm, u64 address, u64 length)
{
	if (address % PAGE_SIZE || !length || address > MM_USER_TOP ||
	    length > MM_USER_TOP - address)
		return -EINVAL;
	down_write(&mm->map_lock);
	int error = unmap_locked(mm, address, address + ALIGN_UP(length, PAGE_SIZE));
	up_write(&mm->map_lock);
	return error;
}

// --- Mapping ---

static u32 prot_flags(int prot)
{
	return ((prot & PROT_READ) ? VM_READ : 0) | ((prot & PROT_WRITE) ? VM_WRITE : 0) |
	       ((prot & PROT_EXEC) ? VM_EXEC : 0);
}

static int check_limits(struct mm *mm, u64 pages, u32 flags)
{
	if (mm->vma_count >= VMA_COUNT_MAX)
		return -ENOMEM;
	if (current->mm != mm)
		return 0; // exec fills a new one; limits were checked for the old
	if ((mm->total_pages + pages) * PAGE_SIZE > rlimit(RLIMIT_AS))
		return -ENOMEM;
	if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE &&
	    (mm->data_pages + pages) * PAGE_SIZE > rlimit(RLIMIT_DATA))
		return -ENOMEM;
	return 0;
}

static int map_locked(struct mm *mm, u64 *address, u64 length, u32 vm_flags, int flags,
		      struct file *file, struct mapping *mapping, u64 offset)
{
	int error = check_limits(mm, length >> PAGE_SHIFT, vm_flags);

	if (!error)
		error = choose_address(mm, address, length, flags);
	if (error)
		return error;
	struct vma *vma = vma_alloc(mm);
	if (!vma)
		return -ENOMEM;
	error = unmap_locked(mm, *address, *address + length);
	if (error) {
		vma_release(vma); // maps nothing yet
		return error;
	}
	vma->start = *address;
	vma->end = *address + length;
	vma->flags = vm_flags;
	vma->file = file;
	vma->mapping = mapping;
	vma->offset = offset;
	vma_hold_objects(vma, NULL);
	vma_insert(mm, vma);
	vma_merge(vma);
	return 0;
}

static void populate(struct mm *mm, u64 start, u64 end, bool write)
{
	extern int mm_populate(struct mm *, u64, u64, bool);

	mm_populate(mm, start, end, write);
}

int mm_mmap_object(struct mm *mm, u64 address, u64 length, int prot, int flags, struct file *file,
		   struct mapping *mapping, u32 may, u64 offset, u64 *result)
{
	u32 vm_flags = prot_flags(prot) | may;
	struct mapping *shared = NULL;
	int error;

	if (!length || length > MM_USER_TOP)
		return length ? -ENOMEM : -EINVAL;
	if (offset % PAGE_SIZE)
		return -EINVAL;
	length = ALIGN_UP(length, PAGE_SIZE);
	if (offset + length < offset)
		return -EOVERFLOW;
	if ((flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
		vm_flags |= VM_SHARED;
	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_NORESERVE)
		vm_flags |= VM_NORESERVE;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if (!mapping && (vm_flags & VM_SHARED)) {
		error = shmem_create(length, &shared);
		if (error)
			return error;
		mapping = shared;
		offset = 0;
	}
	down_write(&mm->map_lock);
	error = map_locked(mm, &address, length, vm_flags, flags, file, mapping, offset);
	up_write(&mm->map_lock);
	if (shared)
		mapping_put(shared);
	if (error)
		return error;
	if (flags & (MAP_POPULATE | MAP_LOCKED))
		populate(mm, address, address + length, vm_flags & VM_WRITE);
	*result = address;
	return 0;
}

int mm_mmap(struct mm *mm, u64 address, u64 length, int prot, int flags, struct file *file,
	    u64 offset, u64 *result)
{
	struct mapping *mapping = NULL;
	u32 may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	if (file) {
		int error = file_mmap_hook(file, prot, flags, &mapping, &may);
		if (error)
			return error;
	}
	return mm_mmap_object(mm, address, length, prot, flags, file, mapping, may, offset, result);
}

// --- mprotect, madvise ---

static int protect_locked(struct mm *mm, u64 start, u64 end, u32 flags)
{
	struct vma *vma = vma_find(mm, start);
	u64 covered = start;

	for (struct vma *at = vma; at && at->start < end; at = vma_next(at)) {
		if (at->start > covered)
			return -ENOMEM;
		if ((flags & VM_ACCESS) & ~(at->flags >> 4))
			return -EACCES;
		covered = at->end;
	}
	if (covered < end)
		return -ENOMEM;
	int error = split_at(mm, start, end);
	if (error)
		return error;
	for (vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma)) {
		u64 from = vma->start, to = vma->end;

		vma_remove(mm, vma);
		vma->flags = (vma->flags & ~VM_ACCESS) | flags;
		vma_insert(mm, vma);
		error = table_protect(mm, vma, from, to);
		vma = vma_merge(vma);
		if (error)
			return error;
	}
	return 0;
}

int mm_mprotect(struct mm *mm, u64 address, u64 length, int prot)
{
	if (address % PAGE_SIZE || (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)))
		return -EINVAL;
	if (!length)
		return 0;
	u64 end = address + ALIGN_UP(length, PAGE_SIZE);
	if (end <= address || end > MM_USER_TOP)
		return -ENOMEM;
	down_write(&mm->map_lock);
	int error = protect_locked(mm, address, end, prot_flags(prot));
	up_write(&mm->map_lock);
	return error;
}

static int advise_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, int advice)
{
	static const struct {
		int advice;
		u32 set, clear;
	} flags[] = {{MADV_DONTFORK, VM_DONTFORK, 0},
		     {MADV_DOFORK, 0, VM_DONTFORK},
		     {MADV_WIPEONFORK, VM_WIPEONFORK, 0},
		     {MADV_KEEPONFORK, 0, VM_WIPEONFORK}};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].advice != advice)
			continue;
		if (advice == MADV_WIPEONFORK && (vma->mapping || (vma->flags & VM_SHARED)))
			return -EINVAL;
		vma->flags = (vma->flags & ~flags[i].clear) | flags[i].set;
		return 0;
	}
	if (advice == MADV_DONTNEED || advice == MADV_FREE) {
		if (vma->flags & VM_LOCKED || (advice == MADV_FREE && vma->mapping))
			return -EINVAL;
		return table_zap(mm, start, end);
	}
	return 0;
}

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	}
	return false;
}

int mm_madvise(struct mm *mm, u64 address, u64 length, int advice)
{
	u64 end = address + ALIGN_UP(length, PAGE_SIZE), covered = address;
	bool changes = advice >= MADV_DONTFORK && advice <= MADV_KEEPONFORK;
	int error = 0;

	if (!advice_known(advice) || address % PAGE_SIZE || end < address)
		return -EINVAL;
	if (end == address)
		return 0;
	down_write(&mm->map_lock);
	if (changes)
		error = split_at(mm, address, end);
	struct vma *vma = vma_find(mm, address);
	bool hole = false;
	for (; !error && vma && vma->start < end; vma = vma_next(vma)) {
		hole |= vma->start > covered;
		covered = vma->end;
		error = advise_vma(mm, vma, MAX(vma->start, address), MIN(vma->end, end), advice);
	}
	up_write(&mm->map_lock);
	if (!error && (hole || covered < end))
		error = -ENOMEM;
	return error;
}

// --- mremap ---

static long move_locked(struct mm *mm, struct vma *vma, u64 address, u64 length, u64 new_length,
			int flags, u64 target)
{
	u64 to = target;
	int map_flags = flags & MREMAP_FIXED ? MAP_FIXED : 0;
	u64 offset = vma->offset + (address - vma->start);

	int error = map_locked(mm, &to, new_length, vma->flags & ~VM_LOCKED, map_flags, vma->file,
			       vma->mapping, offset);
	if (error)
		return error;
	struct mapping *mapping = vma_find(mm, to)->mapping;
	if (mapping)
		mutex_lock(&mapping->vmas_lock);
	error = table_move(mm, address, to, MIN(length, new_length));
	if (mapping)
		mutex_unlock(&mapping->vmas_lock);
	if (error)
		return error;
	if (!(flags & MREMAP_DONTUNMAP))
		error = unmap_locked(mm, address, address + length);
	return error ?: (long)to;
}

static long remap_locked(struct mm *mm, u64 address, u64 old_length, u64 new_length, int flags,
			 u64 target)
{
	struct vma *vma = vma_find(mm, address);

	if (!vma || vma->start > address || address + old_length > vma->end)
		return -EFAULT;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return move_locked(mm, vma, address, old_length, new_length, flags, target);
	if (new_length <= old_length) {
		int error = new_length == old_length
				    ? 0
				    : unmap_locked(mm, address + new_length, address + old_length);
		return error ?: (long)address;
	}
	u64 more = new_length - old_length;
	if (address + old_length == vma->end && vma->end + more <= MM_USER_TOP &&
	    range_free(mm, vma->end, more)) {
		int error = check_limits(mm, more >> PAGE_SHIFT, vma->flags);
		if (error)
			return error;
		vma_remove(mm, vma);
		vma->end += more;
		vma_insert(mm, vma);
		vma_merge(vma);
		return address;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move_locked(mm, vma, address, old_length, new_length, flags, 0);
}

long mm_mremap(struct mm *mm, u64 address, u64 old_length, u64 new_length, int flags, u64 target)
{
	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) || address % PAGE_SIZE)
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	old_length = ALIGN_UP(old_length, PAGE_SIZE);
	new_length = ALIGN_UP(new_length, PAGE_SIZE);
	if (!new_length || ((flags & MREMAP_DONTUNMAP) && old_length != new_length))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) &&
	    (target % PAGE_SIZE || target + new_length > MM_USER_TOP ||
	     (target < address + old_length && address < target + new_length)))
		return -EINVAL;
	down_write(&mm->map_lock);
	long result = remap_locked(mm, address, old_length, new_length, flags, target);
	up_write(&mm->map_lock);
	return result;
}

// --- brk ---

static int brk_grow(struct mm *mm, u64 from, u64 to)
{
	u64 at = from;

	if (to > mm->mmap_base || !range_free(mm, from, to - from + PAGE_SIZE))
		return -ENOMEM;
	return map_locked(mm, &at, to - from,
			  VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, MAP_FIXED,
			  NULL, NULL, 0);
}

u64 mm_brk(struct mm *mm, u64 brk)
{
	down_write(&mm->map_lock);
	u64 old_end = ALIGN_UP(mm->brk, PAGE_SIZE), end = ALIGN_UP(brk, PAGE_SIZE);
	bool limited = brk - mm->start_brk > rlimit(RLIMIT_DATA);

	if (brk >= mm->start_brk && brk < MM_USER_TOP && !limited) {
		int error = 0;
		if (end > old_end)
			error = brk_grow(mm, old_end, end);
		else if (end < old_end)
			error = unmap_locked(mm, end, old_end);
		if (!error)
			mm->brk = brk;
	}
	brk = mm->brk;
	up_write(&mm->map_lock);
	return brk;
}

// --- exec ---

static u64 random_pages(struct task *task, unsigned bits)
{
	if (task->personality & ADDR_NO_RANDOMIZE)
		return 0;
	return (random_u64() & ((1ul << bits) - 1)) << PAGE_SHIFT;
}

// The stack ends below the top of the address space, and mappings begin below the room that its
// limit leaves it.
int mm_map_stack(struct mm *mm, u32 personality, u64 *top)
{
	u64 end = MM_USER_TOP - PAGE_SIZE - random_pages(current, 11);
	u64 room = CLAMP(rlimit(RLIMIT_STACK), 128 * MIB, MM_USER_TOP / 6 * 5);
	struct vma *vma = vma_alloc(mm);

	(void)personality;
	if (!vma)
		return -ENOMEM;
	vma->start = end - STACK_INITIAL;
	vma->end = end;
	vma->flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN |
		     VM_STACK;
	vma_insert(mm, vma);
	mm->mmap_base = ALIGN_DOWN(end - room - MM_STACK_GUARD - random_pages(current, 16),
				   PAGE_SIZE);
	*top = end;
	return 0;
}

int mm_stack_make_executable(struct mm *mm)
{
	struct vma *vma = vma_find(mm, MM_USER_TOP / 2);

	while (vma && !(vma->flags & VM_STACK))
		vma = vma_next(vma);
	if (vma)
		vma->flags |= VM_EXEC;
	return 0;
}

u64 mm_pie_base(struct mm *mm)
{
	(void)mm;
	return ALIGN_DOWN(MM_USER_TOP / 3 * 2, PAGE_SIZE) + random_pages(current, 16);
}
