// The accessed and dirty bits, where the hardware would trap: they are cleared by hand, and the fault
// handler has to set them, also in tables that are shared. And crimes against pages and tables.

#include <arch/irq.h>
#include <core/selftest.h>
#include <lib/string.h>
#include <mm/fault.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

#define AREA       0x10000000ul
#define AREA_PAGES 600

static struct mm *make_area(struct selftest_run *run)
{
	struct mm *mm;
	u64 result;

	if (!CHECK(run, !mm_create(&mm)))
		return NULL;
	CHECK(run, !mm_mmap(mm, AREA, AREA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, &result));
	for (u32 i = 0; i < AREA_PAGES; i++)
		CHECK(run, !mm_copy_to(mm, AREA + i * PAGE_SIZE, &i, sizeof(i)));
	return mm;
}

static u64 bits_at(struct mm *mm, u64 page)
{
	spin_lock(&mm->table_lock);
	struct pte entry = table_peek(mm, AREA + page * PAGE_SIZE);
	spin_unlock(&mm->table_lock);
	return entry.v & (PTE_A | PTE_D);
}

static void clear_at(struct mm *mm, u64 page, u64 bits)
{
	spin_lock(&mm->table_lock);
	pte_clear_bits(table_lookup(mm, AREA + page * PAGE_SIZE), bits);
	mm_flush_all(mm);
	spin_unlock(&mm->table_lock);
}

static void check_own_table(struct selftest_run *run, struct mm *mm)
{
	u64 at = AREA + 5 * PAGE_SIZE;
	u32 value;

	clear_at(mm, 5, PTE_A | PTE_D);
	CHECK(run, !mm_page_allows(mm, at, FAULT_READ));
	CHECK(run, mm_fault(mm, at, FAULT_READ) == FAULT_OK);
	CHECK(run, bits_at(mm, 5) == PTE_A);
	CHECK(run, mm_page_allows(mm, at, FAULT_READ) && !mm_page_allows(mm, at, FAULT_WRITE));
	CHECK(run, mm_fault(mm, at, FAULT_WRITE) == FAULT_OK);
	CHECK(run, bits_at(mm, 5) == (PTE_A | PTE_D) && mm_page_allows(mm, at, FAULT_WRITE));
	clear_at(mm, 6, PTE_A | PTE_D);
	CHECK(run, mm_fault(mm, at + PAGE_SIZE, FAULT_WRITE) == FAULT_OK);
	CHECK(run, bits_at(mm, 6) == (PTE_A | PTE_D));
	// Copies by the kernel go through no hardware that would set the bits.
	clear_at(mm, 7, PTE_A | PTE_D);
	CHECK(run, !mm_copy_from(mm, AREA + 7 * PAGE_SIZE, &value, sizeof(value)) && value == 7);
	CHECK(run, bits_at(mm, 7) == PTE_A);
	CHECK(run, !mm_copy_to(mm, AREA + 7 * PAGE_SIZE, &value, sizeof(value)));
	CHECK(run, bits_at(mm, 7) == (PTE_A | PTE_D));
}

static void check_shared_table(struct selftest_run *run, struct mm *mm)
{
	struct mm *child;
	u32 value;

	clear_at(mm, 9, PTE_A);
	if (!CHECK(run, !mm_dup(mm, &child)))
		return;
	CHECK(run, !table_lookup_owned(child, AREA));
	CHECK(run, !mm_copy_from(child, AREA + 9 * PAGE_SIZE, &value, sizeof(value)) && value == 9);
	CHECK(run, bits_at(child, 9) & PTE_A);
	clear_at(child, 10, PTE_A);
	CHECK(run, mm_fault(child, AREA + 10 * PAGE_SIZE, FAULT_READ) == FAULT_OK);
	CHECK(run, !table_lookup_owned(child, AREA) && (bits_at(child, 10) & PTE_A));
	// A table is made ours before its accesses are forgotten.
	CHECK(run, !table_forget_accesses(child, AREA, AREA + AREA_PAGES * PAGE_SIZE));
	CHECK(run, table_lookup_owned(child, AREA) && !(bits_at(child, 11) & PTE_A));
	CHECK(run, bits_at(mm, 11) & PTE_A);
	for (u32 i = 0; i < AREA_PAGES; i++)
		CHECK(run, !mm_copy_from(child, AREA + i * PAGE_SIZE, &value, 4) && value == i);
	mm_put(child);
}

static void test_svade(struct selftest_run *run)
{
	struct mm *mm = make_area(run);

	if (!mm)
		return;
	check_own_table(run, mm);
	check_shared_table(run, mm);
	mm_put(mm);
}
SELFTEST(svade, test_svade);

// --- Crimes that debug builds notice ---

// The last page freed is the next one allocated, by this hart, if nothing comes between.
static void test_page_crime(struct selftest_run *run)
{
	u32 reports = 0;

	if (!CONFIG_DEBUG || CONFIG_KASAN) {
		SKIP(run, "no poison is looked for, or writing is noticed at once");
		return;
	}
	for (u64 at = 0; at < PAGE_SIZE; at += PAGE_SIZE - 1) {
		unsigned long flags = arch_irq_save();
		struct page *page = page_alloc(GFP_ATOMIC, 0), *again;

		page_reports_capture = &reports;
		page_free(page, 0);
		again = page_alloc(GFP_ATOMIC, 0);
		CHECK(run, again == page && reports == 0);
		page_free(again, 0);
		((char *)page_to_virt(page))[at] ^= 1;
		again = page_alloc(GFP_ATOMIC, 0);
		CHECK(run, again == page && reports == 1);
		page_reports_capture = NULL;
		reports = 0;
		page_free(again, 0);
		arch_irq_restore(flags);
	}
}
SELFTEST(page_crime, test_page_crime);

// A leaf table that says it maps one page more than it does.
static void test_table_crime(struct selftest_run *run)
{
	struct mm *mm = make_area(run);

	if (!CONFIG_DEBUG) {
		SKIP(run, "counts of tables are not looked at");
		return;
	}
	table_of(table_lookup(mm, AREA))->kinds[MM_ANON]++;
	mm_put(mm);
	CHECK(run, !"a table was freed whose counts are wrong");
}
SELFTEST_FATAL(table_crime, test_table_crime);
