// One struct page for each frame of memory.
//
// They lie in one array from the first frame to the last, holes included, so that frame numbers and
// pages translate by arithmetic. Pages of memory that was never allocated are not initialised: see
// the theory in buddy.c.
#pragma once

#include <arch/mmu.h>
#include <core/atomic.h>
#include <lib/base.h>
#include <lib/list.h>
#include <mm/gfp.h>

struct mapping;
struct slab_cache;

enum page_flags {
	PG_BUDDY = 1 << 0, // head of a free block in the buddy's lists
	PG_SLAB = 1 << 1,  // part of a slab; `slab` is its head page
	PG_TABLE = 1 << 2, // a user page table
	PG_ANON = 1 << 3,  // anonymous user page
	PG_CACHE = 1 << 4, // in a page cache: mapping and index hold
	PG_DIRTY = 1 << 5,
	PG_UPTODATE = 1 << 6,
	PG_RESERVED = 1 << 7, // never was the allocator's
	PG_WRPROT = 1 << 8,   // leaf table: no private page can be written through it
	PG_LARGE = 1 << 9,    // head of a block that kmalloc took directly
	PG_COPY =
		1
		<< 12, // (with PG_ANON) copied from an object's page: mapping and index tell which
	PG_GUARDS = 1 << 11, // leaf table: may have guard entries
	PG_SHMEM = 1 << 10,  // (with PG_CACHE) of shared memory or tmpfs, not of a file
	PG_POISON = 1 << 14, // free, in a hart's cache, and filled with POISON_FREE (debug builds)
	PG_LAZY = 1 << 13,   // leaf table: may have pages that may be taken away (table_bits.c)
};

// Legend: [own] whoever allocated the page, by its own lock; [a] atomic; [buddy] buddy_lock.
struct page {
	u16 flags; // [own]
	u8 order;  // [own, buddy] of the block that it heads
	u8 pad;
	struct atomic refs; // [a] 0 = free
	union {
		struct list_head free_link; // [buddy]
		struct {                    // page cache
			struct mapping *mapping;
			u64 index;
		};
		struct { // slab; see slab.c
			struct slab_cache *cache;
			void *freelist;
		};
		struct {                       // user page table; see pagetable_share.c
			struct atomic sharers; // [a] entries that lead to it
			u16 used;              // [owner] entries that are not empty
			u16 lowest;            // [owner] no entry below is in use
			u16 kinds[3];          // [owner] of a leaf table: pages by enum mm_counter
			u16 level;             // [I] 0 = leaf table
		};
	};
	union {
		struct list_head slab_link; // [cache lock]
		struct {                    // user pages
			struct atomic maps; // [a] of the first of a block: huge entries
		};
		struct {                    // page table; see pagetable_huge.c
			struct page *chain; // [owner] of a middle one: its deposit, linked by this
			u32 huge_entries; // [owner] of a middle one; the deposit has as many pages
		};
		u64 root_groups; // [table_lock] of a root: see root_next() in pagetable_share.c
	};
};

_Static_assert(sizeof(struct page) == 40, "struct page");

extern struct page *pages;         // [I] of frame pages_first
extern u64 pages_first, pages_end; // [I] frames

static inline bool pfn_valid(u64 pfn)
{
	return pfn >= pages_first && pfn < pages_end;
}

static inline struct page *pfn_to_page(u64 pfn)
{
	return &pages[pfn - pages_first];
}

static inline u64 page_to_pfn(const struct page *page)
{
	return page - pages + pages_first;
}

static inline u64 page_to_phys(const struct page *page)
{
	return page_to_pfn(page) << PAGE_SHIFT;
}

static inline void *page_to_virt(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

static inline struct page *virt_to_page(const void *address)
{
	return pfn_to_page(virt_to_phys(address) >> PAGE_SHIFT);
}

// Allocates 2^order pages with one reference on the head. NULL: no memory. Contents are undefined
// unless GFP_ZERO.
struct page *page_alloc(u32 gfp, unsigned order);

// Debug builds fill what is freed with this, and look whether it is still there when a page that the
// hart has kept is taken again. Reports are only counted here, if this is set (self-tests).
#define POISON_FREE 0x6b
extern u32 *page_reports_capture;

// Gives a block back that nobody else refers to.
void page_free(struct page *page, unsigned order);

// The same for a single page that is all zero, as page tables are when their last entry has gone:
// it is kept for somebody who asks for GFP_ZERO.
void page_free_zeroed(struct page *page);

static inline void page_get(struct page *page)
{
	atomic_inc(&page->refs);
}

// Drops a reference; the last frees the block.
static inline void page_put(struct page *page)
{
	if (atomic_dec_and_test_release(&page->refs))
		page_free(page, page->order);
}

// A zeroed or raw page by address; NULL: no memory.
static inline void *page_alloc_virt(u32 gfp)
{
	struct page *page = page_alloc(gfp, 0);

	return page ? page_to_virt(page) : NULL;
}

static inline void page_free_virt(void *address)
{
	page_free(virt_to_page(address), 0);
}
