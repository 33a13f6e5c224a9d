// The order in which the kernel comes to life, on the boot hart, and the start of the first
// process.

#include <arch/irq.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <core/cmdline.h>
#include <core/init.h>
#include <core/lock_check.h>
#include <core/panic.h>
#include <core/printk.h>
#include <core/random.h>
#include <core/rcu.h>
#include <core/selftest.h>
#include <core/timer.h>
#include <init/start.h>
#include <mm/buddy.h>
#include <mm/memblock.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <sched/sched.h>

void task_init(void);

static int boot_thread(void *unused)
{
	(void)unused;
	lock_check_arm_sleep();
	initcalls_run(INIT_SUBSYS);
	initcalls_run(INIT_FS);
	initcalls_run(INIT_DEVICE);
	initcalls_run(INIT_LATE);
	if (selftest_wanted())
		selftest_run_all();
	start_user_space();
	return 0;
}

NORETURN void kernel_start(void)
{
	struct task *thread;

	if (NSEC_PER_SEC % boot_info.timebase == 0)
		boot_info.ns_per_tick = NSEC_PER_SEC / boot_info.timebase;
	constructors_run();
	clock_init();
	pr_notice("Cloven " CLOVEN_VERSION "\n");
	pr_info("Command line: %s\n", cmdline_text());
	u64 total = memblock_total();
	buddy_init();
	slab_init();
	vmap_init();
	task_init();
	sched_init();
	timer_init_hart();
	random_init();
	pr_info("memory: %lu KiB, %lu KiB free\n", total / KIB, free_pages_count() * 4);
	initcalls_run(INIT_EARLY);
	rcu_start();
	initcalls_run(INIT_CORE);
	arch_irq_enable();
	arch_harts_start();
	int error = kthread_run(boot_thread, NULL, &thread, "boot");
	if (error)
		panic("boot: cannot make the first thread: error %d", error);
	task_put(thread);
	sched_idle_loop();
}
