// /proc/consoles, devices, interrupts and tty/drivers: proc(5). Programs like ps find the name of a terminal
// by its number in tty/drivers.

#include <core/hart.h>
#include <drivers/irq.h>
#include <fs/chrdev.h>
#include <fs/tty/serial.h>

#include "devices.h"

// The kernel's messages go to the first serial line: writable, enabled, the preferred one, safe in a panic.
int proc_show_consoles(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%-21s-W- (EC  p a)%5lu:%lu\n", "ttyS0", DEV_SERIAL >> 20,
		   DEV_SERIAL & 0xfffff);
	return 0;
}

int proc_show_devices(struct seq *seq, struct task *task)
{
	static const struct {
		u64 device;
		const char *name;
	} drivers[] = {{DEV_MAKE(1, 0), "mem"}, {DEV_SERIAL, "ttyS"},
		       {DEV_TTY, "/dev/tty"},   {DEV_CONSOLE, "/dev/console"},
		       {DEV_PTMX, "/dev/ptmx"}, {DEV_PTS, "pts"}};

	(void)task;
	seq_puts(seq, "Character devices:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		seq_printf(seq, "%3lu %s\n", drivers[i].device >> 20, drivers[i].name);
	seq_puts(seq, "\nBlock devices:\n");
	return 0;
}

static int show_tty_drivers(struct seq *seq, struct task *task)
{
	static const struct {
		const char *name, *node, *minors, *type;
		u64 device;
	} drivers[] = {
		{"/dev/tty", "/dev/tty", "0", "system:/dev/tty", DEV_TTY},
		{"/dev/console", "/dev/console", "1", "system:console", DEV_CONSOLE},
		{"/dev/ptmx", "/dev/ptmx", "2", "system", DEV_PTMX},
		{"pty_slave", "/dev/pts", "0-1048575", "pty:slave", DEV_PTS},
		{"serial", "/dev/ttyS", "64-71", "serial", DEV_SERIAL},
	};

	(void)task;
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		seq_printf(seq, "%-20s %-13s %3lu %7s %s\n", drivers[i].name, drivers[i].node,
			   drivers[i].device >> 20, drivers[i].minors, drivers[i].type);
	return 0;
}

const struct proc_entry proc_tty_entries[PROC_TTY_COUNT] = {
	{.name = "drivers", .mode = S_IFREG | 0444, .show = show_tty_drivers},
};

// A line for each that somebody has asked for. All go to the first hart; the others have timers only.
int proc_show_interrupts(struct seq *seq, struct task *task)
{
	(void)task;
	seq_puts(seq, "            ");
	for_each_online_hart (hart)
		seq_printf(seq, "CPU%-8u", hart->index);
	seq_putc(seq, '\n');
	for (u32 number = 0; number < IRQS_MAX; number++) {
		if (!irq_name(number))
			continue;
		seq_printf(seq, "%4u:", number);
		for_each_online_hart (hart)
			seq_printf(seq, " %10lu", hart->index ? 0 : irq_count(number));
		seq_printf(seq, "  PLIC %3u Edge      %s\n", number, irq_name(number));
	}
	seq_puts(seq, " ALL:");
	for_each_online_hart (hart)
		seq_printf(seq, " %10lu", READ_ONCE(hart->interrupts));
	seq_puts(seq, "  All interrupts\n");
	return 0;
}
