// An object is lost on purpose, and must be found; once its address is known again it must not.

#include <core/selftest.h>
#include <lib/string.h>
#include <mm/leak.h>
#include <mm/slab.h>

#define LEAKS_MAX 16

static struct leak leaks[LEAKS_MAX];
static struct slab_cache *cache;
static u64 hidden; // the complement of an address: it points nowhere
static void *volatile kept;

static NOINLINE void lose_one(void)
{
	volatile u64 room[100]; // what is called works below it, where the wiping reaches

	room[0] = room[99] = 0;
	hidden = ~(u64)slab_alloc(cache, GFP_KERNEL);
}

// What was called before may have left its address on the stack.
static NOINLINE void wipe_stack(void)
{
	volatile u64 room[CONFIG_KASAN ? 1500 : 600];

	for (size_t i = 0; i < ARRAY_SIZE(room); i++)
		room[i] = 0;
}

static NOINLINE bool found(void)
{
	unsigned count = leak_scan(leaks, LEAKS_MAX);

	for (unsigned i = 0; i < MIN(count, LEAKS_MAX); i++) {
		if (leaks[i].hidden == hidden && !strcmp(leaks[i].cache, "lost"))
			return leaks[i].size == 48;
	}
	return false;
}

static void test_leak(struct selftest_run *t)
{
	if (!CONFIG_DEBUG) {
		SKIP(t, "only debug builds search");
		return;
	}
	cache = slab_cache_create("lost", 48, 0, SLAB_PANIC, NULL);
	lose_one();
	wipe_stack();
	CHECK(t, found());
	kept = (char *)~hidden + 24; // a pointer to its middle is enough
	CHECK(t, !found());
	kept = NULL;
	memset(leaks, 0, sizeof(leaks));
	wipe_stack();
	CHECK(t, found());
	slab_free(cache, (void *)~hidden);
	memset(leaks, 0, sizeof(leaks));
	CHECK(t, !found());
	slab_cache_destroy(cache);
}
SELFTEST(leak, test_leak);
