// Areas: the tree of them, splitting, merging, and what fork does with each.

#include <lib/string.h>
#include <mm/commit.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include "internal.h"

u64 max_map_count = 65530;

const struct file_map_ops *file_map_ops;
static struct slab_cache *vma_cache;

static struct vma *vma_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct vma, node) : NULL;
}

struct vma *vma_first(struct mm *mm)
{
	return vma_of(rb_first(&mm->vmas));
}

struct vma *vma_next(struct vma *vma)
{
	return vma_of(rb_next(&vma->node));
}

struct vma *vma_find(struct mm *mm, u64 address)
{
	struct rb_node *node = mm->vmas.node;
	struct vma *found = NULL;

	while (node) {
		struct vma *vma = vma_of(node);

		if (vma->end > address) {
			found = vma;
			if (vma->start <= address)
				break;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

struct vma *vma_alloc(struct mm *mm)
{
	struct vma *vma = slab_alloc(vma_cache, GFP_KERNEL | GFP_ZERO);

	if (vma)
		vma->mm = mm;
	return vma;
}

// --- Accounting ---

static void account(struct mm *mm, const struct vma *vma, s64 sign)
{
	s64 pages = sign * (s64)((vma->end - vma->start) >> PAGE_SHIFT);

	mm->total_pages += pages;
	if (mm->total_pages > mm->peak_total)
		mm->peak_total = mm->total_pages;
	if (vma->flags & VM_LOCKED)
		mm->locked_pages += pages;
	if (vma->flags & VM_ACCOUNT)
		mm->account_pages += pages;
	if ((vma->flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
		mm->exec_pages += pages;
	else if (vma->flags & VM_GROWSDOWN)
		mm->stack_pages += pages;
	else if ((vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_pages += pages;
}

void vma_set_flags(struct vma *vma, u32 flags)
{
	account(vma->mm, vma, -1);
	vma->flags = flags;
	account(vma->mm, vma, 1);
}

void vma_set_range(struct vma *vma, u64 start, u64 end)
{
	account(vma->mm, vma, -1);
	vma->start = start;
	vma->end = end;
	account(vma->mm, vma, 1);
}

void vma_insert(struct mm *mm, struct vma *vma)
{
	struct rb_node **link = &mm->vmas.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = vma->start < vma_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_link_node(&vma->node, parent, link);
	rb_insert_color(&vma->node, &mm->vmas);
	mm->vma_count++;
	account(mm, vma, 1);
}

void vma_remove(struct mm *mm, struct vma *vma)
{
	account(mm, vma, -1);
	rb_erase(&vma->node, &mm->vmas);
	mm->vma_count--;
}

void vma_hold_objects(struct vma *vma, struct vma *from)
{
	if (vma->name)
		refcount_get(&vma->name->refs);
	if (vma->file)
		file_map_ops->get(vma->file);
	else if (vma->mapping)
		mapping_get(vma->mapping);
	if (vma->mapping)
		mapping_add_vma(vma->mapping, vma, from);
}

// map_lock is written, so nobody faults in the old pages again between the two passes.
int mm_replace_vdso_data(struct mm *mm, struct mapping *mapping)
{
	struct vma *vma;
	int error = 0;

	down_write(&mm->map_lock);
	for_each_vma (vma, mm) {
		if (!error && (vma->flags & VM_VDSO))
			error = table_zap(mm, vma->start, vma->end);
	}
	for_each_vma (vma, mm) {
		struct mapping *old = vma->mapping;

		if (error || !(vma->flags & VM_VDSO))
			continue;
		mapping_remove_vma(old, vma);
		vma->mapping = mapping_get(mapping);
		mapping_add_vma(mapping, vma, NULL);
		mapping_put(old);
	}
	up_write(&mm->map_lock);
	return error;
}

void anon_name_put(struct anon_name *name)
{
	if (name && refcount_put(&name->refs))
		kfree(name);
}

void vma_release(struct vma *vma)
{
	anon_name_put(vma->name);
	if (vma->mapping)
		mapping_remove_vma(vma->mapping, vma);
	if (vma->file)
		file_map_ops->put(vma->file);
	else if (vma->mapping)
		mapping_put(vma->mapping);
	slab_free(vma_cache, vma);
}

// --- Splitting and merging ---

int vma_split(struct vma *vma, u64 at)
{
	struct vma *upper = vma->mm->vma_count < READ_ONCE(max_map_count) ? vma_alloc(vma->mm)
									  : NULL;

	if (!upper)
		return -ENOMEM;
	if (table_split_at(vma->mm, at)) {
		slab_free(vma_cache, upper);
		return -ENOMEM;
	}
	*upper = *vma;
	upper->start = at;
	upper->offset += at - vma->start;
	vma_hold_objects(upper, vma); // before the other shrinks: truncation must find all pages
	vma_set_range(vma, vma->start, at);
	vma_insert(vma->mm, upper);
	return 0;
}

int vma_split_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find(mm, start);
	int error = 0;

	if (vma && vma->start < start)
		error = vma_split(vma, start);
	vma = vma_find(mm, end);
	if (!error && vma && vma->start < end)
		error = vma_split(vma, end);
	return error;
}

static bool same_name(const struct anon_name *a, const struct anon_name *b)
{
	return a == b || (a && b && !strcmp(a->text, b->text));
}

static bool mergeable(const struct vma *low, const struct vma *high)
{
	return low->end == high->start && low->flags == high->flags && low->file == high->file &&
	       low->mapping == high->mapping &&
	       (!low->mapping || low->offset + (low->end - low->start) == high->offset) &&
	       same_name(low->name, high->name) && !(low->flags & VM_VDSO);
}

struct vma *vma_merge(struct vma *vma)
{
	struct mm *mm = vma->mm;
	struct vma *low = vma_of(rb_prev(&vma->node)), *high;

	if (low && mergeable(low, vma)) {
		u64 end = vma->end;

		vma_remove(mm, vma);
		vma_set_range(low, low->start, end);
		vma_release(vma);
		vma = low;
	}
	high = vma_next(vma);
	if (high && mergeable(vma, high)) {
		u64 end = high->end;

		vma_remove(mm, high);
		vma_set_range(vma, vma->start, end);
		vma_release(high);
	}
	return vma;
}

int vma_grow_down(struct vma *vma, u64 address)
{
	struct mm *mm = vma->mm;
	struct vma *below = vma_of(rb_prev(&vma->node));

	address = ALIGN_DOWN(address, PAGE_SIZE);
	u64 pages = (vma->start - address) >> PAGE_SHIFT;
	if (address < MM_MMAP_MIN_ADDR || vma->end - address > rlimit(RLIMIT_STACK) ||
	    mm_check_limits(mm, pages, vma->flags))
		return -ENOMEM;
	// What lies below and may be touched keeps its distance, so that a stack that overflows hits
	// nothing.
	if (below && (below->end > address ||
		      ((below->flags & VM_ACCESS) && !(below->flags & VM_GROWSDOWN) &&
		       below->end + MM_STACK_GUARD > address)))
		return -ENOMEM;
	if ((vma->flags & VM_LOCKED) && mlock_check_more(mm, pages, vma->flags))
		return -ENOMEM;
	if ((vma->flags & VM_ACCOUNT) && commit_charge(mm, pages))
		return -ENOMEM;
	vma_set_range(vma, address, vma->end);
	return 0;
}

// --- All of them ---

void vmas_release_all(struct mm *mm)
{
	struct vma *vma;

	commit_uncharge(mm->account_pages);
	while ((vma = vma_first(mm))) {
		vma_remove(mm, vma);
		vma_release(vma);
	}
}

static int vma_dup(struct mm *copy, struct vma *vma)
{
	struct vma *new = vma_alloc(copy);

	if (!new)
		return -ENOMEM;
	*new = *vma;
	new->mm = copy;
	new->flags &= ~VM_LOCK_BITS;
	vma_hold_objects(new, vma);
	vma_insert(copy, new);
	return 0;
}

// After the tables were shared: what the child shall not see.
static int forget_excluded(struct mm *old, struct mm *copy)
{
	struct vma *vma;

	for_each_vma (vma, old) {
		if (!(vma->flags & (VM_DONTFORK | VM_WIPEONFORK)))
			continue;
		int error = table_zap(copy, vma->start, vma->end);
		if (error)
			return error;
	}
	return 0;
}

// Charges what the copy promises, and perhaps what its parent keeps to itself: most have nothing of
// that kind, so it is only counted out when the charge is refused.
static int charge_copy(struct mm *old, u64 *promised)
{
	struct vma *vma;

	*promised = old->account_pages;
	if (likely(!commit_charge(old, *promised)))
		return 0;
	for_each_vma (vma, old) {
		if ((vma->flags & VM_ACCOUNT) && (vma->flags & VM_DONTFORK))
			*promised -= (vma->end - vma->start) >> PAGE_SHIFT;
	}
	return *promised < old->account_pages ? commit_charge(old, *promised) : -ENOMEM;
}

int vmas_dup(struct mm *old, struct mm *copy)
{
	u64 promised;
	bool excluded = false;
	struct vma *vma;

	// All at once; a failure gives back only what has an area.
	if (charge_copy(old, &promised))
		return -ENOMEM;

	for_each_vma (vma, old) {
		excluded |= vma->flags & (VM_DONTFORK | VM_WIPEONFORK);
		if (vma->flags & VM_DONTFORK)
			continue;
		int error = vma_dup(copy, vma);
		if (error) {
			commit_uncharge(promised - copy->account_pages);
			return error;
		}
	}
	commit_uncharge(promised - copy->account_pages);
	int error = tables_share(old, copy);
	if (!error && excluded)
		error = forget_excluded(old, copy);
	return error;
}

void vma_init(void)
{
	vma_cache = slab_cache_create("vma", sizeof(struct vma), 0, SLAB_HWALIGN | SLAB_PANIC,
				      NULL);
}
