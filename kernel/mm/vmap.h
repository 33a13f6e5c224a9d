// Kernel memory that is contiguous in virtual addresses only, and device registers.
#pragma once

#include <lib/base.h>
#include <mm/gfp.h>

// Pages with an unmapped one before and after. NULL: no memory or no room.
void *vmap_alloc(size_t size, u32 gfp);
void vfree(void *address);
// Maps device registers, uncached as the machine's physical attributes say. NULL: no room.
void *ioremap(u64 pa, size_t size);
void iounmap(void *address);
// Physical address of anything mapped in the kernel.
u64 vmap_to_phys(const void *address);

// Kernel stacks: KSTACK_SIZE bytes, in slots as asm/layout.h says. Freed ones stay mapped in a
// cache, so that most forks need no new mapping and no fence.
void *kstack_alloc(void);
void kstack_free(void *stack);
u64 kstack_pages_count(void);

void vmap_init(void);
