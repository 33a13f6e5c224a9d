// Inside of /proc/sys: its folders, and the forms of their files.
#pragma once

#include <fs/procfs/procfs.h>

#define SYSCTL_READ_ONLY(called, function)                                \
	{                                                                 \
		.name = called, .mode = S_IFREG | 0444, .show = function, \
		.permission = proc_sys_permission                         \
	}
#define SYSCTL_READ_WRITE(called, function, store)                                        \
	{                                                                                 \
		.name = called, .mode = S_IFREG | 0644, .show = function, .write = store, \
		.permission = proc_sys_permission                                         \
	}
// A u64 that may be set to anything between the two.
#define SYSCTL_NUMBER(called, variable, least, most)                                           \
	{                                                                                      \
		.name = called, .mode = S_IFREG | 0644, .number = &(variable),                 \
		.number_min = (least), .number_max = (most), .permission = proc_sys_permission \
	}
// A limit of the reader's IPC namespace.
#define SYSCTL_IPC(called, function, store)                                               \
	{                                                                                 \
		.name = called, .mode = S_IFREG | 0644, .show = function, .write = store, \
		.permission = proc_ipc_permission                                         \
	}
#define SYSCTL_FOLDER(called, files, n)                                                  \
	{                                                                                \
		.name = called, .mode = S_IFDIR | 0555, .entries = (files), .count = (n) \
	}

// Each makes the folder of that name.
int proc_sys_fs_directory(struct superblock *sb, struct pid *pid, struct inode **out);
int proc_sys_kernel_directory(struct superblock *sb, struct pid *pid, struct inode **out);
int proc_sys_user_directory(struct superblock *sb, struct pid *pid, struct inode **out);
int proc_sys_vm_directory(struct superblock *sb, struct pid *pid, struct inode **out);
