// The allocator of page frames.
#pragma once

#include <mm/page.h>

#define BUDDY_ORDERS 11 // blocks of 4 KiB to 4 MiB

// Takes over all memory that memblock does not hold. Once, at boot.
void buddy_init(void);

u64 free_pages_count(void);  // free now, caches of the harts included
u64 total_pages_count(void); // ever under the allocator
// Pages that were allocated are kept for ever, and are not counted any more.
void pages_withdraw(u64 count);
u64 reserve_pages_count(void);

struct page_kinds {
	u64 anon;          // pages of programs' own, those of huge pages among them
	u64 tables;        // user page tables
	u64 object_mapped; // pages of objects that somebody has mapped
};

// Counts the pages in use by kind, exactly but for what changes meanwhile. It looks at each page that
// is not free, so that the paths on which pages come and go count nothing: for files of /proc only.
void page_kinds_count(struct page_kinds *kinds);
// Free blocks of each order, as /proc/buddyinfo shows them.
void buddy_counts(u64 counts[BUDDY_ORDERS]);

// Whether the struct page of a frame (pfn_valid()) may be looked at.
bool page_opened(u64 pfn);

// Gives the pages that harts keep for themselves back, so that counts are exact.
void page_drain_all(void);

// Registered from above: tries to free something, returns the number of pages that are free then and
// were not; and, last, the OOM killer: returns whether to try again.
extern u64 (*reclaim_hook)(void);
extern bool (*oom_hook)(u32 gfp, unsigned order);
