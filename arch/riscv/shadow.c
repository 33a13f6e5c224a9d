// The page tables of shadow memory (mm/kasan.h). At first all of it is one page, which takes writes,
// for functions that run early mark their stack frames. Then memory and the image get shadows of
// their own; for the rest the one page stays, read-only and zero. The vmap area's parts get theirs
// when they are first mapped.
//
// shadow_map_early() runs before paging. Nothing here is instrumented.

#include <arch/mmu.h>
#include <arch/shadow.h>
#include <asm/csr.h>
#include <core/panic.h>
#include <core/spinlock.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/kasan.h>
#include <mm/memblock.h>
#include <mm/page.h>
#include <uapi/errno.h>
#include "boot.h"

#define MEGAPAGE  (2 * MIB)
#define LEAF_RO   (PTE_V | PTE_A | PTE_D | PTE_G | PTE_R)
#define LEAF_RW   (LEAF_RO | PTE_W)
#define SHADOW(a) (((u64)(a) >> 3) + SHADOW_OFFSET)

static u8 zero_page[PAGE_SIZE] ALIGNED(PAGE_SIZE);
static struct pte zero_leaf[PT_ENTRIES] ALIGNED(PAGE_SIZE);   // all lead to zero_page
static struct pte zero_middle[PT_ENTRIES] ALIGNED(PAGE_SIZE); // all lead to zero_leaf
static struct spinlock shadow_lock = SPINLOCK_INIT(LOCK_KERNEL_MAP);
static u64 zero_leaf_pa, zero_page_pa;

static void fill_roots(struct pte *root, u64 middle_pa)
{
	for (u64 i = pt_index(SHADOW_BASE, 2); i <= pt_index(SHADOW_BASE + SHADOW_SIZE - 1, 2); i++)
		root[i] = pte_make(middle_pa >> PAGE_SHIFT, 0);
}

void shadow_map_early(struct pte *root)
{
	zero_page_pa = (u64)zero_page;
	zero_leaf_pa = (u64)zero_leaf;
	for (int i = 0; i < PT_ENTRIES; i++) {
		zero_leaf[i] = pte_make(zero_page_pa >> PAGE_SHIFT, LEAF_RW);
		zero_middle[i] = pte_make(zero_leaf_pa >> PAGE_SHIFT, 0);
	}
	fill_roots(root, (u64)zero_middle);
}

// A table of boot memory, for one of the shared ones.
static struct pte *own_table(struct pte *entry, const struct pte *shared)
{
	if (pte_pfn(*entry) << PAGE_SHIFT == virt_to_phys(shared)) {
		u64 pa = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
		struct pte *table = phys_to_virt(pa);

		for (int i = 0; i < PT_ENTRIES; i++)
			table[i] = shared[i];
		pte_set(entry, pte_make(pa >> PAGE_SHIFT, 0));
	}
	return phys_to_virt(pte_pfn(*entry) << PAGE_SHIFT);
}

// Boot memory behind shadow addresses. Its contents are cleared when it can be reached.
static void map_own(struct pte *root, u64 start, u64 end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	while (start < end) {
		struct pte *middle = own_table(&root[pt_index(start, 2)], zero_middle);
		struct pte *entry = &middle[pt_index(start, 1)];
		bool large = start % MEGAPAGE == 0 && end - start >= MEGAPAGE &&
			     pte_pfn(*entry) << PAGE_SHIFT == zero_leaf_pa;
		u64 size = large ? MEGAPAGE : PAGE_SIZE;

		if (!large) {
			struct pte *leaf = own_table(entry, zero_leaf);

			entry = &leaf[pt_index(start, 0)];
		}
		// Two ranges may meet in a page.
		if (pte_pfn(*entry) << PAGE_SHIFT == zero_page_pa || large)
			pte_set(entry, pte_make(memblock_alloc(size, size) >> PAGE_SHIFT, LEAF_RW));
		start += size;
	}
}

static void clear(u64 start, u64 end)
{
	u64 *at = (u64 *)ALIGN_DOWN(start, PAGE_SIZE), *stop = (u64 *)ALIGN_UP(end, PAGE_SIZE);

	while (at < stop)
		*at++ = 0;
}

void shadow_map(struct pte *root)
{
	struct memory_range range;

	fill_roots(root, virt_to_phys(zero_middle));
	for (int i = 0; memblock_memory_range(i, &range); i++)
		map_own(root, SHADOW(phys_to_virt(range.start)), SHADOW(phys_to_virt(range.end)));
	map_own(root, SHADOW(image_start), SHADOW(kernel_end));
	own_table(&root[pt_index(SHADOW(VMAP_BASE), 2)], zero_middle);
}

void shadow_start(void)
{
	struct memory_range range;

	for (int i = 0; memblock_memory_range(i, &range); i++)
		clear(SHADOW(phys_to_virt(range.start)), SHADOW(phys_to_virt(range.end)));
	clear(SHADOW(image_start), SHADOW(kernel_end));
	for (int i = 0; i < PT_ENTRIES; i++) {
		((u64 *)zero_page)[i] = 0;
		zero_leaf[i] = pte_make(zero_page_pa >> PAGE_SHIFT, LEAF_RO);
	}
	arch_flush_tlb_all();
	kasan_start();
}

// --- The vmap area ---

// Replaces what leads to something shared by a table or a page of its own.
static bool own_entry(struct pte *entry, u64 shared_pa, const struct pte *like, u64 bits)
{
	if (pte_pfn(pte_read(entry)) << PAGE_SHIFT != shared_pa)
		return true;
	struct page *page = page_alloc(GFP_KERNEL | GFP_ZERO | GFP_NOINJECT | GFP_NORECLAIM, 0);
	if (!page)
		return false;
	if (like) {
		struct pte *table = page_to_virt(page);

		for (int i = 0; i < PT_ENTRIES; i++)
			table[i] = like[i];
	}
	unsigned long flags = spin_lock_irqsave(&shadow_lock);
	bool mine = pte_pfn(*entry) << PAGE_SHIFT == shared_pa;
	if (mine) {
		smp_wmb();
		pte_set(entry, pte_make(page_to_pfn(page), bits));
	}
	spin_unlock_irqrestore(&shadow_lock, flags);
	if (mine)
		pages_withdraw(1);
	else
		page_free(page, 0);
	return true;
}

int arch_shadow_populate(u64 start, u64 end)
{
	bool changed = false;

	for (u64 va = start; va < end; va += PAGE_SIZE) {
		struct pte *root = arch_kernel_root();
		struct pte *middle = phys_to_virt(pte_pfn(root[pt_index(va, 2)]) << PAGE_SHIFT);
		struct pte *entry = &middle[pt_index(va, 1)];

		if (!own_entry(entry, zero_leaf_pa, zero_leaf, 0))
			return -ENOMEM;
		struct pte *leaf = phys_to_virt(pte_pfn(pte_read(entry)) << PAGE_SHIFT);
		entry = &leaf[pt_index(va, 0)];
		changed |= pte_pfn(pte_read(entry)) << PAGE_SHIFT == zero_page_pa;
		if (!own_entry(entry, zero_page_pa, NULL, LEAF_RW))
			return -ENOMEM;
	}
	if (changed)
		arch_kernel_fence(start, end - start);
	return 0;
}
