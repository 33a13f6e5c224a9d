// The files of /proc itself, in Linux's formats: proc(5).

#include <core/cmdline.h>
#include <core/hart.h>
#include <core/timer.h>
#include <drivers/irq.h>
#include <fs/path.h>
#include <fs/procfs/procfs.h>
#include <lib/printf.h>
#include <mm/buddy.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <ns/uts_ns.h>
#include <process/accounting.h>
#include <process/clone.h>
#include <sched/pid_namespace.h>
#include <sched/run_queue.h>
#include <uapi/errno.h>

#include "devices.h"
#include "ipc.h"
#include "memory.h"

static int show_buddyinfo(struct seq *seq, struct task *task)
{
	u64 counts[BUDDY_ORDERS];

	(void)task;
	buddy_counts(counts);
	seq_printf(seq, "Node 0, zone   Normal ");
	for (int i = 0; i < BUDDY_ORDERS; i++)
		seq_printf(seq, "%6lu ", counts[i]);
	seq_putc(seq, '\n');
	return 0;
}

static void show_slab(const struct slab_info *info, void *ctx)
{
	seq_printf(ctx,
		   "%-17s %6lu %6lu %6lu %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6u\n",
		   info->name, info->active, info->total, info->object_size, info->objects_per_slab,
		   info->pages_per_slab, 0, 0, 0, info->slabs, info->slabs, 0);
}

static int show_slabinfo(struct seq *seq, struct task *task)
{
	(void)task;
	seq_puts(seq, "slabinfo - version: 2.1\n"
		      "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		      "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
		      "<active_slabs> <num_slabs> <sharedavail>\n");
	slab_for_each(show_slab, seq);
	return 0;
}

static int show_uptime(struct seq *seq, struct task *task)
{
	u64 up = (clock_boottime_ns() + time_ns_offset(CLOCK_BOOTTIME)) / 10000000, idle = 0;

	(void)task;
	for_each_online_hart (hart) {
		struct hart_times times;

		sched_hart_times(hart->index, &times);
		idle += times.idle_ns / 10000000;
	}
	seq_printf(seq, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static int show_loadavg(struct seq *seq, struct task *task)
{
	struct pid_namespace *ns = seq->pid_ns;
	u64 loads[3];

	(void)task;
	sched_loadavg(loads);
	for (int i = 0; i < 3; i++) {
		u64 hundredths = (loads[i] * 100 + (1ul << (LOADAVG_SHIFT - 1))) >> LOADAVG_SHIFT;

		seq_printf(seq, "%lu.%02lu ", hundredths / 100, hundredths % 100);
	}
	seq_printf(seq, "%u/%d %d\n", sched_nr_running(), tasks_count(), pid_namespace_last(ns));
	return 0;
}

// There is no swapping.
static int show_swaps(struct seq *seq, struct task *task)
{
	(void)task;
	seq_puts(seq, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

// The sum of all interrupts, then those of devices by number.
static void show_interrupt_counts(struct seq *seq)
{
	u64 sum = 0;

	for_each_online_hart (hart)
		sum += READ_ONCE(hart->interrupts);
	seq_printf(seq, "intr %lu", sum);
	for (u32 number = 0; number < IRQS_MAX; number++)
		seq_printf(seq, " %lu", irq_count(number));
	seq_putc(seq, '\n');
}

static int show_stat(struct seq *seq, struct task *task)
{
	u64 total[4] = {0}, switches = 0;

	(void)task;
	for (int pass = 0; pass < 2; pass++) {
		for_each_online_hart (hart) {
			struct hart_times times;

			sched_hart_times(hart->index, &times);
			u64 ticks[4] = {ns_to_clock_ticks(times.user_ns),
					ns_to_clock_ticks(times.nice_ns),
					ns_to_clock_ticks(times.system_ns),
					ns_to_clock_ticks(times.idle_ns)};

			if (pass)
				seq_printf(seq, "cpu%u %lu %lu %lu %lu 0 0 0 0 0 0\n", hart->index,
					   ticks[0], ticks[1], ticks[2], ticks[3]);
			for (int i = 0; !pass && i < 4; i++)
				total[i] += ticks[i];
			switches += pass ? READ_ONCE(run_queues[hart->index].switches) : 0;
		}
		if (!pass)
			seq_printf(seq, "cpu  %lu %lu %lu %lu 0 0 0 0 0 0\n", total[0], total[1],
				   total[2], total[3]);
	}
	u64 up = clock_boottime_ns() + time_ns_offset(CLOCK_BOOTTIME);
	s64 boot = (s64)(clock_realtime_ns() - up) / (s64)NSEC_PER_SEC;
	show_interrupt_counts(seq);
	seq_printf(seq, "ctxt %lu\nbtime %ld\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n",
		   switches, boot, tasks_total_forks(), sched_nr_running());
	return 0;
}

static int show_version(struct seq *seq, struct task *task)
{
	struct uts_ns *ns = current->nsproxy->uts;

	(void)task;
	seq_printf(seq, "%s version %s %s\n", ns->name.sysname, ns->name.release, ns->name.version);
	return 0;
}

static int show_cmdline(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%s\n", cmdline_text());
	return 0;
}

static int show_cpuinfo(struct seq *seq, struct task *task)
{
	(void)task;
	for_each_online_hart (hart)
		seq_printf(seq,
			   "processor\t: %u\nhart\t\t: %lu\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\n\n",
			   hart->index, hart->hwid);
	return 0;
}

static void show_fs_type(struct fs_type *type, void *ctx)
{
	seq_printf(ctx, "%s\t%s\n", type->nodev ? "nodev" : "", type->name);
}

static int show_filesystems(struct seq *seq, struct task *task)
{
	(void)task;
	fs_for_each(show_fs_type, seq);
	return 0;
}

static int link_mounts(struct task *task, char *buffer, size_t size)
{
	(void)task;
	return snprintf(buffer, size, "self/mounts");
}

const struct proc_entry proc_root_entries[] = {
	{.name = "buddyinfo", .mode = S_IFREG | 0444, .show = show_buddyinfo},
	{.name = "census", .mode = S_IFREG | 0400, .show = proc_show_census},
	{.name = "cgroups", .mode = S_IFREG | 0444, .show = proc_show_cgroups},
	{.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},
	{.name = "cpuinfo", .mode = S_IFREG | 0444, .show = show_cpuinfo},
	{.name = "consoles", .mode = S_IFREG | 0444, .show = proc_show_consoles},
	{.name = "devices", .mode = S_IFREG | 0444, .show = proc_show_devices},
	{.name = "fault-sites", .mode = S_IFREG | 0400, .show = proc_show_fault_sites},
	{.name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems},
	{.name = "interrupts", .mode = S_IFREG | 0444, .show = proc_show_interrupts},
	{.name = "leaks", .mode = S_IFREG | 0400, .show = proc_show_leaks},
	{.name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg},
	{.name = "meminfo", .mode = S_IFREG | 0444, .show = proc_show_meminfo},
	{.name = "mounts", .mode = S_IFLNK | 0777, .readlink = link_mounts},
	{.name = "self", .mode = S_IFLNK | 0777, .directory = proc_self_link},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .directory = proc_thread_self_link},
	{.name = "slabinfo", .mode = S_IFREG | 0400, .show = show_slabinfo},
	{.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
	{.name = "swaps", .mode = S_IFREG | 0444, .show = show_swaps},
	{.name = "sys", .mode = S_IFDIR | 0555, .directory = proc_sys_directory},
	{.name = "sysvipc",
	 .mode = S_IFDIR | 0555,
	 .entries = proc_sysvipc_entries,
	 .count = PROC_SYSVIPC_COUNT},
	{.name = "tty",
	 .mode = S_IFDIR | 0555,
	 .entries = proc_tty_entries,
	 .count = PROC_TTY_COUNT},
	{.name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime},
	{.name = "vmstat", .mode = S_IFREG | 0444, .show = proc_show_vmstat},
	{.name = "version", .mode = S_IFREG | 0444, .show = show_version},
};
const unsigned proc_root_count = ARRAY_SIZE(proc_root_entries);
