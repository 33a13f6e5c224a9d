// /proc/sys/fs: limits of files and mounts, and how many there are.

#include <fs/mnt_ns.h>
#include <fs/pipe.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <process/coredump.h>
#include <fs/files.h>
#include <uapi/errno.h>

#include "ipc.h"
#include "sysctl.h"

// Open files are limited by memory and by each process's own limit only.
#define FILES_UNLIMITED INT64_MAX

// How many objects of a cache exist, and how many more there is room for.
struct slab_find {
	const char *name;
	u64 active, free;
};

static void find_slab(const struct slab_info *info, void *ctx)
{
	struct slab_find *find = ctx;

	if (strcmp(info->name, find->name))
		return;
	find->active = info->active;
	find->free = info->total - info->active;
}

static struct slab_find slab_of(const char *name)
{
	struct slab_find find = {.name = name};

	slab_for_each(find_slab, &find);
	return find;
}

static int show_file_max(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%ld\n", FILES_UNLIMITED);
	return 0;
}

static int show_file_nr(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%lu\t0\t%ld\n", slab_of("file").active, FILES_UNLIMITED);
	return 0;
}

static int show_inode_nr(struct seq *seq, struct task *task)
{
	struct slab_find inodes = slab_of("inode");

	(void)task;
	seq_printf(seq, "%lu\t%lu\n", inodes.active, inodes.free);
	return 0;
}

static int show_inode_state(struct seq *seq, struct task *task)
{
	struct slab_find inodes = slab_of("inode");

	(void)task;
	seq_printf(seq, "%lu\t%lu\t0\t0\t0\t0\t0\n", inodes.active, inodes.free);
	return 0;
}

// Names that nobody uses go at once, and so do those of nothing.
static int show_dentry_state(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%lu\t0\t0\t0\t0\t0\n", slab_of("dentry").active);
	return 0;
}

// Rounded up to a power of two of pages.
static ssize_t write_pipe_max_size(struct task *task, char *text, size_t n)
{
	u64 size;
	int error = proc_parse_number(text, 0, 1u << 31, &size);

	(void)task;
	if (!error)
		WRITE_ONCE(pipe_max_size, pipe_round_size(size));
	return error ?: (ssize_t)n;
}

static int show_pipe_max_size(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "%lu\n", READ_ONCE(pipe_max_size));
	return 0;
}

static const struct proc_entry mqueue_entries[] = {
	SYSCTL_IPC("msg_default", proc_show_msg_default, proc_write_msg_default),
	SYSCTL_IPC("msg_max", proc_show_msg_max, proc_write_msg_max),
	SYSCTL_IPC("msgsize_default", proc_show_msgsize_default, proc_write_msgsize_default),
	SYSCTL_IPC("msgsize_max", proc_show_msgsize_max, proc_write_msgsize_max),
	SYSCTL_IPC("queues_max", proc_show_queues_max, proc_write_queues_max),
};

static const struct proc_entry entries[] = {
	SYSCTL_READ_ONLY("dentry-state", show_dentry_state),
	SYSCTL_READ_ONLY("file-max", show_file_max),
	SYSCTL_READ_ONLY("file-nr", show_file_nr),
	SYSCTL_READ_ONLY("inode-nr", show_inode_nr),
	SYSCTL_READ_ONLY("inode-state", show_inode_state),
	SYSCTL_NUMBER("mount-max", mount_max, 1, UINT32_MAX),
	SYSCTL_FOLDER("mqueue", mqueue_entries, ARRAY_SIZE(mqueue_entries)),
	SYSCTL_NUMBER("nr_open", nr_open_max, 64, NR_OPEN_LIMIT),
	SYSCTL_READ_WRITE("pipe-max-size", show_pipe_max_size, write_pipe_max_size),
	SYSCTL_NUMBER("suid_dumpable", suid_dumpable, 0, DUMPABLE_SUID),
};

static const struct proc_entry folder = SYSCTL_FOLDER("fs", entries, ARRAY_SIZE(entries));

int proc_sys_fs_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return proc_entry_inode(sb, &folder, pid, out);
}
