// Extended attributes: named values that hang on inodes. The rules who may do what are those of
// xattr(7); values are kept in the inode (`xattrs`, under its lock) on file systems that have them.
#pragma once

#include <lib/base.h>

struct inode;

// Sets or replaces one. flags: XATTR_CREATE, XATTR_REPLACE. `inode` NULL: an anonymous file. The
// caller has checked that the mount is not read-only. Takes the inode's lock. -EPERM, -EOPNOTSUPP,
// -EINVAL, -EEXIST, -ENODATA, -ENOSPC, -ENOMEM, -EACCES.
int xattr_set(struct inode *inode, const char *name, const void *value, size_t size, int flags);
// -ENODATA if there is none; otherwise as above.
int xattr_remove(struct inode *inode, const char *name);
// The length of a value, which is copied unless size is 0. -ERANGE: it does not fit. -ENODATA,
// -EOPNOTSUPP, -EACCES, -EOVERFLOW (capabilities of a namespace that is not current's).
ssize_t xattr_get(struct inode *inode, const char *name, void *buffer, size_t size);
// The names that current may know, each with its NUL. As above.
ssize_t xattr_list(struct inode *inode, char *buffer, size_t size);

// The value as it is stored, without asking who wants it. Takes the inode's lock. -ENODATA,
// -ERANGE.
ssize_t xattr_stored(struct inode *inode, const char *name, void *buffer, size_t size);
// Takes one away if it is there. The inode's lock is written.
void xattr_drop_locked(struct inode *inode, const char *name);
// The inode goes: all of them.
void xattr_free_all(struct inode *inode);
