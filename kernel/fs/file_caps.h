// Capabilities of files: what security.capability holds, and when a file loses it.
#pragma once

#include <lib/base.h>
#include <uapi/capability.h>

struct inode;

struct file_caps {
	u64 permitted, inheritable;
	bool effective;
};

// What an executable has for programs in current's user namespace. -ENODATA: nothing; -EINVAL: its
// attribute is malformed.
int file_caps_read(struct inode *inode, struct file_caps *out);

// From the value that a program gives to the one that is stored: outside the file system's own
// namespace it counts only below who is root there. Returns its size. -EPERM, -EINVAL.
int file_caps_from_user(struct inode *inode, const void *value, size_t size,
			struct vfs_ns_cap_data *out);
// The opposite, as xattr_get(). -EOVERFLOW: current's namespace has no word for whose they are.
ssize_t file_caps_to_user(struct inode *inode, void *buffer, size_t size);

// The contents of a file are about to change: its set-id bits go unless current may keep them, its
// capabilities always. The inode's lock is written.
void inode_drop_privileges(struct inode *inode);
