// Inodes: files apart from their names.
#pragma once

#include <core/refcount.h>
#include <lib/rbtree.h>
#include <mm/mapping.h>
#include <sched/rwsem.h>
#include <uapi/stat.h>
#include <uapi/time.h>

struct dentry;
struct file;
struct file_lock;
struct file_ops;
struct inode;
struct path;
struct superblock;

struct inode_ops {
	// Finds a name in a directory whose entries are made on demand. NULL: all entries are in
	// the dentry tree. -ENOENT if there is none. Gives a reference.
	int (*lookup)(struct inode *dir, const char *name, size_t length, struct inode **out);
	// A new inode for a directory entry. NULL: nothing can be made here.
	int (*make)(struct inode *dir, u32 mode, u64 rdev, struct inode **out);
	// Where only directories can be made, and the file system has a say in it: a new one of that
	// name, and whether an old one may go. Both come with the directory's inode lock written.
	int (*mkdir)(struct inode *dir, const char *name, u32 mode, struct inode **out);
	int (*rmdir)(struct inode *dir, struct inode *inode);
	bool fixed_names; // of a directory: no rename, no link
	// The text of a symbolic link, NUL-terminated; stays while the inode does. May be NULL,
	// then `symlink` of the inode is it.
	int (*readlink)(struct inode *inode, char *buffer, size_t size);
	// A jump instead of a text (/proc/PID/exe, fd/N).
	int (*follow)(struct inode *inode, struct path *out);
	int (*truncate)(struct inode *inode, u64 size);
	void (*free)(struct inode *inode); // last reference
	// Who may, where mode bits and owner do not say it. NULL: they do. 0, -EACCES.
	int (*permission)(struct inode *inode, int mask);
	// Before a dentry found earlier is used again: false if it is no longer true.
	bool (*still_valid)(struct inode *inode);
};

// Legend: [I], [lock] the inode's, [a].
struct inode {
	struct refcount refs;
	struct superblock *sb;               // [I]
	const struct inode_ops *ops;         // [I]
	const struct file_ops *file_ops;     // [I] for opens
	struct rw_semaphore lock;            // contents and, of directories, entries
	u64 number;                          // [I]
	u32 mode;                            // [lock] type bits [I]
	u32 nlink, uid, gid;                 // [lock]
	u64 rdev;                            // [I]
	struct timespec atime, mtime, ctime; // [lock]
	struct mapping mapping;              // pages of regular files; its size is the file's
	char *symlink;                       // [I] text of a symbolic link
	void *private;                       // of the file system
	struct file_lock *locks;             // advisory: fs/locks.c
	struct rb_root xattrs;               // [lock] extended attributes: fs/xattr.c
	u32 seals;                           // [lock] F_SEAL_*
	bool linkable;                       // [lock] no name yet, but may get one: O_TMPFILE
	struct atomic write_denied;          // [a] > 0 open writers, < 0 running as a program
};

struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode);
// A new one with one reference, times now, owned by current's fs ids. NULL: no memory.
struct inode *inode_alloc(struct superblock *sb, u32 mode);
void inode_touch(struct inode *inode); // mtime and ctime become now
struct timespec fs_now(void);

#define MAY_READ  4
#define MAY_WRITE 2
#define MAY_EXEC  1
// Whether current may do that: mode bits, groups, capabilities. 0, -EACCES.
int inode_permission(struct inode *inode, int mask);
// The same, whatever else the inode's own `permission` asks for.
int inode_mode_permission(struct inode *inode, int mask);
// Whether current has the capability over a file: only if its ids mean something to current.
bool inode_capable(struct inode *inode, int cap);
// Whether current owns it or may act as if.
bool inode_owner_or_capable(struct inode *inode);
// Whether current may leave the set-group-id bit on a file (or give it to one made in a directory)
// that is to be of this group.
bool inode_group_or_capable(struct inode *inode, u32 gid);
// The set-id bits that a change by another than a privileged task takes from a file.
u32 inode_set_ids_lost(struct inode *inode);
// Takes them, before contents change, unless current may keep them. The inode's lock is written.
void inode_drop_set_ids(struct inode *inode);
