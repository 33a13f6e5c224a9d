// Crimes against memory, each by one byte, that the address checks must report, with both stacks
// where there are two. Built only with -Dkasan=true.

#include <core/selftest.h>
#include <core/stack_store.h>
#include <lib/string.h>
#include <mm/kasan.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmap.h>

static struct kasan_capture seen;

// Whether exactly one report of this kind came since the last question.
static bool reported(const char *kind, const volatile void *at, bool write)
{
	bool match = seen.count == 1 && !strcmp(seen.kind, kind) && seen.address == (u64)at &&
		     seen.write == write;

	if (!match)
		pr_err("# expected %s at %p, saw %u reports, the last %s at %lx\n", kind, at,
		       seen.count, seen.kind ?: "none", seen.address);
	seen.count = 0;
	return match;
}

static void crime_slab(struct selftest_run *t)
{
	volatile char *object = kmalloc(20, GFP_KERNEL), *first = NULL;

	// Before the first object of a slab lies another page, of which nothing is known.
	if ((u64)object % PAGE_SIZE == 0) {
		first = object;
		object = kmalloc(20, GFP_KERNEL);
	}
	object[19] = 1;
	CHECK(t, !seen.count);
	object[20] = 1;
	CHECK(t, reported("slab-out-of-bounds", object + 20, true) && seen.allocated);
	(void)object[24];
	CHECK(t, reported("slab-out-of-bounds", object + 24, false));
	(void)object[-1];
	CHECK(t, reported("slab-out-of-bounds", object - 1, false));
	kfree((void *)object);
	CHECK(t, !seen.count);
	(void)object[3];
	CHECK(t, reported("slab-use-after-free", object + 3, false));
	CHECK(t, seen.allocated && seen.freed && seen.allocated != seen.freed);
	// Others that are allocated meanwhile do not get it: it is in quarantine.
	for (int i = 0; i < 100; i++) {
		void *other = kmalloc(20, GFP_KERNEL);

		CHECK(t, other != object);
		kfree(other);
	}
	memset((void *)object, 0, 8);
	CHECK(t, reported("slab-use-after-free", object, true));
	kfree((void *)first);
}

static void crime_page(struct selftest_run *t)
{
	volatile char *page = page_alloc_virt(GFP_KERNEL);

	page[PAGE_SIZE - 1] = 1;
	CHECK(t, !seen.count);
	page_free_virt((void *)page);
	page[8] = 1;
	CHECK(t, reported("page-use-after-free", page + 8, true) && seen.allocated && seen.freed);
	volatile char *large = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	large[3 * PAGE_SIZE] = 1;
	CHECK(t, reported("slab-out-of-bounds", large + 3 * PAGE_SIZE, true));
	kfree((void *)large);
	volatile char *mapped = vmap_alloc(100 * PAGE_SIZE + 12, GFP_KERNEL);
	(void)mapped[100 * PAGE_SIZE + 11];
	CHECK(t, !seen.count);
	(void)mapped[100 * PAGE_SIZE + 12];
	CHECK(t, reported("vmap-out-of-bounds", mapped + 100 * PAGE_SIZE + 12, false));
	vfree((void *)mapped);
}

// The compiler must not look inside.
__attribute__((noipa)) static char read_at(const volatile char *at, int index)
{
	return at[index];
}

static void crime_stack(struct selftest_run *t)
{
	volatile char local[10] = "", *volatile end = local;

	read_at(local, 9);
	CHECK(t, !seen.count);
	read_at(local, 10);
	CHECK(t, reported("stack-out-of-bounds", end + 10, false));
}

static volatile char global[13];

static void crime_global(struct selftest_run *t)
{
	read_at(global, 12);
	CHECK(t, !seen.count);
	read_at(global, 13);
	CHECK(t, reported("global-out-of-bounds", &global[0] + 13, false));
}

static void test_kasan(struct selftest_run *t)
{
	seen = (struct kasan_capture){};
	kasan_capture = &seen;
	crime_slab(t);
	crime_page(t);
	crime_stack(t);
	crime_global(t);
	kasan_capture = NULL;
}
SELFTEST(kasan, test_kasan);

// Without the capture: a report is printed, and the machine's power-off fails. The test looks for it.
static void test_kasan_report(struct selftest_run *t)
{
	volatile char *object = kmalloc(40, GFP_KERNEL);

	kfree((void *)object);
	(void)object[5];
	CHECK(t, kasan_report_count() == 1);
}
SELFTEST_FATAL(kasan_report, test_kasan_report);
