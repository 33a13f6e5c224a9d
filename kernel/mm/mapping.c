// The pages of an object, in a radix tree of 64-way nodes. The tree holds one reference to each
// page; whoever maps one holds another.

#include <arch/string.h>
#include <lib/string.h>
#include <mm/commit.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <sched/sched.h>
#include <uapi/errno.h>

#define NODE_SHIFT 6
#define NODE_SLOTS (1 << NODE_SHIFT)

struct mapping_node {
	u32 used;
	void *slot[NODE_SLOTS]; // nodes, or pages on the lowest level
};

static struct slab_cache *node_cache, *shmem_cache;
static struct atomic64 pages_in_all;

u64 mapping_pages_count(void)
{
	return atomic64_read(&pages_in_all);
}

void mapping_init(struct mapping *mapping, void *host)
{
	memset(mapping, 0, sizeof(*mapping));
	spin_init(&mapping->tree_lock, LOCK_MAPPING_TREE);
	mutex_init(&mapping->vmas_lock, LOCK_MAPPING_VMAS);
	list_init(&mapping->vmas);
	mapping->host = host;
	refcount_init(&mapping->refs, 1);
}

// --- The tree; tree_lock held ---

static u64 capacity(unsigned height)
{
	return height * NODE_SHIFT >= 64 ? ~0ul : 1ul << height * NODE_SHIFT;
}

static struct page *tree_find(const struct mapping *mapping, u64 index)
{
	struct mapping_node *node = mapping->root;

	if (!mapping->height || index >= capacity(mapping->height))
		return NULL;
	for (unsigned level = mapping->height; node && level > 1; level--)
		node = node->slot[index >> (level - 1) * NODE_SHIFT & (NODE_SLOTS - 1)];
	return node ? node->slot[index & (NODE_SLOTS - 1)] : NULL;
}

static struct mapping_node *node_new(void)
{
	return slab_alloc(node_cache, GFP_ATOMIC | GFP_ZERO);
}

static bool tree_insert(struct mapping *mapping, u64 index, struct page *page)
{
	while (!mapping->height || index >= capacity(mapping->height)) {
		struct mapping_node *node = node_new();

		if (!node)
			return false;
		if (mapping->root) {
			node->slot[0] = mapping->root;
			node->used = 1;
		}
		mapping->root = node;
		mapping->height++;
	}
	struct mapping_node *node = mapping->root;
	for (unsigned level = mapping->height; level > 1; level--) {
		void **slot = &node->slot[index >> (level - 1) * NODE_SHIFT & (NODE_SLOTS - 1)];

		if (!*slot) {
			if (!(*slot = node_new()))
				return false;
			node->used++;
		}
		node = *slot;
	}
	node->slot[index & (NODE_SLOTS - 1)] = page;
	node->used++;
	mapping->page_count++;
	atomic64_inc(&pages_in_all);
	return true;
}

// Drops the pages from..to under a node; returns whether the node is empty now.
static bool node_cut(struct mapping *mapping, struct mapping_node *node, unsigned level, u64 from,
		     u64 to)
{
	u64 span = capacity(level - 1);

	for (u64 i = from / span; i < NODE_SLOTS && i <= to / span; i++) {
		u64 rest = i == from / span ? from % span : 0;
		u64 last = i == to / span ? to % span : span - 1;

		if (!node->slot[i])
			continue;
		if (level == 1) {
			page_put(node->slot[i]);
			mapping->page_count--;
			atomic64_dec(&pages_in_all);
		} else if (node_cut(mapping, node->slot[i], level - 1, rest, last)) {
			slab_free(node_cache, node->slot[i]);
		} else {
			continue;
		}
		node->slot[i] = NULL;
		node->used--;
	}
	return node->used == 0;
}

static void tree_cut(struct mapping *mapping, u64 from, u64 to)
{
	if (!mapping->height || from >= capacity(mapping->height))
		return;
	if (node_cut(mapping, mapping->root, mapping->height, from, to)) {
		slab_free(node_cache, mapping->root);
		mapping->root = NULL;
		mapping->height = 0;
	}
}

// --- Pages ---

struct page *mapping_find_page(struct mapping *mapping, u64 index)
{
	spin_lock(&mapping->tree_lock);
	struct page *page = tree_find(mapping, index);
	if (page)
		page_get(page);
	spin_unlock(&mapping->tree_lock);
	return page;
}

static u64 node_count(const struct mapping_node *node, unsigned level, u64 first, u64 last)
{
	u64 span = capacity(level - 1), count = 0;

	for (u64 i = first / span; i < NODE_SLOTS && i <= last / span; i++) {
		if (!node->slot[i])
			continue;
		count += level == 1 ? 1
				    : node_count(node->slot[i], level - 1,
						 i == first / span ? first % span : 0,
						 i == last / span ? last % span : span - 1);
	}
	return count;
}

u64 mapping_count_pages(struct mapping *mapping, u64 first, u64 last)
{
	u64 count = 0;

	spin_lock(&mapping->tree_lock);
	if (mapping->height && first < capacity(mapping->height) && first <= last)
		count = node_count(mapping->root, mapping->height, first, last);
	spin_unlock(&mapping->tree_lock);
	return count;
}

void mapping_find_pages(struct mapping *mapping, u64 index, unsigned count, struct page **found)
{
	spin_lock(&mapping->tree_lock);
	for (unsigned i = 0; i < count; i++) {
		found[i] = tree_find(mapping, index + i);
		if (found[i])
			page_get(found[i]);
	}
	spin_unlock(&mapping->tree_lock);
}

int mapping_get_page(struct mapping *mapping, u64 index, bool create, struct page **out)
{
	struct page *page = mapping_find_page(mapping, index), *new;

	if (!create && index >= DIV_ROUND_UP(READ_ONCE(mapping->size), PAGE_SIZE)) {
		if (page)
			page_put(page);
		return -EFAULT;
	}
	if (page) {
		*out = page;
		return 0;
	}
	new = page_alloc(GFP_USER | GFP_ZERO, 0);
	if (!new)
		return -ENOMEM;
	new->flags = PG_CACHE | PG_UPTODATE | (mapping->shmem ? PG_SHMEM : 0);
	new->mapping = mapping;
	new->index = index;
	spin_lock(&mapping->tree_lock);
	page = tree_find(mapping, index);
	if (!page && tree_insert(mapping, index, new)) {
		page = new;
		new = NULL;
	}
	if (page)
		page_get(page);
	spin_unlock(&mapping->tree_lock);
	if (new)
		page_put(new);
	*out = page;
	return page ? 0 : -ENOMEM;
}

// --- Areas that map it ---

bool mapping_writer_get(struct mapping *mapping)
{
	s64 seen = atomic64_read(&mapping->writers);

	while (seen >= 0) {
		if (__atomic_compare_exchange_n(&mapping->writers.v, &seen, seen + 1, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

void mapping_writer_put(struct mapping *mapping)
{
	atomic64_dec(&mapping->writers);
}

bool mapping_deny_writers(struct mapping *mapping)
{
	s64 none = 0;

	return __atomic_compare_exchange_n(&mapping->writers.v, &none, -1, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED) ||
	       none < 0;
}

// Both bits stay as they are as long as the area lives.
static bool may_write(const struct vma *vma)
{
	return (vma->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

void mapping_add_vma(struct mapping *mapping, struct vma *vma, struct vma *after)
{
	if (may_write(vma))
		atomic64_inc(&mapping->writers);
	mutex_lock(&mapping->vmas_lock);
	list_add(&vma->mapping_link, after ? &after->mapping_link : &mapping->vmas);
	mutex_unlock(&mapping->vmas_lock);
}

void mapping_remove_vma(struct mapping *mapping, struct vma *vma)
{
	mutex_lock(&mapping->vmas_lock);
	list_del(&vma->mapping_link);
	mutex_unlock(&mapping->vmas_lock);
	if (may_write(vma))
		mapping_writer_put(mapping);
}

// Areas may be split meanwhile, so a range may come out too large: only the object's own pages of
// these indexes are unmapped. A fork that is under way is met either before it shares its tables,
// or the child, which comes later in the list, has them. A fault that has looked at the old size
// looks again after it has installed the page (fault.c).
void mapping_unmap(struct mapping *mapping, u64 first, u64 last, bool copies)
{
	struct table_filter filter = {mapping, first, last, copies};
	struct vma *vma;

	mutex_lock(&mapping->vmas_lock);
	list_for_each_entry (vma, &mapping->vmas, mapping_link) {
		u64 start = READ_ONCE(vma->start), end = READ_ONCE(vma->end);
		u64 index = READ_ONCE(vma->offset) >> PAGE_SHIFT;

		if (start >= end || last < index || first > index + ((end - start) >> PAGE_SHIFT))
			continue;
		while (table_zap_pages(vma->mm, start, end, &filter))
			cond_resched(); // memory for copies of tables will come
	}
	mutex_unlock(&mapping->vmas_lock);
}

void mapping_truncate(struct mapping *mapping, u64 size)
{
	u64 old = mapping->size;

	WRITE_ONCE(mapping->size, size);
	if (size >= old)
		return;
	smp_mb(); // see fault_object()
	mapping_unmap(mapping, DIV_ROUND_UP(size, PAGE_SIZE), ~0ul, true);
	spin_lock(&mapping->tree_lock);
	tree_cut(mapping, DIV_ROUND_UP(size, PAGE_SIZE), ~0ul);
	struct page *last = size % PAGE_SIZE ? tree_find(mapping, size / PAGE_SIZE) : NULL;
	if (last)
		memset((char *)page_to_virt(last) + size % PAGE_SIZE, 0,
		       PAGE_SIZE - size % PAGE_SIZE);
	spin_unlock(&mapping->tree_lock);
}

// A fault meanwhile may map a page that is just being dropped: it goes with the second unmapping.
void mapping_punch(struct mapping *mapping, u64 first, u64 last)
{
	mapping_unmap(mapping, first, last, false);
	spin_lock(&mapping->tree_lock);
	tree_cut(mapping, first, last);
	spin_unlock(&mapping->tree_lock);
	mapping_unmap(mapping, first, last, false);
}

void mapping_destroy(struct mapping *mapping)
{
	spin_lock(&mapping->tree_lock);
	tree_cut(mapping, 0, ~0ul);
	spin_unlock(&mapping->tree_lock);
}

// --- read and write ---

ssize_t mapping_read(struct mapping *mapping, struct iov_iter *iter, u64 *pos)
{
	ssize_t done = 0;

	while (iter_count(iter)) {
		u64 size = READ_ONCE(mapping->size);

		if (*pos >= size)
			break;
		u64 offset = *pos % PAGE_SIZE;
		size_t n = MIN(MIN(PAGE_SIZE - offset, size - *pos), iter_count(iter));
		struct page *page = mapping_find_page(mapping, *pos / PAGE_SIZE);
		const char *from = page ? (char *)page_to_virt(page) + offset
					: page_to_virt(zero_page);
		size_t copied = iter_copy_to(iter, from, n);
		if (page)
			page_put(page);
		*pos += copied;
		done += copied;
		if (copied < n)
			return done ?: -EFAULT;
	}
	return done;
}

ssize_t mapping_write(struct mapping *mapping, struct iov_iter *iter, u64 *pos)
{
	ssize_t done = 0;

	while (iter_count(iter)) {
		u64 offset = *pos % PAGE_SIZE;
		size_t n = MIN(PAGE_SIZE - offset, iter_count(iter));
		struct page *page;

		int error = mapping_get_page(mapping, *pos / PAGE_SIZE, true, &page);
		if (error)
			return done ?: error == -ENOMEM ? -ENOSPC : error;
		size_t copied = iter_copy_from(iter, (char *)page_to_virt(page) + offset, n);
		page_put(page);
		*pos += copied;
		done += copied;
		if (*pos > mapping->size)
			WRITE_ONCE(mapping->size, *pos);
		if (copied < n)
			return done ?: -EFAULT;
	}
	return done;
}

// --- Shared anonymous memory ---

static void shmem_destroy(struct mapping *mapping)
{
	mapping_destroy(mapping);
	if (mapping->account)
		commit_uncharge(mapping->size >> PAGE_SHIFT);
	slab_free(shmem_cache, mapping);
}

int shmem_create(u64 size, bool account, struct mapping **out)
{
	if (account && commit_charge(NULL, size >> PAGE_SHIFT))
		return -ENOMEM;
	struct mapping *mapping = slab_alloc(shmem_cache, GFP_KERNEL);
	if (!mapping) {
		commit_uncharge(account ? size >> PAGE_SHIFT : 0);
		return -ENOMEM;
	}
	mapping_init(mapping, NULL);
	mapping->size = size;
	mapping->shmem = true;
	mapping->account = account;
	mapping->destroy = shmem_destroy;
	*out = mapping;
	return 0;
}

struct mapping *mapping_get(struct mapping *mapping)
{
	refcount_get(&mapping->refs);
	return mapping;
}

void mapping_put(struct mapping *mapping)
{
	if (refcount_put(&mapping->refs))
		mapping->destroy(mapping);
}

void mapping_module_init(void)
{
	node_cache = slab_cache_create("mapping_node", sizeof(struct mapping_node), 0, SLAB_PANIC,
				       NULL);
	shmem_cache = slab_cache_create("shmem", sizeof(struct mapping), 0, SLAB_PANIC, NULL);
}
