// Page faults: finding the area, and getting a page for it.
//
//	private, no object   read: a zeroed page      write: a zeroed page of its own
//	private, object      read: the object's page  write: a copy of it
//	shared               the object's page, writable if the area is
//	present, no write    (private) a copy, or the page itself if nobody else has it
//
// With a page of an object that is only read come those of its neighbours that the object has.
//
// A fault on an entry that already allows the access is spurious: another hart was faster, or this
// hart remembers an older entry; its translation is forgotten and that is all.

#include <arch/string.h>
#include <mm/buddy.h>
#include <mm/fault.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include "internal.h"

static u32 needed_flag(unsigned access)
{
	return access & FAULT_WRITE ? VM_WRITE : access & FAULT_EXEC ? VM_EXEC : VM_READ;
}

static bool allows(const struct vma *vma, unsigned access)
{
	u32 flags = vma->flags;

	// What may be written or executed may be read too, on this machine.
	if (flags & (VM_WRITE | VM_EXEC))
		flags |= VM_READ;
	return flags & needed_flag(access);
}

static bool entry_allows(struct pte entry, unsigned access)
{
	u64 bits = access & FAULT_WRITE ? PTE_W : access & FAULT_EXEC ? PTE_X : PTE_R;

	return (entry.v & (bits | PTE_V)) == (bits | PTE_V);
}

// What the hardware would set in the entry, or trap for.
static u64 used_bits(unsigned access)
{
	return access & FAULT_WRITE ? PTE_A | PTE_D : PTE_A;
}

// The rights are there; the bits need not be, if the hardware leaves them to us, or if it is the
// kernel that wants to reach the page.
static void mark_used(struct mm *mm, u64 address, struct pte *entry, struct pte old,
		      unsigned access)
{
	if (unlikely((old.v & used_bits(access)) != used_bits(access))) {
		spin_lock(&mm->table_lock);
		if (entry->v == old.v)
			pte_set_bits(entry, used_bits(access));
		spin_unlock(&mm->table_lock);
	}
	arch_flush_tlb_page(address);
}

// Puts `page` (with its reference) in the entry if that still is `old`. Otherwise drops it.
static void install(struct vma *vma, u64 address, struct pte *entry, struct pte old,
		    struct page *page, u64 bits)
{
	struct mm *mm = vma->mm;
	struct page *drop = page;

	spin_lock(&mm->table_lock);
	if (likely(entry->v == old.v)) {
		table_set(mm, entry, pte_make(page_to_pfn(page), bits));
		drop = pte_none(old) ? NULL : entry_page(old);
		if (pte_present(old))
			mm_flush(mm, address, PAGE_SIZE); // another frame
	}
	spin_unlock(&mm->table_lock);
	if (drop && drop != zero_page)
		page_put(drop);
}

static enum fault_result fault_anonymous(struct vma *vma, u64 address, struct pte *entry,
					 struct pte old, unsigned access)
{
	u64 bits = vma_pte_bits(vma);

	if (!(access & FAULT_WRITE)) {
		install(vma, address, entry, old, zero_page, bits & ~PTE_W);
		return FAULT_OK;
	}
	struct page *page = page_alloc(GFP_USER | GFP_ZERO, 0);
	if (!page)
		return FAULT_OOM;
	page->flags = PG_ANON;
	install(vma, address, entry, old, page, bits);
	return FAULT_OK;
}

static struct page *copy_of(struct page *from)
{
	struct page *page = page_alloc(GFP_USER, 0);

	if (page) {
		page->flags = PG_ANON;
		if (from->flags & (PG_CACHE | PG_COPY)) {
			page->flags |= PG_COPY;
			page->mapping = from->mapping;
			page->index = from->index;
		}
		copy_page(page_to_virt(page), page_to_virt(from));
	}
	return page;
}

// --- Around a fault ---

// More costs more than it saves: measured with the start of a dynamic program.
#define AROUND_PAGES 8

// The part of an aligned window around an address that lies in the area.
struct window {
	u64 start;
	u64 index; // of its first page, in the object
	unsigned count;
};

static struct window window_around(const struct vma *vma, u64 address)
{
	u64 aligned = ALIGN_DOWN(address, AROUND_PAGES * PAGE_SIZE);
	u64 start = MAX(aligned, vma->start);
	u64 end = MIN(aligned + AROUND_PAGES * PAGE_SIZE, vma->end);

	return (struct window){start, (start - vma->start + vma->offset) >> PAGE_SHIFT,
			       (end - start) >> PAGE_SHIFT};
}

// Fills the empty entries of a window with pages that the object has, so that they need no faults of
// their own. `entry` is that of the address, whose page is there. Nothing gets W: a write must fault.
static void map_around(struct vma *vma, u64 address, struct pte *entry, u64 bits)
{
	struct window window = window_around(vma, address);
	struct page *found[AROUND_PAGES];
	struct mm *mm = vma->mm;

	entry -= (address - window.start) >> PAGE_SHIFT; // a window is within one table
	mapping_find_pages(vma->mapping, window.index, window.count, found);
	spin_lock(&mm->table_lock);
	for (unsigned i = 0; i < window.count; i++) {
		if (!found[i] || !pte_none(entry[i]))
			continue;
		table_set(mm, &entry[i], pte_make(page_to_pfn(found[i]), bits & ~PTE_W));
		found[i] = NULL;
	}
	spin_unlock(&mm->table_lock);
	for (unsigned i = 0; i < window.count; i++) {
		if (found[i])
			page_put(found[i]);
	}
	smp_mb(); // see fault_object()
	u64 size = DIV_ROUND_UP(READ_ONCE(vma->mapping->size), PAGE_SIZE);
	if (unlikely(window.index + window.count > size)) {
		struct table_filter filter = {vma->mapping, size, ~0ul, true};

		table_zap_pages(mm, window.start, window.start + window.count * PAGE_SIZE, &filter);
	}
}

static enum fault_result fault_object(struct vma *vma, u64 address, struct pte *entry,
				      unsigned access)
{
	u64 index = (address - vma->start + vma->offset) >> PAGE_SHIFT;
	bool private_write = (access & FAULT_WRITE) && !(vma->flags & VM_SHARED);
	u64 bits = vma_pte_bits(vma);
	struct page *page;

	int error = mapping_get_page(vma->mapping, index, false, &page);
	if (error)
		return error == -ENOMEM ? FAULT_OOM : FAULT_BUS;
	if (private_write) {
		struct page *copy = copy_of(page);

		page_put(page);
		if (!copy)
			return FAULT_OOM;
		page = copy;
	} else if (!(vma->flags & VM_SHARED)) {
		bits &= ~PTE_W;
	}
	install(vma, address, entry, (struct pte){0}, page, bits);
	smp_mb(); // the entry, before the second look at the size: see mapping_truncate()
	if (unlikely(index >= DIV_ROUND_UP(READ_ONCE(vma->mapping->size), PAGE_SIZE))) {
		struct table_filter filter = {vma->mapping, index, index, true};

		table_zap_pages(vma->mm, address, address + PAGE_SIZE, &filter);
		return FAULT_BUS;
	}
	if (!(access & FAULT_WRITE) && !(vma->flags & (VM_WRITE | VM_RAND_READ)))
		map_around(vma, address, entry, bits);
	return FAULT_OK;
}

// A write to a private page that may be shared. The table is owned, so if the page has no other
// reference nobody else can reach it (I5).
static enum fault_result fault_copy_on_write(struct vma *vma, u64 address, struct pte *entry,
					     struct pte old)
{
	struct mm *mm = vma->mm;
	struct page *page = entry_page(old);

	if (page == zero_page)
		return fault_anonymous(vma, address, entry, old, FAULT_WRITE);
	spin_lock(&mm->table_lock);
	if (entry->v != old.v) {
		spin_unlock(&mm->table_lock);
		return FAULT_OK;
	}
	if ((page->flags & PG_ANON) && atomic_read_acquire(&page->refs) == 1) {
		// Wider rights need no flush: whoever remembers the old entry faults once more.
		table_set(mm, entry, pte_make(pte_pfn(old), vma_pte_bits(vma)));
		spin_unlock(&mm->table_lock);
		return FAULT_OK;
	}
	page_get(page);
	spin_unlock(&mm->table_lock);
	struct page *copy = copy_of(page);
	page_put(page);
	if (!copy)
		return FAULT_OOM;
	install(vma, address, entry, old, copy, vma_pte_bits(vma));
	return FAULT_OK;
}

// The area's rights are wider than the entry's.
static void widen(struct vma *vma, struct pte *entry, struct pte old)
{
	u64 bits = vma_pte_bits(vma);

	if (!(vma->flags & VM_SHARED))
		bits &= ~PTE_W;
	spin_lock(&vma->mm->table_lock);
	if (entry->v == old.v)
		table_set(vma->mm, entry, pte_make(pte_pfn(old), bits));
	spin_unlock(&vma->mm->table_lock);
}

static u64 entry_bits_needed(unsigned access)
{
	// Through a shared table only shared pages may be written.
	return access & FAULT_WRITE ? PTE_W | PTE_SHARED : access & FAULT_EXEC ? PTE_X : PTE_R;
}

static enum fault_result fault_in_vma(struct vma *vma, u64 address, unsigned access)
{
	struct pte *entry = table_lookup_owned(vma->mm, address);

	if (!entry) {
		if (huge_fault(vma, address, access) ||
		    table_map_shared(vma->mm, address, entry_bits_needed(access)))
			return FAULT_OK;
		entry = table_make(vma->mm, address);
		if (!entry)
			return FAULT_OOM;
	}
	struct pte old = pte_read(entry);
	if (unlikely(old.v & PTE_GUARD))
		return FAULT_SEGV_MAPERR;
	if (pte_none(old))
		return vma->mapping ? fault_object(vma, address, entry, access)
				    : fault_anonymous(vma, address, entry, old, access);
	if (entry_allows(old, access)) {
		mark_used(vma->mm, address, entry, old, access);
		return FAULT_OK;
	}
	if ((access & FAULT_WRITE) && !(vma->flags & VM_SHARED))
		return fault_copy_on_write(vma, address, entry, old);
	widen(vma, entry, old);
	return FAULT_OK;
}

// The stack may have to grow: that changes an area, so the lock is taken again for writing.
static bool grow_stack(struct mm *mm, u64 address)
{
	bool grown = false;

	down_write(&mm->map_lock);
	struct vma *vma = vma_find(mm, address);
	if (vma && vma->start > address && (vma->flags & VM_GROWSDOWN))
		grown = vma_grow_down(vma, address) == 0;
	else
		grown = vma && vma->start <= address;
	up_write(&mm->map_lock);
	return grown;
}

enum fault_result mm_fault(struct mm *mm, u64 address, unsigned access)
{
	enum fault_result result;

	address = ALIGN_DOWN(address, PAGE_SIZE);
	if (!mm || address >= MM_USER_TOP)
		return FAULT_SEGV_MAPERR;
	if (!(access & FAULT_QUIET))
		current->minor_faults++;
	down_read(&mm->map_lock);
	struct vma *vma = vma_find(mm, address);
	if (unlikely(!vma || vma->start > address)) {
		bool may_grow = vma && (vma->flags & VM_GROWSDOWN);
		up_read(&mm->map_lock);
		if (!may_grow || !grow_stack(mm, address))
			return FAULT_SEGV_MAPERR;
		down_read(&mm->map_lock);
		vma = vma_find(mm, address);
	}
	if (!vma || vma->start > address)
		result = FAULT_SEGV_MAPERR;
	else if (!allows(vma, access))
		result = FAULT_SEGV_ACCERR;
	else
		result = fault_in_vma(vma, address, access);
	up_read(&mm->map_lock);
	return result;
}

bool mm_page_allows(struct mm *mm, u64 address, unsigned access)
{
	spin_lock(&mm->table_lock);
	struct pte entry = table_translate(mm, address);
	bool allows = entry_allows(entry, access) && !(~entry.v & used_bits(access));
	spin_unlock(&mm->table_lock);
	return allows;
}
