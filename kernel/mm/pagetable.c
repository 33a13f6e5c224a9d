// User page tables.
//
// An entry holds one reference to its page. Entries and tables change under table_lock. Readers
// without it (uaccess.c) walk under rcu: a page or table that was unlinked is freed only after a
// grace period, unless nobody else can be walking, because the address space has one user, who is
// us, or none.

#include <arch/string.h>
#include <core/panic.h>
#include <core/rcu.h>
#include <mm/buddy.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <sched/task.h>
#include <uapi/errno.h>

// Pages that were unmapped, to be dropped once nobody can reach them.
#define GATHER_MAX 60

struct gather {
	struct rcu_head rcu;
	struct mm *mm;
	u64 start, end; // what must be flushed
	u32 count;
	struct page *page[GATHER_MAX];
};

static struct pte *entry_table(struct pte entry)
{
	return phys_to_virt(pte_pfn(entry) << PAGE_SHIFT);
}

struct pte *table_lookup(struct mm *mm, u64 address)
{
	struct pte *table = mm->root;

	for (int level = 2; level > 0; level--) {
		struct pte entry = pte_read(&table[pt_index(address, level)]);

		if (!pte_present(entry))
			return NULL;
		table = entry_table(entry);
	}
	return &table[pt_index(address, 0)];
}

struct pte *table_make(struct mm *mm, u64 address)
{
	struct pte *table = mm->root;

	for (int level = 2; level > 0; level--) {
		struct pte *entry = &table[pt_index(address, level)];

		if (unlikely(!pte_present(pte_read(entry)))) {
			struct page *page = page_alloc(GFP_KERNEL | GFP_ZERO, 0);

			if (!page)
				return NULL;
			spin_lock(&mm->table_lock);
			if (!pte_present(*entry)) {
				page->flags = PG_TABLE;
				smp_wmb(); // zeroes before the link
				pte_set(entry, pte_make(page_to_pfn(page), 0));
				mm->table_pages++;
				page = NULL;
			}
			spin_unlock(&mm->table_lock);
			if (page)
				page_put(page);
		}
		table = entry_table(pte_read(entry));
	}
	return &table[pt_index(address, 0)];
}

u64 vma_pte_bits(const struct vma *vma)
{
	u64 bits = PTE_U | PTE_A | PTE_D;

	if (vma->flags & (VM_READ | VM_WRITE))
		bits |= PTE_R;
	if (vma->flags & VM_WRITE)
		bits |= PTE_W;
	if (vma->flags & VM_EXEC)
		bits |= PTE_X | PTE_R;
	return bits;
}

// --- Counting ---

enum mm_counter page_counter(const struct page *page)
{
	return (page->flags & PG_CACHE) ? MM_FILE : MM_ANON;
}

void mm_count(struct mm *mm, enum mm_counter kind, s64 change)
{
	if (change < 0)
		mm->peak_rss = MAX(mm->peak_rss, mm_rss(mm));
	mm->counters[kind] += change;
}

// --- Unmapping ---

static bool others_may_walk(const struct mm *mm)
{
	int users = refcount_read(&mm->users);

	return users > 1 || (users == 1 && current->mm != mm);
}

static void gather_drop(struct gather *gather)
{
	for (u32 i = 0; i < gather->count; i++)
		page_put(gather->page[i]);
	gather->count = 0;
}

static void gather_drop_rcu(struct rcu_head *head)
{
	struct gather *gather = container_of(head, struct gather, rcu);

	gather_drop(gather);
	kfree(gather);
}

// Flushes, then lets the pages go.
static void gather_finish(struct gather *gather)
{
	struct mm *mm = gather->mm;

	if (gather->start < gather->end && refcount_read(&mm->users))
		arch_flush_tlb_remote(&mm->harts, gather->start, gather->end - gather->start);
	gather->start = ~0ul;
	gather->end = 0;
	if (!gather->count)
		return;
	if (others_may_walk(mm)) {
		struct gather *later = kmalloc(sizeof(*later), GFP_ATOMIC | GFP_NOINJECT);

		if (later) {
			*later = *gather;
			call_rcu(&later->rcu, gather_drop_rcu);
			gather->count = 0;
			return;
		}
		synchronize_rcu();
	}
	gather_drop(gather);
}

static void gather_page(struct gather *gather, u64 address, struct page *page)
{
	gather->page[gather->count++] = page;
	gather->start = MIN(gather->start, address);
	gather->end = MAX(gather->end, address + PAGE_SIZE);
}

// Whether the table for an address exists; if not, *next is where the next one could begin.
static struct pte *leaf_or_skip(struct mm *mm, u64 address, u64 *next)
{
	struct pte *table = mm->root;

	for (int level = 2; level > 0; level--) {
		struct pte entry = table[pt_index(address, level)];

		if (!pte_present(entry)) {
			*next = ALIGN_DOWN(address, 1ul << PT_SHIFT(level)) +
				(1ul << PT_SHIFT(level));
			return NULL;
		}
		table = entry_table(entry);
	}
	*next = ALIGN_DOWN(address, 2 * MIB) + 2 * MIB;
	return table;
}

void table_zap(struct mm *mm, u64 start, u64 end)
{
	struct gather gather = {.mm = mm, .start = ~0ul};
	u64 next;

	for (u64 at = start; at < end; at = next) {
		struct pte *table = leaf_or_skip(mm, at, &next);

		if (!table)
			continue;
		next = MIN(next, end);
		while (at < next) {
			spin_lock(&mm->table_lock);
			for (; at < next && gather.count < GATHER_MAX; at += PAGE_SIZE) {
				struct pte *entry = &table[pt_index(at, 0)];

				if (pte_none(*entry))
					continue;
				struct page *page = pfn_to_page(pte_pfn(*entry));
				pte_set(entry, (struct pte){0});
				mm_count(mm, page_counter(page), -1);
				gather_page(&gather, at, page);
			}
			spin_unlock(&mm->table_lock);
			if (gather.count == GATHER_MAX)
				gather_finish(&gather);
		}
	}
	gather_finish(&gather);
}

void tables_free(struct mm *mm)
{
	for (unsigned i = 0; i < PT_ENTRIES / 2; i++) {
		if (!pte_present(mm->root[i]))
			continue;
		struct pte *middle = entry_table(mm->root[i]);
		for (unsigned j = 0; j < PT_ENTRIES; j++) {
			if (pte_present(middle[j]))
				page_put(pfn_to_page(pte_pfn(middle[j])));
		}
		page_put(pfn_to_page(pte_pfn(mm->root[i])));
		pte_set(&mm->root[i], (struct pte){0});
	}
	mm->table_pages = 0;
}

// --- Rights ---

void table_protect(struct mm *mm, struct vma *vma, u64 start, u64 end)
{
	u64 bits = vma_pte_bits(vma), next;
	bool changed = false;

	for (u64 at = start; at < end; at = next) {
		struct pte *table = leaf_or_skip(mm, at, &next);

		if (!table)
			continue;
		next = MIN(next, end);
		spin_lock(&mm->table_lock);
		for (; at < next; at += PAGE_SIZE) {
			struct pte *entry = &table[pt_index(at, 0)];

			if (pte_none(*entry))
				continue;
			// Writing needs a fault first where the page may be shared.
			u64 rights = bits;
			if (!(vma->flags & VM_SHARED) && !pte_write(*entry))
				rights &= ~PTE_W;
			struct pte new = pte_make(pte_pfn(*entry), rights);
			if (!(rights & (PTE_R | PTE_X)))
				new.v &= ~PTE_V; // PROT_NONE keeps its page
			if (new.v != entry->v) {
				pte_set(entry, new);
				changed = true;
			}
		}
		spin_unlock(&mm->table_lock);
	}
	if (changed)
		arch_flush_tlb_remote(&mm->harts, start, end - start);
}

// --- fork ---

// One table's worth of entries. Private pages lose the right to be written, on both sides.
static bool copy_entries(struct mm *to, struct mm *from, struct vma *vma, struct pte *target,
			 struct pte *source, unsigned first, unsigned last)
{
	bool private = !(vma->flags & VM_SHARED);
	s64 counts[MM_COUNTERS] = {0};
	bool protected = false;

	spin_lock(&from->table_lock);
	for (unsigned i = first; i < last; i++) {
		struct pte entry = source[i];

		if (pte_none(entry))
			continue;
		struct page *page = pfn_to_page(pte_pfn(entry));
		page_get(page);
		counts[page_counter(page)]++;
		if (private && pte_write(entry)) {
			entry.v &= ~PTE_W;
			pte_set(&source[i], entry);
			protected = true;
		}
		pte_set(&target[i], entry);
	}
	spin_unlock(&from->table_lock);
	for (int i = 0; i < MM_COUNTERS; i++)
		to->counters[i] += counts[i];
	return protected;
}

int table_copy(struct mm *to, struct mm *from, struct vma *vma)
{
	u64 next;

	// What can be found again in the object is not copied.
	if (vma->mapping && ((vma->flags & VM_SHARED) || !(vma->flags & VM_MAYWRITE)))
		return 0;
	for (u64 at = vma->start; at < vma->end; at = next) {
		struct pte *source = leaf_or_skip(from, at, &next);

		if (!source)
			continue;
		next = MIN(next, vma->end);
		struct pte *target = table_make(to, at);
		if (!target)
			return -ENOMEM;
		unsigned first = pt_index(at, 0);
		copy_entries(to, from, vma, target - first, source, first,
			     first + (next - at) / PAGE_SIZE);
	}
	return 0;
}

int table_move(struct mm *mm, u64 from, u64 to, u64 length)
{
	for (u64 done = 0; done < length; done += PAGE_SIZE) {
		struct pte *source = table_lookup(mm, from + done);

		if (!source || pte_none(*source))
			continue;
		struct pte *target = table_make(mm, to + done);
		if (!target)
			return -ENOMEM;
		spin_lock(&mm->table_lock);
		pte_set(target, *source);
		pte_set(source, (struct pte){0});
		spin_unlock(&mm->table_lock);
	}
	arch_flush_tlb_remote(&mm->harts, from, length);
	return 0;
}
