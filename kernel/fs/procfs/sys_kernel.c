// /proc/sys/kernel: names, numbers of processes and threads, core files, IPC, randomness. What a file tells
// may depend on the namespaces of who reads it.

#include <core/printk.h>
#include <core/random.h>
#include <lib/string.h>
#include <mm/mmap.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <process/clone.h>
#include <process/coredump.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>
#include <uapi/limits.h>

#include "ipc.h"
#include "sysctl.h"

static int show_uts(struct seq *seq, const char *field)
{
	struct uts_ns *ns = current->nsproxy->uts;
	char text[UTS_NAME_SIZE];

	spin_lock(&ns->lock);
	memcpy(text, (char *)&ns->name + (field - (char *)&init_uts_ns.name), sizeof(text));
	spin_unlock(&ns->lock);
	seq_printf(seq, "%s\n", text);
	return 0;
}

static int show_hostname(struct seq *seq, struct task *task)
{
	(void)task;
	return show_uts(seq, init_uts_ns.name.nodename);
}

static int show_domainname(struct seq *seq, struct task *task)
{
	(void)task;
	return show_uts(seq, init_uts_ns.name.domainname);
}

static int show_ostype(struct seq *seq, struct task *task)
{
	(void)task;
	return show_uts(seq, init_uts_ns.name.sysname);
}

static int show_osrelease(struct seq *seq, struct task *task)
{
	(void)task;
	return show_uts(seq, init_uts_ns.name.release);
}

static int show_version(struct seq *seq, struct task *task)
{
	(void)task;
	return show_uts(seq, init_uts_ns.name.version);
}

static ssize_t write_hostname(struct task *task, char *text, size_t n)
{
	(void)task;
	uts_set_nodename(current->nsproxy->uts, text,
			 MIN(strcspn(text, "\n"), UTS_NAME_SIZE - 1ul));
	return n;
}

static ssize_t write_domainname(struct task *task, char *text, size_t n)
{
	(void)task;
	uts_set_domainname(current->nsproxy->uts, text,
			   MIN(strcspn(text, "\n"), UTS_NAME_SIZE - 1ul));
	return n;
}

static int show_last_pid(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\n", pid_namespace_last(task_active_pid_ns(current)));
	return 0;
}

static ssize_t write_last_pid(struct task *task, char *text, size_t n)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	u64 last;

	(void)task;
	if (!ns_capable(ns->common.owner, CAP_SYS_ADMIN) &&
	    !ns_capable(ns->common.owner, CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	int error = proc_parse_number(text, 0, PID_MAX_LIMIT, &last);
	return (error ?: pid_namespace_set_last(ns, last)) ?: (ssize_t)n;
}

static int show_pid_max(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\n", READ_ONCE(task_active_pid_ns(current)->pid_max));
	return 0;
}

static ssize_t write_pid_max(struct task *task, char *text, size_t n)
{
	u64 max;
	int error = proc_parse_number(text, PID_RESERVED + 1, PID_MAX_LIMIT, &max);

	(void)task;
	return (error ?: pid_namespace_set_max(task_active_pid_ns(current), max)) ?: (ssize_t)n;
}

// Root of the user namespace that owns the pid namespace may change it.
static int pid_ns_permission(struct inode *inode, int mask)
{
	struct user_ns *owner = task_active_pid_ns(current)->common.owner;
	u32 mode = inode->mode;

	if (current_cred()->euid == uid_from_user(owner, 0) || ns_capable(owner, CAP_SYS_ADMIN))
		mode >>= 6;
	else if (cred_in_egroup(current_cred(), gid_from_user(owner, 0)))
		mode >>= 3;
	return mask & ~mode & 7 ? -EACCES : 0;
}

static int show_overflow_id(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%u\n", OVERFLOW_ID);
	return 0;
}

static int show_cap_last_cap(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\n", CAP_LAST_CAP);
	return 0;
}

static int show_core_pattern(struct seq *seq, struct task *task)
{
	char text[CORE_PATTERN_SIZE];

	(void)task;
	core_pattern_get(text);
	seq_printf(seq, "%s\n", text);
	return 0;
}

static ssize_t write_core_pattern(struct task *task, char *text, size_t n)
{
	(void)task;
	return core_pattern_set(text, strcspn(text, "\n")) ?: (ssize_t)n;
}

// A limit on programs that are given cores, of which there are none.
static int show_core_pipe_limit(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "0\n");
	return 0;
}

static int show_ngroups_max(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\n", NGROUPS_MAX);
	return 0;
}

static int show_threads_max(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\n", tasks_max());
	return 0;
}

static ssize_t write_threads_max(struct task *task, char *text, size_t n)
{
	u64 max;
	int error = proc_parse_number(text, 1, THREADS_MAX_LIMIT, &max);

	(void)task;
	return (error ?: tasks_set_max(max)) ?: (ssize_t)n;
}

static int show_rr_timeslice(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%lu\n", READ_ONCE(sched_rr_slice_ns) / NSEC_PER_MSEC);
	return 0;
}

// 0 is the default again.
static ssize_t write_rr_timeslice(struct task *task, char *text, size_t n)
{
	u64 ms;
	int error = proc_parse_number(text, 0, INT32_MAX, &ms);

	(void)task;
	if (!error)
		WRITE_ONCE(sched_rr_slice_ns, ms ? ms * NSEC_PER_MSEC : SCHED_RR_SLICE_NS);
	return error ?: (ssize_t)n;
}

// Levels: of the console, of messages without one, the least and the first of the console.
static int show_printk(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\t%d\t%d\t%d\n", console_loglevel(), LOG_WARNING, 1, LOG_DEBUG);
	return 0;
}

// Only the console's can be set.
static ssize_t write_printk(struct task *task, char *text, size_t n)
{
	u64 level;
	int error = proc_parse_number(text, 0, INT32_MAX, &level);

	(void)task;
	if (!error)
		console_set_loglevel(level);
	return error ?: (ssize_t)n;
}

static int show_tainted(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "0\n");
	return 0;
}

static int show_arch(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%s\n", init_uts_ns.name.machine);
	return 0;
}

// --- kernel/random/ ---

// A random one of version 4, RFC 9562.
static void make_uuid(u8 uuid[16])
{
	random_bytes(uuid, 16);
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static void print_uuid(struct seq *seq, const u8 uuid[16])
{
	for (int i = 0; i < 16; i++)
		seq_printf(seq, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			   uuid[i]);
	seq_putc(seq, '\n');
}

static int show_uuid(struct seq *seq, struct task *task)
{
	u8 uuid[16];

	(void)task;
	make_uuid(uuid);
	print_uuid(seq, uuid);
	return 0;
}

// The same until the machine goes off; made when it is first asked for.
static int show_boot_id(struct seq *seq, struct task *task)
{
	static struct spinlock lock = SPINLOCK_INIT(LOCK_LEAF);
	static u8 boot_id[16];
	static bool made;
	u8 uuid[16];

	(void)task;
	make_uuid(uuid);
	spin_lock(&lock);
	if (made)
		memcpy(uuid, boot_id, sizeof(uuid));
	else
		memcpy(boot_id, uuid, sizeof(uuid));
	made = true;
	spin_unlock(&lock);
	print_uuid(seq, uuid);
	return 0;
}

// In bits: the generator is always ready.
static int show_entropy(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "256\n");
	return 0;
}

static const struct proc_entry random_entries[] = {
	SYSCTL_READ_ONLY("boot_id", show_boot_id),
	SYSCTL_READ_ONLY("entropy_avail", show_entropy),
	SYSCTL_READ_ONLY("poolsize", show_entropy),
	SYSCTL_READ_ONLY("uuid", show_uuid),
};

static const struct proc_entry entries[] = {
	SYSCTL_READ_ONLY("arch", show_arch),
	SYSCTL_READ_ONLY("cap_last_cap", show_cap_last_cap),
	SYSCTL_READ_WRITE("core_pattern", show_core_pattern, write_core_pattern),
	SYSCTL_READ_ONLY("core_pipe_limit", show_core_pipe_limit),
	SYSCTL_NUMBER("core_uses_pid", core_uses_pid, 0, INT32_MAX),
	SYSCTL_NUMBER("dmesg_restrict", dmesg_restrict, 0, 1),
	SYSCTL_READ_WRITE("domainname", show_domainname, write_domainname),
	SYSCTL_READ_WRITE("hostname", show_hostname, write_hostname),
	SYSCTL_IPC("msgmax", proc_show_msgmax, proc_write_msgmax),
	SYSCTL_IPC("msgmnb", proc_show_msgmnb, proc_write_msgmnb),
	SYSCTL_IPC("msgmni", proc_show_msgmni, proc_write_msgmni),
	SYSCTL_READ_ONLY("ngroups_max", show_ngroups_max),
	// Who may write is a matter of capabilities.
	{.name = "ns_last_pid",
	 .mode = S_IFREG | 0666,
	 .show = show_last_pid,
	 .write = write_last_pid,
	 .permission = proc_sys_permission},
	SYSCTL_READ_ONLY("osrelease", show_osrelease),
	SYSCTL_READ_ONLY("ostype", show_ostype),
	SYSCTL_READ_ONLY("overflowgid", show_overflow_id),
	SYSCTL_READ_ONLY("overflowuid", show_overflow_id),
	{.name = "pid_max",
	 .mode = S_IFREG | 0644,
	 .show = show_pid_max,
	 .write = write_pid_max,
	 .permission = pid_ns_permission},
	SYSCTL_READ_WRITE("printk", show_printk, write_printk),
	SYSCTL_FOLDER("random", random_entries, ARRAY_SIZE(random_entries)),
	SYSCTL_NUMBER("randomize_va_space", randomize_va_space, 0, 2),
	SYSCTL_READ_WRITE("sched_rr_timeslice_ms", show_rr_timeslice, write_rr_timeslice),
	SYSCTL_IPC("sem", proc_show_sem, proc_write_sem),
	SYSCTL_IPC("shmall", proc_show_shmall, proc_write_shmall),
	SYSCTL_IPC("shmmax", proc_show_shmmax, proc_write_shmmax),
	SYSCTL_IPC("shmmni", proc_show_shmmni, proc_write_shmmni),
	SYSCTL_READ_ONLY("tainted", show_tainted),
	SYSCTL_READ_WRITE("threads-max", show_threads_max, write_threads_max),
	SYSCTL_READ_ONLY("version", show_version),
};

static const struct proc_entry folder = SYSCTL_FOLDER("kernel", entries, ARRAY_SIZE(entries));

int proc_sys_kernel_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return proc_entry_inode(sb, &folder, pid, out);
}
