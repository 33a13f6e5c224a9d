// File systems, and the mounts that show them in the trees of names. See mount.c; sharing between
// mounts is in propagate.c.
#pragma once

#include <core/refcount.h>
#include <lib/base.h>
#include <lib/list.h>

struct dentry;
struct file;
struct mnt_ns;
struct path;
struct seq;
struct superblock;
struct user_ns;

// --- File systems ---

// What statfs(2) tells, in blocks of a page.
struct fs_usage {
	u64 blocks, blocks_free, files, files_free;
};

// A file system that is mounted somewhere.
struct superblock {
	const char *type;
	u64 dev, magic;
	u64 next_inode;
	u32 block_size; // st_blksize; 0: a page
	struct dentry *root;
	void *private;
	// What of it a mount by current shows, counted; ERR_PTR. NULL: all.
	struct dentry *(*root_of_current)(struct superblock *sb);
	// What mountinfo says of the root of a mount, into a buffer of a page. NULL: its path.
	void (*show_root)(const struct dentry *root, char *buffer);
	struct user_ns *owner;               // [I] counted: whose root rules it; NULL: the first
	struct atomic mounts;                // [a] that show it
	struct atomic writers;               // [a] files open for writing
	void (*kill)(struct superblock *sb); // at the last unmount; NULL: stays for ever
	void (*statfs)(struct superblock *sb, struct fs_usage *usage); // NULL: nothing to tell
	// Writes ",option=value" for /proc/PID/mounts. NULL: there are none.
	void (*show_options)(struct superblock *sb, struct seq *seq);
	// Changes options of one that is mounted. -EINVAL. NULL: it has none.
	int (*remount)(struct superblock *sb, const char *options);
	// Counts so many more bytes (or less) of extended attributes. -ENOSPC. NULL: it has none.
	int (*charge_xattrs)(struct superblock *sb, s64 bytes);
	bool read_only;
	u32 words; // [a] MS_SYNCHRONOUS, MS_DIRSYNC, MS_MANDLOCK, MS_LAZYTIME: only shown, there
		   // being no device to write to
	bool own_devices; // its device nodes are the kernel's: safe in whichever namespace
	bool nameless;    // its files hang on no directory; the name of a dentry is all there is
};

// File systems by name.
struct fs_type {
	const char *name;
	int (*mount)(const char *source, const char *options, struct superblock **out);
	// Who has to be root there to mount it, not counted. NULL: current's user namespace.
	struct user_ns *(*owner)(void);
	// Whether it takes such an option (value NULL: a word), for fsconfig(2). 0, -EINVAL. NULL: it
	// has none.
	int (*check_option)(const char *key, const char *value);
	bool nodev;
	bool init_ns_only;  // not for root of a nested user namespace
	bool fully_visible; // such a root may mount it only where it can be seen whole already
	struct fs_type *next;
};
void fs_register(struct fs_type *type);
struct fs_type *fs_find(const char *name);
void fs_for_each(void (*fn)(struct fs_type *type, void *ctx), void *ctx);
u64 superblock_new_dev(void); // a device number that no other file system has
void superblock_drop_unused(struct superblock *sb);
// The end of a superblock's kill: its private part, its owner, itself.
void superblock_free(struct superblock *sb);
// Whose root rules it; never NULL.
struct user_ns *superblock_owner(const struct superblock *sb);

// --- Mounts ---

enum mount_flags {
	MOUNT_RDONLY = 1,
	MOUNT_NOSUID = 2,
	MOUNT_NODEV = 4,
	MOUNT_NOEXEC = 8,
	MOUNT_NOATIME = 16,
	MOUNT_NODIRATIME = 32,
	MOUNT_RELATIME = 64,
	MOUNT_ATIME = MOUNT_NOATIME | MOUNT_NODIRATIME | MOUNT_RELATIME,
	MOUNT_NOSYMFOLLOW = 128,
	MOUNT_USER_FLAGS = 255,
	MOUNT_UNBINDABLE = 1 << 8,
	MOUNT_LOCKED = 1 << 9, // came with a copy into a less privileged namespace: stays
	MOUNT_SHARED = 1 << 10,
	MOUNT_DOOMED = 1 << 11,    // [mounts] while a tree is taken down
	MOUNT_INTERNAL = 1 << 13,  // [I] the kernel's own, never in a tree
	MOUNT_CONNECTED = 1 << 12, // [dcache] outlives its tree below its parent, which holds it
};

// Legend: [mounts] changes need mount_mutex and dcache_lock written; either is enough to read.
// [mutex] mount_mutex. [I] immutable. [a] single accesses.
struct mount {
	struct refcount refs;      // the tree's one, one of each child, and one of each path
	struct superblock *sb;     // [I]
	struct dentry *root;       // [I] counted
	struct mount *parent;      // [mounts] counted; NULL: root of a namespace, or in no tree
	struct dentry *point;      // [mounts] counted: where it is mounted
	struct mnt_ns *ns;         // [mounts] NULL: in no tree
	struct hlist_node hash;    // [mounts] by parent and point
	struct list_head children; // [mounts] in order of mounting
	struct list_head sibling;  // [mounts]
	struct list_head in_ns;    // [mutex] all of a namespace, by number
	struct atomic writers;     // [a] files open for writing through it
	u32 flags;                 // [a] changed under the mutex
	u32 locked_flags;          // [mutex] those that may not be taken away
	bool expiring;             // [a] marked by MNT_EXPIRE, and not used since
	int id;                    // [I] as in mountinfo
	u64 number;                // [I] never used again
	const char *source;        // [I]
	struct mount *copy;        // [mutex] while a tree is copied
	// Sharing: see propagate.c.
	struct list_head peers;      // [mutex] ring of a peer group
	int group;                   // [mutex] its number; 0: none
	struct mount *master;        // [mutex] not counted: it leaves its slaves before it goes
	struct list_head slaves;     // [mutex]
	struct list_head slave_link; // [mutex] in master's
	struct mount *received;      // [mutex] the copy that a propagation under way gives it
	struct list_head work;       // [mutex] of the operation that is under way
};

struct mount *mount_get(struct mount *mount);
// The last reference frees it. Marks it as used (MNT_EXPIRE).
void mount_put(struct mount *mount);
// The same, without that mark: for walks that only pass by.
void mount_put_unused(struct mount *mount);
// A regular file is opened for writing through it, or such a one is closed: meanwhile it does not
// become read-only.
static inline void mount_count_writer(struct mount *mount, int change)
{
	atomic_add(&mount->writers, change);
	atomic_add(&mount->sb->writers, change);
}
// What is mounted on a path, without a reference, or NULL. [mounts] read.
struct mount *mount_find_locked(const struct mount *parent, const struct dentry *point);
struct mount *mount_make_root(struct superblock *sb);
// One that is in no namespace, for files without a place. Panics without memory: at boot.
struct mount *mount_make_internal(struct superblock *sb);
struct mount *mount_internal(struct superblock *sb); // the same; NULL: no memory
void mount_init(void);

// --- Changes. All take mount_mutex; paths come with references and keep them. Whoever calls has
// checked the capability over the namespace. ---

// Makes a file system of a type, or finds the only one; checks that current may. `options` are known
// to the type (fs_options.h); `words` MS_RDONLY and those of superblock.words: of a new one. -EPERM,
// errors of the type.
int fs_mount(struct fs_type *type, const char *source, const char *options, u32 words,
	     struct superblock **out);
// Shows a file system at a directory. Takes sb, also on failure. -ENOMEM, -ENOSPC, -EINVAL, -EBUSY,
// -ENOTDIR, -EPERM (not to be seen whole).
int mount_attach(struct superblock *sb, const char *source, const struct path *point, u32 flags);
// umount2(2): the topmost mount, whose root is `root`. flags MNT_*. -EINVAL, -EBUSY, -EAGAIN.
int mount_detach(const struct path *root, int flags);
// MS_BIND: what is at `from` is seen at `point` too; with all that is mounted below if `recursive`.
int mount_bind(const struct path *from, const struct path *point, bool recursive);
// Takes what is mounted at `from` to `point`; also a tree that hangs nowhere. `beneath`: below what is
// mounted there. -ENOENT, -EINVAL, -ELOOP, -ENOMEM, -ENOSPC.
int mount_move(const struct path *from, const struct path *point, bool beneath);
// The mount at `to` shares from now on as that at `from` does. -EINVAL, -EPERM.
int mount_set_group(const struct path *from, const struct path *to);
// New flags for one mount (MOUNT_USER_FLAGS). -EINVAL, -EPERM (locked).
int mount_remount(const struct path *root, u32 flags);
// The same, and the whole file system: `words` of MS_RMT_MASK, and options in a text.
int superblock_remount(const struct path *root, u32 flags, u32 words, const char *options);
// The file system alone: `words` (as for fs_mount) that are in `mask`, and options known to the type
// or NULL. -EPERM, -EINVAL (a word that stays as it is), -EBUSY (files are open for writing), errors of
// the type.
int superblock_reconfigure(struct superblock *sb, u32 words, u32 mask, const char *options);

// mount_setattr(2): flags that go and come, and a new kind of sharing (0: as it is).
struct mount_change {
	u32 set, clear, propagation;
};
// All or nothing. -EINVAL, -EPERM (locked), -EBUSY, -ENOMEM.
int mount_set_attributes(const struct path *root, const struct mount_change *change,
			 bool recursive);

// Trees that hang nowhere, behind a descriptor: a copy of what is at `from`, or a new mount (takes
// sb). -ENOMEM, -EINVAL, -EPERM.
int mount_open_copy(const struct path *from, bool recursive, struct file **out);
int mount_open_new(struct superblock *sb, const char *source, u32 flags, struct file **out);
// One MS_ flag of sharing.
int mount_set_propagation(const struct path *root, u32 type, bool recursive);
int mount_pivot(const struct path *new_root, const struct path *put_old);
