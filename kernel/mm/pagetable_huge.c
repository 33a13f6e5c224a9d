// Pages of 2 MiB: middle entries that map memory themselves.
//
// An anonymous area that asked for them (MADV_HUGEPAGE) gets one at the first touch of an aligned
// 2 MiB that lies wholly inside it and has no leaf table yet; MADV_COLLAPSE makes one of what is
// there. When memory for one cannot be had, small pages do as well. They are not made unasked:
// zeroing 2 MiB costs as much as 100 faults, and what is resident would grow with it.
//
// A block is 512 pages. Each struct page counts for itself: one reference for each leaf table that
// maps the page alone, as always, and one for all huge entries of the block together, which the
// first page counts (`maps`). So
//
//   fork        shares the block: maps + 1, and both entries lose W. It costs the same as sharing a
//               leaf table; under a shared middle table the entry exists once and counts once.
//   a write     to an entry without W: it gets W if nobody else reaches any page of the block (maps
//               is 1 and each page has one reference). Otherwise the entry is split, and the one
//               4 KiB page is copied, as on Linux.
//   a split     replaces the entry by a leaf table that maps the same pages with the same rights:
//               the table takes a reference to each page, then the entry gives up its share of the
//               block. Nothing needs flushing: a translation of the whole that a hart remembers is
//               as right as before, and goes with a flush of any address within it. What changes a
//               part of the 2 MiB makes the leaf table its own first (leaf_own()), which splits.
//               It needs no memory: for each huge entry its middle table keeps a page that was
//               allocated with it (the deposit), so that a call which changes a part of a huge page
//               cannot fail for lack of a table. These pages are counted as tables of the address
//               space, like those that they become. What copies a middle table that fork has shared
//               has to have a page for each huge entry in it, too.
//   the last    huge entry that goes takes the common reference from all pages.
//
// That needs no lock in common: `maps` rises only in the hands of one who has a share, and references
// of a page only in the hands of one who reaches it. Who finds maps == 1, and that one is his, gives
// the common reference to his leaf table or takes it away, and nobody can come in between (I4 of
// pagetable_share.c, for blocks). pagetable_huge.pml checks it.
//
// I8: a huge entry is valid, maps anonymous memory, and lies within one area (vma_split() sees to it).
// I9: a middle table has as many pages in its deposit as huge entries, shared or not; only who owns it
//     changes either.
//
// What is only read is mapped to a block of zeroes, one for all, which is not counted as resident. It
// can be given back when nobody maps it.

#include <arch/string.h>
#include <core/init.h>
#include <core/panic.h>
#include <mm/buddy.h>
#include <mm/fault.h>
#include <mm/pagetable.h>
#include <mm/shrinker.h>
#include <uapi/errno.h>

#define HUGE_ORDER 9

struct huge_counts huge_counts;

// --- Blocks ---

static struct page *block_alloc(u32 gfp)
{
	// Not worth waiting or killing for: small pages will do.
	struct page *block = page_alloc(gfp | GFP_USER | GFP_NORECLAIM, HUGE_ORDER);

	if (!block)
		return NULL;
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		block[i].flags = PG_ANON;
		block[i].order = 0;
		atomic_set(&block[i].refs, 1);
	}
	atomic_set(&block->maps, 1);
	return block;
}

// Whether the common reference of the huge entries is the only one that each page has.
static bool block_is_whole(const struct page *block)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		if (atomic_read_acquire(&block[i].refs) != 1)
			return false;
	}
	return true;
}

// The last huge entry has gone.
static void block_free(struct page *block)
{
	if (block_is_whole(block)) {
		for (unsigned i = 0; i < PT_ENTRIES; i++) {
			block[i].flags = 0;
			atomic_set(&block[i].refs, 0);
		}
		block->order = HUGE_ORDER;
		page_free(block, HUGE_ORDER);
		return;
	}
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		page_put(&block[i]);
}

// --- The block of zeroes ---

static struct spinlock zero_lock = SPINLOCK_INIT(LOCK_MAPPING_TREE);
static struct page *zero_block; // [zero_lock] its `maps` counts one for being here

bool huge_is_zero(struct pte entry)
{
	return entry_page(entry) == READ_ONCE(zero_block);
}

u64 huge_zero_pages_count(void)
{
	return READ_ONCE(zero_block) ? PT_ENTRIES : 0;
}

struct pte huge_part_shown(struct pte huge, u64 address)
{
	return huge_is_zero(huge) ? pte_make(page_to_pfn(zero_page), pte_bits(huge))
				  : huge_part(huge, address);
}

// A share of it; NULL: no memory.
static struct page *zero_block_get(void)
{
	struct page *fresh = zero_block ? NULL : block_alloc(GFP_ZERO);

	spin_lock(&zero_lock);
	if (!zero_block) {
		zero_block = fresh;
		fresh = NULL;
	}
	struct page *block = zero_block;
	if (block)
		atomic_inc(&block->maps);
	spin_unlock(&zero_lock);
	if (fresh)
		block_free(fresh);
	return block;
}

static u64 zero_block_shrink(void)
{
	struct page *block = NULL;

	spin_lock(&zero_lock);
	if (zero_block && atomic_read_acquire(&zero_block->maps) == 1) {
		block = zero_block;
		WRITE_ONCE(zero_block, NULL);
	}
	spin_unlock(&zero_lock);
	if (block)
		block_free(block);
	return block ? PT_ENTRIES : 0;
}
SHRINKER(zero_block, zero_block_shrink);

// --- Entries ---

void huge_put(struct page *block)
{
	if (!atomic_dec_and_test(&block->maps))
		return;
	atomic64_dec(&huge_counts.mapped);
	block_free(block);
}

struct pte huge_share(struct pte *entry, bool *narrowed)
{
	struct pte old = *entry;

	atomic_inc(&entry_page(old)->maps);
	if (pte_write(old)) {
		*narrowed = true;
		old = pte_clear_bits(entry, PTE_W); // with a D that came just now
		old.v &= ~PTE_W;
	}
	return old;
}

static void count_block(struct mm *mm, int sign)
{
	if (sign < 0)
		mm->peak_rss = MAX(mm->peak_rss, mm_rss(mm));
	mm->counters[MM_ANON] += sign * PT_ENTRIES;
}

struct page *huge_unlink(struct mm *mm, struct pte *entry)
{
	struct page *block = entry_page(*entry);

	if (!huge_is_zero(*entry))
		count_block(mm, -1);
	pte_set(entry, (struct pte){0});
	table_of(entry)->used--;
	page_free_zeroed(huge_withdraw(table_of(entry)));
	mm->table_pages--;
	return block;
}

// The entry's share of the block becomes a reference to each of its pages.
static void share_to_references(struct page *block)
{
	if (atomic_read_acquire(&block->maps) == 1) {
		atomic_set(&block->maps, 0); // the common references are the table's now
		atomic64_dec(&huge_counts.mapped);
		return;
	}
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		page_get(&block[i]);
	huge_put(block);
}

void huge_split(struct mm *mm, struct pte *entry)
{
	struct page *table = huge_withdraw(table_of(entry));
	struct pte *leaf = page_to_virt(table), old = *entry;
	struct page *block = entry_page(old);
	bool zero = huge_is_zero(old);

	table_init_page(table, 0);
	table->used = PT_ENTRIES;
	table->lowest = 0;
	table->kinds[MM_ANON] = zero ? 0 : PT_ENTRIES;
	if (!pte_write(old))
		table->flags |= PG_WRPROT;
	if (zero)
		atomic_dec(&block->maps);
	else
		share_to_references(block);
	do { // the hardware may set D meanwhile
		old = pte_read(entry);
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			leaf[i] = huge_part_shown(old, i * PAGE_SIZE);
	} while (!pte_cmpxchg(entry, old, pte_make(page_to_pfn(table), 0)));
	if (!(old.v & PTE_D))
		table->flags |= PG_LAZY;
	atomic64_inc(&huge_counts.split_entries);
}

// Nobody else reaches any page of it.
static bool is_alone(struct pte entry)
{
	struct page *block = entry_page(entry);

	return !huge_is_zero(entry) && atomic_read_acquire(&block->maps) == 1 &&
	       block_is_whole(block);
}

bool huge_clear_bits(struct pte *entry, u64 bits)
{
	if ((bits & PTE_D) && !is_alone(*entry))
		return false;
	pte_clear_bits(entry, bits);
	return true;
}

u64 huge_take(struct mm *mm, struct pte *entry, u64 address)
{
	struct pte old = pte_read(entry);

	// In one step, as take_from_leaf() of table_bits.c does.
	if ((old.v & PTE_D) || !is_alone(old) ||
	    !pte_cmpxchg(entry, old, (struct pte){old.v & ~PTE_V}))
		return 0;
	struct page *block = huge_unlink(mm, entry);
	mm_flush(mm, address, HUGE_SIZE);
	huge_put(block);
	return PT_ENTRIES;
}

bool huge_protect(struct pte *entry, u64 bits)
{
	struct pte old = *entry;

	if (!(bits & (PTE_R | PTE_X)))
		return false; // an entry that is not valid must be one of a leaf table
	if (!pte_write(old))
		bits &= ~PTE_W;
	pte_set(entry, pte_make(pte_pfn(old), bits));
	return true;
}

int table_split_at(struct mm *mm, u64 address)
{
	struct pte root = pte_read(&mm->root[pt_index(address, 2)]);

	if (address % HUGE_SIZE == 0 || pte_none(root) ||
	    !pte_leaf(entry_table(root)[pt_index(address, 1)]))
		return 0;
	return table_make(mm, address) ? 0 : -ENOMEM;
}

// --- Moving ---

// The middle table's entry for an address, in a table that is made ours. NULL: no memory, or (unless
// `create`) there is no table.
static struct pte *middle_entry_own(struct mm *mm, u64 address, bool create)
{
	struct spare spare = {.count = 0};
	struct pte *middle;
	bool missing;

	do {
		spin_lock(&mm->table_lock);
		middle = middle_own(mm, address, &spare, create);
		missing = !create && pte_none(mm->root[pt_index(address, 2)]);
		spin_unlock(&mm->table_lock);
	} while (!middle && !missing && spare_fill(&spare));
	spare_free(&spare);
	return middle ? &middle[pt_index(address, 1)] : NULL;
}

int huge_move_prepare(struct mm *mm, u64 from, u64 to)
{
	if (from % HUGE_SIZE || to % HUGE_SIZE || !pte_leaf(table_peek_middle(mm, from)))
		return 0;
	struct pte *source = middle_entry_own(mm, from, false);
	struct pte *target = source ? middle_entry_own(mm, to, true) : NULL;
	if (!target)
		return -ENOMEM;
	return pte_none(*target);
}

void huge_move(struct mm *mm, u64 from, u64 to)
{
	struct pte *source = table_middle_entry(mm, from), *target = table_middle_entry(mm, to);

	pte_set(target, (struct pte){source->v | PTE_D}); // it may be written just now
	entry_note_used(target);
	pte_set(source, (struct pte){0});
	table_of(source)->used--;
	huge_deposit(table_of(target), huge_withdraw(table_of(source)));
}

// --- Faults ---

static bool wants_huge(const struct vma *vma)
{
	return (vma->flags & (VM_HUGEPAGE | VM_NOHUGEPAGE)) == VM_HUGEPAGE &&
	       READ_ONCE(vma->mm->thp_disable) != THP_DISABLED;
}

bool huge_fits(const struct vma *vma, u64 start)
{
	return !vma->mapping && start >= vma->start && start + HUGE_SIZE <= vma->end &&
	       start + HUGE_SIZE > start;
}

bool huge_eligible(const struct vma *vma)
{
	return wants_huge(vma) && huge_fits(vma, ALIGN_UP(vma->start, HUGE_SIZE));
}

// Puts a block (with its share) in the entry, if that still is `old`. Otherwise drops it. If the entry
// is empty, `deposit` comes with it.
static void huge_install(struct vma *vma, struct pte *entry, struct pte old, u64 start,
			 struct page *block, u64 bits, struct page *deposit)
{
	struct page *drop = block;
	struct mm *mm = vma->mm;

	spin_lock(&mm->table_lock);
	if (entry->v == old.v) {
		smp_wmb(); // zeroes before the entry
		pte_set(entry, pte_make(page_to_pfn(block), bits));
		if (!huge_is_zero(*entry))
			count_block(mm, 1);
		if (pte_none(old)) {
			entry_note_used(entry);
			huge_deposit(table_of(entry), deposit);
			mm->table_pages++;
			drop = deposit = NULL;
		} else {
			drop = entry_page(old);
			mm_flush(mm, start, HUGE_SIZE);
		}
	}
	spin_unlock(&mm->table_lock);
	if (drop)
		huge_put(drop);
	if (deposit)
		page_free_zeroed(deposit);
}

static struct page *deposit_alloc(void)
{
	return page_alloc(GFP_KERNEL | GFP_ZERO, 0);
}

static bool fill(struct vma *vma, struct pte *entry, struct pte old, u64 start, unsigned access)
{
	u64 bits = vma_pte_bits(vma);
	struct page *block, *deposit = NULL;

	if (pte_none(old) && !(deposit = deposit_alloc()))
		return false;
	if (!(access & FAULT_WRITE)) {
		block = zero_block_get();
		bits &= ~PTE_W;
	} else {
		block = block_alloc(GFP_ZERO);
		atomic64_inc(block ? &huge_counts.fault_alloc : &huge_counts.fault_fallback);
		if (block)
			atomic64_inc(&huge_counts.mapped);
	}
	if (block) {
		huge_install(vma, entry, old, start, block, bits, deposit);
		return true;
	}
	if (deposit)
		page_free_zeroed(deposit);
	return false;
}

// An entry that is huge already: wider rights, or what a hart remembered was old. False: it must be
// split. table_lock held.
static bool touch(struct vma *vma, struct pte *entry, u64 address, unsigned access)
{
	struct pte old = *entry;
	u64 bits = vma_pte_bits(vma);

	if (!(access & FAULT_WRITE)) {
		bits = (bits & ~(PTE_W | PTE_D)) | (old.v & (PTE_W | PTE_D));
	} else if (!pte_write(old) && !is_alone(old)) {
		return false;
	}
	pte_set(entry, pte_make(pte_pfn(old), bits));
	arch_flush_tlb_page(address);
	return true;
}

enum look {
	LOOK_SMALL, // a leaf table is there, or must be made
	LOOK_EMPTY, // a block may be put in
	LOOK_DONE,
};

// The middle table is ours.
static enum look look_at(struct vma *vma, struct pte *entry, u64 address, unsigned access)
{
	if (pte_none(*entry))
		return LOOK_EMPTY;
	if (!pte_leaf(*entry))
		return LOOK_SMALL;
	if (touch(vma, entry, address, access))
		return LOOK_DONE;
	return huge_is_zero(*entry) ? LOOK_EMPTY : LOOK_SMALL;
}

static bool is_huge(struct mm *mm, u64 address)
{
	spin_lock(&mm->table_lock);
	bool huge = pte_leaf(table_peek_middle(mm, address));
	spin_unlock(&mm->table_lock);
	return huge;
}

bool huge_fault(struct vma *vma, u64 address, unsigned access)
{
	u64 start = ALIGN_DOWN(address, HUGE_SIZE);
	struct mm *mm = vma->mm;
	bool wanted = wants_huge(vma);

	if (!huge_fits(vma, start) || (!wanted && !is_huge(mm, address)))
		return false;
	struct pte *entry = middle_entry_own(mm, address, wanted), old = {0};
	if (!entry)
		return false; // with small pages memory may do, or run out
	spin_lock(&mm->table_lock);
	enum look look = look_at(vma, entry, address, access);
	old = *entry;
	spin_unlock(&mm->table_lock);
	if (look == LOOK_EMPTY && wanted)
		return fill(vma, entry, old, start, access);
	return look == LOOK_DONE;
}

// --- MADV_COLLAPSE ---

// What stands in a leaf table that nobody can reach any more goes into the block.
static void copy_pages(const struct pte *leaf, struct page *block)
{
	char *to = page_to_virt(block);

	for (unsigned i = 0; i < PT_ENTRIES; i++, to += PAGE_SIZE) {
		struct page *page = pte_none(leaf[i]) ? zero_page : entry_page(leaf[i]);

		if (page == zero_page)
			clear_page(to);
		else
			copy_page(to, page_to_virt(page));
	}
}

static void collapse_free(struct page *block, struct page *deposit)
{
	if (block)
		block_free(block);
	if (deposit)
		page_free_zeroed(deposit);
}

int huge_collapse(struct vma *vma, u64 start)
{
	struct mm *mm = vma->mm;

	spin_lock(&mm->table_lock);
	struct pte old = table_peek_middle(mm, start);
	spin_unlock(&mm->table_lock);
	if (pte_none(old))
		return -EINVAL;
	if (pte_leaf(old) && !huge_is_zero(old))
		return 0;
	struct page *block = block_alloc(0), *deposit = deposit_alloc();
	// If the leaf table is shared it is copied, so that the middle one is ours for sure.
	if (!block || !deposit || !table_make(mm, start)) {
		collapse_free(block, deposit);
		return -ENOMEM;
	}
	spin_lock(&mm->table_lock);
	struct pte *entry = table_middle_entry(mm, start);
	struct page *table = entry_page(*entry);
	if (table->flags & PG_GUARDS) {
		spin_unlock(&mm->table_lock);
		collapse_free(block, deposit);
		return -EINVAL;
	}
	pte_set(entry, (struct pte){0});
	mm_flush_all(mm); // map_lock is written: whoever faults now waits
	spin_unlock(&mm->table_lock);
	copy_pages(page_to_virt(table), block);
	spin_lock(&mm->table_lock);
	table_count(mm, table, -1);
	count_block(mm, 1);
	huge_deposit(table_of(entry), deposit);
	smp_wmb();
	pte_set(entry, pte_make(page_to_pfn(block), vma_pte_bits(vma)));
	spin_unlock(&mm->table_lock);
	table_drop(table);
	atomic64_inc(&huge_counts.mapped);
	atomic64_inc(&huge_counts.collapse_alloc);
	return 0;
}
