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
	struct mount *mounted;       // [dcache] topmost mount on it
	u64 cookie, next_cookie;     // [dcache] position in the directory
	u32 hash;                    // [dcache]
	bool pinned;                 // [dcache] the name itself holds a reference
	u8 length;                   // [dcache]
	char *name;                  // [dcache]
	char short_name[32];
};

struct superblock {
	const char *type;
	u64 dev, magic;
	u64 next_inode;
	struct dentry *root;
	void *private;
};

enum mount_flags {
	MOUNT_RDONLY = 1,
	MOUNT_NOSUID = 2,
	MOUNT_NODEV = 4,
	MOUNT_NOEXEC = 8
};

struct mount {
	struct refcount refs;
	struct superblock *sb; // [I]
	struct dentry *root;   // [I] counted
	struct mount *parent;  // [dcache]
	struct dentry *point;  // [dcache] counted: where it is mounted
	struct list_head link; // [dcache] in its namespace
	u32 flags;             // [a]
	int id;                // [I]
	const char *source;
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
static inline bool path_mount_nosuid(const struct path *path)
{
	return path->mount && (path->mount->flags & MOUNT_NOSUID);
}

// Copies a path of user space. -ENOENT if it is empty (unless allowed), -ENAMETOOLONG, -EFAULT.
int path_from_user(u64 address, bool empty_allowed, char **out);
void path_free(char *path);

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

// The child of that name, or NULL; with a reference. -errno as ERR_PTR for failing lookups.
struct dentry *dentry_lookup(struct dentry *parent, const char *name, size_t length);
// Adds a name to the tree, pinned. The directory's inode lock is written.
int dentry_add(struct dentry *parent, const char *name, struct inode *inode, struct dentry **out);
void dentry_remove(struct dentry *dentry); // the name goes; users keep what they have
void dentry_move(struct dentry *dentry, struct dentry *parent, struct dentry *space);
struct dentry *dentry_root(struct superblock *sb, struct inode *inode);
struct dentry *dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry);
// A name made ready for dentry_move. NULL: no memory.
struct dentry *dentry_space(const char *name, struct inode *inode);
extern struct rwlock dcache_lock;
bool dentry_has_children(struct dentry *dentry);

// The path's text as current's root sees it, at the end of buffer; ERR_PTR(-ENAMETOOLONG).
char *path_text(const struct path *path, char *buffer, size_t size);

// Mounting.
int mount_attach(struct superblock *sb, const char *source, const struct path *point, u32 flags);
int mount_detach(const struct path *root);
struct mount *mount_make_root(struct superblock *sb);
void mounts_for_each(void (*fn)(struct mount *mount, void *ctx), void *ctx);
struct mount *mount_get(struct mount *mount);
void mount_put(struct mount *mount);

// File systems by name.
struct fs_type {
	const char *name;
	int (*mount)(const char *source, const char *options, struct superblock **out);
	bool nodev;
	struct fs_type *next;
};
void fs_register(struct fs_type *type);
struct fs_type *fs_find(const char *name);
void fs_for_each(void (*fn)(struct fs_type *type, void *ctx), void *ctx);

void dcache_init(void);
