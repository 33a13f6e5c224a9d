// /proc/sys: limits and names of the kernel, as files that are read and written; a source file for each
// folder.

#include "sysctl.h"

static const struct proc_entry entries[] = {
	{.name = "fs", .mode = S_IFDIR | 0555, .directory = proc_sys_fs_directory},
	{.name = "kernel", .mode = S_IFDIR | 0555, .directory = proc_sys_kernel_directory},
	{.name = "user", .mode = S_IFDIR | 0555, .directory = proc_sys_user_directory},
	{.name = "vm", .mode = S_IFDIR | 0555, .directory = proc_sys_vm_directory},
};

static const struct proc_entry folder = SYSCTL_FOLDER("sys", entries, ARRAY_SIZE(entries));

int proc_sys_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return proc_entry_inode(sb, &folder, pid, out);
}
