// /proc/sys/vm: how memory is promised, placed and given back.

#include <mm/commit.h>
#include <mm/mmap.h>
#include <mm/shrinker.h>
#include <ns/cred.h>
#include <uapi/errno.h>

#include "sysctl.h"

// 1: what files have cached, 2: names and inodes, 3: both. Here each empties all that is kept only to be
// fast; pages of files are no copies of anything and stay.
static ssize_t write_drop_caches(struct task *task, char *text, size_t n)
{
	u64 what;
	int error = proc_parse_number(text, 1, 4, &what);

	(void)task;
	if (!error && what < 4)
		memory_shrink();
	return error ?: (ssize_t)n;
}

static int show_mmap_min_addr(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%lu\n", READ_ONCE(mmap_min_addr));
	return 0;
}

static ssize_t write_mmap_min_addr(struct task *task, char *text, size_t n)
{
	u64 address;
	int error = capable(CAP_SYS_RAWIO) ? proc_parse_number(text, 0, 1ul << 30, &address)
					   : -EPERM;

	(void)task;
	if (!error)
		WRITE_ONCE(mmap_min_addr, address);
	return error ?: (ssize_t)n;
}

static const struct proc_entry entries[] = {
	SYSCTL_NUMBER("admin_reserve_kbytes", admin_reserve_kbytes, 0, ~0ul),
	{.name = "drop_caches",
	 .mode = S_IFREG | 0200,
	 .write = write_drop_caches,
	 .permission = proc_sys_permission},
	SYSCTL_NUMBER("max_map_count", max_map_count, 0, INT32_MAX),
	SYSCTL_READ_WRITE("mmap_min_addr", show_mmap_min_addr, write_mmap_min_addr),
	SYSCTL_NUMBER("overcommit_kbytes", overcommit_kbytes, 0, ~0ul),
	SYSCTL_NUMBER("overcommit_memory", overcommit_mode, 0, 2),
	SYSCTL_NUMBER("overcommit_ratio", overcommit_ratio, 0, 1ul << 31),
	SYSCTL_NUMBER("user_reserve_kbytes", user_reserve_kbytes, 0, ~0ul),
};

static const struct proc_entry folder = SYSCTL_FOLDER("vm", entries, ARRAY_SIZE(entries));

int proc_sys_vm_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return proc_entry_inode(sb, &folder, pid, out);
}
