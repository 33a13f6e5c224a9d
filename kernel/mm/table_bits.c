// The accessed and dirty bits of entries, which the hardware sets, or the fault handler where the
// hardware traps instead (Svade).
//
// Entries are made with both bits set. Forgetting accesses (/proc/PID/clear_refs) clears A; MADV_FREE
// clears D: a private anonymous page whose entry has no D has not been written since, and may be
// taken away when memory is short (free_lazily). So may a huge page as a whole. D is lost only in favour of the program: whoever
// changes an entry that the hardware may be setting D in does it with one atomic operation, or sets
// D himself, and the page stays.
//
// Tables are made ours before bits are cleared in them, so that others keep what they know. A table
// that is shared later, by fork, has its bits in common.

#include <arch/string.h>
#include <core/panic.h>
#include <mm/buddy.h>
#include <mm/mm.h>
#include <mm/pagetable.h>
#include <mm/shrinker.h>
#include <uapi/errno.h>

#define LEAF_SIZE (1ul << PT_SHIFT(1))
#define ROOT_SIZE (1ul << PT_SHIFT(2))

// --- A walk over entries, in tables that are made ours ---

struct bit_walk {
	struct mm *mm;
	u64 clear;
	bool (*wanted)(struct pte entry);
	u64 first, last; // what was changed and must be flushed
};

static void clear_entries(struct bit_walk *walk, struct pte *table, u64 address, u64 end)
{
	for (; address < end; address += PAGE_SIZE) {
		struct pte *entry = &table[pt_index(address, 0)], old = *entry;

		if (pte_none(old) || !(old.v & walk->clear) || (old.v & PTE_GUARD) ||
		    !walk->wanted(old))
			continue;
		pte_clear_bits(entry, walk->clear);
		table_of(entry)->flags |= walk->clear & PTE_D ? PG_LAZY : 0;
		walk->first = MIN(walk->first, address);
		walk->last = MAX(walk->last, address);
	}
}

// The part of a range under one leaf table. False: the spares did not suffice. table_lock held.
static bool clear_part(struct bit_walk *walk, u64 address, u64 end, struct spare *spare)
{
	struct pte *middle = middle_own(walk->mm, address, spare, false);

	if (!middle)
		return false;
	struct pte *entry = &middle[pt_index(address, 1)];
	if (pte_none(*entry))
		return true;
	if (pte_leaf(*entry) && end - address == LEAF_SIZE) {
		if (huge_clear_bits(entry, walk->clear)) {
			walk->first = MIN(walk->first, address);
			walk->last = MAX(walk->last, end - PAGE_SIZE);
		}
		return true;
	}
	struct pte *table = leaf_own(walk->mm, middle, address, spare, false);
	if (table)
		clear_entries(walk, table, address, end);
	return table;
}

static int clear_bits(struct bit_walk *walk, u64 start, u64 end)
{
	struct spare spare = {.count = 0};
	struct mm *mm = walk->mm;
	int error = 0;

	walk->first = ~0ul;
	walk->last = 0;
	spin_lock(&mm->table_lock);
	for (u64 at = start; at < end && !error;) {
		u64 leaf_end = MIN(end, ALIGN_DOWN(at, LEAF_SIZE) + LEAF_SIZE);

		if (pte_none(mm->root[pt_index(at, 2)])) {
			at = ALIGN_DOWN(at, ROOT_SIZE) + ROOT_SIZE;
			continue;
		}
		if (clear_part(walk, at, leaf_end, &spare)) {
			at = leaf_end;
			continue;
		}
		spin_unlock(&mm->table_lock);
		error = spare_fill(&spare) ? 0 : -ENOMEM;
		spin_lock(&mm->table_lock);
	}
	if (walk->first <= walk->last)
		mm_flush(mm, walk->first, walk->last + PAGE_SIZE - walk->first);
	spin_unlock(&mm->table_lock);
	spare_free(&spare);
	return error;
}

static bool any_page(struct pte entry)
{
	return entry_page(entry) != zero_page;
}

int table_forget_accesses(struct mm *mm, u64 start, u64 end)
{
	struct bit_walk walk = {.mm = mm, .clear = PTE_A, .wanted = any_page};

	return clear_bits(&walk, start, end);
}

// --- Pages that may be taken away ---

static struct spinlock lazy_lock = SPINLOCK_INIT(LOCK_MM_LIST);
static LIST_HEAD(lazy_mms); // [lazy_lock] through mm->lazy_link

static bool is_private(struct pte entry)
{
	return entry_page(entry) != zero_page && (entry_page(entry)->flags & PG_ANON);
}

// One that others map as well is theirs to keep.
static bool is_alone(struct pte entry)
{
	return is_private(entry) && atomic_read_acquire(&entry_page(entry)->refs) == 1;
}

int table_free_lazily(struct mm *mm, u64 start, u64 end)
{
	struct bit_walk walk = {.mm = mm, .clear = PTE_D | PTE_A, .wanted = is_private};
	int error = clear_bits(&walk, start, end);

	spin_lock(&lazy_lock);
	if (!mm->lazy) {
		mm->lazy = true;
		list_add_tail(&mm->lazy_link, &lazy_mms);
	}
	spin_unlock(&lazy_lock);
	return error;
}

void table_lazy_end(struct mm *mm)
{
	if (!mm->lazy)
		return;
	spin_lock(&lazy_lock);
	mm->lazy = false;
	list_del(&mm->lazy_link);
	spin_unlock(&lazy_lock);
}

// Takes pages from one leaf table, which is ours. The entry is emptied in one step, so that a write
// before it has left its D, and one after it has to fault, and then waits for table_lock.
static u64 take_from_leaf(struct mm *mm, struct pte *table, u64 address, u64 most)
{
	struct page *taken[64];
	u32 count = 0;

	for (unsigned i = 0; i < PT_ENTRIES && count < MIN(most, ARRAY_SIZE(taken)); i++) {
		struct pte old = table[i];

		if (pte_none(old) || (old.v & (PTE_D | PTE_GUARD)) || !is_alone(old))
			continue;
		if (!pte_cmpxchg(&table[i], old, (struct pte){old.v & ~PTE_V}))
			continue; // written just now
		taken[count++] = entry_page(old);
		table_set(mm, &table[i], (struct pte){0});
	}
	if (count)
		mm_flush(mm, address, LEAF_SIZE);
	for (u32 i = 0; i < count; i++)
		page_put(taken[i]);
	return count;
}

static u64 take_from(struct mm *mm, u64 most)
{
	u64 freed = 0;

	spin_lock(&mm->table_lock);
	for (unsigned i = 0; (i = root_next(mm, i)) < PT_ENTRIES / 2; i++) {
		struct pte root = mm->root[i];

		if (!pte_present(root))
			continue; // shared: nothing in it is without D and ours alone
		for (unsigned j = 0; j < PT_ENTRIES && freed < most; j++) {
			struct pte *entry = &entry_table(root)[j], middle = *entry;
			u64 address = i * ROOT_SIZE + j * LEAF_SIZE, n = 0;

			if (pte_leaf(middle))
				freed += huge_take(mm, entry, address);
			if (pte_none(middle) || pte_leaf(middle) ||
			    !table_owned(entry_page(middle)) ||
			    !(entry_page(middle)->flags & PG_LAZY))
				continue;
			do {
				n = take_from_leaf(mm, entry_table(middle), address, most - freed);
				freed += n;
			} while (n && freed < most);
			if (!n)
				entry_page(middle)->flags &= ~PG_LAZY;
		}
	}
	spin_unlock(&mm->table_lock);
	return freed;
}

#define TAKE_AT_ONCE 512

static u64 lazy_pages_shrink(void)
{
	u64 freed = 0;
	struct mm *mm;

	spin_lock(&lazy_lock);
	list_for_each_entry (mm, &lazy_mms, lazy_link) {
		if (freed < TAKE_AT_ONCE)
			freed += take_from(mm, TAKE_AT_ONCE - freed);
	}
	spin_unlock(&lazy_lock);
	return freed;
}
SHRINKER(lazy_pages, lazy_pages_shrink);
