// Names: dentries, mounts, and the walk from a path to a file.
#pragma once

#include <core/refcount.h>
#include <lib/base.h>
#include <lib/list.h>
#include <fs/inode.h>

struct mnt_ns;
struct mount;

// A name in a directory. Legend: [dcache] dcache_lock, read to look.
struct dentry {
	struct refcount refs;
	struct dentry *parent;       // [dcache] counted; itself for a root
	struct inode *inode;         // [I] counted
	struct hlist_node hash_node; // [dcache] if it can be found
	struct list_head children;   // [dcache] in order of cookies
	struct list_head sibling;    // [dcache]
	u32 mounted;                 // [dcache] mounts on it, in all namespaces; a hint without
	u64 cookie, next_cookie;     // [dcache] position in the directory
	u32 hash;                    // [dcache]
	bool pinned;                 // [dcache] the name itself holds a reference
	bool removed;                // [dcache] the name is gone, or never was
	u8 length;                   // [dcache]
	char *name;                  // [dcache]
	char short_name[32];
};

// What stat(2) shows as a directory's size: so much for each entry, as Linux's tmpfs does.
#define DIRENT_SIZE_SHOWN 20

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
	struct atomic mounts;                // [a] that show it
	void (*kill)(struct superblock *sb); // at the last unmount; NULL: stays for ever
	void (*statfs)(struct superblock *sb, struct fs_usage *usage); // NULL: nothing to tell
	bool read_only;
	bool nameless; // its files hang on no directory; the name of a dentry is all there is
};

enum mount_flags {
	MOUNT_RDONLY = 1,
	MOUNT_NOSUID = 2,
	MOUNT_NODEV = 4,
	MOUNT_NOEXEC = 8,
	MOUNT_NOATIME = 16,
	MOUNT_NODIRATIME = 32,
	MOUNT_STRICTATIME = 64,
	MOUNT_USER_FLAGS = 127,
	MOUNT_UNBINDABLE = 1 << 8,
	MOUNT_LOCKED = 1 << 9, // came with a copy into a less privileged namespace: stays
	MOUNT_EXPIRED = 1 << 10,
};

// Legend: [mounts] changes need the mutex of mount.c and dcache_lock written; either is enough to
// read.
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
	u32 flags;                 // [a]
	u32 locked_flags;          // [I] those that may not be taken away
	int id;                    // [I]
	const char *source;        // [I]
	struct mount *copy;        // [mounts] while a tree is copied
};

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

void path_get(const struct path *path);
void path_put(const struct path *path);
static inline struct inode *path_inode(const struct path *path)
{
	return path->dentry->inode;
}
static inline bool path_read_only(const struct path *path)
{
	return (path->mount->flags & MOUNT_RDONLY) || path->mount->sb->read_only;
}
static inline bool path_mount_nosuid(const struct path *path)
{
	return path->mount && (path->mount->flags & MOUNT_NOSUID);
}

// Copies a path of user space. -ENOENT if it is empty (unless allowed), -ENAMETOOLONG, -EFAULT.
int path_from_user(u64 address, bool empty_allowed, char **out);
void path_free(char *path);

#define LINKS_MAX 40 // symbolic links in one walk; more: -ELOOP

#define LOOKUP_FOLLOW    1 // the last component too
#define LOOKUP_DIRECTORY 2 // must be one
#define LOOKUP_EMPTY     4 // "" is dirfd itself

// Finds an existing file. Gives references.
int path_lookup(int dirfd, const char *name, int flags, struct path *out);
// Finds the directory of the last component, and that component (*last points into name or a
// buffer that path_last_free() frees).
struct last_component {
	char name[256];
	bool must_be_dir; // it had a slash behind
	bool is_dots;     // "." or ".."; or the root itself
};
int path_parent(int dirfd, const char *name, struct path *out, struct last_component *last);

// The same from a directory instead of a descriptor.
int path_lookup_from(const struct path *start, const char *name, int flags, struct path *out);
int path_parent_from(const struct path *start, const char *name, struct path *out,
		     struct last_component *last);

// The child of that name, or NULL; with a reference. -errno as ERR_PTR for failing lookups.
struct dentry *dentry_lookup(struct dentry *parent, const char *name, size_t length);
// Adds a name to the tree, pinned. The directory's inode lock is written.
int dentry_add(struct dentry *parent, const char *name, struct inode *inode, struct dentry **out);
void dentry_remove(struct dentry *dentry); // the name goes; users keep what they have
void dentry_move(struct dentry *dentry, struct dentry *parent, struct dentry *space);
// Two names of one file system change places: each inode is found where the other was.
void dentry_exchange(struct dentry *a, struct dentry *b);
struct dentry *dentry_root(struct superblock *sb, struct inode *inode);
struct dentry *dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry);
// A name made ready for dentry_move. NULL: no memory.
struct dentry *dentry_space(const char *name, struct inode *inode);
struct dentry *dentry_make_loose(struct dentry *parent, const char *name, struct inode *inode);
extern struct rwlock dcache_lock;
bool dentry_has_children(struct dentry *dentry);

// Attaches a fresh file to an inode of a nameless file system, under that name; takes the inode.
// -ENOMEM.
int file_set_nameless(struct file *file, struct mount *mount, const char *name,
		      struct inode *inode);
u64 superblock_new_dev(void); // a device number that no other file system has
// An internal mount of such a file system. Panics without memory: at boot.
struct mount *nameless_mount(const char *type, u64 magic);

// The path's text as current's root sees it, at the end of buffer, with " (deleted)" behind it when
// the name is gone; ERR_PTR(-ENAMETOOLONG).
char *path_text(const struct path *path, char *buffer, size_t size);

// Mounting. All of these take the mutex of the mount tree; paths come with references and keep
// them. Whoever calls has checked the capability over the namespace.

// Shows a file system at a directory. Takes sb, also on failure. -ENOMEM, -ENOSPC, -EINVAL.
int mount_attach(struct superblock *sb, const char *source, const struct path *point, u32 flags);
// umount2(2): the topmost mount, whose root is `root`. flags MNT_*. -EINVAL, -EBUSY, -EAGAIN.
int mount_detach(const struct path *root, int flags);
// MS_BIND: what is at `from` is seen at `point` too; with all that is mounted below if `recursive`.
int mount_bind(const struct path *from, const struct path *point, bool recursive);
int mount_move(const struct path *from, const struct path *point);
int mount_remount(const struct path *root, u32 flags, bool whole_file_system);
// MS_PRIVATE, MS_UNBINDABLE.
int mount_set_unbindable(const struct path *root, bool unbindable, bool recursive);
int mount_pivot(const struct path *new_root, const struct path *put_old);
struct mount *mount_make_root(struct superblock *sb);
// One that is in no namespace, for files without a place. Panics without memory: at boot.
struct mount *mount_make_internal(struct superblock *sb);
struct mount *mount_internal(struct superblock *sb); // the same; NULL: no memory
// What is mounted on a path, with a reference, or NULL. [dcache] read.
struct mount *mount_find_locked(const struct mount *parent, const struct dentry *point);
void superblock_drop_unused(struct superblock *sb);
struct mount *mount_get(struct mount *mount);
void mount_put(struct mount *mount);

// File systems by name.
struct fs_type {
	const char *name;
	int (*mount)(const char *source, const char *options, struct superblock **out);
	bool nodev;
	bool init_ns_only; // not for root of a nested user namespace
	struct fs_type *next;
};
void fs_register(struct fs_type *type);
struct fs_type *fs_find(const char *name);
void fs_for_each(void (*fn)(struct fs_type *type, void *ctx), void *ctx);

void dcache_init(void);
void mount_init(void);
// Takes down a whole tree of names that nobody uses any more.
void dentry_tree_kill(struct dentry *root);
