// Areas: the tree of them, splitting, merging, and what fork does with each.

#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <sched/process.h>
#include <uapi/errno.h>

const struct file_map_ops *file_map_ops;
static struct slab_cache *vma_cache;
void vma_init(void);

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
	mm->peak_total = MAX(mm->peak_total, mm->total_pages);
	if (vma->flags & VM_LOCKED)
		mm->locked_pages += pages;
	if (vma->flags & VM_STACK)
		mm->stack_pages += pages;
	else if ((vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_pages += pages;
	else if ((vma->flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		mm->exec_pages += pages;
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
	if (vma->file)
		file_map_ops->get(vma->file);
	else if (vma->mapping)
		mapping_get(vma->mapping);
	if (vma->mapping)
		mapping_add_vma(vma->mapping, vma, from);
}

void vma_release(struct vma *vma)
{
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
	struct vma *upper = vma_alloc(vma->mm);

	if (!upper)
		return -ENOMEM;
	*upper = *vma;
	upper->start = at;
	upper->offset += at - vma->start;
	vma_hold_objects(upper, vma); // before the other shrinks: truncation must find all pages
	account(vma->mm, vma, -1);
	vma->end = at;
	account(vma->mm, vma, 1);
	vma_insert(vma->mm, upper);
	return 0;
}

static bool mergeable(const struct vma *low, const struct vma *high)
{
	return low->end == high->start && low->flags == high->flags && low->file == high->file &&
	       low->mapping == high->mapping &&
	       (!low->mapping || low->offset + (low->end - low->start) == high->offset) &&
	       !(low->flags & (VM_STACK | VM_VDSO));
}

// Joins an area with its neighbours where they are alike. Returns the joined area.
struct vma *vma_merge(struct vma *vma)
{
	struct mm *mm = vma->mm;
	struct vma *low = vma_of(rb_prev(&vma->node)), *high;

	if (low && mergeable(low, vma)) {
		account(mm, low, -1);
		vma_remove(mm, vma);
		low->end = vma->end;
		account(mm, low, 1);
		vma_release(vma);
		vma = low;
	}
	high = vma_next(vma);
	if (high && mergeable(vma, high)) {
		account(mm, vma, -1);
		vma_remove(mm, high);
		vma->end = high->end;
		account(mm, vma, 1);
		vma_release(high);
	}
	return vma;
}

int vma_grow_down(struct vma *vma, u64 address)
{
	struct mm *mm = vma->mm;
	struct vma *below = vma_of(rb_prev(&vma->node));
	u64 limit = rlimit(RLIMIT_STACK);

	address = ALIGN_DOWN(address, PAGE_SIZE);
	if (vma->end - address > limit || address < MM_MMAP_MIN_ADDR)
		return -ENOMEM;
	if (below && below->end + MM_STACK_GUARD > address)
		return -ENOMEM;
	account(mm, vma, -1);
	vma->start = address;
	account(mm, vma, 1);
	return 0;
}

// --- All of them ---

void vmas_release_all(struct mm *mm)
{
	struct vma *vma;

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
	new->flags &= ~VM_LOCKED;
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

int vmas_dup(struct mm *old, struct mm *copy)
{
	bool excluded = false;
	struct vma *vma;

	for_each_vma (vma, old) {
		excluded |= vma->flags & (VM_DONTFORK | VM_WIPEONFORK);
		if (vma->flags & VM_DONTFORK)
			continue;
		int error = vma_dup(copy, vma);
		if (error)
			return error;
	}
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
