// Changing user page tables: entries and their counts, unmapping, rights, moving.
//
// A leaf entry holds one reference to its page (but for the zero page, which is not counted).
// Entries and tables change under table_lock, after the table was made ours if it was shared
// (pagetable_share.c). Pages and tables that were unlinked are kept until the flush is over, and
// then dropped at once: a flush waits for all harts that run the address space, and also for the
// copies to and from user space on them, which walk the tables with interrupts off (uaccess.c).

#include <arch/irq.h>
#include <arch/string.h>
#include <core/init.h>
#include <core/panic.h>
#include <mm/buddy.h>
#include <mm/pagetable.h>
#include <uapi/errno.h>

#define GATHER_MAX      60
#define GATHER_HUGE_MAX 8

struct page *zero_page;

u64 vma_pte_bits(const struct vma *vma)
{
	u64 bits = PTE_U | PTE_A | PTE_D;

	if (vma->flags & (VM_READ | VM_WRITE))
		bits |= PTE_R;
	if (vma->flags & VM_WRITE)
		bits |= PTE_W;
	if (vma->flags & VM_EXEC)
		bits |= PTE_X | PTE_R;
	if (vma->flags & VM_SHARED)
		bits |= PTE_SHARED;
	return bits;
}

// --- Entries ---

enum mm_counter page_counter(const struct page *page)
{
	if (!(page->flags & PG_CACHE))
		return MM_ANON;
	return page->flags & PG_SHMEM ? MM_SHMEM : MM_FILE;
}

static void count_page(struct mm *mm, struct page *table, struct pte entry, int sign)
{
	struct page *page = entry_page(entry);

	if (page == zero_page)
		return;
	enum mm_counter kind = page_counter(page);
	if (sign < 0)
		mm->peak_rss = MAX(mm->peak_rss, mm_rss(mm));
	table->kinds[kind] += sign;
	mm->counters[kind] += sign;
}

void table_set(struct mm *mm, struct pte *entry, struct pte new)
{
	struct page *table = table_of(entry);
	struct pte old = *entry;

	if (CONFIG_DEBUG)
		BUG_ON(!table_owned(table));
	if ((new.v &(PTE_W | PTE_SHARED)) == PTE_W && (table->flags & PG_WRPROT))
		table->flags &= ~PG_WRPROT;
	bool other_page = pte_none(old) || pte_none(new) || pte_pfn(old) != pte_pfn(new);
	if (other_page && !pte_none(old)) {
		count_page(mm, table, old, -1);
		table->used--;
	}
	if (other_page && !pte_none(new)) {
		unsigned index = ((u64)entry & (PAGE_SIZE - 1)) / sizeof(*entry);

		count_page(mm, table, new, 1);
		table->used++;
		if (index < table->lowest)
			table->lowest = index;
	}
	smp_wmb(); // contents of the page before the entry
	pte_set(entry, new);
}

// --- Unmapping ---

// What was unlinked, until the flush.
struct gather {
	struct mm *mm;
	u64 start, end; // what must be flushed
	bool tables;    // entries of upper levels are among it
	u32 count;
	struct page *page[GATHER_MAX]; // pages, and tables: these have PG_TABLE
	u32 huge_count;
	struct page *huge[GATHER_HUGE_MAX];
};

static void gather_init(struct gather *gather, struct mm *mm)
{
	gather->mm = mm;
	gather->start = ~0ul;
	gather->end = 0;
	gather->tables = false;
	gather->count = gather->huge_count = 0;
}

static void gather_finish(struct gather *gather)
{
	if (gather->tables)
		mm_flush_all(gather->mm);
	else if (gather->start < gather->end)
		mm_flush(gather->mm, gather->start, gather->end - gather->start);
	for (u32 i = 0; i < gather->count; i++) {
		if (gather->page[i]->flags & PG_TABLE)
			table_drop(gather->page[i]);
		else
			page_put(gather->page[i]);
	}
	for (u32 i = 0; i < gather->huge_count; i++)
		huge_put(gather->huge[i]);
	gather_init(gather, gather->mm);
}

static void gather_add(struct gather *gather, struct page *page)
{
	if (unlikely(gather->count == GATHER_MAX))
		gather_finish(gather);
	gather->page[gather->count++] = page;
}

static void gather_range(struct gather *gather, u64 address)
{
	gather->start = MIN(gather->start, address);
	gather->end = MAX(gather->end, address + PAGE_SIZE);
}

static bool filter_takes(const struct table_filter *filter, struct pte entry)
{
	const struct page *page = entry_page(entry);

	if (!filter->mapping)
		return !(entry.v & PTE_GUARD);
	return (page->flags & (filter->copies ? PG_CACHE | PG_COPY : PG_CACHE)) &&
	       page->mapping == filter->mapping && page->index >= filter->first &&
	       page->index <= filter->last;
}

// The first address from which on the table may have something.
static u64 skip_empty(const struct pte *table, u64 address)
{
	u64 lowest = table_of((struct pte *)table)->lowest;
	u64 at = ALIGN_DOWN(address, 1ul << PT_SHIFT(1)) + lowest * PAGE_SIZE;

	return MAX(address, at);
}

// Clears owned entries from address on, up to `end` in the same table.
static void zap_entries(struct gather *gather, struct pte *table, u64 address, u64 end,
			const struct table_filter *only)
{
	struct page *page_of_table = table_of(table);

	for (address = skip_empty(table, address); address < end && page_of_table->used;
	     address += PAGE_SIZE) {
		struct pte *entry = &table[pt_index(address, 0)], old = *entry;

		if (pte_none(old))
			continue;
		struct page *page = entry_page(old);
		if (only && !filter_takes(only, old))
			continue;
		if (unlikely(gather->count == GATHER_MAX))
			gather_finish(gather);
		table_set(gather->mm, entry, (struct pte){0});
		gather_range(gather, address);
		if (page != zero_page)
			gather_add(gather, page);
	}
}

static bool range_empty(const struct pte *table, u64 address, u64 end)
{
	for (address = skip_empty(table, address); address < end; address += PAGE_SIZE) {
		if (!pte_none(table[pt_index(address, 0)]))
			return false;
	}
	return true;
}

// Lets go of a whole table: the entry that leads to it gets empty.
static void unlink_leaf(struct gather *gather, struct pte *entry)
{
	struct page *table = entry_page(*entry);

	table_count(gather->mm, table, -1);
	gather->tables |= pte_present(*entry);
	gather->mm->table_pages--;
	pte_set(entry, (struct pte){0});
	table_of(entry)->used--;
	gather_add(gather, table);
}

static void unlink_huge(struct gather *gather, struct pte *entry, u64 address)
{
	if (gather->huge_count == GATHER_HUGE_MAX)
		gather_finish(gather);
	gather->huge[gather->huge_count++] = huge_unlink(gather->mm, entry);
	gather->start = MIN(gather->start, address);
	gather->end = MAX(gather->end, address + HUGE_SIZE);
}

// Whether no area but the one that goes, which covers [address, end), lies in that leaf table's reach.
static bool block_is_free(struct mm *mm, u64 address, u64 end)
{
	u64 block = ALIGN_DOWN(address, HUGE_SIZE);
	struct vma *vma = address > block ? vma_find(mm, block) : NULL;

	if (vma && vma->end <= address)
		return false;
	vma = end < block + HUGE_SIZE ? vma_find(mm, end) : NULL;
	return !vma || vma->start >= block + HUGE_SIZE;
}

// One leaf table's part of a range. table_lock held. False: the spares did not suffice.
static bool zap_leaf(struct gather *gather, struct pte *middle, u64 address, u64 end,
		     struct spare *spare, bool keep_tables, const struct table_filter *only)
{
	struct pte *entry = &middle[pt_index(address, 1)];
	struct pte old = *entry;

	if (pte_none(old))
		return true;
	if (unlikely(pte_leaf(old))) {
		if (only && only->mapping)
			return true; // it has no page of an object
		if (end - address == HUGE_SIZE) {
			unlink_huge(gather, entry, address);
			return true;
		}
		struct pte *table = leaf_own(gather->mm, middle, address, spare, false);
		if (table)
			zap_entries(gather, table, address, end, only);
		return table;
	}
	if (!keep_tables && end - address == 1ul << PT_SHIFT(1) &&
	    (!only || !(entry_page(old)->flags & PG_GUARDS))) {
		unlink_leaf(gather, entry);
		return true;
	}
	if (table_owned(entry_page(old)) || !range_empty(entry_table(old), address, end)) {
		struct pte *table = leaf_own(gather->mm, middle, address, spare, false);
		if (!table)
			return false;
		zap_entries(gather, table, address, end, only);
	}
	// Not kept when no area is left there, or no huge page could ever come. (What a sharer has of it does
	// not change.)
	if (!keep_tables && !only && !entry_page(*entry)->used &&
	    block_is_free(gather->mm, address, end))
		unlink_leaf(gather, entry);
	return true;
}

static int zap(struct mm *mm, u64 start, u64 end, bool keep_tables, const struct table_filter *only)
{
	struct spare spare = {.count = 0};
	struct gather gather;
	int error = 0;

	gather_init(&gather, mm);
	spin_lock(&mm->table_lock);
	for (u64 at = start; at < end;) {
		u64 root_end = ALIGN_DOWN(at, 1ul << PT_SHIFT(2)) + (1ul << PT_SHIFT(2));
		u64 leaf_end = ALIGN_DOWN(at, 1ul << PT_SHIFT(1)) + (1ul << PT_SHIFT(1));

		if (pte_none(mm->root[pt_index(at, 2)])) {
			at = root_end;
			continue;
		}
		leaf_end = MIN(leaf_end, end);
		struct pte *middle = middle_own(mm, at, &spare, false);
		if (middle && zap_leaf(&gather, middle, at, leaf_end, &spare, keep_tables, only)) {
			at = leaf_end;
			continue;
		}
		spin_unlock(&mm->table_lock);
		bool filled = spare_fill(&spare);
		spin_lock(&mm->table_lock);
		if (!filled) {
			error = -ENOMEM;
			break;
		}
	}
	gather_finish(&gather);
	spin_unlock(&mm->table_lock);
	spare_free(&spare);
	return error;
}

int table_zap(struct mm *mm, u64 start, u64 end)
{
	return zap(mm, start, end, false, NULL);
}

int table_zap_contents(struct mm *mm, u64 start, u64 end)
{
	static const struct table_filter no_guards = {.mapping = NULL};

	return zap(mm, start, end, false, &no_guards);
}

int table_zap_pages(struct mm *mm, u64 start, u64 end, const struct table_filter *filter)
{
	return zap(mm, start, end, true, filter);
}

void tables_free(struct mm *mm)
{
	struct page *tables[PT_ENTRIES / 2];
	unsigned count = 0;

	mm->peak_rss = MAX(mm->peak_rss, mm_rss(mm));
	for (unsigned i = 0; (i = root_next(mm, i)) < PT_ENTRIES / 2; i++) {
		tables[count++] = entry_page(mm->root[i]);
		pte_set(&mm->root[i], (struct pte){0});
	}
	virt_to_page(mm->root)->root_groups = 0;
	mm_flush_all(mm);
	while (count)
		table_drop(tables[--count]);
	for (int i = 0; i < MM_COUNTERS; i++)
		mm->counters[i] = 0;
	mm->table_pages = 0;
}

// --- Rights ---

// The entry with the area's rights; what is private gets the right to be written only by a fault.
static struct pte entry_with_rights(struct pte old, u64 bits)
{
	if (!(bits & PTE_SHARED) && !pte_write(old))
		bits &= ~PTE_W;
	struct pte new = pte_make(pte_pfn(old), (bits & ~PTE_A) | (old.v & PTE_A));
	if (old.v & PTE_GUARD)
		return old;
	if (!(bits & (PTE_R | PTE_X)))
		new.v &= ~PTE_V; // PROT_NONE keeps its page
	return new;
}

static void protect_entries(struct mm *mm, struct pte *table, u64 address, u64 end, u64 bits,
			    struct gather *gather)
{
	for (; address < end; address += PAGE_SIZE) {
		struct pte *entry = &table[pt_index(address, 0)], old = *entry;

		if (pte_none(old))
			continue;
		struct pte new = entry_with_rights(old, bits);
		if (new.v == old.v)
			continue;
		table_set(mm, entry, new);
		if (pte_present(old) && (old.v & ~new.v &(PTE_V | PTE_R | PTE_W | PTE_X)))
			gather_range(gather, address);
	}
}

// Where nothing is mapped, and what is huge. False: a leaf table must be changed.
static bool protect_without_table(struct mm *mm, struct pte *entry, u64 address, u64 end, u64 bits,
				  struct gather *gather)
{
	struct pte old = *entry;

	if (pte_none(old))
		return true;
	if (!pte_leaf(old))
		return range_empty(entry_table(old), address, end);
	if (end - address != HUGE_SIZE || !huge_protect(entry, bits))
		return false;
	gather->start = MIN(gather->start, address);
	gather->end = MAX(gather->end, end);
	return true;
}

int table_protect(struct mm *mm, struct vma *vma, u64 start, u64 end)
{
	struct spare spare = {.count = 0};
	u64 bits = vma_pte_bits(vma);
	struct gather gather;
	int error = 0;

	gather_init(&gather, mm);
	spin_lock(&mm->table_lock);
	for (u64 at = start; at < end;) {
		u64 leaf_end = MIN(end, ALIGN_DOWN(at, 1ul << PT_SHIFT(1)) + (1ul << PT_SHIFT(1)));

		if (pte_none(mm->root[pt_index(at, 2)])) {
			at = ALIGN_DOWN(at, 1ul << PT_SHIFT(2)) + (1ul << PT_SHIFT(2));
			continue;
		}
		struct pte *middle = middle_own(mm, at, &spare, false), *table = NULL;
		if (middle) {
			if (protect_without_table(mm, &middle[pt_index(at, 1)], at, leaf_end, bits,
						  &gather)) {
				at = leaf_end;
				continue;
			}
			table = leaf_own(mm, middle, at, &spare, false);
		}
		if (table) {
			protect_entries(mm, table, at, leaf_end, bits, &gather);
			at = leaf_end;
			continue;
		}
		spin_unlock(&mm->table_lock);
		bool filled = spare_fill(&spare);
		spin_lock(&mm->table_lock);
		if (!filled) {
			error = -ENOMEM;
			break;
		}
	}
	gather_finish(&gather);
	spin_unlock(&mm->table_lock);
	spare_free(&spare);
	return error;
}

// --- Moving ---

// Makes the tables of both ranges ours, so that moving cannot fail.
static int move_prepare(struct mm *mm, u64 from, u64 to, u64 length)
{
	for (u64 done = 0; done < length; done += PAGE_SIZE) {
		bool first = done == 0 || (from + done) % (1ul << PT_SHIFT(1)) == 0 ||
			     (to + done) % (1ul << PT_SHIFT(1)) == 0;

		if (!first)
			continue;
		spin_lock(&mm->table_lock);
		u64 piece = MIN(length - done,
				(1ul << PT_SHIFT(1)) - (from + done) % (1ul << PT_SHIFT(1)));
		bool empty = true;
		for (u64 at = 0; at < piece && empty; at += PAGE_SIZE)
			empty = pte_none(table_peek(mm, from + done + at));
		spin_unlock(&mm->table_lock);
		if (empty)
			continue;
		int whole = piece == HUGE_SIZE ? huge_move_prepare(mm, from + done, to + done) : 0;
		if (whole < 0)
			return whole;
		if (whole)
			continue;
		if (!table_make(mm, from + done) || !table_make(mm, to + done))
			return -ENOMEM;
	}
	return 0;
}

int table_move(struct mm *mm, u64 from, u64 to, u64 length)
{
	int error = move_prepare(mm, from, to, length);

	if (error)
		return error;
	spin_lock(&mm->table_lock);
	for (u64 done = 0; done < length; done += PAGE_SIZE) {
		struct pte *source = table_lookup_owned(mm, from + done);

		if (!source && pte_leaf(table_peek_middle(mm, from + done))) {
			huge_move(mm, from + done, to + done);
			done += HUGE_SIZE - PAGE_SIZE;
			continue;
		}
		if (!source) {
			u64 rest = (1ul << PT_SHIFT(1)) - (from + done) % (1ul << PT_SHIFT(1));
			done += rest - PAGE_SIZE;
			continue;
		}
		if (pte_none(*source))
			continue;
		struct pte moved = *source;
		if (pte_present(moved))
			moved.v |= PTE_D; // it may be written just now: see table_bits.c
		struct pte *target = table_lookup_owned(mm, to + done);
		table_set(mm, source, (struct pte){0});
		table_set(mm, target, moved);
	}
	mm_flush(mm, from, length);
	spin_unlock(&mm->table_lock);
	return 0;
}

// --- Guards ---

int table_guard(struct mm *mm, u64 start, u64 end)
{
	struct pte guard = {pte_make(page_to_pfn(zero_page), PTE_GUARD).v & ~PTE_V};

	for (; start < end; start += PAGE_SIZE) {
		struct pte *entry = table_make(mm, start);

		if (!entry)
			return -ENOMEM;
		spin_lock(&mm->table_lock);
		table_of(entry)->flags |= PG_GUARDS;
		if (pte_none(*entry))
			table_set(mm, entry, guard);
		spin_unlock(&mm->table_lock);
	}
	return 0;
}

// A guard was never valid, so nothing is to be flushed.
void table_unguard(struct mm *mm, u64 start, u64 end)
{
	for (; start < end; start += PAGE_SIZE) {
		spin_lock(&mm->table_lock);
		bool guarded = table_peek(mm, start).v & PTE_GUARD;
		spin_unlock(&mm->table_lock);
		struct pte *entry = guarded ? table_make(mm, start) : NULL;
		if (!entry)
			continue;
		spin_lock(&mm->table_lock);
		table_set(mm, entry, (struct pte){0});
		spin_unlock(&mm->table_lock);
	}
}

static int zero_page_init(void)
{
	zero_page = page_alloc(GFP_KERNEL | GFP_ZERO | GFP_NOFAIL_PANIC, 0);
	zero_page->flags = PG_RESERVED;
	return 0;
}
INITCALL(EARLY, zero_page_init);
