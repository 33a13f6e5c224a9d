// The vmap area: ranges of virtual addresses for large allocations, devices and kernel stacks.
// The first half is given out page by page through a list of ranges in use, sorted by address; the
// second half is cut in slots for kernel stacks.
//
// A mapping is fenced on all harts when it is made, for neither the walkers of user memory nor a
// trap entry could take a spurious fault on it; and when it is taken away.

#include <arch/mmu.h>
#include <core/panic.h>
#include <core/spinlock.h>
#include <lib/bitmap.h>
#include <lib/list.h>
#include <lib/string.h>
#include <mm/kasan.h>
#include <mm/page.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <uapi/errno.h>

#define RANGES_START VMAP_BASE
#define RANGES_END   (VMAP_BASE + VMAP_SIZE / 2)
#define STACKS_START RANGES_END
#define STACK_SLOTS  (VMAP_SIZE / 2 / KSTACK_SLOT)
#define STACKS_KEPT  64

struct vmap_range {
	struct list_head link; // [vmap_lock] by address
	u64 start, end;        // [I] with the guard page behind
	bool device;           // [I] pages are not ours
};

static struct spinlock vmap_lock = SPINLOCK_INIT(LOCK_VMAP);
static LIST_HEAD(ranges);
static struct slab_cache *range_cache;

// --- Ranges ---

static struct vmap_range *range_reserve(size_t size, u32 gfp)
{
	struct vmap_range *range = slab_alloc(range_cache, gfp & ~GFP_ZERO), *at;
	u64 start = RANGES_START + PAGE_SIZE;

	if (!range)
		return NULL;
	size += PAGE_SIZE;
	unsigned long flags = spin_lock_irqsave(&vmap_lock);
	struct list_head *before = &ranges;
	list_for_each_entry (at, &ranges, link) {
		if (at->start - start >= size)
			break;
		start = at->end;
		before = &at->link;
	}
	if (start + size > RANGES_END) {
		spin_unlock_irqrestore(&vmap_lock, flags);
		slab_free(range_cache, range);
		return NULL;
	}
	range->start = start;
	range->end = start + size;
	range->device = false;
	list_add(&range->link, before);
	spin_unlock_irqrestore(&vmap_lock, flags);
	return range;
}

static void range_release(struct vmap_range *range)
{
	unsigned long flags = spin_lock_irqsave(&vmap_lock);

	list_del(&range->link);
	spin_unlock_irqrestore(&vmap_lock, flags);
	slab_free(range_cache, range);
}

static struct vmap_range *range_find(u64 start)
{
	struct vmap_range *range, *found = NULL;
	unsigned long flags = spin_lock_irqsave(&vmap_lock);

	list_for_each_entry (range, &ranges, link) {
		if (range->start == start) {
			found = range;
			break;
		}
	}
	spin_unlock_irqrestore(&vmap_lock, flags);
	BUG_ON(!found);
	return found;
}

u64 vmap_to_phys(const void *address)
{
	u64 va = (u64)address;
	struct pte *table = arch_kernel_root();

	if (va < VMAP_BASE || va >= VMAP_BASE + VMAP_SIZE)
		return virt_to_phys(address);
	for (int level = 2; level > 0; level--)
		table = phys_to_virt(pte_pfn(table[pt_index(va, level)]) << PAGE_SHIFT);
	return (pte_pfn(table[pt_index(va, 0)]) << PAGE_SHIFT) + va % PAGE_SIZE;
}

// --- Backed by pages ---

static void unmap_pages(u64 start, u64 end)
{
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		u64 pa = vmap_to_phys((void *)va);

		arch_kernel_unmap(va, PAGE_SIZE);
		page_free(pfn_to_page(pa >> PAGE_SHIFT), 0);
	}
}

static int map_pages(u64 start, u64 end, u32 gfp)
{
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		struct page *page = page_alloc(gfp, 0);
		int error = page ? arch_kernel_map(va, page_to_phys(page), PAGE_SIZE, PTE_R | PTE_W)
				 : -ENOMEM;

		if (error) {
			if (page)
				page_free(page, 0);
			unmap_pages(start, va);
			return error;
		}
	}
	return 0;
}

void *vmap_alloc(size_t size, u32 gfp)
{
	if (fault_should_fail(FAULT_VMAP, gfp))
		return NULL;
	size_t wanted = size;
	size = ALIGN_UP(size, PAGE_SIZE);
	struct vmap_range *range = range_reserve(size, gfp);
	if (!range)
		return NULL;
	if (kasan_vmap((void *)range->start, size) ||
	    map_pages(range->start, range->start + size, gfp)) {
		range_release(range);
		return NULL;
	}
	arch_kernel_fence(range->start, size);
	if (size != wanted)
		kasan_poison((char *)range->start + ALIGN_UP(wanted, 8ul),
			     size - ALIGN_UP(wanted, 8ul), KASAN_VMAP);
	kasan_unpoison((void *)range->start, wanted);
	return (void *)range->start;
}

void vfree(void *address)
{
	if (!address)
		return;
	struct vmap_range *range = range_find((u64)address);
	u64 end = range->end - PAGE_SIZE;
	unmap_pages(range->start, end);
	arch_kernel_fence(range->start, end - range->start);
	range_release(range);
}

// --- Devices ---

void *ioremap(u64 pa, size_t size)
{
	u64 offset = pa % PAGE_SIZE;
	size_t span = ALIGN_UP(size + offset, PAGE_SIZE);
	struct vmap_range *range = range_reserve(span, GFP_KERNEL);

	if (!range)
		return NULL;
	range->device = true;
	if (kasan_vmap((void *)range->start, span) ||
	    arch_kernel_map(range->start, pa - offset, span, PTE_R | PTE_W)) {
		range_release(range);
		return NULL;
	}
	arch_kernel_fence(range->start, span);
	return (void *)(range->start + offset);
}

void iounmap(void *address)
{
	struct vmap_range *range = range_find(ALIGN_DOWN((u64)address, PAGE_SIZE));
	u64 size = range->end - range->start - PAGE_SIZE;

	arch_kernel_unmap(range->start, size);
	arch_kernel_fence(range->start, size);
	range_release(range);
}

// --- Kernel stacks ---

static struct {
	struct spinlock lock;
	unsigned long *slots;    // [lock] bit set = in use or kept
	u64 next;                // [lock] where to look
	u32 kept_count;          // [lock]
	void *kept[STACKS_KEPT]; // [lock] mapped, free
	u64 mapped;              // [lock] stacks that have pages
} stacks = {.lock = SPINLOCK_INIT(LOCK_VMAP)};

static long slot_take(void)
{
	unsigned long flags = spin_lock_irqsave(&stacks.lock);
	u64 slot = bitmap_find_next_zero(stacks.slots, STACK_SLOTS, stacks.next);

	if (slot >= STACK_SLOTS)
		slot = bitmap_find_next_zero(stacks.slots, STACK_SLOTS, 0);
	if (slot < STACK_SLOTS) {
		bitmap_set(stacks.slots, slot);
		stacks.next = slot + 1;
		stacks.mapped++;
	}
	spin_unlock_irqrestore(&stacks.lock, flags);
	return slot < STACK_SLOTS ? (long)slot : -1;
}

static void slot_give(u64 slot)
{
	unsigned long flags = spin_lock_irqsave(&stacks.lock);

	bitmap_clear(stacks.slots, slot);
	stacks.next = MIN(stacks.next, slot);
	stacks.mapped--;
	spin_unlock_irqrestore(&stacks.lock, flags);
}

void *kstack_alloc(void)
{
	void *kept = NULL;

	if (fault_should_fail(FAULT_VMAP, GFP_KERNEL))
		return NULL;
	unsigned long flags = spin_lock_irqsave(&stacks.lock);
	if (stacks.kept_count)
		kept = stacks.kept[--stacks.kept_count];
	spin_unlock_irqrestore(&stacks.lock, flags);
	if (kept) {
		kasan_unpoison(kept, KSTACK_SIZE);
		return kept;
	}
	long slot = slot_take();
	if (slot < 0)
		return NULL;
	u64 start = STACKS_START + slot * KSTACK_SLOT;
	if (kasan_vmap((void *)start, KSTACK_SIZE) ||
	    map_pages(start, start + KSTACK_SIZE, GFP_KERNEL)) {
		slot_give(slot);
		return NULL;
	}
	arch_kernel_fence(start, KSTACK_SIZE);
	return (void *)start;
}

static void kstack_release(void *stack)
{
	unmap_pages((u64)stack, (u64)stack + KSTACK_SIZE);
	arch_kernel_fence((u64)stack, KSTACK_SIZE);
	slot_give(((u64)stack - STACKS_START) / KSTACK_SLOT);
}

void kstack_free(void *stack)
{
	unsigned long flags = spin_lock_irqsave(&stacks.lock);
	bool keep = stacks.kept_count < STACKS_KEPT;

	if (keep)
		stacks.kept[stacks.kept_count++] = stack;
	spin_unlock_irqrestore(&stacks.lock, flags);
	if (!keep)
		kstack_release(stack);
}

static u64 kstack_shrink(void)
{
	void *kept[STACKS_KEPT];
	unsigned long flags = spin_lock_irqsave(&stacks.lock);
	u32 count = stacks.kept_count;

	memcpy(kept, stacks.kept, count * sizeof(kept[0]));
	stacks.kept_count = 0;
	spin_unlock_irqrestore(&stacks.lock, flags);
	for (u32 i = 0; i < count; i++)
		kstack_release(kept[i]);
	return count;
}
SHRINKER(kstack, kstack_shrink);

u64 kstack_pages_count(void)
{
	return READ_ONCE(stacks.mapped) * (KSTACK_SIZE / PAGE_SIZE);
}

void vmap_init(void)
{
	range_cache = slab_cache_create("vmap_range", sizeof(struct vmap_range), 0, SLAB_PANIC,
					NULL);
	stacks.slots = kmalloc(STACK_SLOTS / 8, GFP_ZERO | GFP_NOFAIL_PANIC);
}
