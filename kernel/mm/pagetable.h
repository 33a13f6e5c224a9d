// User page tables: walking, filling, clearing. How they are shared after a fork is told in
// pagetable_share.c; here, "owned" means that no other address space has the table, so that it may
// be changed under table_lock.
#pragma once

#include <mm/mm.h>

// An entry of the upper levels that is valid leads the hardware to a table. One that is not, but
// has this bit, remembers its table: a link.
#define PTE_LINK   PTE_SW0
// A leaf entry of a shared area: writing through it needs no copy.
#define PTE_SHARED PTE_SW1
// A leaf entry that is a guard (madvise): not valid, touching it is an error. It names the zero
// page, so that it needs no counting; its table has PG_GUARDS.
#define PTE_GUARD  PTE_SW0

static inline struct page *entry_page(struct pte entry)
{
	return pfn_to_page(pte_pfn(entry));
}

static inline struct pte *entry_table(struct pte entry)
{
	return phys_to_virt(pte_pfn(entry) << PAGE_SHIFT);
}

// --- Huge entries: see pagetable_huge.c ---

#define HUGE_SIZE (1ul << PT_SHIFT(1))

// What a huge entry (of a middle table: pte_leaf()) says about one of its pages, as a leaf entry
// would say it.
static inline struct pte huge_part(struct pte huge, u64 address)
{
	return (struct pte){huge.v + ((u64)pt_index(address, 0) << PTE_PFN_SHIFT)};
}

// The same for reports: a part of the block of zeroes is the zero page.
struct pte huge_part_shown(struct pte huge, u64 address);
// The block of zeroes, which is not counted.
bool huge_is_zero(struct pte entry);
// Pages of the block of zeroes, which are marked as anonymous and are nobody's: 0 when there is none.
u64 huge_zero_pages_count(void);
// Another entry will map the block: returns what it must be. *narrowed: this one has lost W.
struct pte huge_share(struct pte *entry, bool *narrowed);
// Empties an owned entry; the caller flushes, and then gives the block's share back with huge_put().
// table_lock held.
struct page *huge_unlink(struct mm *mm, struct pte *entry);
void huge_put(struct page *block);
// The entry gets a leaf table, from the deposit, that maps what it mapped. table_lock held.
void huge_split(struct mm *mm, struct pte *entry);
// New rights for the whole. False: it must be split for them. table_lock held.
bool huge_protect(struct pte *entry, u64 bits);
// Takes A or D away. False: D of what others map as well, or of zeroes; nothing is done then.
// table_lock held.
bool huge_clear_bits(struct pte *entry, u64 bits);
// Takes the block away if it has no D and nobody else maps it: how many pages. The middle table is
// owned; table_lock held.
u64 huge_take(struct mm *mm, struct pte *entry, u64 address);
// Whether an entry, if it is huge, can move as it is: 0 or 1; both middle tables are owned then.
// -ENOMEM. map_lock written. The move itself: table_lock held.
int huge_move_prepare(struct mm *mm, u64 from, u64 to);
void huge_move(struct mm *mm, u64 from, u64 to);
// There will be an area's border at the address: no huge entry must lie across. -ENOMEM.
int table_split_at(struct mm *mm, u64 address);
// Whether the 2 MiB from `start` on may be huge in this area at all. map_lock held.
bool huge_fits(const struct vma *vma, u64 start);
// Whether a first touch may make a huge page anywhere in it. map_lock held.
bool huge_eligible(const struct vma *vma);
// A fault where no leaf table is: false if one must be made. map_lock held.
bool huge_fault(struct vma *vma, u64 address, unsigned access);
// Makes one block of what is mapped in the 2 MiB from `start` on. map_lock written. -ENOMEM; -EINVAL:
// there is no table yet, or there are guards.
int huge_collapse(struct vma *vma, u64 start);

struct huge_counts {
	struct atomic64 mapped; // blocks with a huge entry, now
	struct atomic64 fault_alloc, fault_fallback, collapse_alloc, split_entries; // ever
};
extern struct huge_counts huge_counts;

static inline struct page *table_of(const struct pte *entry)
{
	return virt_to_page((const void *)((u64)entry & PAGE_MASK));
}

static inline bool table_owned(const struct page *table)
{
	return atomic_read_acquire(&table->sharers) == 1;
}

// The leaf entry that the hardware would use, or NULL (also for a huge entry). Interrupts off (current's address space
// only), or table_lock held.
static ALWAYS_INLINE struct pte *table_lookup(struct mm *mm, u64 address)
{
	struct pte root = pte_read(&mm->root[pt_index(address, 2)]);

	if (!pte_present(root))
		return NULL;
	struct pte middle = pte_read(&entry_table(root)[pt_index(address, 1)]);
	if (!pte_present(middle) || pte_leaf(middle))
		return NULL;
	return &entry_table(middle)[pt_index(address, 0)];
}

// What the hardware would find for an address, of whatever size; not present: nothing. Conditions as
// above.
static ALWAYS_INLINE struct pte table_translate(struct mm *mm, u64 address)
{
	const struct pte nothing = {0};
	struct pte root = pte_read(&mm->root[pt_index(address, 2)]);

	if (!pte_present(root))
		return nothing;
	struct pte middle = pte_read(&entry_table(root)[pt_index(address, 1)]);
	if (!pte_present(middle))
		return nothing;
	if (unlikely(pte_leaf(middle)))
		return huge_part(middle, address);
	return pte_read(&entry_table(middle)[pt_index(address, 0)]);
}

// The leaf entry if all tables above it are there, valid and owned; else NULL. It stays so while
// the caller holds map_lock (for reading is enough). The second look at the middle entry tells
// that the table was still ours when its sharers were read, see I7 in pagetable_share.c.
static ALWAYS_INLINE struct pte *table_lookup_owned(struct mm *mm, u64 address)
{
	struct pte root = pte_read(&mm->root[pt_index(address, 2)]);

	if (!pte_present(root))
		return NULL;
	struct pte *entry = &entry_table(root)[pt_index(address, 1)];
	struct pte middle = pte_read(entry);
	if (!pte_present(middle) || pte_leaf(middle) || !table_owned(entry_page(middle)) ||
	    pte_read(entry).v != middle.v)
		return NULL;
	return &entry_table(middle)[pt_index(address, 0)];
}

// As that, but makes, takes over or copies what it must. NULL: no memory. map_lock held, no
// spinlock.
struct pte *table_make(struct mm *mm, u64 address);
// Only if there is anything at the address: *entry is NULL otherwise. -ENOMEM.
int table_make_existing(struct mm *mm, u64 address, struct pte **entry);

// A read of a page that a shared table has: maps the table as it is. False: it has no such page,
// the table is owned, or memory is out; then table_make() is the way. map_lock held.
bool table_map_shared(struct mm *mm, u64 address, u64 needed_bits);

// What stands in the leaf entry, through links, without changing anything (for reports).
// table_lock held.
struct pte table_peek(struct mm *mm, u64 address);

// The same for the entry of the middle table.
static inline struct pte table_peek_middle(struct mm *mm, u64 address)
{
	struct pte root = pte_read(&mm->root[pt_index(address, 2)]);

	return pte_none(root) ? root : pte_read(&entry_table(root)[pt_index(address, 1)]);
}

// Where it is. The middle table is owned (table_make() was called). map_lock held.
static inline struct pte *table_middle_entry(struct mm *mm, u64 address)
{
	return &entry_table(mm->root[pt_index(address, 2)])[pt_index(address, 1)];
}

// The first leaf entry that is not empty from *address on; *sharers: entries that lead to its table.
// False: there is none below `end`. table_lock held.
bool table_next(struct mm *mm, u64 *address, u64 end, struct pte *entry, u64 *sharers);

// Replaces an owned leaf entry, keeping counts. `counted`: whether the pages of the old and the new
// one are counted (the zero page is not). table_lock held.
void table_set(struct mm *mm, struct pte *entry, struct pte new);

// Rights of an entry for an area.
u64 vma_pte_bits(const struct vma *vma);

// Unmaps [start, end), drops the pages, flushes. map_lock written. -ENOMEM: a shared table could
// not be copied; a part is unmapped.
int table_zap(struct mm *mm, u64 start, u64 end);
// The same, but guards stay (MADV_DONTNEED).
int table_zap_contents(struct mm *mm, u64 start, u64 end);
// Makes guards of the pages, which were zapped; takes guards away again. map_lock written. -ENOMEM.
int table_guard(struct mm *mm, u64 start, u64 end);
void table_unguard(struct mm *mm, u64 start, u64 end);
// The same for pages of an object that shrinks, of these indexes; keeps tables. No map_lock needed,
// but the address space must not come to its end.
struct table_filter {
	struct mapping *mapping; // NULL: all pages, but no guards
	u64 first, last;
	bool copies; // private copies of them as well
};
int table_zap_pages(struct mm *mm, u64 start, u64 end, const struct table_filter *filter);
// The first entry of the root's user half from `index` on that is not empty; PT_ENTRIES / 2 if there
// is none. table_lock or map_lock held.
unsigned root_next(const struct mm *mm, unsigned index);
// Drops everything below the root; the address space has no user any more.
void tables_free(struct mm *mm);
// Applies new rights to what is mapped. map_lock written. -ENOMEM.
int table_protect(struct mm *mm, struct vma *vma, u64 start, u64 end);
// Clears A of all pages in a range, and flushes. map_lock held. -ENOMEM: some tables were left out.
int table_forget_accesses(struct mm *mm, u64 start, u64 end);
// Anonymous pages of a range that nobody else maps may be taken away until they are written again.
// map_lock held. -ENOMEM.
int table_free_lazily(struct mm *mm, u64 start, u64 end);
// The address space comes to its end: nothing is taken from it any more.
void table_lazy_end(struct mm *mm);
// Moves the entries of a range elsewhere (mremap). -ENOMEM: nothing was moved.
int table_move(struct mm *mm, u64 from, u64 to, u64 length);

// fork: gives `to`, which is empty and unknown to others, all that `from` has. from->map_lock
// written. -ENOMEM.
int tables_share(struct mm *from, struct mm *to);

// Tables with at most so many entries are copied at fork; larger ones are shared. Tests set 0.
extern unsigned share_copy_leaf, share_copy_middle;

// Flushes the harts that have mm loaded, and waits until they have, and until all of them have left
// the copies to and from user space that they were in. May be called with spinlocks held, but with
// interrupts on. Tables were unlinked: size is all.
void mm_flush(struct mm *mm, u64 start, u64 size);
static inline void mm_flush_all(struct mm *mm)
{
	mm_flush(mm, 0, ~0ul);
}

extern struct atomic64 flushes_local, flushes_remote; // calls of mm_flush(), for /proc/vmstat
extern struct page *zero_page; // [I] stands for every anonymous page that was only read
enum mm_counter page_counter(const struct page *page);

// --- Inside: pagetable.c and pagetable_share.c ---

// Pages that wait to become tables, linked by page->chain.
static inline void chain_push(struct page **first, struct page *page)
{
	page->chain = *first;
	*first = page;
}

static inline struct page *chain_pop(struct page **first)
{
	struct page *page = *first;

	*first = page->chain;
	return page;
}

// Such that were allocated before table_lock was taken. Who needed more than there were says so.
struct spare {
	struct page *first;
	unsigned count, wanted;
};
bool spare_fill(struct spare *spare); // false: no memory
void spare_free(struct spare *spare);
// A huge entry of a middle table that is ours, or that we make, comes or goes. table_lock held.
static inline void huge_deposit(struct page *middle, struct page *page)
{
	chain_push(&middle->chain, page);
	middle->huge_entries++;
}

static inline struct page *huge_withdraw(struct page *middle)
{
	middle->huge_entries--;
	return chain_pop(&middle->chain);
}

// The middle table for an address, or NULL if the spares did not suffice (`create`: makes it if
// nothing is there; otherwise NULL then too). table_lock held.
struct pte *middle_own(struct mm *mm, u64 address, struct spare *spare, bool create);
struct pte *leaf_own(struct mm *mm, struct pte *middle, u64 address, struct spare *spare,
		     bool create);
// One entry less leads to the table; the last drops what it holds.
void table_drop(struct page *table);
void table_init_page(struct page *page, unsigned level);
// An entry of a middle table that was empty is in use now.
void entry_note_used(struct pte *entry);
// mm no longer has (sign -1) what is in a leaf table.
void table_count(struct mm *mm, const struct page *leaf, int sign);
