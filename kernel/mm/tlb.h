// Loading address spaces; mm_flush() is in pagetable.h.
#pragma once

#include <lib/base.h>

struct mm;

// A number that no address space had before.
u64 tlb_new_id(void);

// This hart goes over to an address space. Interrupts off; the caller clears the hart's bit in the
// mask of what it leaves, afterwards.
void tlb_load(struct mm *mm);
