// Address spaces as the machine sees them.
#pragma once

#include <arch/pte.h>
#include <asm/layout.h>
#include <lib/base.h>

struct hartmask;

static inline void *phys_to_virt(u64 pa)
{
	return (void *)(pa + DIRECT_MAP_BASE);
}

// Of direct-map addresses, and of the kernel image.
u64 virt_to_phys_image(const void *va);

static inline u64 virt_to_phys(const void *va)
{
	if (likely((u64)va < VMAP_BASE))
		return (u64)va - DIRECT_MAP_BASE;
	return virt_to_phys_image(va);
}

// The root table of the kernel: its upper half is that of every address space.
struct pte *arch_kernel_root(void);

// Fills the upper half of a new root; the lower is the caller's (zeroed).
void arch_root_init(struct pte *root);

// Loads an address space on this hart, under a number; nothing is forgotten. Interrupts off.
void arch_mm_switch(struct pte *root, u32 asid);
// How many numbers this hart has, 0 included: at least 1. Interrupts off.
u32 arch_asid_count(void);
// Forgets what was translated under a number, but nothing of the kernel's; all of it, or one page.
void arch_flush_asid(u32 asid);
void arch_flush_asid_page(u64 va, u32 asid);

// Forgets translations: of this hart; of a set of harts, waiting until they have. Interrupts on or
// off for the local ones; the remote one must not be called with interrupts off.
void arch_flush_tlb_page(u64 va);
void arch_flush_tlb_all(void);
void arch_flush_tlb_remote(const struct hartmask *harts, u64 start, u64 size);

// Maps and unmaps pages of the vmap area in the kernel's tables, with PTE_R|W|X bits. The caller
// fences all harts after either, once (a kernel stack cannot take a spurious fault).
// -ENOMEM: no page table.
int arch_kernel_map(u64 va, u64 pa, u64 size, u64 bits);
void arch_kernel_unmap(u64 va, u64 size);
void arch_kernel_fence(u64 va, u64 size);

// After code was written: so that instruction fetches see it.
void arch_icache_flush_local(void);
void arch_icache_flush_remote(const struct hartmask *harts);
