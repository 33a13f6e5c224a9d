// The vDSO: what every program maps. First a page of data (vdso_data.h), which is kept up to date
// here: the machine's, or that of a time namespace, whose clocks are ahead of it. The image of a
// shared object follows (vdso_code.c), of which AT_SYSINFO_EHDR tells. Signal handlers return
// through it.

#include <arch/elf.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <arch/vdso.h>
#include <core/init.h>
#include <core/panic.h>
#include <core/timer.h>
#include <init/start.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include <uapi/time.h>
#include "vdso_data.h"
#include "vdso_image.h"

#define COARSE_NS (4 * NSEC_PER_MSEC)

// Legend: [data] data_lock.
struct vdso_data_page {
	struct mapping *object;        // [I] counted: the page
	struct vdso_data *data;        // [I] the same as the kernel sees it
	s64 monotonic_ns, boottime_ns; // [data] how far these clocks are ahead
	struct list_head link;         // [data]
};

static struct mapping *code;
static struct vdso_data_page machine_data;
static LIST_HEAD(data_pages); // [data]
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

int arch_map_vdso(struct mm *mm, struct vdso_data_page *data)
{
	u64 at, result;
	int error = mm_find_free(mm, PAGE_SIZE + code_size(), PAGE_SIZE, &at);

	if (!error)
		error = mm_mmap_object(mm, at, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, NULL,
				       (data ?: &machine_data)->object, VM_MAYREAD | VM_VDSO, 0,
				       &result);
	if (!error)
		error = mm_mmap_object(mm, at + PAGE_SIZE, code_size(), PROT_READ | PROT_EXEC,
				       MAP_PRIVATE | MAP_FIXED, NULL, code, VM_MAYREAD | VM_MAYEXEC,
				       0, &result);
	if (!error)
		mm->vdso = at + PAGE_SIZE;
	return error;
}

int arch_vdso_switch(struct mm *mm, struct vdso_data_page *data)
{
	return mm_replace_vdso_data(mm, (data ?: &machine_data)->object);
}

// --- The data pages ---

static void set_clock(struct vdso_data *data, int clock, u64 offset, u64 resolution)
{
	data->offset[clock] = offset;
	data->resolution[clock] = resolution;
	data->clocks |= 1u << clock;
}

// Without a whole number of nanoseconds in a tick no clock is offered: programs call the kernel.
static void update_locked(struct vdso_data_page *page)
{
	u64 boot = -clock_to_machine(0), realtime = boot + clock_realtime_offset_ns();
	u64 monotonic = boot + page->monotonic_ns, boottime = boot + page->boottime_ns;
	struct vdso_data *data = page->data;

	WRITE_ONCE(data->sequence, data->sequence + 1);
	smp_wmb();
	data->ns_per_tick = boot_info.ns_per_tick;
	if (data->ns_per_tick) {
		set_clock(data, CLOCK_REALTIME, realtime, 1);
		set_clock(data, CLOCK_TAI, realtime, 1);
		set_clock(data, CLOCK_REALTIME_COARSE, realtime, COARSE_NS);
		set_clock(data, CLOCK_MONOTONIC, monotonic, 1);
		set_clock(data, CLOCK_MONOTONIC_RAW, monotonic, 1);
		set_clock(data, CLOCK_MONOTONIC_COARSE, monotonic, COARSE_NS);
		set_clock(data, CLOCK_BOOTTIME, boottime, 1);
	}
	smp_wmb();
	WRITE_ONCE(data->sequence, data->sequence + 1);
}

static void update_all(void)
{
	unsigned long flags = spin_lock_irqsave(&data_lock);
	struct vdso_data_page *page;

	list_for_each_entry (page, &data_pages, link)
		update_locked(page);
	spin_unlock_irqrestore(&data_lock, flags);
}

void arch_vdso_data_set(struct vdso_data_page *page, s64 monotonic_ns, s64 boottime_ns)
{
	unsigned long flags = spin_lock_irqsave(&data_lock);

	page->monotonic_ns = monotonic_ns;
	page->boottime_ns = boottime_ns;
	update_locked(page);
	spin_unlock_irqrestore(&data_lock, flags);
}

// The object, its page, and the place among those that are kept up to date.
static int data_page_init(struct vdso_data_page *page)
{
	struct page *memory;
	int error = shmem_create(PAGE_SIZE, false, &page->object);

	if (error)
		return error;
	error = mapping_get_page(page->object, 0, true, &memory);
	if (error) {
		mapping_put(page->object);
		return error;
	}
	page->data = page_to_virt(memory);
	unsigned long flags = spin_lock_irqsave(&data_lock);
	list_add(&page->link, &data_pages);
	update_locked(page);
	spin_unlock_irqrestore(&data_lock, flags);
	return 0;
}

int arch_vdso_data_create(struct vdso_data_page **out)
{
	struct vdso_data_page *page = kzalloc(sizeof(*page), GFP_KERNEL);
	int error = page ? data_page_init(page) : -ENOMEM;

	if (error)
		kfree(page);
	else
		*out = page;
	return error;
}

void arch_vdso_data_free(struct vdso_data_page *page)
{
	unsigned long flags = spin_lock_irqsave(&data_lock);

	list_del(&page->link);
	spin_unlock_irqrestore(&data_lock, flags);
	page_put(virt_to_page(page->data));
	mapping_put(page->object);
	kfree(page);
}

static struct clock_listener listener = {.fn = update_all};

static void code_init(void)
{
	struct page *page;

	if (shmem_create(code_size(), false, &code))
		panic("vdso: no memory at boot");
	code->shmem = false; // it counts as the file that it is made of
	for (u64 done = 0; done < vdso_image_size; done += PAGE_SIZE) {
		if (mapping_get_page(code, done / PAGE_SIZE, true, &page))
			panic("vdso: no memory at boot");
		memcpy(page_to_virt(page), vdso_image + done,
		       MIN((u64)vdso_image_size - done, (u64)PAGE_SIZE));
	}
	arch_icache_flush_local();
}

static int vdso_init(void)
{
	code_init();
	if (data_page_init(&machine_data))
		panic("vdso: no memory at boot");
	clock_listen(&listener);
	return 0;
}
INITCALL(CORE, vdso_init);
