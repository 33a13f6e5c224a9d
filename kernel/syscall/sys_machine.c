// System calls about the machine: reboot(2), syslog(2), riscv_flush_icache(2).

#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <core/hart.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/printk.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <ns/pid_ns.h>
#include <sched/pid_namespace.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/reboot.h>
#include <uapi/signal.h>
#include <uapi/syslog.h>

// --- reboot ---

static NORETURN void machine_end(bool reboot, bool ok)
{
	if (kernel_was_faulty())
		pr_emerg("reboot: the kernel has reported faults of its own: see above\n");
	pr_info("reboot: %s\n", reboot ? "restarting" : "power down");
	ipi_stop_others();
	arch_irq_disable();
	if (reboot)
		arch_reboot();
	else
		arch_poweroff(ok && !kernel_was_faulty());
	pr_emerg("reboot: this machine has no power-off; it stops here\n");
	arch_hart_park();
}

// LINUX_REBOOT_CMD_RESTART2 takes a string. "poweroff:N" powers off with N as the status that a
// boot test sees (0 or not); anything else restarts.
static long restart_by_command(u64 text_at)
{
	char text[32];
	u64 status;
	long length = strncpy_from_user(text, text_at, sizeof(text) - 1);

	if (length < 0)
		return length;
	text[MIN(length, (long)sizeof(text) - 1)] = '\0';
	if (!strncmp(text, "poweroff:", 9) && !parse_u64(text + 9, NULL, 10, &status))
		machine_end(false, status == 0);
	machine_end(true, true);
}

// Inside of a pid namespace the machine is that namespace: it ends as if its init had been killed by
// the signal that tells what was asked for. See reboot(2).
static long reboot_pid_ns(struct pid_namespace *ns, u32 command)
{
	switch (command) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		pid_ns_reboot(ns, SIGHUP);
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
		pid_ns_reboot(ns, SIGINT);
	}
	return -EINVAL;
}

SYSCALL4(reboot, u32, magic1, u32, magic2, u32, command, u64, text_at)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	if (!ns_capable(ns->common.owner, CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	     magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	if (ns != &init_pid_ns)
		return reboot_pid_ns(ns, command);
	switch (command) {
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
		machine_end(false, true);
	case LINUX_REBOOT_CMD_RESTART:
		machine_end(true, true);
	case LINUX_REBOOT_CMD_RESTART2:
		return restart_by_command(text_at);
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0; // there is no such key
	}
	return -EINVAL;
}

// --- syslog ---

static u64 clear_seq; // SYSLOG_ACTION_READ_ALL begins here

// "<6>[    0.000292] text\n"
static size_t format_record(const struct log_entry *entry, const char *text, char *out, size_t size)
{
	u64 us = entry->time_ns / 1000;

	return scnprintf(out, size, "<%u>[%5lu.%06lu] %.*s\n", entry->facility << 3 | entry->level,
			 us / 1000000, us % 1000000, (int)entry->length, text);
}

// The last messages that fit.
static long read_all(u64 buffer, int size)
{
	char *text = kmalloc(2 * (LOG_LINE_MAX + 64), GFP_KERNEL);
	char *line = text + LOG_LINE_MAX + 64;
	struct log_entry entry;
	u64 seq, first = MAX(clear_seq, log_first());
	size_t total = 0, done = 0;

	if (!text)
		return -ENOMEM;
	for (seq = first; !log_read(seq, &entry, text, LOG_LINE_MAX); seq = entry.seq + 1)
		total += format_record(&entry, text, line, LOG_LINE_MAX + 64);
	for (seq = first; !log_read(seq, &entry, text, LOG_LINE_MAX); seq = entry.seq + 1) {
		size_t n = format_record(&entry, text, line, LOG_LINE_MAX + 64);

		if (total > (size_t)size) { // skip the oldest
			total -= n;
			continue;
		}
		if (done + n > (size_t)size || copy_to_user(buffer + done, line, n))
			break;
		done += n;
	}
	kfree(text);
	return done;
}

SYSCALL3(syslog, int, action, u64, buffer, int, size)
{
	bool harmless = action == SYSLOG_ACTION_READ_ALL || action == SYSLOG_ACTION_SIZE_BUFFER;

	if ((!harmless || READ_ONCE(dmesg_restrict)) && !capable(CAP_SYSLOG))
		return -EPERM;
	switch (action) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR: {
		if (size < 0 || !buffer)
			return -EINVAL;
		long done = read_all(buffer, size);
		if (action == SYSLOG_ACTION_READ_CLEAR)
			clear_seq = log_next();
		return done;
	}
	case SYSLOG_ACTION_CLEAR:
		clear_seq = log_next();
		return 0;
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		if (size < 1 || size > 8)
			return -EINVAL;
		console_set_loglevel(size);
		return 0;
	case SYSLOG_ACTION_SIZE_BUFFER:
		return log_buffer_size();
	}
	return -EINVAL;
}

// --- riscv_flush_icache ---

#define FLUSH_ICACHE_LOCAL 1

// All harts, whatever the flag says: a thread may be moved between the store and the jump.
SYSCALL3(riscv_flush_icache, u64, start, u64, end, u64, flags)
{
	(void)start, (void)end; // the machine has no flush of a range
	if (flags & ~(u64)FLUSH_ICACHE_LOCAL)
		return -EINVAL;
	arch_icache_flush_remote(&harts_online);
	return 0;
}
