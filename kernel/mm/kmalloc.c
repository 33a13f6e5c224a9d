// Memory of any size, on a few slab caches; large sizes take whole blocks of pages.

#include <core/panic.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <mm/kasan.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmap.h>

void kmalloc_init(void);

static const struct {
	u16 size;
	const char *name;
} sizes[] = {
	{16, "kmalloc-16"},   {32, "kmalloc-32"},   {64, "kmalloc-64"},   {96, "kmalloc-96"},
	{128, "kmalloc-128"}, {192, "kmalloc-192"}, {256, "kmalloc-256"}, {512, "kmalloc-512"},
	{1024, "kmalloc-1k"}, {2048, "kmalloc-2k"},
};

#define CACHED_MAX 2048

static struct slab_cache *caches[ARRAY_SIZE(sizes)];
static u8 cache_of[CACHED_MAX / 16 + 1]; // by size in units of 16

void kmalloc_init(void)
{
	size_t units = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		caches[i] = slab_cache_create(
			sizes[i].name, sizes[i].size, 0,
			SLAB_PANIC | (IS_POW2(sizes[i].size) && !CONFIG_DEBUG ? SLAB_HWALIGN : 0),
			NULL);
		while (units <= sizes[i].size / 16u)
			cache_of[units++] = i;
	}
	rcu_free_hook = kfree;
}

void *kmalloc(size_t size, u32 gfp)
{
	if (likely(size <= CACHED_MAX)) {
		struct slab_cache *cache = caches[cache_of[(size + 15) / 16]];
		void *object = slab_alloc(cache, gfp);
		if (CONFIG_KASAN && object)
			kasan_unpoison_object(object, size, slab_object_size(object));
		return object;
	}
	unsigned order = 0;
	while (order < 11 && PAGE_SIZE << order < size)
		order++;
	struct page *page = page_alloc(gfp, order);
	if (!page)
		return NULL;
	page->flags = PG_LARGE;
	kasan_unpoison_object(page_to_virt(page), size, PAGE_SIZE << order);
	return page_to_virt(page);
}

size_t kmalloc_size(const void *object)
{
	const struct page *page = virt_to_page(object);

	if (page->flags & PG_LARGE)
		return PAGE_SIZE << page->order;
	return slab_object_size(object);
}

void *krealloc(void *object, size_t size, u32 gfp)
{
	// All of it was the object's to use until now, and is again.
	if (object)
		kasan_unpoison(object, kmalloc_size(object));
	if (object && kmalloc_size(object) >= size)
		return object;
	void *copy = kmalloc(size, gfp);
	if (copy && object) {
		memcpy(copy, object, kmalloc_size(object));
		kfree(object);
	}
	return copy;
}

void *kmalloc_aligned(size_t size, size_t align, u32 gfp)
{
	// Blocks of pages are aligned to their size; caches, in debug builds, to nothing much.
	return kmalloc(MAX(ALIGN_UP(size, align), (size_t)CACHED_MAX + 1), gfp);
}

char *kstrdup(const char *text, u32 gfp)
{
	return kmemdup(text, strlen(text) + 1, gfp);
}

void *kmemdup(const void *from, size_t size, u32 gfp)
{
	void *copy = kmalloc(size, gfp);

	if (copy)
		memcpy(copy, from, size);
	return copy;
}

#define KVMALLOC_PAGES_MAX (8 * PAGE_SIZE)

void *kvmalloc(size_t size, u32 gfp)
{
	if (size <= KVMALLOC_PAGES_MAX)
		return kmalloc(size, gfp);
	return vmap_alloc(size, gfp);
}

void kvfree(void *object)
{
	if ((u64)object >= VMAP_BASE && (u64)object < VMAP_BASE + VMAP_SIZE)
		vfree(object);
	else
		kfree(object);
}

// The function slot of the head holds the offset until the grace period is over: no function lies
// in the first page of the address space.
void kfree_rcu_at(struct rcu_head *head, size_t offset)
{
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}
