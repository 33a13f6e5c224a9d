// Starting the other harts, and interrupts between them.

#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <asm/csr.h>
#include <core/hart.h>
#include <core/ipi.h>
#include <core/perhart.h>
#include <core/printk.h>
#include <core/timer.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <sched/sched.h>
#include "boot.h"
#include "sbi.h"

#define START_TIMEOUT_NS (1000 * NSEC_PER_MSEC)

// For a hart that the firmware starts at the wrong place; see head.S.
extern struct {
	u64 hwid, boot_pa;
} boot_pending;

void secondary_entry(void);
NORETURN void secondary_main(void);

void arch_ipi_send(u32 index)
{
	sbi_ipi_send(harts[index].hwid);
}

NORETURN void arch_hart_park(void)
{
	arch_irq_disable();
	csr_write(sie, 0);
	for (;;)
		arch_idle_wait();
}

// A new hart, on the stack of its idle task.
NORETURN void secondary_main(void)
{
	struct hart *hart = this_hart();

	trap_init_hart();
	timer_init_hart();
	WRITE_ONCE(hart->current, current);
	hartmask_set_atomic(&harts_online, hart->index);
	smp_store_release(&hart->state, HART_ONLINE);
	sched_idle_loop();
}

static bool start_one(struct hart *hart)
{
	struct hart_boot boot; // read by the new hart before it says that it is online
	struct task *idle = sched_idle_create(hart->index);
	void *area = kmalloc_aligned(perhart_size(), 64, GFP_KERNEL);

	if (!idle || !area)
		return false;
	perhart_set_area(hart, area);
	idle->arch.hart = hart;
	hart->idle = idle;
	boot = (struct hart_boot){.satp = boot_satp(), .sp = idle->arch.kernel_sp, .tp = (u64)idle};
	WRITE_ONCE(hart->state, HART_STARTING);
	u64 boot_pa = vmap_to_phys(&boot);
	boot_pending.boot_pa = boot_pa;
	smp_store_release(&boot_pending.hwid, hart->hwid);
	if (sbi_hart_start(hart->hwid, virt_to_phys_image((void *)secondary_entry), boot_pa))
		return false;
	u64 limit = clock_monotonic_ns() + START_TIMEOUT_NS;
	while (smp_load_acquire(&hart->state) != HART_ONLINE) {
		if (clock_monotonic_ns() > limit)
			return false;
		arch_cpu_relax();
	}
	return true;
}

void arch_harts_start(void)
{
	for_each_hart (hart) {
		if (hart->state != HART_PRESENT)
			continue;
		if (!start_one(hart)) {
			hart->state = HART_FAILED;
			pr_err("smp: hart %lu did not start\n", hart->hwid);
		}
	}
	pr_info("smp: %u of %u harts online\n", hartmask_weight(&harts_online), hart_count);
}
