// Caches of equal objects.
//
// A slab is a block of pages cut into objects; its free objects are linked through the objects
// themselves. A cache keeps slabs with free objects on one list (full ones are on none). In front
// of that each hart has a magazine, an array of free objects of the cache, so that most
// allocations and frees take no lock: interrupts are turned off, and a pointer is popped or pushed.
// A magazine that is empty or full exchanges half of its objects with the slabs, under the lock.
//
// With -Dkasan=true all but the objects in use is poisoned (kasan.h), and a freed object stays in the
// quarantine of its hart for a while, so that who still uses it is seen.
//
// Debug builds surround each object: [object][red zone][free link][last user]. Free objects are
// filled with a pattern, which is checked at the next allocation. Reports name the cache.
//
// In struct page: cache, freelist (first free object), refs - 1 (objects in use), slab_link.
// Head and tails of a slab all have PG_SLAB and the order, so that the head is found by alignment.
//
// Lock order: cache list (mutex-free, rank LOCK_SLAB_LIST's spin part) > cache->lock > buddy.

#include <arch/irq.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/printk.h>
#include <lib/string.h>
#include <core/stack_store.h>
#include <mm/buddy.h>
#include <mm/kasan.h>
#include <mm/slab.h>

#define MAGAZINE_SIZE    30
#define RED_ZONE         0xcc55cc55cc55cc55ul
#define RED_ZONE_FREE    0xbb44bb44bb44bb44ul
#define POISON           0x6b
#define EMPTY_SLABS_KEPT 2

struct magazine {
	u32 count;
	void *object[MAGAZINE_SIZE];
};

// What follows an object in debug builds.
struct slab_guard {
	u64 red_zone;
	const void *last_user;
#if CONFIG_KASAN
	u32 allocated, freed; // stacks
#endif
};

// Legend: [I] immutable, [lock].
struct slab_cache {
	struct spinlock lock;
	struct list_head partial;              // [lock] slabs with free objects
	u32 empty;                             // [lock] of these, with nothing but free objects
	u64 slabs, in_use;                     // [lock] in_use includes what magazines hold
	const char *name;                      // [I]
	size_t size, stride;                   // [I] asked for; from object to object
	size_t link_offset, guard_offset;      // [I]
	u32 order, per_slab, flags;            // [I]
	void (*ctor)(void *);                  // [I]
	struct list_head list;                 // [slab_list_lock]
	struct magazine *magazines[MAX_HARTS]; // [own hart, interrupts off]
};

static struct spinlock slab_list_lock = SPINLOCK_INIT(LOCK_SLAB);
static LIST_HEAD(slab_caches);
static struct slab_cache cache_cache, magazine_cache;
static bool magazines_work; // after boot has come far enough

static void **link_of(const struct slab_cache *cache, void *object)
{
	return (void **)((char *)object + cache->link_offset);
}

static struct slab_guard *guard_of(const struct slab_cache *cache, void *object)
{
	return (struct slab_guard *)((char *)object + cache->guard_offset);
}

static struct page *slab_head(const void *object)
{
	struct page *page = virt_to_page(object);

	return virt_to_page((void *)ALIGN_DOWN((u64)object, PAGE_SIZE << page->order));
}

// --- Debugging ---

struct slab_report *slab_report_capture;

// last_user: NULL if the object has no guard to ask.
static COLD void report(const struct slab_cache *cache, void *object, const char *what,
			const void *last_user)
{
	if (slab_report_capture) {
		*slab_report_capture = (struct slab_report){
			.cache = cache->name,
			.what = what,
			.object = object,
			.count = slab_report_capture->count + 1,
		};
		return;
	}
	kernel_fault_noted();
	pr_emerg("slab: %s: %s, object %p\n", cache->name, what, object);
	if (last_user)
		pr_emerg("slab: last user %pS\n", last_user);
	dump_stack();
}

static bool is_object_of(const struct slab_cache *cache, void *object)
{
	if (!(virt_to_page(object)->flags & PG_SLAB))
		return false;
	struct page *page = slab_head(object);
	u64 offset = (u64)object - (u64)page_to_virt(page);
	return page->cache == cache && !(offset % cache->stride) &&
	       offset / cache->stride < cache->per_slab;
}

// False: it must not go to the free objects; it is there, or belongs elsewhere.
static bool debug_freed(const struct slab_cache *cache, void *object, const void *caller)
{
	if (!CONFIG_DEBUG)
		return true;
	if (!is_object_of(cache, object)) {
		report(cache, object, "freed, but never its object", NULL);
		return false;
	}
	struct slab_guard *guard = guard_of(cache, object);
	if (guard->red_zone == RED_ZONE_FREE) {
		report(cache, object, "freed twice", guard->last_user);
		return false;
	}
	if (guard->red_zone != RED_ZONE)
		report(cache, object, "written beyond its end", guard->last_user);
	guard->red_zone = RED_ZONE_FREE;
	guard->last_user = caller;
	kasan_unpoison(object, cache->size); // also what kmalloc()'s caller did not ask for
	if (!cache->ctor && !(cache->flags & SLAB_TYPESAFE_RCU))
		memset(object, POISON, cache->size);
#if CONFIG_KASAN
	guard->freed = stack_save();
#endif
	return true;
}

static void debug_allocated(const struct slab_cache *cache, void *object, const void *caller)
{
	struct slab_guard *guard = guard_of(cache, object);
	const u8 *byte = object;

	if (!CONFIG_DEBUG)
		return;
	if (guard->red_zone != RED_ZONE_FREE)
		report(cache, object, "written while free (red zone)", guard->last_user);
	if (!cache->ctor && !(cache->flags & SLAB_TYPESAFE_RCU)) {
		for (size_t i = 0; i < cache->size; i++) {
			if (byte[i] != POISON) {
				report(cache, object, "written while free", guard->last_user);
				break;
			}
		}
	}
	guard->red_zone = RED_ZONE;
	guard->last_user = caller;
#if CONFIG_KASAN
	guard->allocated = stack_save();
#endif
}

bool slab_describe(const void *address, struct slab_object *out)
{
	struct page *page = virt_to_page(address);

	if (!(page->flags & PG_SLAB))
		return false;
	page = slab_head(address);
	const struct slab_cache *cache = page->cache;
	char *base = page_to_virt(page);
	u64 index = MIN((u64)((const char *)address - base) / cache->stride, cache->per_slab - 1ul);
	void *object = base + index * cache->stride;

	*out = (struct slab_object){.start = object, .size = cache->size, .cache = cache->name};
#if CONFIG_KASAN
	struct slab_guard *guard = guard_of(cache, object);
	out->allocated = guard->allocated;
	out->freed = guard->red_zone == RED_ZONE_FREE ? guard->freed : 0;
#endif
	return true;
}

bool slab_place(const void *address, struct slab_place *out)
{
	if (!CONFIG_DEBUG || !(virt_to_page(address)->flags & PG_SLAB))
		return false;
	struct page *page = slab_head(address);
	const struct slab_cache *cache = page->cache;
	u64 at = ((u64)address - (u64)page_to_virt(page)) / cache->stride;

	return slab_place_in(page, at, out) && out->object;
}

bool slab_place_in(struct page *page, u64 at, struct slab_place *out)
{
	const struct slab_cache *cache = page->cache;

	if (at >= cache->per_slab)
		return false;
	void *object = (char *)page_to_virt(page) + at * cache->stride;
	const struct slab_guard *guard = guard_of(cache, object);
	bool used = guard->red_zone == RED_ZONE;
	// Magazines lead to free objects only, but still say what was taken out of them.
	size_t size = cache == &magazine_cache ? 0 : cache->size;
	*out = (struct slab_place){.object = used ? object : NULL,
				   .size = size,
				   .link = link_of(cache, object),
				   .cache = cache->name,
				   .last_user = guard->last_user};
	return true;
}

// --- Slabs; cache->lock held unless said otherwise ---

// Makes a slab. No lock held.
static struct page *slab_make(struct slab_cache *cache, u32 gfp)
{
	struct page *page = page_alloc((gfp & ~GFP_ZERO) | GFP_NOINJECT, cache->order);

	if (!page)
		return NULL;
	for (u32 i = 0; i < 1u << cache->order; i++) {
		page[i].flags = PG_SLAB;
		page[i].order = cache->order;
	}
	page->cache = cache;
	page->freelist = NULL;
	char *base = page_to_virt(page);
	for (u32 i = cache->per_slab; i-- > 0;) {
		void *object = base + i * cache->stride;

		if (CONFIG_DEBUG) {
			memset(object, POISON, cache->size);
			*guard_of(cache, object) = (struct slab_guard){.red_zone = RED_ZONE_FREE};
		}
		if (cache->ctor)
			cache->ctor(object);
		*link_of(cache, object) = page->freelist;
		page->freelist = object;
	}
	if (!(cache->flags & SLAB_TYPESAFE_RCU))
		kasan_poison(base, PAGE_SIZE << cache->order, KASAN_REDZONE);
	return page;
}

static void slab_unmake(struct page *page)
{
	unsigned order = page->order;

	for (u32 i = 0; i < 1u << order; i++)
		page[i].flags = 0;
	kasan_unpoison(page_to_virt(page), PAGE_SIZE << order);
	page_free(page, order);
}

static void slab_unmake_rcu(struct rcu_head *head)
{
	slab_unmake(container_of((struct list_head *)head, struct page, slab_link));
}

_Static_assert(sizeof(struct rcu_head) <= sizeof(struct list_head), "rcu_head in slab_link");

static void slab_release(struct slab_cache *cache, struct page *page)
{
	if (cache->flags & SLAB_TYPESAFE_RCU)
		call_rcu((struct rcu_head *)&page->slab_link, slab_unmake_rcu);
	else
		slab_unmake(page);
}

static void *take_locked(struct slab_cache *cache)
{
	if (list_empty(&cache->partial))
		return NULL;
	struct page *page = list_first_entry(&cache->partial, struct page, slab_link);
	void *object = page->freelist;

	if (page->refs.v == 1)
		cache->empty--;
	page->refs.v++;
	page->freelist = *link_of(cache, object);
	if (!page->freelist)
		list_del_init(&page->slab_link);
	cache->in_use++;
	return object;
}

// Returns a slab to be released after the lock was dropped, or NULL.
static struct page *give_locked(struct slab_cache *cache, void *object)
{
	struct page *page = slab_head(object);

	if (!page->freelist)
		list_add(&page->slab_link, &cache->partial);
	*link_of(cache, object) = page->freelist;
	page->freelist = object;
	cache->in_use--;
	if (--page->refs.v > 1)
		return NULL;
	if (cache->empty < EMPTY_SLABS_KEPT) {
		cache->empty++;
		list_move_tail(&page->slab_link, &cache->partial);
		return NULL;
	}
	list_del(&page->slab_link);
	cache->slabs--;
	return page;
}

// --- Magazines; interrupts off ---

static u32 magazine_fill(struct slab_cache *cache, struct magazine *magazine)
{
	spin_lock(&cache->lock);
	while (magazine->count < MAGAZINE_SIZE / 2) {
		void *object = take_locked(cache);

		if (!object)
			break;
		magazine->object[magazine->count++] = object;
	}
	spin_unlock(&cache->lock);
	return magazine->count;
}

static void magazine_empty(struct slab_cache *cache, struct magazine *magazine, u32 keep)
{
	struct page *release[MAGAZINE_SIZE];
	u32 count = 0;

	spin_lock(&cache->lock);
	while (magazine->count > keep) {
		struct page *page = give_locked(cache, magazine->object[--magazine->count]);

		if (page)
			release[count++] = page;
	}
	spin_unlock(&cache->lock);
	while (count)
		slab_release(cache, release[--count]);
}

static struct magazine *magazine_of(struct slab_cache *cache)
{
	struct magazine **slot = &cache->magazines[hart_index()];

	if (likely(*slot) || !magazines_work || (cache->flags & SLAB_NO_MAGAZINES))
		return *slot;
	struct magazine *magazine = slab_alloc(&magazine_cache, GFP_ATOMIC | GFP_NOINJECT);
	if (magazine)
		magazine->count = 0;
	return *slot = magazine;
}

// --- The interface ---

static COLD void *alloc_slow(struct slab_cache *cache, u32 gfp)
{
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&cache->lock);
		void *object = take_locked(cache);
		spin_unlock_irqrestore(&cache->lock, flags);
		if (object)
			return object;
		struct page *page = slab_make(cache, gfp);
		if (!page)
			return NULL;
		flags = spin_lock_irqsave(&cache->lock);
		list_add(&page->slab_link, &cache->partial);
		cache->empty++;
		cache->slabs++;
		spin_unlock_irqrestore(&cache->lock, flags);
	}
}

static void *alloc_from(struct slab_cache *cache, u32 gfp, const void *caller)
{
	void *object = NULL;

	gfp_check(gfp);
	if (fault_should_fail(FAULT_SLAB, gfp))
		return NULL;
	unsigned long flags = arch_irq_save();
	struct magazine *magazine = magazine_of(cache);
	if (likely(magazine && (magazine->count || magazine_fill(cache, magazine))))
		object = magazine->object[--magazine->count];
	arch_irq_restore(flags);
	if (unlikely(!object) && !(object = alloc_slow(cache, gfp)))
		return NULL;
	debug_allocated(cache, object, caller);
	if (!(cache->flags & SLAB_TYPESAFE_RCU))
		kasan_unpoison(object, cache->size);
	if (gfp & GFP_ZERO)
		memset(object, 0, cache->size);
	return object;
}

// Back to the magazine or the slab.
static void free_now(struct slab_cache *cache, void *object)
{
	unsigned long flags = arch_irq_save();
	struct magazine *magazine = magazine_of(cache);
	if (likely(magazine)) {
		if (unlikely(magazine->count == MAGAZINE_SIZE))
			magazine_empty(cache, magazine, MAGAZINE_SIZE / 2);
		magazine->object[magazine->count++] = object;
	} else {
		struct magazine one = {.count = 1, .object = {object}};
		magazine_empty(cache, &one, 0);
	}
	arch_irq_restore(flags);
}

// --- The quarantine: freed objects, first in, first out, linked as free ones are ---

struct quarantine {
	void *first, *last;
	size_t bytes;
};

#define QUARANTINE_MAX (256 * KIB)

#if CONFIG_KASAN
static PER_HART(struct quarantine, quarantine);

// Lets the oldest go until so many bytes are left. Interrupts off.
static void quarantine_cut(size_t keep)
{
	struct quarantine *q = &this_hart_var(quarantine);

	while (q->bytes > keep) {
		void *object = q->first;
		struct slab_cache *cache = slab_head(object)->cache;

		q->first = *link_of(cache, object);
		q->bytes -= cache->stride;
		free_now(cache, object);
	}
}

static bool quarantine_take(struct slab_cache *cache, void *object)
{
	// Whatever may be looked at when it is free would be reported there.
	if (cache->flags & (SLAB_TYPESAFE_RCU | SLAB_NO_MAGAZINES) || !magazines_work)
		return false;
	kasan_poison(object, ALIGN_UP(cache->size, 8ul), KASAN_SLAB_FREE);
	unsigned long flags = arch_irq_save();
	struct quarantine *q = &this_hart_var(quarantine);
	if (q->bytes)
		*link_of(slab_head(q->last)->cache, q->last) = object;
	else
		q->first = object;
	q->last = object;
	q->bytes += cache->stride;
	quarantine_cut(QUARANTINE_MAX);
	arch_irq_restore(flags);
	return true;
}
#else
static void quarantine_cut(size_t keep)
{
	(void)keep;
}

static bool quarantine_take(struct slab_cache *cache, void *object)
{
	(void)cache, (void)object;
	return false;
}
#endif

static void free_to(struct slab_cache *cache, void *object, const void *caller)
{
	if (debug_freed(cache, object, caller) && !quarantine_take(cache, object))
		free_now(cache, object);
}

void *slab_alloc(struct slab_cache *cache, u32 gfp)
{
	return alloc_from(cache, gfp, __builtin_return_address(0));
}

void slab_free(struct slab_cache *cache, void *object)
{
	free_to(cache, object, __builtin_return_address(0));
}

void kfree(void *object)
{
	if (!object)
		return;
	struct page *page = virt_to_page(object);
	if (page->flags & PG_SLAB)
		free_to(slab_head(object)->cache, object, __builtin_return_address(0));
	else
		page_free(page, page->order);
}

// --- Caches ---

static void cache_setup(struct slab_cache *cache, const char *name, size_t size, size_t align,
			u32 flags, void (*ctor)(void *))
{
	bool link_outside = ctor || (flags & SLAB_TYPESAFE_RCU) || CONFIG_DEBUG;
	size_t stride = ALIGN_UP(size, 8);

	if (flags & SLAB_HWALIGN && size > 32)
		align = MAX(align, (size_t)64);
	align = MAX(align, (size_t)8);
	spin_init(&cache->lock, LOCK_SLAB);
	list_init(&cache->partial);
	cache->name = name;
	cache->size = size;
	cache->flags = flags;
	cache->ctor = ctor;
	if (CONFIG_DEBUG) {
		cache->guard_offset = stride;
		stride += sizeof(struct slab_guard);
	}
	cache->link_offset = link_outside ? stride : 0;
	if (link_outside)
		stride += sizeof(void *);
	cache->stride = ALIGN_UP(MAX(stride, (size_t)8), align);
	// A slab holds at least eight objects, or wastes at most an eighth.
	while (cache->order < 3 && (PAGE_SIZE << cache->order) / cache->stride < 8 &&
	       ((PAGE_SIZE << cache->order) % cache->stride > (PAGE_SIZE << cache->order) / 8 ||
		(PAGE_SIZE << cache->order) < cache->stride))
		cache->order++;
	cache->per_slab = (PAGE_SIZE << cache->order) / cache->stride;
	unsigned long irq = spin_lock_irqsave(&slab_list_lock);
	list_add_tail(&cache->list, &slab_caches);
	spin_unlock_irqrestore(&slab_list_lock, irq);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align, u32 flags,
				     void (*ctor)(void *))
{
	struct slab_cache *cache = slab_alloc(&cache_cache, GFP_KERNEL | GFP_ZERO);

	if (!cache) {
		if (flags & SLAB_PANIC)
			panic("slab: no memory for cache %s", name);
		return NULL;
	}
	cache_setup(cache, name, size, align, flags, ctor);
	if (!cache->per_slab)
		panic("slab: %s: objects of %lu bytes are too large", name, size);
	return cache;
}

struct drain_request {
	struct slab_cache *cache; // NULL = all
};

static void drain_cache(struct slab_cache *cache)
{
	struct magazine *magazine = cache->magazines[hart_index()];

	if (magazine)
		magazine_empty(cache, magazine, 0);
}

static void drain_this_hart(void *data)
{
	struct slab_cache *only = data, *cache;

	quarantine_cut(0);
	if (only) {
		drain_cache(only);
		return;
	}
	list_for_each_entry (cache, &slab_caches, list)
		drain_cache(cache);
}

void slab_drain_all(void)
{
	ipi_call(&harts_online, drain_this_hart, NULL, true);
}

// Magazines go as well: they come back with the next allocation.
static void discard_magazines(void *unused)
{
	struct slab_cache *cache;

	(void)unused;
	quarantine_cut(0);
	list_for_each_entry (cache, &slab_caches, list) {
		struct magazine **slot = &cache->magazines[hart_index()], *magazine = *slot;

		if (!magazine)
			continue;
		magazine_empty(cache, magazine, 0);
		*slot = NULL;
		slab_free(&magazine_cache, magazine);
	}
}

static void free_empty_slabs(struct slab_cache *cache)
{
	struct page *page, *next;
	LIST_HEAD(release);
	unsigned long flags = spin_lock_irqsave(&cache->lock);

	list_for_each_entry_safe (page, next, &cache->partial, slab_link) {
		if (page->refs.v > 1)
			continue;
		list_move_tail(&page->slab_link, &release);
		cache->slabs--;
	}
	cache->empty = 0;
	spin_unlock_irqrestore(&cache->lock, flags);
	list_for_each_entry_safe (page, next, &release, slab_link)
		slab_release(cache, page);
}

void slab_shrink_all(void)
{
	struct slab_cache *cache;

	ipi_call(&harts_online, discard_magazines, NULL, true);
	list_for_each_entry (cache, &slab_caches, list)
		free_empty_slabs(cache);
}

void slab_cache_destroy(struct slab_cache *cache)
{
	struct page *page, *next;

	rcu_barrier();
	ipi_call(&harts_online, drain_this_hart, cache, true);
	if (WARN_ON(cache->in_use)) {
		pr_err("slab: %s: %lu objects leak\n", cache->name, cache->in_use);
		return;
	}
	unsigned long flags = spin_lock_irqsave(&slab_list_lock);
	list_del(&cache->list);
	spin_unlock_irqrestore(&slab_list_lock, flags);
	list_for_each_entry_safe (page, next, &cache->partial, slab_link)
		slab_release(cache, page);
	for (u32 i = 0; i < MAX_HARTS; i++) {
		if (cache->magazines[i])
			slab_free(&magazine_cache, cache->magazines[i]);
	}
	slab_free(&cache_cache, cache);
}

void slab_for_each(void (*fn)(const struct slab_info *info, void *ctx), void *ctx)
{
	struct slab_cache *cache;

	slab_drain_all();
	list_for_each_entry (cache, &slab_caches, list) {
		struct slab_info info = {
			.name = cache->name,
			.object_size = cache->stride,
			.objects_per_slab = cache->per_slab,
			.pages_per_slab = 1u << cache->order,
			.active = cache->in_use,
			.total = cache->slabs * cache->per_slab,
			.slabs = cache->slabs,
		};
		fn(&info, ctx);
	}
}

u64 slab_pages_count(void)
{
	struct slab_cache *cache;
	u64 count = 0;

	list_for_each_entry (cache, &slab_caches, list)
		count += READ_ONCE(cache->slabs) << cache->order;
	return count;
}

void kmalloc_init(void);

void slab_init(void)
{
	cache_setup(&cache_cache, "slab_cache", sizeof(struct slab_cache), 64, SLAB_NO_MAGAZINES,
		    NULL);
	cache_setup(&magazine_cache, "magazine", sizeof(struct magazine), 64, SLAB_NO_MAGAZINES,
		    NULL);
	kmalloc_init();
	magazines_work = true;
}

size_t slab_object_size(const void *object)
{
	return slab_head(object)->cache->size;
}
