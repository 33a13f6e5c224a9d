// Crimes against slab caches: each must be reported, with the right cache's name, and must leave the
// cache in a state that can be used and destroyed.

#include <core/selftest.h>
#include <lib/string.h>
#include <mm/slab.h>

#define SIZE 40

static struct slab_report seen;

// Whether exactly one report of this kind came since the last question.
static bool reported(const char *cache, const char *what, void *object)
{
	bool match = seen.count == 1 && !strcmp(seen.cache, cache) && !strcmp(seen.what, what) &&
		     seen.object == object;

	seen = (struct slab_report){};
	return match;
}

static void crime_double_free(struct selftest_run *t, struct slab_cache *cache)
{
	void *object = slab_alloc(cache, GFP_KERNEL);

	slab_free(cache, object);
	CHECK(t, !seen.count);
	slab_free(cache, object);
	CHECK(t, reported("crimes", "freed twice", object));
	// It is free once: two allocations do not get the same object.
	void *one = slab_alloc(cache, GFP_KERNEL), *two = slab_alloc(cache, GFP_KERNEL);
	CHECK(t, one != two);
	slab_free(cache, one);
	slab_free(cache, two);
	CHECK(t, !seen.count);
}

static void crime_overflow(struct selftest_run *t, struct slab_cache *cache)
{
	char *object = slab_alloc(cache, GFP_KERNEL);

	memset(object, 0, SIZE);
	object[SIZE] = 0;
	slab_free(cache, object);
	CHECK(t, reported("crimes", "written beyond its end", object));
}

// The last object freed is the next one allocated: nothing else runs on this hart in between.
static void crime_write_after_free(struct selftest_run *t, struct slab_cache *cache)
{
	char *object = slab_alloc(cache, GFP_KERNEL);

	for (int at = 0; at < SIZE; at += SIZE - 1) {
		slab_free(cache, object);
		object[at] ^= 1;
		CHECK(t, !seen.count);
		CHECK(t, slab_alloc(cache, GFP_KERNEL) == object);
		CHECK(t, reported("crimes", "written while free", object));
	}
	slab_free(cache, object);
	object[SIZE] ^= 1;
	CHECK(t, slab_alloc(cache, GFP_KERNEL) == object);
	CHECK(t, reported("crimes", "written while free (red zone)", object));
	slab_free(cache, object);
}

static void crime_foreign(struct selftest_run *t, struct slab_cache *cache,
			  struct slab_cache *other)
{
	char *object = slab_alloc(cache, GFP_KERNEL), *pages = kmalloc(64 << 10, GFP_KERNEL);

	memset(object, 5, SIZE);
	slab_free(other, object);
	CHECK(t, reported("crimes-other", "freed, but never its object", object));
	slab_free(cache, object + 8);
	CHECK(t, reported("crimes", "freed, but never its object", object + 8));
	kfree(object + 8);
	CHECK(t, reported("crimes", "freed, but never its object", object + 8));
	slab_free(cache, pages);
	CHECK(t, reported("crimes", "freed, but never its object", pages));
	// All of these left it alone.
	for (int i = 0; i < SIZE; i++)
		CHECK(t, object[i] == 5);
	slab_free(cache, object);
	kfree(pages);
	CHECK(t, !seen.count);
}

static void test_slab_crimes(struct selftest_run *t)
{
	if (!CONFIG_DEBUG) {
		SKIP(t, "only debug builds check");
		return;
	}
	if (CONFIG_KASAN) {
		SKIP(t, "the address checks see these crimes first");
		return;
	}
	struct slab_cache *cache = slab_cache_create("crimes", SIZE, 0, SLAB_PANIC, NULL);
	struct slab_cache *other = slab_cache_create("crimes-other", SIZE, 0, SLAB_PANIC, NULL);

	seen = (struct slab_report){};
	slab_report_capture = &seen;
	crime_double_free(t, cache);
	crime_overflow(t, cache);
	crime_write_after_free(t, cache);
	crime_foreign(t, cache, other);
	CHECK(t, !seen.count);
	slab_report_capture = NULL;
	slab_cache_destroy(cache);
	slab_cache_destroy(other);
}
SELFTEST(slab_crimes, test_slab_crimes);
