// Names: dentries, mounts, and the walk from a path to a file.
#pragma once

#include <core/refcount.h>
#include <lib/base.h>
#include <lib/list.h>
#include <fs/inode.h>
#include <fs/mount.h>

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
// Whether programs of it may not change ids: by its flags, because it is of a namespace that is not
// current's, or because its file system belongs to users that current knows nothing of.
bool path_mount_nosuid(const struct path *path);
// Whether device nodes on it are dead.
bool path_mount_nodev(const struct path *path);

// It has been read by way of this mount: its access time becomes now, as far as the flags of the mount
// say so. Relative access times change only if they are not newer than the last change, or a day old.
void path_accessed(const struct path *path);

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

// From a directory (".") on to the root of what is mounted on it, if anything.
void path_cross_mounts(struct path *path);

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
// An internal mount of such a file system. Panics without memory: at boot.
struct mount *nameless_mount(const char *type, u64 magic);

// The last component's name, cut at size.
void path_name(const struct path *path, char *buffer, size_t size);
// The path's text as current's root sees it, at the end of buffer, with " (deleted)" behind it when
// the name is gone; ERR_PTR(-ENAMETOOLONG).
char *path_text(const struct path *path, char *buffer, size_t size);
// The same; *reached: it lies below current's root.
char *path_text_from(const struct path *path, char *buffer, size_t size, bool *reached);

void dcache_init(void);
// Takes down a whole tree of names that nobody uses any more.
void dentry_tree_kill(struct dentry *root);
