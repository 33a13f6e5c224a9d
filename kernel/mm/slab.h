// Caches of equal objects, and kmalloc on top of them.
#pragma once

#include <core/rcu.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <lib/list.h>
#include <mm/gfp.h>

enum slab_flags {
	SLAB_HWALIGN = 1 << 0,      // objects start on cache lines if they are not tiny
	SLAB_PANIC = 1 << 1,        // creation cannot fail
	SLAB_TYPESAFE_RCU = 1 << 2, // memory of freed objects stays of this type for a grace period
	SLAB_ACCOUNT = 1 << 3,      // counted in leak checks of tests
	SLAB_NO_MAGAZINES = 1 << 4, // (inside) the caches that the allocator itself needs
};

struct slab_cache;

// ctor runs once on each object when its slab is made; objects must be freed in that state.
// align 0 = natural. NULL: no memory.
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align, u32 flags,
				     void (*ctor)(void *));
// All objects must be free: otherwise it says how many are not, and leaks the cache.
void slab_cache_destroy(struct slab_cache *cache);

void *slab_alloc(struct slab_cache *cache, u32 gfp);
void slab_free(struct slab_cache *cache, void *object);

// Any size; up to 8 KiB from caches, above that whole pages. kfree(NULL) does nothing.
void *kmalloc(size_t size, u32 gfp);
void kfree(void *object);
size_t kmalloc_size(const void *object); // usable bytes
size_t slab_object_size(const void *object);
void *krealloc(void *object, size_t size, u32 gfp);
void *kmalloc_aligned(size_t size, size_t align, u32 gfp); // align: a power of two up to a page
char *kstrdup(const char *text, u32 gfp);
void *kmemdup(const void *from, size_t size, u32 gfp);
void *kvmalloc(size_t size, u32 gfp); // falls back to vmap for large sizes
void kvfree(void *object);

static inline void *kzalloc(size_t size, u32 gfp)
{
	return kmalloc(size, gfp | GFP_ZERO);
}

// Frees what kmalloc or any slab cache gave, after a grace period. `member` is its rcu_head.
#define kfree_rcu(object, member) \
	kfree_rcu_at(&(object)->member, offsetof(typeof(*(object)), member))
void kfree_rcu_at(struct rcu_head *head, size_t offset);

// What /proc/slabinfo shows of a cache.
struct slab_info {
	const char *name;
	size_t object_size; // with everything around it
	u32 objects_per_slab, pages_per_slab;
	u64 active, total, slabs;
};
// Calls fn for each cache, after all magazines were emptied, so that counts are exact.
void slab_for_each(void (*fn)(const struct slab_info *info, void *ctx), void *ctx);
void slab_drain_all(void);
// Empties and frees the magazines, and frees slabs without an object in use (those of
// SLAB_TYPESAFE_RCU after a grace period).
void slab_shrink_all(void);
u64 slab_pages_count(void);

// Debug builds report misuse of objects: a line that names the cache, and a backtrace. When a
// self-test has set slab_report_capture, the last report goes there instead.
struct slab_report {
	const char *cache, *what;
	void *object;
	unsigned count;
};
extern struct slab_report *slab_report_capture;

// What lies at an address in a slab: the object there, or before it. False: it is in no slab.
struct slab_object {
	void *start;
	size_t size;
	const char *cache;
	u32 allocated, freed; // stacks of kasan builds; freed: 0 while it is in use
};
bool slab_describe(const void *address, struct slab_object *out);

// For the search for leaks (debug builds; leak.c). The object in use that an address lies in, and number
// `at` of a slab (.object NULL: it is free); false: there is none.
struct slab_place {
	void *object;
	size_t size;
	void **link; // a word that nobody uses while the object is allocated
	const char *cache;
	const void *last_user;
};
struct page;
bool slab_place(const void *address, struct slab_place *out);
bool slab_place_in(struct page *page, u64 at, struct slab_place *out);

void slab_init(void);
