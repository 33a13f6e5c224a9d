// What harts remember of address spaces: loading one, and making the harts forget what has changed.
//
// A translation is remembered under the address-space number (ASID) that was loaded when it was made.
// Where the hardware has such numbers, a hart that goes from one address space to another and back
// finds what it remembered. Numbers mean something to one hart only, so each hart gives its own, from
// a few slots, and there is nothing to agree on:
//
//   mm.id        tells address spaces apart for ever; a slot says whose translations it has.
//   mm.flushes   counts the flushes that the address space has asked for; a slot says up to which of
//                them it has forgotten what it had to.
//
// A flush counts first and then interrupts the harts that have the address space loaded. Others are
// left alone: when one of them loads it the next time, its slot is behind the count, and everything
// under that number is forgotten. A hart that loads sets its bit in mm.harts first and then reads
// the count, so it is interrupted, or sees the new count, or both (never neither). A slot that is given to
// another address space is emptied likewise; so a root table that was freed is not met again.
//
// ASID 0 is the kernel's own address space, which has nothing in the lower half. Translations of
// the kernel are global, and are forgotten by fences for all numbers (arch/riscv/mmu.c). Without
// numbers (`noasid` on the command line, too) each load forgets everything.

#include <arch/irq.h>
#include <arch/mmu.h>
#include <core/cmdline.h>
#include <core/init.h>
#include <core/ipi.h>
#include <core/printk.h>
#include <core/perhart.h>
#include <core/selftest.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/pagetable.h>
#include <mm/tlb.h>

#define FLUSH_PAGES_MAX 16 // beyond, forgetting everything is cheaper
#define SLOTS           8
#define NO_SLOT         SLOTS

struct slot {
	u64 id, flushes; // of its address space; id 0: none
};

// Legend: this hart's alone, interrupts off.
struct slots {
	bool probed;
	u32 count;   // 0: the hardware has no numbers
	u32 current; // what is loaded, or NO_SLOT
	u32 next;    // which is given away next
	struct slot slot[SLOTS];
};

static PER_HART(struct slots, hart_slots);
static struct atomic64 last_id;
struct atomic64 flushes_local, flushes_remote;

static bool unwanted; // [I]

static int set_unwanted(const char *value)
{
	(void)value;
	unwanted = true;
	return 0;
}
KERNEL_PARAM("noasid", set_unwanted);

u64 tlb_new_id(void)
{
	return atomic64_inc_return(&last_id);
}

static void probe(struct slots *slots)
{
	u32 numbers = unwanted ? 1 : arch_asid_count();

	slots->probed = true;
	slots->count = MIN(numbers - 1, SLOTS);
	slots->current = NO_SLOT;
}

// Says at boot which way this machine goes, as it cannot be seen from outside.
static int report_numbers(void)
{
	unsigned long flags = arch_irq_save(); // the probe changes what is loaded, for a moment
	u32 numbers = arch_asid_count();
	arch_irq_restore(flags);

	pr_info("tlb: %u address-space numbers, %u used on each hart\n", numbers,
		unwanted ? 0 : MIN(numbers - 1, (u32)SLOTS));
	return 0;
}
INITCALL(LATE, report_numbers);

// The slot for an address space. *stale: all that is remembered under it must be forgotten.
static u32 choose(struct slots *slots, u64 id, u64 flushes, bool *stale)
{
	u32 i = 0;

	while (i < slots->count && slots->slot[i].id != id)
		i++;
	*stale = i == slots->count || slots->slot[i].flushes != flushes;
	if (i == slots->count) {
		i = slots->next;
		slots->next = (i + 1) % slots->count;
	}
	slots->slot[i] = (struct slot){id, flushes};
	return i;
}

void tlb_load(struct mm *mm)
{
	struct slots *slots = &this_hart_var(hart_slots);
	bool stale;

	hartmask_set_atomic(&mm->harts, hart_index());
	smp_mb(); // the bit, before the look at the count; see mm_flush()
	if (unlikely(!slots->probed))
		probe(slots);
	if (!slots->count || mm == &init_mm) {
		slots->current = NO_SLOT;
		arch_mm_switch(mm->root, 0);
		if (!slots->count)
			arch_flush_tlb_all();
		return;
	}
	slots->current = choose(slots, mm->id, atomic64_read_acquire(&mm->flushes), &stale);
	arch_mm_switch(mm->root, slots->current + 1);
	if (stale)
		arch_flush_asid(slots->current + 1);
}

// --- Forgetting ---

struct flush {
	struct mm *mm;
	u64 start, size;
	u64 number; // of mm->flushes
};

static void flush_all_numbers(const struct flush *flush)
{
	if (flush->size > FLUSH_PAGES_MAX * PAGE_SIZE) {
		arch_flush_tlb_all();
		return;
	}
	for (u64 at = 0; at < flush->size; at += PAGE_SIZE)
		arch_flush_tlb_page(flush->start + at);
}

// Interrupts off. If all flushes before this one were done here, what this one asks for is enough;
// if one was left out, because the address space was not loaded then, everything goes.
static void flush_here(void *arg)
{
	const struct flush *flush = arg;
	struct slots *slots = &this_hart_var(hart_slots);

	if (!slots->count) {
		flush_all_numbers(flush);
		return;
	}
	struct slot *slot = &slots->slot[slots->current];
	if (slots->current == NO_SLOT || slot->id != flush->mm->id ||
	    slot->flushes >= flush->number)
		return; // it has left it: the next load sees the count; or it has flushed since
	u32 number = slots->current + 1;
	if (slot->flushes + 1 == flush->number && flush->size <= FLUSH_PAGES_MAX * PAGE_SIZE) {
		for (u64 at = 0; at < flush->size; at += PAGE_SIZE)
			arch_flush_asid_page(flush->start + at, number);
		slot->flushes = flush->number;
		return;
	}
	slot->flushes = atomic64_read_acquire(&flush->mm->flushes); // before what is forgotten
	arch_flush_asid(number);
}

void mm_flush(struct mm *mm, u64 start, u64 size)
{
	// The changed entries come before the count, and that before the look at who has them loaded.
	struct flush flush = {mm, start, size, atomic64_inc_return(&mm->flushes)};

	smp_mb();
	struct hartmask harts = {READ_ONCE(mm->harts.bits)};
	if (harts.bits & ~(1ul << hart_index())) {
		atomic64_inc(&flushes_remote);
		ipi_call(&harts, flush_here, &flush, true);
		return;
	}
	if (harts.bits) {
		atomic64_inc(&flushes_local);
		unsigned long flags = arch_irq_save();
		flush_here(&flush);
		arch_irq_restore(flags);
	}
}

// --- A test of the slots: what QEMU forgets by itself at each switch cannot be seen there ---

static void test_asid(struct selftest_run *run)
{
	struct slots slots = {.count = 3};
	bool stale;

	u32 a = choose(&slots, 1, 0, &stale);
	CHECK(run, stale);
	u32 b = choose(&slots, 2, 5, &stale);
	CHECK(run, stale && a != b);
	CHECK(run, choose(&slots, 1, 0, &stale) == a && !stale);
	CHECK(run, choose(&slots, 2, 6, &stale) == b && stale); // flushed while it was away
	CHECK(run, choose(&slots, 2, 6, &stale) == b && !stale);
	u32 c = choose(&slots, 3, 0, &stale);
	CHECK(run, stale && c != a && c != b);
	CHECK(run, choose(&slots, 4, 0, &stale) == a && stale); // in the place of 1
	CHECK(run, choose(&slots, 1, 0, &stale) == b && stale);
	CHECK(run, choose(&slots, 3, 0, &stale) == c && !stale);
	CHECK(run, choose(&slots, 2, 6, &stale) == c && stale);
}
SELFTEST(asid, test_asid);
