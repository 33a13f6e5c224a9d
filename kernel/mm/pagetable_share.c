// Sharing of page tables after fork.
//
// Theory. fork does not copy page tables: parent and child go on with the same ones, and a table
// is copied when one of them first changes something under it. On RISC-V an entry of the upper
// levels has no permission bits, so a shared table cannot be write-protected from above. Instead:
//
//  - Each table's struct page counts the entries that lead to it (`sharers`). Shared means > 1.
//  - fork turns an entry into a *link* on both sides: invalid, but it remembers the table. The
//    first access to the 2 MiB (or the GiB, one level up) faults, and settles what is to be done.
//  - A leaf table may also be mapped while it is shared, by a valid entry, once it has been
//    write-protected as a whole (PG_WRPROT: no private page can be written through it). Such a
//    table stays mapped at the next fork: nothing is invalidated.
//  - A middle table is never mapped while it is shared: its first user copies its (at most 512)
//    entries, which shares the leaf tables below.
//
// Pages count one reference for each leaf table that maps them, however many address spaces share
// that table. Tables that have few entries are copied at fork (share_copy_leaf, _middle): for
// those that both sides use at once, as the stack's, that is cheaper than two faults.
//
// Invariants. "mm changes X" means: under mm->table_lock.
//  I1  A valid root entry leads to a middle table with sharers == 1.
//  I2  A valid middle entry is huge, or leads to a leaf table that has sharers == 1 or PG_WRPROT.
//  I3  A shared table changes only in ways that all sharers may see: private pages lose the right
//      to be written, PG_WRPROT and A bits are set, valid entries of middle tables become links.
//      All these are idempotent, so sharers may do them at the same time without a lock in common.
//      The same holds for the W of a huge entry under a shared middle table (pagetable_huge.c).
//  I4  A sharer stops reading a table before it drops its share; sharers only rises in the hands
//      of one who has a share. So who sees sharers == 1, and has that one share, owns the table:
//      it may change it at will, and nobody else looks.
//  I5  A private page may be written through an entry only if its leaf table is owned, and the page
//      was reached by no other table when the entry was made writable (refs == 1).
//  I6  An entry that was valid for the hardware when its table was left (copied, unlinked) is
//      flushed on all harts of the address space before the share is dropped (I4 then lets others
//      change or free the table while no hart of ours walks it). The flush is an interrupt which
//      waits; copies to and from user space walk the tables with interrupts off, so they have
//      ended as well.
//  I7  map_lock, held for writing, keeps faults out. While it is held for reading, a table that is
//      owned stays owned, and stays in its place.
//
// Two processes that fault on the same table at the same time may both see it shared, and both
// copy it; the one who drops the last share then finds that it has to tear down the table, which
// is harmless. Nobody waits for anybody. The models beside this file (pagetable_share.pml for leaf
// tables, pagetable_middle.pml for those above) have two to three processes doing all this at once;
// `spin` checks I1, I2, I4 and I5 and that no page is freed while it is mapped.
//
// Counts stay exact: a leaf table knows how many pages of each kind it maps. What an address space
// shares is counted in full to it, as on Linux; it changes when the address space leaves a table.
//
// To look at in gdb: p/x *(struct page *)$table -> sharers, used, kinds, flags.

#include <arch/string.h>
#include <core/panic.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/pagetable.h>
#include <uapi/errno.h>

unsigned share_copy_leaf = 64, share_copy_middle = 8;

// --- Tables ---

void table_init_page(struct page *page, unsigned level)
{
	page->flags = PG_TABLE;
	atomic_set(&page->sharers, 1);
	page->used = 0;
	page->lowest = PT_ENTRIES;
	page->kinds[0] = page->kinds[1] = page->kinds[2] = 0;
	page->level = level;
	page->chain = NULL;
	page->huge_entries = 0;
}

static bool spare_fill_to(struct spare *spare, unsigned count)
{
	while (spare->count < count) {
		struct page *page = page_alloc(GFP_KERNEL | GFP_ZERO, 0);

		if (!page)
			return false;
		chain_push(&spare->first, page);
		spare->count++;
	}
	return true;
}

// Enough for a table of each level, and for what is missing.
bool spare_fill(struct spare *spare)
{
	unsigned count = MAX(spare->wanted, 2u);

	spare->wanted = 0;
	return spare_fill_to(spare, count);
}

static struct page *spare_pop(struct spare *spare)
{
	spare->count--;
	return chain_pop(&spare->first);
}

void spare_free(struct spare *spare)
{
	while (spare->count)
		page_free_zeroed(spare_pop(spare));
}

static struct page *spare_take(struct spare *spare, unsigned level)
{
	if (!spare->count)
		return NULL;
	struct page *page = spare_pop(spare);
	table_init_page(page, level);
	return page;
}

// A new middle table for all that `table` has, with a deposit for its huge entries. NULL: the spares
// do not suffice.
static struct page *spare_take_middle(struct spare *spare, const struct page *table)
{
	if (spare->count < 1 + table->huge_entries) {
		spare->wanted = 2 + table->huge_entries;
		return NULL;
	}
	struct page *copy = spare_take(spare, 1);
	while (copy->huge_entries < table->huge_entries)
		huge_deposit(copy, spare_pop(spare));
	return copy;
}

static inline struct pte entry_link(struct pte entry)
{
	return (struct pte){(entry.v & ~PTE_V) | PTE_LINK};
}

static inline struct pte entry_valid(struct pte entry)
{
	return pte_make(pte_pfn(entry), 0);
}

void table_count(struct mm *mm, const struct page *leaf, int sign)
{
	if (sign < 0)
		mm->peak_rss = MAX(mm->peak_rss, mm_rss(mm));
	for (int i = 0; i < MM_COUNTERS; i++)
		mm->counters[i] += sign * (s64)leaf->kinds[i];
}

// --- The root ---

// A root has 256 entries for user space, of which few are used. Its struct page tells which groups of
// four may have some (a bit is set when an entry is filled, and stays).
#define ROOT_GROUP 4

static void root_note(const struct mm *mm, const struct pte *entry)
{
	virt_to_page(mm->root)->root_groups |= 1ul << (entry - mm->root) / ROOT_GROUP;
}

unsigned root_next(const struct mm *mm, unsigned index)
{
	u64 groups = virt_to_page(mm->root)->root_groups;

	while (index < PT_ENTRIES / 2) {
		u64 left = groups >> index / ROOT_GROUP;

		if (!left)
			break;
		if (!(left & 1)) {
			index = ALIGN_DOWN(index, ROOT_GROUP) + bits_first(left) * ROOT_GROUP;
			continue;
		}
		if (!pte_none(mm->root[index]))
			return index;
		index++;
	}
	return PT_ENTRIES / 2;
}

// --- Dropping ---

// Debug builds: `used` told of all entries of a table that is freed (what it missed would be lost),
// and its counts of pages of all that it mapped.
static void table_check_empty(const struct pte *table, s64 pages_unaccounted)
{
	BUG_ON(pages_unaccounted);
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		BUG_ON(!pte_none(table[i]));
}

// Copying and dropping tables is nothing but walking their entries, so what it takes to find the
// count of a page's references stays in registers: the multiplication is by a size that the compiler
// does not know, or it would choose four instructions in its place.
struct frames {
	u64 base, size;
	const struct atomic *zero;
};

static ALWAYS_INLINE struct frames frames_now(void)
{
	u64 size = sizeof(struct page);

	__asm__("" : "+r"(size));
	return (struct frames){(u64)&pages->refs - pages_first * sizeof(struct page), size,
			       &zero_page->refs};
}

static ALWAYS_INLINE struct atomic *refs_of(struct frames frames, struct pte entry)
{
	return (struct atomic *)(frames.base + (entry.v >> PTE_PFN_SHIFT) * frames.size);
}

// A table with more entries is walked to its end, in steps of so many; another one until all that it
// has were met.
#define WALK_WHOLE (PT_ENTRIES / 2)
#define WALK_STEP  8

// A table is emptied while it is walked: a page of zeroes is worth keeping.
static ALWAYS_INLINE void entry_free(struct frames frames, struct pte *entry, s64 *counted)
{
	struct atomic *refs = refs_of(frames, *entry);

	*entry = (struct pte){0};
	if (unlikely(refs == frames.zero))
		return;
	if (CONFIG_DEBUG)
		--*counted;
	page_put(container_of(refs, struct page, refs));
}

static void leaf_free(struct page *table)
{
	struct pte *entry = page_to_virt(table), *end = entry + PT_ENTRIES;
	s64 counted = (s64)table->kinds[0] + table->kinds[1] + table->kinds[2];
	struct frames frames = frames_now();
	unsigned left = table->used;

	for (; left > WALK_WHOLE && entry < end; entry += WALK_STEP) {
#pragma GCC unroll 8
		for (int i = 0; i < WALK_STEP; i++) {
			if (likely(!pte_none(entry[i])))
				entry_free(frames, &entry[i], &counted);
		}
	}
	for (entry += table->lowest; left <= WALK_WHOLE && left; entry++) {
		if (pte_none(*entry))
			continue;
		left--;
		entry_free(frames, entry, &counted);
	}
	if (CONFIG_DEBUG)
		table_check_empty(page_to_virt(table), counted);
	page_free_zeroed(table);
}

static void middle_free(struct page *table)
{
	struct pte *entry = page_to_virt(table);
	unsigned left = table->used;

	for (unsigned i = table->lowest; left; i++) {
		BUG_ON(CONFIG_DEBUG && i >= PT_ENTRIES);
		if (pte_none(entry[i]))
			continue;
		left--;
		struct page *below = entry_page(entry[i]);
		bool huge = pte_leaf(entry[i]);
		BUG_ON(CONFIG_DEBUG && !huge && below->level != table->level - 1);
		entry[i] = (struct pte){0};
		if (huge) {
			page_free_zeroed(huge_withdraw(table));
			huge_put(below);
		} else {
			table_drop(below);
		}
	}
	if (CONFIG_DEBUG)
		table_check_empty(entry, table->huge_entries);
	page_free_zeroed(table);
}

void table_drop(struct page *table)
{
	if (CONFIG_DEBUG)
		BUG_ON(!(table->flags & PG_TABLE) || atomic_read(&table->sharers) <= 0);
	if (!atomic_dec_and_test(&table->sharers))
		return;
	if (table->level)
		middle_free(table);
	else
		leaf_free(table);
}

// --- Write protection and copies ---

// I3: private pages lose the right to be written.
static void leaf_protect(struct page *table)
{
	struct pte *entry = page_to_virt(table);
	unsigned left = table->used;

	if (table->flags & PG_WRPROT)
		return;
	for (unsigned i = table->lowest; left; i++) {
		struct pte old = entry[i];

		if (pte_none(old))
			continue;
		left--;
		if ((old.v & (PTE_W | PTE_SHARED)) == PTE_W)
			pte_clear_bits(&entry[i], PTE_W);
	}
	smp_wmb(); // before the flag, and before anybody maps the table
	WRITE_ONCE(table->flags, table->flags | PG_WRPROT);
}

static ALWAYS_INLINE void entry_copy(struct frames frames, struct pte *from, struct pte *to)
{
	struct pte entry = *from;

	if (unlikely((entry.v & (PTE_W | PTE_SHARED)) == PTE_W)) {
		entry = pte_clear_bits(from, PTE_W);
		entry.v &= ~PTE_W;
	}
	struct atomic *refs = refs_of(frames, entry);
	if (likely(refs != frames.zero))
		atomic_inc(refs);
	*to = entry;
}

static void entries_copy(struct pte *from, struct pte *to, unsigned first, unsigned left)
{
	struct pte *end = from + PT_ENTRIES;
	struct frames frames = frames_now();

	for (; left > WALK_WHOLE && from < end; from += WALK_STEP, to += WALK_STEP) {
#pragma GCC unroll 8
		for (int i = 0; i < WALK_STEP; i++) {
			if (likely(!pte_none(from[i])))
				entry_copy(frames, &from[i], &to[i]);
		}
	}
	for (from += first, to += first; left <= WALK_WHOLE && left; from++, to++) {
		if (pte_none(*from))
			continue;
		left--;
		entry_copy(frames, from, to);
	}
}

// `copy`, a page of zeroes, gets all that `table` maps; both are write-protected. The caller has a
// share of `table`.
static void leaf_copy(struct page *table, struct page *copy)
{
	entries_copy(page_to_virt(table), page_to_virt(copy), table->lowest, table->used);
	smp_wmb();
	WRITE_ONCE(table->flags, table->flags | PG_WRPROT);
	copy->flags |= PG_WRPROT | (table->flags & PG_GUARDS);
	copy->used = table->used;
	copy->lowest = table->lowest;
	for (int k = 0; k < MM_COUNTERS; k++)
		copy->kinds[k] = table->kinds[k];
}

// One more entry will lead to the leaf table behind *entry: returns what both entries must be.
static struct pte leaf_share(struct pte *entry, bool *invalidated)
{
	struct pte old = *entry;
	struct page *table = entry_page(old);

	if (unlikely(pte_leaf(old)))
		return huge_share(entry, invalidated);
	atomic_inc(&table->sharers);
	if (pte_present(old) && !(READ_ONCE(table->flags) & PG_WRPROT)) {
		*invalidated = true;
		old = entry_link(old);
		pte_set(entry, old);
	}
	return old;
}

static void middle_copy(struct page *table, struct page *copy)
{
	struct pte *from = page_to_virt(table), *to = page_to_virt(copy);
	unsigned left = table->used;
	bool ignored = false; // the caller's entry is a link: no hart can see these

	for (unsigned i = table->lowest; left; i++) {
		if (pte_none(from[i]))
			continue;
		left--;
		to[i] = leaf_share(&from[i], &ignored);
	}
	copy->used = table->used;
	copy->lowest = table->lowest;
}

// --- Owning ---

void entry_note_used(struct pte *entry)
{
	struct page *table = table_of(entry);
	unsigned index = ((u64)entry & (PAGE_SIZE - 1)) / sizeof(*entry);

	table->used++;
	if (index < table->lowest)
		table->lowest = index;
}

// A new, empty table behind an empty entry.
static struct pte *table_add(struct mm *mm, struct pte *entry, unsigned level, struct spare *spare)
{
	struct page *page = spare_take(spare, level);

	if (!page)
		return NULL;
	smp_wmb(); // zeroes before the entry
	pte_set(entry, pte_make(page_to_pfn(page), 0));
	if (level == 0)
		entry_note_used(entry);
	else
		root_note(mm, entry);
	mm->table_pages++;
	return page_to_virt(page);
}

struct pte *middle_own(struct mm *mm, u64 address, struct spare *spare, bool create)
{
	struct pte *entry = &mm->root[pt_index(address, 2)];
	struct pte old = *entry;

	if (likely(pte_present(old)))
		return entry_table(old); // I1
	if (pte_none(old))
		return create ? table_add(mm, entry, 1, spare) : NULL;
	struct page *table = entry_page(old);
	if (table_owned(table)) {
		pte_set(entry, entry_valid(old));
		return entry_table(old);
	}
	struct page *copy = spare_take_middle(spare, table);
	if (!copy)
		return NULL;
	middle_copy(table, copy);
	smp_wmb();
	pte_set(entry, pte_make(page_to_pfn(copy), 0));
	table_drop(table); // was a link: no hart has it, I6
	return page_to_virt(copy);
}

struct pte *leaf_own(struct mm *mm, struct pte *middle, u64 address, struct spare *spare,
		     bool create)
{
	struct pte *entry = &middle[pt_index(address, 1)];
	struct pte old = *entry;

	if (pte_none(old))
		return create ? table_add(mm, entry, 0, spare) : NULL;
	struct page *table = entry_page(old);
	if (unlikely(pte_leaf(old))) {
		huge_split(mm, entry);
		return entry_table(*entry);
	}
	if (likely(table_owned(table))) {
		if (!pte_present(old))
			pte_set(entry, entry_valid(old));
		return entry_table(old);
	}
	struct page *copy = spare_take(spare, 0);
	if (!copy)
		return NULL;
	leaf_copy(table, copy);
	smp_wmb();
	pte_set(entry, pte_make(page_to_pfn(copy), 0));
	if (pte_present(old))
		mm_flush_all(mm); // I6; of a table, so all addresses
	table_drop(table);
	return page_to_virt(copy);
}

struct pte *table_make(struct mm *mm, u64 address)
{
	struct spare spare = {.count = 0};
	struct pte *table = NULL;

	for (;;) {
		spin_lock(&mm->table_lock);
		struct pte *middle = middle_own(mm, address, &spare, true);
		if (middle)
			table = leaf_own(mm, middle, address, &spare, true);
		spin_unlock(&mm->table_lock);
		if (table || !spare_fill(&spare))
			break;
	}
	if (unlikely(spare.count))
		spare_free(&spare);
	return table ? &table[pt_index(address, 0)] : NULL;
}

int table_make_existing(struct mm *mm, u64 address, struct pte **entry)
{
	*entry = table_lookup_owned(mm, address);
	if (*entry)
		return 0;
	spin_lock(&mm->table_lock);
	bool empty = pte_none(table_peek(mm, address));
	spin_unlock(&mm->table_lock);
	if (empty)
		return 0;
	*entry = table_make(mm, address);
	return *entry ? 0 : -ENOMEM;
}

// --- Reading through shared tables ---

static bool map_shared_locked(struct pte *middle, u64 address, u64 needed_bits)
{
	struct pte *entry = &middle[pt_index(address, 1)];
	struct pte old = *entry;

	if (pte_none(old) || pte_leaf(old))
		return false;
	struct page *table = entry_page(old);
	if (table_owned(table))
		return false;
	struct pte *leaf = &entry_table(old)[pt_index(address, 0)];
	if ((leaf->v & (needed_bits | PTE_V)) != (needed_bits | PTE_V))
		return false;
	if (unlikely(!(leaf->v & PTE_A)))
		pte_set_bits(leaf, PTE_A); // D is set where a shared table can be written through
	if (pte_present(old)) {
		arch_flush_tlb_page(address); // spurious: this hart remembers an older entry
		return true;
	}
	leaf_protect(table);
	pte_set(entry, entry_valid(old)); // I2
	return true;
}

bool table_map_shared(struct mm *mm, u64 address, u64 needed_bits)
{
	struct spare spare = {.count = 0};
	struct pte *middle;
	bool mapped = false;

	for (;;) {
		spin_lock(&mm->table_lock);
		middle = middle_own(mm, address, &spare, false);
		if (middle)
			mapped = map_shared_locked(middle, address, needed_bits);
		bool missing = pte_none(mm->root[pt_index(address, 2)]);
		spin_unlock(&mm->table_lock);
		if (middle || missing || !spare_fill(&spare))
			break;
	}
	if (unlikely(spare.count))
		spare_free(&spare);
	return mapped;
}

struct pte table_peek(struct mm *mm, u64 address)
{
	struct pte entry = mm->root[pt_index(address, 2)];

	for (int level = 1; level >= 0; level--) {
		if (pte_none(entry))
			return entry;
		if (pte_leaf(entry))
			return huge_part_shown(entry, address);
		entry = pte_read(&entry_table(entry)[pt_index(address, level)]);
	}
	return entry;
}

bool table_next(struct mm *mm, u64 *address, u64 end, struct pte *entry, u64 *sharers)
{
	while (*address < end) {
		struct pte at = mm->root[pt_index(*address, 2)];
		int level = 2;

		*sharers = 1;
		while (level && !pte_none(at) && !pte_leaf(at)) {
			*sharers *= atomic_read(&entry_page(at)->sharers);
			at = pte_read(&entry_table(at)[pt_index(*address, --level)]);
		}
		if (level && pte_leaf(at)) {
			*sharers *= atomic_read(&entry_page(at)->maps);
			at = huge_part_shown(at, *address);
		}
		if (!pte_none(at)) {
			*entry = at;
			return true;
		}
		*address = ALIGN_DOWN(*address, 1ul << PT_SHIFT(level)) + (1ul << PT_SHIFT(level));
	}
	return false;
}

// --- fork ---

// How many tables tables_share() will copy; a guess that is right unless an object is truncated
// meanwhile.
static unsigned count_copies(struct mm *from)
{
	unsigned count = 0;

	for (unsigned i = 0; (i = root_next(from, i)) < PT_ENTRIES / 2; i++) {
		struct pte root = from->root[i];

		if (!pte_present(root) || entry_page(root)->used > share_copy_middle)
			continue;
		struct page *table = entry_page(root);
		struct pte *middle = page_to_virt(table);
		count += 1 + table->huge_entries;
		for (unsigned j = table->lowest, left = table->used; left; j++) {
			if (pte_none(middle[j]))
				continue;
			left--;
			struct page *leaf = entry_page(middle[j]);
			count += !pte_leaf(middle[j]) && table_owned(leaf) &&
				 leaf->used <= share_copy_leaf;
		}
	}
	return count;
}

// What the child's middle table gets for one of the parent's leaf tables.
static struct pte share_leaf(struct pte *entry, struct spare *copies, bool *changed)
{
	struct page *table = entry_page(*entry), *copy;

	if (!pte_leaf(*entry) && table_owned(table) && table->used <= share_copy_leaf &&
	    (copy = spare_take(copies, 0))) {
		*changed |= pte_present(*entry);
		leaf_copy(table, copy);
		return pte_make(page_to_pfn(copy), 0);
	}
	return leaf_share(entry, changed);
}

static void share_middle(struct pte *entry, struct pte *child, struct spare *copies, bool *changed)
{
	struct page *table = entry_page(*entry), *copy = NULL;

	if (pte_present(*entry) && table->used <= share_copy_middle)
		copy = spare_take_middle(copies, table);
	if (!copy) {
		atomic_inc(&table->sharers);
		*changed |= pte_present(*entry);
		pte_set(entry, entry_link(*entry));
		pte_set(child, *entry);
		return;
	}
	struct pte *from = page_to_virt(table), *to = page_to_virt(copy);
	for (unsigned i = table->lowest, left = table->used; left; i++) {
		if (pte_none(from[i]))
			continue;
		left--;
		to[i] = share_leaf(&from[i], copies, changed);
	}
	copy->used = table->used;
	copy->lowest = table->lowest;
	pte_set(child, pte_make(page_to_pfn(copy), 0));
}

int tables_share(struct mm *from, struct mm *to)
{
	struct spare copies = {.count = 0};
	bool changed = false;

	if (!spare_fill_to(&copies, count_copies(from))) {
		spare_free(&copies);
		return -ENOMEM;
	}
	spin_lock(&from->table_lock);
	spin_lock_nested(&to->table_lock); // truncation may have found the child's areas already
	for (unsigned i = 0; (i = root_next(from, i)) < PT_ENTRIES / 2; i++)
		share_middle(&from->root[i], &to->root[i], &copies, &changed);
	virt_to_page(to->root)->root_groups = virt_to_page(from->root)->root_groups;
	for (int i = 0; i < MM_COUNTERS; i++)
		to->counters[i] = from->counters[i];
	to->table_pages = from->table_pages;
	spin_unlock(&to->table_lock);
	spin_unlock(&from->table_lock);
	if (changed)
		mm_flush_all(from); // before map_lock lets faults in, on either side
	spare_free(&copies);
	return 0;
}
