// The tree of mounts: which file system is seen where, and the changes of mount(2), umount2(2) and
// pivot_root(2).
//
// A mount hangs on a dentry of its parent mount; both are the key of a hash that path walks look
// into under dcache_lock, and only if the dentry says that something is mounted on it somewhere.
// Changes hold mount_mutex throughout (so that a tree stands still while its copy is allocated), and
// dcache_lock written for the moment in which they become visible. Two trees are never linked: a
// copy (bind, or a new namespace) has its own struct mounts on the same superblocks.

#include <core/panic.h>
#include <core/printk.h>
#include <fs/mount_internal.h>
#include <fs/nsfs.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

#define HASH_BITS 8

struct mutex mount_mutex = MUTEX_INIT(mount_mutex, LOCK_MOUNTS);
static struct hlist_head mount_hash[1 << HASH_BITS]; // [mounts]
static struct slab_cache *mount_cache;
static struct fs_type *types;
static int next_id = 20;

// --- Types ---

void fs_register(struct fs_type *type)
{
	type->next = types;
	types = type;
}

struct fs_type *fs_find(const char *name)
{
	struct fs_type *type = types;

	while (type && strcmp(type->name, name))
		type = type->next;
	return type;
}

void fs_for_each(void (*fn)(struct fs_type *type, void *ctx), void *ctx)
{
	for (struct fs_type *type = types; type; type = type->next)
		fn(type, ctx);
}

// --- One mount ---

static struct hlist_head *bucket(const struct mount *parent, const struct dentry *point)
{
	u64 mix = ((uintptr_t)parent >> 6) * 31 + ((uintptr_t)point >> 6);

	return &mount_hash[(mix ^ mix >> HASH_BITS) & ((1 << HASH_BITS) - 1)];
}

struct mount *mount_get(struct mount *mount)
{
	refcount_get(&mount->refs);
	return mount;
}

void superblock_drop_unused(struct superblock *sb)
{
	if (!atomic_read(&sb->mounts) && sb->kill)
		sb->kill(sb);
}

void mount_put(struct mount *mount)
{
	if (!refcount_put(&mount->refs))
		return;
	struct superblock *sb = mount->sb;
	dentry_put(mount->root);
	kfree((char *)mount->source);
	slab_free(mount_cache, mount);
	if (atomic_sub_return(&sb->mounts, 1) == 0)
		superblock_drop_unused(sb);
}

static struct mount *mount_alloc(struct superblock *sb, struct dentry *root, const char *source,
				 u32 flags)
{
	struct mount *mount = slab_alloc(mount_cache, GFP_KERNEL | GFP_ZERO);

	if (!mount)
		return NULL;
	mount->source = kstrdup(source, GFP_KERNEL);
	if (!mount->source) {
		slab_free(mount_cache, mount);
		return NULL;
	}
	refcount_init(&mount->refs, 1);
	list_init(&mount->children);
	list_init(&mount->sibling);
	atomic_add(&sb->mounts, 1);
	mount->sb = sb;
	mount->root = dentry_get(root);
	mount->flags = flags;
	mount->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	return mount;
}

// --- Trees. Walks are loops: the depth of a tree is up to users, our stack is not. ---

// The mount after this one, parents first, among those of the tree of `top`; NULL at the end.
struct mount *mount_next(struct mount *mount, const struct mount *top)
{
	if (!list_empty(&mount->children))
		return list_first_entry(&mount->children, struct mount, sibling);
	for (; mount != top; mount = mount->parent) {
		if (!list_is_last(&mount->sibling, &mount->parent->children))
			return list_next_entry(mount, sibling);
	}
	return NULL;
}

struct mount *mount_find_locked(const struct mount *parent, const struct dentry *point)
{
	struct mount *mount;

	hlist_for_each_entry (mount, bucket(parent, point), hash) {
		if (mount->parent == parent && mount->point == point)
			return mount;
	}
	return NULL;
}

void mount_hang(struct mount *tree, struct mount *parent, struct dentry *point)
{
	tree->parent = mount_get(parent);
	tree->point = dentry_get(point);
	write_lock(&dcache_lock);
	list_add_tail(&tree->sibling, &parent->children);
	hlist_add_head(&tree->hash, bucket(parent, point));
	point->mounted++;
	write_unlock(&dcache_lock);
}

// The opposite: the tree keeps its own reference, and has no parent.
static void mount_unhang(struct mount *tree)
{
	struct mount *parent = tree->parent;
	struct dentry *point = tree->point;

	write_lock(&dcache_lock);
	hlist_del_init(&tree->hash);
	list_del_init(&tree->sibling);
	point->mounted--;
	tree->parent = NULL;
	tree->point = NULL;
	write_unlock(&dcache_lock);
	dentry_put(point);
	mount_put(parent);
}

void mount_set_ns(struct mount *tree, struct mnt_ns *ns)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		if (mount->ns)
			mount->ns->count--;
		mount->ns = ns;
		if (ns)
			ns->count++;
	}
}

void mount_tree_drop(struct mount *tree)
{
	mount_set_ns(tree, NULL);
	if (tree->parent)
		mount_unhang(tree);
	struct mount *mount = tree;
	for (;;) { // leaves first
		while (!list_empty(&mount->children))
			mount = list_first_entry(&mount->children, struct mount, sibling);
		struct mount *parent = mount->parent;
		if (mount == tree)
			break;
		mount_unhang(mount);
		mount_put(mount);
		mount = parent;
	}
	mount_put(tree);
}

static bool is_below(const struct dentry *dentry, const struct dentry *ancestor)
{
	for (; dentry != ancestor; dentry = dentry->parent) {
		if (dentry == dentry->parent)
			return false;
	}
	return true;
}

// Whether a copy that starts at `root` of `top` has this mount's place in it.
static bool belongs_to_copy(const struct mount *mount, const struct mount *top,
			    const struct dentry *root, bool keep_unbindable)
{
	if (!mount->parent->copy)
		return false; // something above was left out
	if (mount->parent == top && !is_below(mount->point, root))
		return false;
	struct ns_common *ns = nsfs_inode_ns(mount->root->inode);
	if (keep_unbindable && ns && ns->kind->type == NS_MNT)
		return false; // a new namespace must not keep older ones
	return keep_unbindable || !(mount->flags & MOUNT_UNBINDABLE);
}

struct mount *mount_copy_tree(struct mount *from, struct dentry *root, bool recursive,
			      bool keep_unbindable)
{
	struct mount *tree = NULL, *mount;
	bool failed = false;

	for (mount = from; mount; mount = recursive ? mount_next(mount, from) : NULL) {
		mount->copy = NULL;
		if (failed ||
		    (mount != from && !belongs_to_copy(mount, from, root, keep_unbindable)))
			continue;
		u32 flags = mount->flags & (MOUNT_USER_FLAGS | MOUNT_LOCKED |
					    (keep_unbindable ? MOUNT_UNBINDABLE : 0));
		struct mount *copy = mount_alloc(mount->sb, mount == from ? root : mount->root,
						 mount->source, flags);
		failed = !copy;
		if (failed)
			continue;
		copy->locked_flags = mount->locked_flags;
		mount->copy = copy;
		if (mount == from)
			tree = copy;
		else
			mount_hang(copy, mount->parent->copy, mount->point);
	}
	if (failed && tree) {
		mount_tree_drop(tree);
		tree = NULL;
	}
	return tree;
}

static u32 tree_count(struct mount *tree)
{
	u32 count = 0;

	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree))
		count++;
	return count;
}

// --- Changes ---

static bool is_ours(const struct mount *mount)
{
	return mount->ns && mount->ns == current->nsproxy->mnt;
}

static bool is_directory(const struct path *path)
{
	return S_ISDIR(path_inode(path)->mode);
}

// Puts a tree on top of what is at `point`. On failure it stays the caller's.
static int graft_locked(struct mount *tree, const struct path *point)
{
	struct mount *parent = point->mount, *above;
	struct dentry *dentry = point->dentry;

	if (!is_ours(parent))
		return -EINVAL;
	if (S_ISDIR(dentry->inode->mode) != S_ISDIR(tree->root->inode->mode))
		return -ENOTDIR;
	if (!dentry->inode->nlink)
		return -ENOENT;
	while ((above = mount_find_locked(parent, dentry))) { // somebody was faster
		parent = above;
		dentry = above->root;
	}
	if (parent->ns->count + tree_count(tree) > MOUNTS_MAX)
		return -ENOSPC;
	mount_hang(tree, parent, dentry);
	mount_set_ns(tree, parent->ns);
	return 0;
}

int mount_attach(struct superblock *sb, const char *source, const struct path *point, u32 flags)
{
	struct dentry *root = sb->root_of_current ? sb->root_of_current(sb) : dentry_get(sb->root);
	int error;

	if (IS_ERR(root)) {
		superblock_drop_unused(sb);
		return PTR_ERR(root);
	}
	struct mount *mount = mount_alloc(sb, root, source, flags);
	dentry_put(root); // the mount has its own
	if (!mount) {
		superblock_drop_unused(sb);
		return -ENOMEM;
	}
	mutex_lock(&mount_mutex);
	// The same thing twice on one spot is a mistake.
	if (point->mount->sb == sb && point->mount->root == point->dentry &&
	    point->dentry == sb->root)
		error = -EBUSY;
	else
		error = graft_locked(mount, point);
	mutex_unlock(&mount_mutex);
	if (error)
		mount_put(mount);
	return error;
}

// The file of a namespace may be mounted though it lies in no tree: that keeps the namespace. But
// not that of a mount namespace as old as ours or older, or both might keep each other for ever.
static bool is_bindable_ns(const struct path *from)
{
	struct ns_common *ns = nsfs_inode_ns(path_inode(from));

	return ns &&
	       (ns->kind->type != NS_MNT || ns->number > current->nsproxy->mnt->common.number);
}

int mount_bind(const struct path *from, const struct path *point, bool recursive)
{
	struct mount *tree;
	int error = -EINVAL;

	mutex_lock(&mount_mutex);
	if ((is_ours(from->mount) || is_bindable_ns(from)) && is_ours(point->mount) &&
	    !(from->mount->flags & MOUNT_UNBINDABLE)) {
		tree = mount_copy_tree(from->mount, from->dentry, recursive, false);
		if (tree)
			tree->flags &= ~MOUNT_LOCKED;
		error = tree ? graft_locked(tree, point) : -ENOMEM;
		if (tree && error)
			mount_tree_drop(tree);
	}
	mutex_unlock(&mount_mutex);
	return error;
}

static bool is_root_of_mount(const struct path *path)
{
	return path->dentry == path->mount->root;
}

int mount_move(const struct path *from, const struct path *point)
{
	struct mount *mount = from->mount, *up;
	int error = -EINVAL;

	mutex_lock(&mount_mutex);
	if (!is_ours(mount) || !is_ours(point->mount) || !is_root_of_mount(from) ||
	    !mount->parent || (mount->flags & MOUNT_LOCKED))
		goto out;
	if (is_directory(from) != is_directory(point))
		goto out;
	error = -ELOOP;
	for (up = point->mount; up; up = up->parent) {
		if (up == mount)
			goto out;
	}
	mount_unhang(mount);
	mount_hang(mount, point->mount, point->dentry);
	error = 0;
out:
	mutex_unlock(&mount_mutex);
	return error;
}

// A mount that is used by nobody has the tree's reference and the caller's.
static bool is_busy(const struct mount *mount)
{
	return !list_empty(&mount->children) || refcount_read(&mount->refs) > 2;
}

int mount_detach(const struct path *root, int flags)
{
	struct mount *mount = root->mount;
	int error = 0;

	mutex_lock(&mount_mutex);
	if (!is_ours(mount) || !is_root_of_mount(root) || !mount->parent ||
	    (mount->flags & MOUNT_LOCKED))
		error = -EINVAL;
	else if (!(flags & MNT_DETACH) && is_busy(mount))
		error = -EBUSY;
	else if ((flags & MNT_EXPIRE) && !(mount->flags & MOUNT_EXPIRED))
		error = -EAGAIN;
	if (error == -EAGAIN)
		mount->flags |= MOUNT_EXPIRED;
	if (!error)
		mount_tree_drop(mount);
	mutex_unlock(&mount_mutex);
	return error;
}

int mount_remount(const struct path *root, u32 flags, bool whole_file_system)
{
	struct mount *mount = root->mount;
	int error = 0;

	mutex_lock(&mount_mutex);
	if (!is_ours(mount) || !is_root_of_mount(root))
		error = -EINVAL;
	else if (mount->locked_flags & ~flags)
		error = -EPERM;
	else
		mount->flags = (mount->flags & ~MOUNT_USER_FLAGS) | flags;
	if (!error && whole_file_system)
		mount->sb->read_only = flags & MOUNT_RDONLY;
	mutex_unlock(&mount_mutex);
	return error;
}

int mount_set_unbindable(const struct path *root, bool unbindable, bool recursive)
{
	struct mount *mount = root->mount;
	int error = 0;

	mutex_lock(&mount_mutex);
	if (!is_ours(mount) || !is_root_of_mount(root))
		error = -EINVAL;
	for (; !error && mount; mount = recursive ? mount_next(mount, root->mount) : NULL) {
		if (unbindable)
			mount->flags |= MOUNT_UNBINDABLE;
		else
			mount->flags &= ~MOUNT_UNBINDABLE;
	}
	mutex_unlock(&mount_mutex);
	return error;
}

// Whether `path` is at or below `top`, through mounts.
static bool is_reachable(const struct path *path, const struct path *top)
{
	struct mount *mount = path->mount;
	struct dentry *dentry = path->dentry;

	while (mount != top->mount) {
		if (!mount->parent)
			return false;
		dentry = mount->point;
		mount = mount->parent;
	}
	return is_below(dentry, top->dentry);
}

static int pivot_check(const struct path *root, const struct path *new_root,
		       const struct path *put_old)
{
	struct mount *old = root->mount, *new = new_root->mount;

	if (!is_ours(old) || !is_ours(new) || !is_ours(put_old->mount) ||
	    (new->flags &MOUNT_LOCKED))
		return -EINVAL;
	if (!new_root->dentry->inode->nlink)
		return -ENOENT;
	if (new == old || put_old->mount == old)
		return -EBUSY;
	if (!is_root_of_mount(root) || !old->parent || !is_root_of_mount(new_root) || !new->parent)
		return -EINVAL;
	if (!is_reachable(put_old, new_root) || !is_reachable(new_root, root))
		return -EINVAL;
	return 0;
}

int mount_pivot(const struct path *new_root, const struct path *put_old)
{
	struct path root;
	int error;

	fs_context_root(current->fs, &root);
	mutex_lock(&mount_mutex);
	error = pivot_check(&root, new_root, put_old);
	if (!error) {
		struct mount *old = root.mount, *new = new_root->mount;
		struct mount *parent = mount_get(old->parent);
		struct dentry *point = dentry_get(old->point);

		if (old->flags & MOUNT_LOCKED) {
			new->flags |= MOUNT_LOCKED;
			old->flags &= ~MOUNT_LOCKED;
		}
		mount_unhang(new);
		mount_unhang(old);
		mount_hang(old, put_old->mount, put_old->dentry);
		mount_hang(new, parent, point);
		mount_put(parent);
		dentry_put(point);
	}
	mutex_unlock(&mount_mutex);
	if (!error)
		fs_context_replace_everywhere(&root, new_root);
	path_put(&root);
	return error;
}

// --- Beginning ---

struct mount *mount_make_root(struct superblock *sb)
{
	struct mount *mount = mount_alloc(sb, sb->root, "rootfs", 0);

	BUG_ON(!mount);
	first_mnt_ns.root = mount;
	mutex_lock(&mount_mutex);
	mount_set_ns(mount, &first_mnt_ns);
	mutex_unlock(&mount_mutex);
	init_nsproxy.mnt = &first_mnt_ns;
	return mount;
}

u64 superblock_new_dev(void)
{
	static u64 next = 20;

	return __atomic_add_fetch(&next, 1, __ATOMIC_RELAXED);
}

struct mount *mount_internal(struct superblock *sb)
{
	return mount_alloc(sb, sb->root, sb->type, MOUNT_NOSUID);
}

struct mount *mount_make_internal(struct superblock *sb)
{
	struct mount *mount = mount_internal(sb);

	BUG_ON(!mount);
	return mount;
}

void mount_init(void)
{
	mount_cache = slab_cache_create("mnt_cache", sizeof(struct mount), 0,
					SLAB_HWALIGN | SLAB_PANIC | SLAB_ACCOUNT, NULL);
	fs_context_init();
}
