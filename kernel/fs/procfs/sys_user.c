// /proc/sys/user: how many namespaces of each kind may be made, in the user namespace of who looks.

#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

#include "sysctl.h"

static int show_ns_max(struct seq *seq, enum ns_type type)
{
	seq_printf(seq, "%ld\n", READ_ONCE(current_cred()->user_ns->ns_max[type]));
	return 0;
}

static ssize_t write_ns_max(char *text, size_t n, enum ns_type type)
{
	u64 max;
	int error = proc_parse_number(text, 0, INT32_MAX, &max);

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

static const struct proc_entry entries[] = {
	NS_ENTRY(cgroup), NS_ENTRY(ipc),  NS_ENTRY(mnt), NS_ENTRY(pid),
	NS_ENTRY(time),   NS_ENTRY(user), NS_ENTRY(uts),
};

static const struct proc_entry folder = SYSCTL_FOLDER("user", entries, ARRAY_SIZE(entries));

int proc_sys_user_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return proc_entry_inode(sb, &folder, pid, out);
}
