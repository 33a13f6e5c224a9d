// A conservative search for leaks. An object of a slab cache is alive if a word somewhere that is alive
// could be its address, or one inside of it. Alive to begin with are the image's data, the harts'
// variables, and all pages that the kernel uses for itself (stacks, large allocations, the array of
// struct page), but not those of user space; then, step by step, what living objects point to.
//
// Why conservative and not by counting: /proc/census counts, exactly, and the tests compare two counts;
// but it says only how many, where a test knows what should have gone. This finds the object itself,
// whenever, and who allocated it. The price: a stale word, of a dead stack frame say, can hide a leak.
//
// The words are read while all other harts wait, so an object in somebody's registers is on that hart's
// stack. The mark of an object is in its free link, which debug builds keep outside of the object and
// which nobody uses while it is allocated: white, or the next of the grey ones.

#include <arch/irq.h>
#include <core/ipi.h>
#include <core/perhart.h>
#include <core/rcu.h>
#include <mm/buddy.h>
#include <mm/leak.h>
#include <mm/page.h>
#include <mm/slab.h>

#if CONFIG_DEBUG
#define WHITE ((void *)1ul)
#define LAST  ((void *)2ul) // of the grey list

extern char data_start[], kernel_end[]; // linker script

static void *grey; // objects whose words are still to be looked at

static void mark(u64 word)
{
	struct slab_place place;

	if (word < DIRECT_MAP_BASE || word >= VMAP_BASE)
		return;
	u64 pfn = virt_to_phys((void *)word) >> PAGE_SHIFT;
	if (!pfn_valid(pfn) || !page_opened(pfn) || !slab_place((void *)word, &place) ||
	    *place.link != WHITE)
		return;
	*place.link = grey;
	grey = place.object;
}

static void look_at(const void *from, size_t size)
{
	const u64 *at = from;

	for (size_t i = 0; i < size / 8; i++)
		mark(at[i]);
}

static void look_at_grey(void)
{
	while (grey != LAST) {
		struct slab_place place;

		slab_place(grey, &place);
		grey = *place.link;
		*place.link = LAST; // no longer white
		look_at(place.object, place.size);
	}
}

// Calls fn for each block in use that is a slab (or is not, but the kernel's).
static void for_each_block(bool slabs, void (*fn)(struct page *page))
{
	for (u64 pfn = pages_first; pfn < pages_end;) {
		struct page *page = pfn_to_page(pfn);

		if (!page_opened(pfn)) {
			pfn++;
			continue;
		}
		u64 count = (page->flags & (PG_BUDDY | PG_SLAB | PG_LARGE)) ? 1ul << page->order
									    : 1;
		bool user = page->flags & (PG_ANON | PG_CACHE | PG_TABLE | PG_BUDDY | PG_RESERVED);
		if (slabs ? page->flags & PG_SLAB
			  : !user && !(page->flags & PG_SLAB) && page->refs.v > 0)
			fn(page);
		pfn += count;
	}
}

static void whiten(struct page *page)
{
	struct slab_place place;

	for (u64 at = 0; slab_place_in(page, at, &place); at++) {
		if (place.object)
			*place.link = WHITE;
	}
}

static void look_at_page(struct page *page)
{
	u64 count = page->flags & PG_LARGE ? 1ul << page->order : 1;

	look_at(page_to_virt(page), count * PAGE_SIZE);
	look_at_grey();
}

static struct leak *found;
static unsigned found_count, found_max;

static void collect(struct page *page)
{
	struct slab_place place;

	for (u64 at = 0; slab_place_in(page, at, &place); at++) {
		if (!place.object || *place.link != WHITE)
			continue;
		if (found_count < found_max)
			found[found_count] = (struct leak){~(u64)place.object, place.size,
							   place.cache, place.last_user};
		found_count++;
	}
}

// --- The world stands still ---

static u32 standing, moving; // [a]

static void stand_still(void *unused)
{
	(void)unused;
	__atomic_fetch_add(&standing, 1, __ATOMIC_ACQ_REL);
	while (!__atomic_load_n(&moving, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
	__atomic_fetch_sub(&standing, 1, __ATOMIC_ACQ_REL);
}

static void scan_once(struct leak *leaks, unsigned max)
{
	struct hartmask others = {READ_ONCE(harts_online.bits)};

	__builtin_unwind_init(); // our callers' registers onto the stack
	unsigned long flags = arch_irq_save();
	hartmask_clear(&others, hart_index());
	__atomic_store_n(&moving, 0, __ATOMIC_RELEASE);
	ipi_call(&others, stand_still, NULL, false);
	while (__atomic_load_n(&standing, __ATOMIC_ACQUIRE) < hartmask_weight(&others))
		arch_cpu_relax();
	found = leaks;
	found_count = 0;
	found_max = max;
	grey = LAST;
	for_each_block(true, whiten);
	look_at(data_start, kernel_end - data_start);
	for_each_online_hart (hart)
		look_at(perhart_start + hart->perhart_offset, perhart_size());
	for (u64 pfn = pages_first; pfn < pages_end; pfn++) {
		if (page_opened(pfn))
			look_at(pfn_to_page(pfn), sizeof(struct page));
	}
	look_at_grey();
	for_each_block(false, look_at_page);
	for_each_block(true, collect);
	__atomic_store_n(&moving, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&standing, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
	arch_irq_restore(flags);
}

#define CANDIDATES 64

unsigned leak_scan(struct leak *leaks, unsigned max)
{
	static struct leak before[CANDIDATES];
	static u32 busy;
	unsigned both = 0;

	if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return 0; // another one is looking
	scan_once(before, CANDIDATES);
	unsigned first = MIN(found_count, CANDIDATES);
	if (first) {
		rcu_barrier(); // a pause, in which all harts come by
		scan_once(leaks, max);
	}
	for (unsigned i = 0; first && i < MIN(found_count, max); i++) {
		for (unsigned j = 0; j < first; j++) {
			if (leaks[i].hidden == before[j].hidden &&
			    leaks[i].allocated_at == before[j].allocated_at) {
				leaks[both++] = leaks[i];
				break;
			}
		}
	}
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	return both;
}
#else
unsigned leak_scan(struct leak *leaks, unsigned max)
{
	(void)leaks, (void)max;
	return 0;
}
#endif
