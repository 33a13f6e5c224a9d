// /proc/sys: limits and names of the kernel, as files that are read and written. What a file tells
// may depend on the namespaces of who reads it.

#include <fs/mnt_ns.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/commit.h>
#include <mm/mm.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <process/coredump.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>

#include "ipc.h"

// --- Numbers ---

// The number that a text begins with, up to white space or its end. -EINVAL, also beyond `max`.
static int number_of(char *text, u64 max, u64 *out)
{
	char *start = text + strspn(text, " \t\n");

	start[strcspn(start, " \t\n")] = '\0';
	return parse_u64(start, NULL, 0, out) || *out > max ? -EINVAL : 0;
}

static int show_word(struct seq *seq, u64 value)
{
	seq_printf(seq, "%lu\n", value);
	return 0;
}

static ssize_t write_word(u64 *word, char *text, size_t n, u64 max)
{
	u64 value;
	int error = number_of(text, max, &value);

	if (!error)
		WRITE_ONCE(*word, value);
	return error ?: (ssize_t)n;
}

#define WORD_FILE(called, variable, max)                                       \
	static int show_##called(struct seq *seq, struct task *task)           \
	{                                                                      \
		(void)task;                                                    \
		return show_word(seq, READ_ONCE(variable));                    \
	}                                                                      \
	static ssize_t write_##called(struct task *task, char *text, size_t n) \
	{                                                                      \
		(void)task;                                                    \
		return write_word(&variable, text, n, max);                    \
	}

// --- kernel/ ---

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
	int error = number_of(text, PID_MAX_LIMIT, &last);
	return (error ?: pid_namespace_set_last(ns, last)) ?: (ssize_t)n;
}

static int show_pid_max(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%d\n", task_active_pid_ns(current)->pid_max);
	return 0;
}

static ssize_t write_pid_max(struct task *task, char *text, size_t n)
{
	u64 max;
	int error = number_of(text, PID_MAX_LIMIT, &max);

	(void)task;
	return (error ?: pid_namespace_set_max(task_active_pid_ns(current), max)) ?: (ssize_t)n;
}

// It is the pid namespace's: for root of its owner.
static int pid_permission(struct inode *inode, int mask)
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

WORD_FILE(core_uses_pid, core_uses_pid, INT32_MAX)
WORD_FILE(suid_dumpable, suid_dumpable, DUMPABLE_SUID)

// A limit on programs that are given cores, of which there are none.
static int show_core_pipe_limit(struct seq *seq, struct task *task)
{
	(void)task;
	return show_word(seq, 0);
}

#define READ_ONLY(called, function)                                       \
	{                                                                 \
		.name = called, .mode = S_IFREG | 0444, .show = function, \
		.permission = proc_sys_permission                         \
	}
#define READ_WRITE(called, function, store)                                               \
	{                                                                                 \
		.name = called, .mode = S_IFREG | 0644, .show = function, .write = store, \
		.permission = proc_sys_permission                                         \
	}

#define IPC_LIMIT(called, function, store)                                                \
	{                                                                                 \
		.name = called, .mode = S_IFREG | 0644, .show = function, .write = store, \
		.permission = proc_ipc_permission                                         \
	}

static const struct proc_entry kernel_entries[] = {
	READ_ONLY("cap_last_cap", show_cap_last_cap),
	READ_WRITE("core_pattern", show_core_pattern, write_core_pattern),
	READ_ONLY("core_pipe_limit", show_core_pipe_limit),
	READ_WRITE("core_uses_pid", show_core_uses_pid, write_core_uses_pid),
	READ_WRITE("domainname", show_domainname, write_domainname),
	READ_WRITE("hostname", show_hostname, write_hostname),
	IPC_LIMIT("msgmax", proc_show_msgmax, proc_write_msgmax),
	IPC_LIMIT("msgmnb", proc_show_msgmnb, proc_write_msgmnb),
	IPC_LIMIT("msgmni", proc_show_msgmni, proc_write_msgmni),
	// Who may write is a matter of capabilities.
	{.name = "ns_last_pid",
	 .mode = S_IFREG | 0666,
	 .show = show_last_pid,
	 .write = write_last_pid,
	 .permission = proc_sys_permission},
	READ_ONLY("osrelease", show_osrelease),
	READ_ONLY("ostype", show_ostype),
	READ_ONLY("overflowgid", show_overflow_id),
	READ_ONLY("overflowuid", show_overflow_id),
	{.name = "pid_max",
	 .mode = S_IFREG | 0644,
	 .show = show_pid_max,
	 .write = write_pid_max,
	 .permission = pid_permission},
	IPC_LIMIT("sem", proc_show_sem, proc_write_sem),
	IPC_LIMIT("shmall", proc_show_shmall, proc_write_shmall),
	IPC_LIMIT("shmmax", proc_show_shmmax, proc_write_shmmax),
	IPC_LIMIT("shmmni", proc_show_shmmni, proc_write_shmmni),
	READ_ONLY("version", show_version),
};

static const struct proc_entry mqueue_entries[] = {
	IPC_LIMIT("msg_default", proc_show_msg_default, proc_write_msg_default),
	IPC_LIMIT("msg_max", proc_show_msg_max, proc_write_msg_max),
	IPC_LIMIT("msgsize_default", proc_show_msgsize_default, proc_write_msgsize_default),
	IPC_LIMIT("msgsize_max", proc_show_msgsize_max, proc_write_msgsize_max),
	IPC_LIMIT("queues_max", proc_show_queues_max, proc_write_queues_max),
};

static int show_mount_max(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%u\n", READ_ONCE(mount_max));
	return 0;
}

static ssize_t write_mount_max(struct task *task, char *text, size_t n)
{
	u64 max;
	int error = number_of(text, UINT32_MAX, &max);

	(void)task;
	if (!error && !max)
		error = -EINVAL;
	if (!error)
		WRITE_ONCE(mount_max, max);
	return error ?: (ssize_t)n;
}

static const struct proc_entry fs_entries[] = {
	READ_WRITE("mount-max", show_mount_max, write_mount_max),
	{.name = "mqueue",
	 .mode = S_IFDIR | 0555,
	 .entries = mqueue_entries,
	 .count = ARRAY_SIZE(mqueue_entries)},
	READ_WRITE("suid_dumpable", show_suid_dumpable, write_suid_dumpable),
};

// --- user/: how many namespaces may be made, in the user namespace of who looks ---

static int show_ns_max(struct seq *seq, enum ns_type type)
{
	seq_printf(seq, "%ld\n", READ_ONCE(current_cred()->user_ns->ns_max[type]));
	return 0;
}

static ssize_t write_ns_max(char *text, size_t n, enum ns_type type)
{
	u64 max;
	int error = number_of(text, INT32_MAX, &max);

	if (!error)
		WRITE_ONCE(current_cred()->user_ns->ns_max[type], max);
	return error ?: (ssize_t)n;
}

// Root of the user namespace may change its limits.
static int user_permission(struct inode *inode, int mask)
{
	u32 mode = inode->mode;

	if (ns_capable(current_cred()->user_ns, CAP_SYS_RESOURCE))
		mode >>= 6;
	return mask & ~mode & 7 ? -EACCES : 0;
}

#define NS_LIMIT(kind, type)                                                     \
	static int show_max_##kind(struct seq *seq, struct task *task)           \
	{                                                                        \
		(void)task;                                                      \
		return show_ns_max(seq, type);                                   \
	}                                                                        \
	static ssize_t write_max_##kind(struct task *task, char *text, size_t n) \
	{                                                                        \
		(void)task;                                                      \
		return write_ns_max(text, n, type);                              \
	}
NS_LIMIT(cgroup, NS_CGROUP)
NS_LIMIT(ipc, NS_IPC)
NS_LIMIT(mnt, NS_MNT)
NS_LIMIT(pid, NS_PID)
NS_LIMIT(time, NS_TIME)
NS_LIMIT(user, NS_USER)
NS_LIMIT(uts, NS_UTS)

#define NS_ENTRY(kind)                                                                            \
	{                                                                                         \
		.name = "max_" #kind "_namespaces", .mode = S_IFREG | 0644,                       \
		.show = show_max_##kind, .write = write_max_##kind, .permission = user_permission \
	}

static const struct proc_entry user_entries[] = {
	NS_ENTRY(cgroup), NS_ENTRY(ipc),  NS_ENTRY(mnt), NS_ENTRY(pid),
	NS_ENTRY(time),   NS_ENTRY(user), NS_ENTRY(uts),
};

// --- vm/ ---

WORD_FILE(admin_reserve_kbytes, admin_reserve_kbytes, ~0ul)

static int show_mmap_min_addr(struct seq *seq, struct task *task)
{
	(void)task;
	return show_word(seq, READ_ONCE(mmap_min_addr));
}

static ssize_t write_mmap_min_addr(struct task *task, char *text, size_t n)
{
	(void)task;
	return capable(CAP_SYS_RAWIO) ? write_word(&mmap_min_addr, text, n, 1ul << 30) : -EPERM;
}

WORD_FILE(overcommit_kbytes, overcommit_kbytes, ~0ul)
WORD_FILE(overcommit_memory, overcommit_mode, 2)
WORD_FILE(overcommit_ratio, overcommit_ratio, 1ul << 31)
WORD_FILE(user_reserve_kbytes, user_reserve_kbytes, ~0ul)

static const struct proc_entry vm_entries[] = {
	READ_WRITE("admin_reserve_kbytes", show_admin_reserve_kbytes, write_admin_reserve_kbytes),
	READ_WRITE("mmap_min_addr", show_mmap_min_addr, write_mmap_min_addr),
	READ_WRITE("overcommit_kbytes", show_overcommit_kbytes, write_overcommit_kbytes),
	READ_WRITE("overcommit_memory", show_overcommit_memory, write_overcommit_memory),
	READ_WRITE("overcommit_ratio", show_overcommit_ratio, write_overcommit_ratio),
	READ_WRITE("user_reserve_kbytes", show_user_reserve_kbytes, write_user_reserve_kbytes),
};

static const struct proc_entry sys_entries[] = {
	{.name = "fs",
	 .mode = S_IFDIR | 0555,
	 .entries = fs_entries,
	 .count = ARRAY_SIZE(fs_entries)},
	{.name = "kernel",
	 .mode = S_IFDIR | 0555,
	 .entries = kernel_entries,
	 .count = ARRAY_SIZE(kernel_entries)},
	{.name = "user",
	 .mode = S_IFDIR | 0555,
	 .entries = user_entries,
	 .count = ARRAY_SIZE(user_entries)},
	{.name = "vm",
	 .mode = S_IFDIR | 0555,
	 .entries = vm_entries,
	 .count = ARRAY_SIZE(vm_entries)},
};

static const struct proc_entry sys_entry = {
	.name = "sys",
	.mode = S_IFDIR | 0555,
	.entries = sys_entries,
	.count = ARRAY_SIZE(sys_entries),
};

int proc_sys_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return proc_entry_inode(sb, &sys_entry, pid, out);
}
