// Page tables of the kernel, and the translation caches.
//
// At boot paging starts with a rough map (boot_map_early): the image, and the gigabytes of the
// direct map that hold the image and the device tree. mmu_init() then builds the real one, with
// nothing both writable and executable: the image's text and constants are read-only also where the
// direct map shows them.
//
// The upper half of the root is the same in every address space: its tables are all made here, so
// that a later change below them is seen everywhere. Address-space numbers are given in mm/tlb.c.

#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/string.h>
#include <asm/csr.h>
#include <core/hart.h>
#include <core/panic.h>
#include <core/spinlock.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/buddy.h>
#include <mm/page.h>
#include <uapi/errno.h>
#include "boot.h"
#include "sbi.h"

#define GIGABYTE    (1ul << 30)
#define MEGAPAGE    (2 * MIB)
#define KERNEL_LEAF (PTE_V | PTE_A | PTE_D | PTE_G)
#define KERNEL_RW   (KERNEL_LEAF | PTE_R | PTE_W)
#define KERNEL_RX   (KERNEL_LEAF | PTE_R | PTE_X)
#define KERNEL_RO   (KERNEL_LEAF | PTE_R)

static struct pte early_root[PT_ENTRIES] ALIGNED(PAGE_SIZE);
static struct pte early_image[PT_ENTRIES] ALIGNED(PAGE_SIZE);
static struct pte *kernel_root = early_root;
static u64 image_pa; // physical address of image_start
static struct spinlock kernel_map_lock = SPINLOCK_INIT(LOCK_KERNEL_MAP);

static inline u64 satp_of(u64 root_pa)
{
	return SATP_SV39 | (root_pa >> PAGE_SHIFT);
}

// --- Before paging: physical addresses, only pc-relative references ---

static void early_gigabyte(struct pte *root, u64 pa)
{
	u64 base = ALIGN_DOWN(pa, GIGABYTE);

	root[pt_index(DIRECT_MAP_BASE + base, 2)] = pte_make(base >> PAGE_SHIFT, KERNEL_RW);
}

// Called by head.S. Returns the value for satp.
u64 boot_map_early(u64 start_pa, u64 dtb_pa)
{
	struct pte *root = early_root;
	struct pte *image = early_image;

	root[pt_index(KERNEL_BASE, 2)] = pte_make((u64)image >> PAGE_SHIFT, 0);
	for (int i = 0; i < 8; i++)
		image[pt_index(KERNEL_BASE, 1) + i] = pte_make(
			(start_pa + i * MEGAPAGE) >> PAGE_SHIFT, KERNEL_RW | PTE_X);
	early_gigabyte(root, start_pa);
	early_gigabyte(root, start_pa + 16 * MIB);
	early_gigabyte(root, dtb_pa);
	early_gigabyte(root, dtb_pa + 2 * MIB);
	image_pa = start_pa;
	shadow_map_early(root);
	return satp_of((u64)root);
}

// The gigabyte around a device that is needed before ioremap() works. It is mapped in the early
// tables, and in the real ones if there is no memory in it.
static int early_device_slot; // 0: none

// Paging is on already.
void *mmu_early_device(u64 pa, size_t size)
{
	if (pa >= DIRECT_MAP_SIZE || pa % GIGABYTE + size > GIGABYTE)
		return NULL;
	if (early_device_slot && early_device_slot != (int)pt_index(DIRECT_MAP_BASE + pa, 2))
		return NULL;
	early_device_slot = pt_index(DIRECT_MAP_BASE + pa, 2);
	early_gigabyte(early_root, pa);
	arch_flush_tlb_all();
	return (void *)(DIRECT_MAP_BASE + pa);
}

// --- The real map ---

u64 virt_to_phys_image(const void *va)
{
	return (u64)va - KERNEL_BASE + image_pa;
}

struct pte *arch_kernel_root(void)
{
	return kernel_root;
}

u64 boot_image_pa(void)
{
	return image_pa;
}

// A zeroed table from boot memory.
static struct pte *table_new(void)
{
	void *table = phys_to_virt(memblock_alloc(PAGE_SIZE, PAGE_SIZE));

	clear_page(table);
	return table;
}

static struct pte *next_table(struct pte *entry)
{
	if (!pte_present(*entry))
		pte_set(entry, pte_make(virt_to_phys(table_new()) >> PAGE_SHIFT, 0));
	return phys_to_virt(pte_pfn(*entry) << PAGE_SHIFT);
}

// Maps [va, va + size) with the largest pages that fit. Boot only.
static void map_range(u64 va, u64 pa, u64 size, u64 bits)
{
	while (size) {
		struct pte *table = kernel_root;
		int level = 2;

		while (level > 0 && ((va | pa) & ((1ul << PT_SHIFT(level)) - 1) ||
				     size < 1ul << PT_SHIFT(level)))
			table = next_table(&table[pt_index(va, level--)]);
		pte_set(&table[pt_index(va, level)], pte_make(pa >> PAGE_SHIFT, bits));
		u64 step = 1ul << PT_SHIFT(level);
		va += step;
		pa += step;
		size -= step;
	}
}

static void map_direct(u64 pa, u64 end, u64 bits)
{
	if (pa < end)
		map_range(DIRECT_MAP_BASE + pa, pa, end - pa, bits);
}

// A range of memory in the direct map; where the image's text and constants are, read-only.
static void map_memory(u64 pa, u64 end)
{
	u64 protected = virt_to_phys_image(text_start);
	u64 protected_end = virt_to_phys_image(rodata_end);

	map_direct(pa, MIN(end, MAX(pa, protected)), KERNEL_RW);
	map_direct(MAX(pa, protected), MIN(end, protected_end), KERNEL_RO);
	map_direct(MAX(pa, protected_end), end, KERNEL_RW);
}

static void map_image(void)
{
	struct {
		char *start, *end;
		u64 bits;
	} parts[] = {
		{text_start, text_end, KERNEL_RX},
		{rodata_start, rodata_end, KERNEL_RO},
		{data_start, kernel_end, KERNEL_RW},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		map_range((u64)parts[i].start, virt_to_phys_image(parts[i].start),
			  parts[i].end - parts[i].start, parts[i].bits);
}

// Boot memory comes from the gigabyte of the image, which the early map covers, so the new tables
// can be reached while they are built. Everything is then switched to at once.
void mmu_init(void)
{
	struct memory_range range;

	kernel_root = table_new();
	for (int i = 0; memblock_memory_range(i, &range); i++)
		map_memory(ALIGN_UP(range.start, PAGE_SIZE), ALIGN_DOWN(range.end, PAGE_SIZE));
	map_image();
	for (u64 va = VMAP_BASE; va < VMAP_BASE + VMAP_SIZE; va += GIGABYTE)
		next_table(&kernel_root[pt_index(va, 2)]);
	shadow_map(kernel_root);
	if (early_device_slot && pte_present(kernel_root[early_device_slot])) {
		early_device_slot = 0;
		power_forget_early();
	}
	if (early_device_slot)
		pte_set(&kernel_root[early_device_slot], early_root[early_device_slot]);
	csr_write(satp, satp_of(virt_to_phys(kernel_root)));
	arch_flush_tlb_all();
	shadow_start();
}

void mmu_forget_early_device(void)
{
	if (early_device_slot)
		pte_set(&kernel_root[early_device_slot], (struct pte){0});
	arch_flush_tlb_all();
}

void arch_root_init(struct pte *root)
{
	memcpy(&root[PT_ENTRIES / 2], &kernel_root[PT_ENTRIES / 2], PAGE_SIZE / 2);
}

void arch_mm_switch(struct pte *root, u32 asid)
{
	csr_write(satp, satp_of(virt_to_phys(root)) | (u64)asid << SATP_ASID_SHIFT);
}

// Bits of satp that are not there read as zero. What is translated meanwhile under the number with
// all bits set is the same as before; it is forgotten at once, as the number may be used later.
u32 arch_asid_count(void)
{
	u64 old = csr_read(satp);

	csr_write(satp, old | SATP_ASID_MASK << SATP_ASID_SHIFT);
	u64 mask = csr_read(satp) >> SATP_ASID_SHIFT & SATP_ASID_MASK;
	csr_write(satp, old);
	arch_flush_tlb_all();
	return mask + 1;
}

u64 boot_satp(void)
{
	return satp_of(virt_to_phys(kernel_root));
}

// --- Translation caches ---

void arch_flush_tlb_page(u64 va)
{
	__asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory");
}

void arch_flush_asid(u32 asid)
{
	__asm__ volatile("sfence.vma zero, %0" ::"r"((u64)asid) : "memory");
}

void arch_flush_asid_page(u64 va, u32 asid)
{
	__asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"((u64)asid) : "memory");
}

void arch_flush_tlb_all(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

// The firmware takes masks of 64 consecutive hart ids; ours are by index. One call for each 64.
static void for_hwid_masks(const struct hartmask *harts_wanted,
			   void (*fn)(u64 mask, u64 base, u64 start, u64 size), u64 start, u64 size)
{
	u64 left = harts_wanted->bits & harts_online.bits;

	while (left) {
		u64 base = ~0ul, mask = 0;

		for (u64 bits = left; bits; bits &= bits - 1)
			base = MIN(base, harts[bits_first(bits)].hwid);
		for (u64 bits = left; bits; bits &= bits - 1) {
			u32 index = bits_first(bits);

			if (harts[index].hwid - base < 64) {
				mask |= 1ul << (harts[index].hwid - base);
				left &= ~(1ul << index);
			}
		}
		fn(mask, base, start, size);
	}
}

void arch_flush_tlb_remote(const struct hartmask *wanted, u64 start, u64 size)
{
	struct hartmask others = *wanted;
	u32 self = hart_index();

	if (hartmask_test(&others, self)) {
		if (size == PAGE_SIZE)
			arch_flush_tlb_page(start);
		else
			arch_flush_tlb_all();
		hartmask_clear(&others, self);
	}
	// Beyond some pages one flush of everything is cheaper than many of one.
	if (size > 32 * PAGE_SIZE) {
		start = 0;
		size = ~0ul;
	}
	if (!hartmask_empty(&others))
		for_hwid_masks(&others, sbi_remote_sfence, start, size);
}

static void fence_i(u64 mask, u64 base, u64 start, u64 size)
{
	(void)start, (void)size;
	sbi_remote_fence_i(mask, base);
}

void arch_icache_flush_local(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}

void arch_icache_flush_remote(const struct hartmask *wanted)
{
	struct hartmask others = *wanted;

	arch_icache_flush_local();
	hartmask_clear(&others, hart_index());
	if (!hartmask_empty(&others))
		for_hwid_masks(&others, fence_i, 0, 0);
}

// --- The vmap area ---

// The level-0 entry for a vmap address; makes the table if it is missing. Tables are never freed: there
// are as many as the most stacks and ranges at one time have needed.
static struct pte *vmap_entry(u64 va)
{
	struct pte *table = phys_to_virt(pte_pfn(kernel_root[pt_index(va, 2)]) << PAGE_SHIFT);
	struct pte *entry = &table[pt_index(va, 1)];

	if (!pte_present(pte_read(entry))) {
		struct page *page = page_alloc(GFP_KERNEL | GFP_ZERO | GFP_NORECLAIM, 0);
		if (!page)
			return NULL;
		spin_lock(&kernel_map_lock);
		if (!pte_present(*entry)) {
			smp_wmb();
			pte_set(entry, pte_make(page_to_pfn(page), 0));
			pages_withdraw(1);
			page = NULL;
		}
		spin_unlock(&kernel_map_lock);
		if (page)
			page_free(page, 0);
	}
	table = phys_to_virt(pte_pfn(pte_read(entry)) << PAGE_SHIFT);
	return &table[pt_index(va, 0)];
}

int arch_kernel_map(u64 va, u64 pa, u64 size, u64 bits)
{
	for (u64 done = 0; done < size; done += PAGE_SIZE) {
		struct pte *entry = vmap_entry(va + done);

		if (!entry) {
			arch_kernel_unmap(va, done);
			return -ENOMEM;
		}
		pte_set(entry, pte_make((pa + done) >> PAGE_SHIFT, KERNEL_LEAF | bits));
	}
	return 0;
}

void arch_kernel_unmap(u64 va, u64 size)
{
	for (u64 done = 0; done < size; done += PAGE_SIZE) {
		struct pte *entry = vmap_entry(va + done);

		if (entry)
			pte_set(entry, (struct pte){0});
	}
}

void arch_kernel_fence(u64 va, u64 size)
{
	arch_flush_tlb_remote(&harts_online, va, size);
}
