// The vDSO: an object of pages that every program maps. The first page is data (vdso_data.h), which
// is kept up to date here; the image of a shared object follows (vdso_code.c), of which AT_SYSINFO_EHDR
// tells. Signal handlers return through it.

#include <arch/elf.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <core/init.h>
#include <core/panic.h>
#include <core/timer.h>
#include <init/start.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include <uapi/time.h>
#include "vdso_data.h"
#include "vdso_image.h"

#define COARSE_NS (4 * NSEC_PER_MSEC)

static struct mapping *object;
static struct vdso_data *data;
static struct spinlock data_lock = SPINLOCK_INIT(LOCK_CLOCK);

u64 arch_hwcap(void)
{
	// One bit for each single-letter extension that user mode may use: I M A F D C.
	static const char letters[] = "imafdc";
	u64 bits = 0;

	for (const char *c = letters; *c; c++)
		bits |= 1ul << (*c - 'a');
	return bits;
}

static u64 code_size(void)
{
	return ALIGN_UP((u64)vdso_image_size, PAGE_SIZE);
}

int arch_map_vdso(struct mm *mm)
{
	u64 at, result;
	int error = mm_find_free(mm, PAGE_SIZE + code_size(), PAGE_SIZE, &at);

	if (!error)
		error = mm_mmap_object(mm, at, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, NULL,
				       object, VM_MAYREAD, 0, &result);
	if (!error)
		error = mm_mmap_object(mm, at + PAGE_SIZE, code_size(), PROT_READ | PROT_EXEC,
				       MAP_PRIVATE | MAP_FIXED, NULL, object,
				       VM_MAYREAD | VM_MAYEXEC, PAGE_SIZE, &result);
	if (!error)
		mm->vdso = at + PAGE_SIZE;
	return error;
}

// --- The data page ---

static void set_clock(int clock, u64 offset, u64 resolution)
{
	data->offset[clock] = offset;
	data->resolution[clock] = resolution;
	data->clocks |= 1u << clock;
}

// Without a whole number of nanoseconds in a tick no clock is offered: programs call the kernel.
static void update(void)
{
	u64 monotonic = -clock_to_machine(0), realtime;
	unsigned long flags = spin_lock_irqsave(&data_lock);

	realtime = monotonic + clock_realtime_offset_ns();
	WRITE_ONCE(data->sequence, data->sequence + 1);
	smp_wmb();
	data->ns_per_tick = boot_info.ns_per_tick;
	if (data->ns_per_tick) {
		set_clock(CLOCK_REALTIME, realtime, 1);
		set_clock(CLOCK_TAI, realtime, 1);
		set_clock(CLOCK_REALTIME_COARSE, realtime, COARSE_NS);
		set_clock(CLOCK_MONOTONIC, monotonic, 1);
		set_clock(CLOCK_MONOTONIC_RAW, monotonic, 1);
		set_clock(CLOCK_MONOTONIC_COARSE, monotonic, COARSE_NS);
		set_clock(CLOCK_BOOTTIME, monotonic, 1);
	}
	smp_wmb();
	WRITE_ONCE(data->sequence, data->sequence + 1);
	spin_unlock_irqrestore(&data_lock, flags);
}

static struct clock_listener listener = {.fn = update};

// The page at an index, which stays for ever.
static void *page_of(u64 index)
{
	struct page *page;

	if (mapping_get_page(object, index, true, &page))
		panic("vdso: no memory at boot");
	return page_to_virt(page);
}

static int vdso_init(void)
{
	if (shmem_create(PAGE_SIZE + code_size(), false, &object))
		panic("vdso: no memory at boot");
	data = page_of(0);
	for (u64 done = 0; done < vdso_image_size; done += PAGE_SIZE)
		memcpy(page_of(1 + done / PAGE_SIZE), vdso_image + done,
		       MIN((u64)vdso_image_size - done, (u64)PAGE_SIZE));
	arch_icache_flush_local();
	update();
	clock_listen(&listener);
	return 0;
}
INITCALL(CORE, vdso_init);
