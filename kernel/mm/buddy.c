// The allocator of page frames: a buddy system with a small cache of single pages on each hart.
//
// Memory is cut in sections of 4 MiB, the largest block. A free block of order k is on the list of
// that order; its head page has PG_BUDDY and the order. Freeing merges a block with its buddy (the
// address with bit k flipped) as long as that is free too.
//
// Initialising a struct page for each frame would take most of the time of a boot, so it is put
// off: sections that were wholly free at boot are "pristine", and their struct pages are only
// written when the section is first needed. Pristine sections are counted as free, and are handed
// out in order of address. Invariant: a section is either pristine (its struct pages must not be
// looked at) or open; merging never leaves a section, so it never meets a pristine one.
//
// Below the reserve only the kernel for itself (a quarter of it), GFP_ATOMIC (half of it), and
// GFP_RESERVE, tasks that are being killed and those that reclaim may go.

#include <arch/irq.h>
#include <arch/string.h>
#include <core/fault_inject.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/printk.h>
#include <core/spinlock.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/kasan.h>
#include <mm/memblock.h>
#include <sched/task.h>

#define SECTION_ORDER    (BUDDY_ORDERS - 1)
#define SECTION_PAGES    (1ul << SECTION_ORDER)
#define HART_CACHE_MAX   64
#define HART_CACHE_BATCH 16
#define HART_ZEROED_MAX  16

struct page *pages;
u64 pages_first, pages_end;

u64 (*reclaim_hook)(void);
bool (*oom_hook)(u32 gfp, unsigned order);

// A run of sections that nobody has touched yet.
struct pristine {
	u64 next, end; // frames
};

#define PRISTINE_MAX 32

static struct spinlock buddy_lock = SPINLOCK_INIT(LOCK_BUDDY);
static struct list_head free_lists[BUDDY_ORDERS]; // [buddy_lock]
static u64 free_blocks[BUDDY_ORDERS];             // [buddy_lock]
static u64 free_total;                            // [buddy_lock] without the harts' caches
static struct pristine pristine[PRISTINE_MAX];    // [buddy_lock]
static int pristine_count;
static u64 total_pages;   // [a]
static u64 reserve_pages; // [I]

// Single pages, kept by the hart; interrupts off while they are touched.
struct page_cache {
	u32 count, zeroed_count;
	struct page *page[HART_CACHE_MAX];
	struct page *zeroed[HART_ZEROED_MAX]; // their contents are zero
};
static PER_HART(struct page_cache, page_cache);

// --- Lists; buddy_lock held ---

static void block_add(struct page *page, unsigned order)
{
	page->flags = PG_BUDDY;
	page->order = order;
	list_add(&page->free_link, &free_lists[order]);
	free_blocks[order]++;
}

static void block_remove(struct page *page, unsigned order)
{
	page->flags = 0;
	list_del(&page->free_link);
	free_blocks[order]--;
}

static void free_locked(struct page *page, unsigned order)
{
	u64 pfn = page_to_pfn(page);

	free_total += 1ul << order;
	for (; order < SECTION_ORDER; order++) {
		u64 buddy_pfn = pfn ^ (1ul << order);

		if (!pfn_valid(buddy_pfn))
			break;
		struct page *buddy = pfn_to_page(buddy_pfn);
		if (!(buddy->flags & PG_BUDDY) || buddy->order != order)
			break;
		block_remove(buddy, order);
		pfn &= ~(1ul << order);
	}
	block_add(pfn_to_page(pfn), order);
}

// Opens one pristine section: now its struct pages exist.
static bool section_open_locked(void)
{
	for (int i = 0; i < pristine_count; i++) {
		struct pristine *run = &pristine[i];

		if (run->next == run->end)
			continue;
		struct page *page = pfn_to_page(run->next);
		memset(page, 0, SECTION_PAGES * sizeof(struct page));
		run->next += SECTION_PAGES;
		block_add(page, SECTION_ORDER);
		return true;
	}
	return false;
}

bool page_opened(u64 pfn)
{
	for (int i = 0; i < pristine_count; i++) {
		if (pfn >= READ_ONCE(pristine[i].next) && pfn < pristine[i].end)
			return false;
	}
	return true;
}

static struct page *alloc_locked(unsigned order)
{
	unsigned have = order;

	for (;;) {
		while (have < BUDDY_ORDERS && list_empty(&free_lists[have]))
			have++;
		if (have < BUDDY_ORDERS)
			break;
		if (!section_open_locked())
			return NULL;
		have = order;
	}
	struct page *page = list_first_entry(&free_lists[have], struct page, free_link);
	block_remove(page, have);
	free_total -= 1ul << order;
	while (have > order) {
		have--;
		block_add(page + (1ul << have), have);
	}
	page->order = order;
	return page;
}

// --- The harts' caches; interrupts off ---

static bool may_take(u32 gfp, u64 count)
{
	u64 keep = reserve_pages;

	if ((gfp & GFP_RESERVE) || (current->flags & TF_MEMALLOC) || task_kill_pending(current))
		keep = 0;
	else if (gfp & GFP_ATOMIC)
		keep /= 2;
	else if (!(gfp & GFP_USER))
		keep -= keep / 4;
	return free_total >= keep + count;
}

static void cache_fill(struct page_cache *cache, u32 gfp)
{
	spin_lock(&buddy_lock);
	while (cache->count < HART_CACHE_BATCH && may_take(gfp, 1)) {
		struct page *page = alloc_locked(0);

		if (!page)
			break;
		cache->page[cache->count++] = page;
	}
	spin_unlock(&buddy_lock);
}

static void cache_drain(struct page_cache *cache, u32 keep)
{
	spin_lock(&buddy_lock);
	while (cache->count > keep)
		free_locked(cache->page[--cache->count], 0);
	while (!keep && cache->zeroed_count)
		free_locked(cache->zeroed[--cache->zeroed_count], 0);
	spin_unlock(&buddy_lock);
}

static struct page *take_zeroed(struct page_cache *cache)
{
	return cache->zeroed_count ? cache->zeroed[--cache->zeroed_count] : NULL;
}

// *zeroed: whether the page is known to be zero.
static struct page *alloc_single(u32 gfp, bool *zeroed)
{
	unsigned long flags = arch_irq_save();
	struct page_cache *cache = &this_hart_var(page_cache);
	struct page *page = (gfp & GFP_ZERO) ? take_zeroed(cache) : NULL;

	*zeroed = page;
	if (!page) {
		if (unlikely(!cache->count))
			cache_fill(cache, gfp);
		page = likely(cache->count) ? cache->page[--cache->count] : take_zeroed(cache);
	}
	arch_irq_restore(flags);
	return page;
}

static struct page *alloc_block(u32 gfp, unsigned order)
{
	unsigned long flags = spin_lock_irqsave(&buddy_lock);
	struct page *page = may_take(gfp, 1ul << order) ? alloc_locked(order) : NULL;

	spin_unlock_irqrestore(&buddy_lock, flags);
	return page;
}

// --- The interface ---

static struct page *alloc_once(u32 gfp, unsigned order, bool *zeroed)
{
	return order ? alloc_block(gfp, order) : alloc_single(gfp, zeroed);
}

static struct page *alloc_slow(u32 gfp, unsigned order, bool *zeroed)
{
	bool may_wait = !(gfp & (GFP_ATOMIC | GFP_NORECLAIM)) && !(current->flags & TF_MEMALLOC);

	// What is only kept to be fast goes before anybody is killed. The reserves are for whoever
	// works at that.
	for (int round = 0; may_wait && round < 16; round++) {
		current->flags |= TF_MEMALLOC;
		if (reclaim_hook)
			reclaim_hook();
		current->flags &= ~TF_MEMALLOC;
		struct page *page = alloc_once(gfp, order, zeroed);
		if (page)
			return page;
		current->flags |= TF_MEMALLOC;
		bool again = oom_hook && oom_hook(gfp, order);
		current->flags &= ~TF_MEMALLOC;
		page = alloc_once(gfp, order, zeroed);
		if (page)
			return page;
		if (!again)
			break;
	}
	if (gfp & GFP_NOFAIL_PANIC)
		panic("memory: out of pages at boot (order %u)", order);
	return NULL;
}

u32 *page_reports_capture;

static void check_poison(struct page *page)
{
	const u8 *at = mem_find_other(page_to_virt(page), POISON_FREE, PAGE_SIZE);

	if (likely(!at))
		return;
	if (page_reports_capture) {
		++*page_reports_capture;
		return;
	}
	pr_err("memory: page %lx was written while free, at offset %lx: %02x\n", page_to_pfn(page),
	       (u64)at % PAGE_SIZE, *at);
	dump_stack();
}

struct page *page_alloc(u32 gfp, unsigned order)
{
	gfp_check(gfp);
	if (fault_should_fail(FAULT_PAGE, gfp) || order >= BUDDY_ORDERS)
		return NULL;
	bool zeroed = false;
	struct page *page = alloc_once(gfp, order, &zeroed);
	if (unlikely(!page) && !(page = alloc_slow(gfp, order, &zeroed)))
		return NULL;
	bool poisoned = page->flags & PG_POISON;
	page->flags = 0;
	page->order = order;
	atomic_set(&page->refs, 1);
	kasan_page_allocated(page, order);
	if (CONFIG_DEBUG && poisoned)
		check_poison(page);
	if ((gfp & GFP_ZERO) && !zeroed) {
		char *at = page_to_virt(page);

		for (u64 i = 0; i < 1ul << order; i++)
			clear_page(at + i * PAGE_SIZE);
	}
	return page;
}

void page_free(struct page *page, unsigned order)
{
	unsigned long flags = arch_irq_save();

	if (CONFIG_DEBUG) {
		BUG_ON(page->flags & (PG_BUDDY | PG_SLAB | PG_RESERVED));
		kasan_unpoison(page_to_virt(page), PAGE_SIZE << order); // the end of a large object
		memset(page_to_virt(page), POISON_FREE, PAGE_SIZE << order);
	}
	kasan_page_freed(page, order);
	page->flags = CONFIG_DEBUG && order == 0 ? PG_POISON : 0;
	atomic_set(&page->refs, 0);
	if (order == 0) {
		struct page_cache *cache = &this_hart_var(page_cache);

		if (unlikely(cache->count == HART_CACHE_MAX))
			cache_drain(cache, HART_CACHE_MAX / 2);
		cache->page[cache->count++] = page;
	} else {
		spin_lock(&buddy_lock);
		free_locked(page, order);
		spin_unlock(&buddy_lock);
	}
	arch_irq_restore(flags);
}

void page_free_zeroed(struct page *page)
{
	unsigned long flags = arch_irq_save();
	struct page_cache *cache = &this_hart_var(page_cache);
	bool keep = cache->zeroed_count < HART_ZEROED_MAX;

	if (CONFIG_DEBUG) {
		BUG_ON(page->flags & (PG_BUDDY | PG_SLAB | PG_RESERVED));
		BUG_ON(mem_find_other(page_to_virt(page), 0, PAGE_SIZE));
	}
	if (keep) {
		kasan_page_freed(page, 0);
		page->flags = 0;
		atomic_set(&page->refs, 0);
		cache->zeroed[cache->zeroed_count++] = page;
	}
	arch_irq_restore(flags);
	if (!keep)
		page_free(page, 0);
}

// --- Counts ---

u64 free_pages_count(void)
{
	u64 count = READ_ONCE(free_total);

	for_each_online_hart (hart) {
		struct page_cache *cache = &hart_var(page_cache, hart->index);

		count += READ_ONCE(cache->count) + READ_ONCE(cache->zeroed_count);
	}
	return count;
}

u64 total_pages_count(void)
{
	return total_pages;
}

void pages_withdraw(u64 count)
{
	__atomic_fetch_sub(&total_pages, count, __ATOMIC_RELAXED);
}

u64 reserve_pages_count(void)
{
	return reserve_pages;
}

// The page may go while it is looked at: then it counts as what it was. An order read from a page that
// has just been taken is still below BUDDY_ORDERS, and what is skipped by it ends in its section.
void page_kinds_count(struct page_kinds *kinds)
{
	memset(kinds, 0, sizeof(*kinds));
	for (u64 pfn = pages_first; pfn < pages_end; pfn++) {
		if (pfn % SECTION_PAGES == 0 && !page_opened(pfn)) {
			pfn += SECTION_PAGES - 1;
			continue;
		}
		struct page *page = pfn_to_page(pfn);
		u16 flags = READ_ONCE(page->flags);

		if (flags & PG_BUDDY)
			pfn += (1ul << MIN(READ_ONCE(page->order), SECTION_ORDER)) - 1;
		else if (flags & PG_ANON)
			kinds->anon += atomic_read(&page->refs) > 0;
		else if (flags & PG_TABLE)
			kinds->tables++;
		else if (flags & PG_CACHE)
			kinds->object_mapped += atomic_read(&page->refs) > 1;
	}
}

void buddy_counts(u64 counts[BUDDY_ORDERS])
{
	unsigned long flags = spin_lock_irqsave(&buddy_lock);

	memcpy(counts, free_blocks, sizeof(free_blocks));
	for (int i = 0; i < pristine_count; i++)
		counts[SECTION_ORDER] += (pristine[i].end - pristine[i].next) / SECTION_PAGES;
	spin_unlock_irqrestore(&buddy_lock, flags);
}

static void drain_this_hart(void *unused)
{
	(void)unused;
	cache_drain(&this_hart_var(page_cache), 0);
}

void page_drain_all(void)
{
	ipi_call(&harts_online, drain_this_hart, NULL, true);
}

// --- Boot ---

static void add_pages(u64 pfn, u64 end)
{
	for (; pfn < end; pfn++) {
		memset(pfn_to_page(pfn), 0, sizeof(struct page));
		free_locked(pfn_to_page(pfn), 0);
	}
}

// Frames that are not free but in the same sections: their struct pages must be valid to look at.
static void mark_reserved(u64 pfn, u64 end)
{
	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_page(pfn);

		memset(page, 0, sizeof(*page));
		page->flags = PG_RESERVED;
		atomic_set(&page->refs, 1);
	}
}

static void add_free_range(u64 start, u64 end)
{
	u64 first = ALIGN_UP(start, SECTION_PAGES), last = ALIGN_DOWN(end, SECTION_PAGES);

	total_pages += end - start;
	kasan_poison(phys_to_virt(start << PAGE_SHIFT), (end - start) << PAGE_SHIFT,
		     KASAN_PAGE_FREE);
	if (first >= last || pristine_count == PRISTINE_MAX) {
		add_pages(start, end);
		return;
	}
	add_pages(start, first);
	add_pages(last, end);
	pristine[pristine_count++] = (struct pristine){first, last};
	free_total += last - first;
}

static void make_array(void)
{
	struct memory_range range;

	pages_first = ~0ul;
	for (int i = 0; memblock_memory_range(i, &range); i++) {
		pages_first = MIN(pages_first, range.start >> PAGE_SHIFT);
		pages_end = MAX(pages_end, range.end >> PAGE_SHIFT);
	}
	pages_first = ALIGN_DOWN(pages_first, SECTION_PAGES);
	u64 size = (pages_end - pages_first) * sizeof(struct page);
	pages = phys_to_virt(memblock_alloc(size, PAGE_SIZE));
}

void buddy_init(void)
{
	struct memory_range range, free;

	for (int order = 0; order < BUDDY_ORDERS; order++)
		list_init(&free_lists[order]);
	make_array();
	u64 done = pages_first;
	for (int i = 0; memblock_memory_range(i, &range); i++) {
		u64 at = range.start;

		while (memblock_free_range(i, at, &free)) {
			mark_reserved(done, free.start >> PAGE_SHIFT);
			add_free_range(free.start >> PAGE_SHIFT, free.end >> PAGE_SHIFT);
			done = free.end >> PAGE_SHIFT;
			at = free.end;
		}
	}
	mark_reserved(done, pages_end);
	reserve_pages = MIN(total_pages / 64, 4096ul);
	kasan_pages_init();
}
