// Changes of the mount tree: mount(2) in its many forms, and pivot_root(2). Taking mounts away is in
// umount.c.

#include <core/errno.h>
#include <fs/fs_context.h>
#include <fs/fs_options.h>
#include <fs/mount_internal.h>
#include <fs/nsfs.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

static bool is_directory(const struct path *path)
{
	return S_ISDIR(path_inode(path)->mode);
}

static bool is_root_of_mount(const struct path *path)
{
	return path->dentry == path->mount->root;
}

// --- Hanging trees ---

static void become_shared(struct mount *tree)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree))
		propagation_change(mount, MS_SHARED);
}

int mount_attach_tree(struct mount *tree, struct mount *parent, struct dentry *point, bool moving)
{
	LIST_HEAD(copies);
	struct mnt_ns *ns = parent->ns;
	bool shared = mount_is_shared(parent);
	u32 count = moving ? 0 : mount_tree_count(tree);
	int error = mnt_ns_reserve(ns, count);

	if (error)
		return error;
	if (shared)
		error = propagation_add_groups(tree, true);
	if (!error && shared)
		error = propagation_prepare(parent, point, tree, &copies);
	ns->pending -= count;
	if (error) {
		propagation_abandon(&copies);
		if (shared)
			propagation_drop_groups(tree);
		return error;
	}
	if (shared)
		become_shared(tree);
	if (tree->parent)
		mount_unhang(tree);
	struct mount *above = mount_find_locked(parent, point);
	if (above)
		mount_unhang(above);
	mount_hang(tree, parent, point);
	if (above)
		mount_hang(above, tree, tree->root);
	if (!moving)
		mount_set_ns(tree, ns);
	propagation_commit(&copies);
	mnt_ns_touch(ns);
	return 0;
}

// Where something mounted at `point` hangs: on top of what is there. -ENOENT: the place has gone.
static int find_place(const struct path *point, struct path *place)
{
	struct mount *above;

	*place = *point;
	while ((above = mount_find_locked(place->mount, place->dentry)))
		*place = (struct path){above, above->root};
	return place->mount->ns && path_inode(place)->nlink ? 0 : -ENOENT;
}

// Puts a new tree on top of what is at `point`. On failure it stays the caller's.
static int graft(struct mount *tree, const struct path *point)
{
	struct path place;
	int error = find_place(point, &place);

	if (error)
		return error;
	if (!mount_is_ours(place.mount))
		return -EINVAL;
	if (is_directory(&place) != S_ISDIR(tree->root->inode->mode))
		return -ENOTDIR;
	return mount_attach_tree(tree, place.mount, place.dentry, false);
}

// A mount that is in no tree and shares with nobody.
static void discard(struct mount *mount)
{
	if (mount)
		mount_tree_drop(mount);
}

// --- New mounts ---

// A file system that tells about the whole system (proc) is shown to root of a nested user namespace
// only as far as it could be seen there already: there must be a mount with no less restrictions, and
// nothing mounted on it that hides a part (but for empty directories, made for that).
static bool shows_as_much(struct mount *there, u32 flags)
{
	struct mount *child;

	if (there->root != there->sb->root || (there->locked_flags & MOUNT_RDONLY & ~flags))
		return false;
	if ((there->locked_flags & MOUNT_ATIME) &&
	    (there->flags & MOUNT_ATIME) != (flags & MOUNT_ATIME))
		return false;
	list_for_each_entry (child, &there->children, sibling) {
		if (child->flags & MOUNT_LOCKED)
			return false;
	}
	return true;
}

int mount_check_visible(struct mount *mount)
{
	struct mnt_ns *ns = current->nsproxy->mnt;
	struct fs_type *type = fs_find(mount->sb->type);
	struct mount *there;

	if (!type || !type->fully_visible || !ns->common.owner || ns->common.owner == &init_user_ns)
		return 0;
	list_for_each_entry (there, &ns->mounts, in_ns) {
		if (there->sb->type != mount->sb->type || !shows_as_much(there, mount->flags))
			continue;
		mount->locked_flags = there->locked_flags & (MOUNT_RDONLY | MOUNT_ATIME);
		return 0;
	}
	return -EPERM;
}

static int attach_locked(struct superblock *sb, struct mount *mount, const struct path *point)
{
	struct path place;
	int error = find_place(point, &place);

	if (error)
		return error;
	// The same thing twice on one spot is a mistake.
	if (place.mount->sb == sb && is_root_of_mount(&place) && mount_is_ours(place.mount))
		return -EBUSY;
	return mount_check_visible(mount) ?: graft(mount, point);
}

struct mount *mount_create(struct superblock *sb, const char *source, u32 flags)
{
	struct dentry *root = sb->root_of_current ? sb->root_of_current(sb) : dentry_get(sb->root);

	if (IS_ERR(root)) {
		superblock_drop_unused(sb);
		return ERR_PTR(PTR_ERR(root));
	}
	struct mount *mount = mount_alloc(sb, root, source, flags);
	dentry_put(root); // the mount has its own
	if (mount)
		return mount;
	superblock_drop_unused(sb);
	return ERR_PTR(-ENOMEM);
}

int mount_attach(struct superblock *sb, const char *source, const struct path *point, u32 flags)
{
	struct mount *mount = mount_create(sb, source, flags);

	if (IS_ERR(mount))
		return PTR_ERR(mount);
	mutex_lock(&mount_mutex);
	int error = attach_locked(sb, mount, point);
	if (error)
		discard(mount);
	mount_unlock();
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

// A copy of one mount alone would show what is under those.
static bool has_locked_children(const struct mount *mount, const struct dentry *root)
{
	struct mount *child;

	list_for_each_entry (child, &mount->children, sibling) {
		if ((child->flags & MOUNT_LOCKED) && dentry_is_below(child->point, root))
			return true;
	}
	return false;
}

struct mount *mount_copy_for_bind(const struct path *from, bool recursive)
{
	struct ns_common *ns = nsfs_inode_ns(path_inode(from));
	bool is_file = ns != NULL;

	if (from->mount->flags & MOUNT_UNBINDABLE)
		return ERR_PTR(-EINVAL);
	if (is_file ? !is_bindable_ns(from)
		    : !mount_is_ours(from->mount) && !mount_is_detached(from->mount))
		return ERR_PTR(-EINVAL);
	if (!recursive && has_locked_children(from->mount, from->dentry))
		return ERR_PTR(-EINVAL);
	return mount_copy_tree(from->mount, from->dentry, recursive, COPY_MNT_NS_FILES);
}

int mount_bind(const struct path *from, const struct path *point, bool recursive)
{
	struct path place;

	mutex_lock(&mount_mutex);
	int error = find_place(point, &place);
	if (!error && !mount_is_ours(place.mount))
		error = -EINVAL;
	struct mount *tree = error ? ERR_PTR(error) : mount_copy_for_bind(from, recursive);
	error = IS_ERR(tree) ? PTR_ERR(tree) : graft(tree, point);
	if (error && !IS_ERR(tree))
		mount_tree_drop(tree);
	mount_unlock();
	return error;
}

// --- Moving ---

static bool has_unbindable(struct mount *tree)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		if (mount->flags & MOUNT_UNBINDABLE)
			return true;
	}
	return false;
}

static bool is_ancestor(const struct mount *ancestor, const struct mount *mount)
{
	while (mount && mount != ancestor)
		mount = mount->parent;
	return mount != NULL;
}

static bool is_root_of_current(const struct mount *mount)
{
	struct path root;

	fs_context_root(current->fs, &root);
	bool is = root.mount == mount;
	path_put(&root);
	return is;
}

// Whether a tree may come between a mount and what that hangs on. A copy of it must neither come to
// lie on the tree itself, nor on that mount.
static int check_beneath(const struct mount *tree, const struct path *top)
{
	const struct mount *above = top->mount, *parent = above->parent;

	if (!is_root_of_mount(top) || !parent || (above->flags & MOUNT_LOCKED))
		return -EINVAL;
	if (mount_find_locked(tree, tree->root) || is_root_of_current(above) ||
	    is_ancestor(above, tree))
		return -EINVAL;
	if (propagation_covers(parent, above->point, above))
		return -EINVAL;
	return mount_is_ours(tree) && propagation_covers(parent, above->point, tree) ? -EINVAL : 0;
}

static int check_move(const struct path *from, const struct path *place, bool beneath)
{
	struct mount *mount = from->mount, *parent = place->mount;
	bool detached = mount_is_detached(mount);

	if (!mount_is_ours(place->mount) || !(mount_is_ours(mount) || detached) ||
	    (mount->flags & MOUNT_LOCKED) || !is_root_of_mount(from))
		return -EINVAL;
	if (is_directory(from) != is_directory(place))
		return -EINVAL;
	// A tree that hangs nowhere moves as a whole; out of a shared mount nothing moves.
	if (detached ? mount->parent != NULL : !mount->parent || mount_is_shared(mount->parent))
		return -EINVAL;
	if (beneath) {
		int error = check_beneath(mount, place);

		if (error)
			return error;
		parent = parent->parent;
	}
	if (mount_is_shared(parent) && has_unbindable(mount))
		return -EINVAL;
	return is_ancestor(mount, parent) ? -ELOOP : 0;
}

int mount_move(const struct path *from, const struct path *point, bool beneath)
{
	struct path place;

	mutex_lock(&mount_mutex);
	int error = find_place(point, &place) ?: check_move(from, &place, beneath);
	if (!error && beneath)
		place = (struct path){place.mount->parent, place.mount->point};
	else if (error)
		place = *point;
	path_get(&place);
	struct mnt_ns *anonymous = mount_is_detached(from->mount) ? from->mount->ns : NULL;
	if (!error)
		error = mount_attach_tree(from->mount, place.mount, place.dentry, !anonymous);
	if (!error && anonymous)
		anonymous->root = NULL; // the descriptor has nothing to take down any more
	mount_unlock();
	path_put(&place);
	return error;
}

static int check_set_group(const struct path *from, const struct path *to)
{
	struct mount *giver = from->mount, *taker = to->mount;

	if (!giver->ns || !taker->ns)
		return -EINVAL;
	if (!ns_capable(giver->ns->common.owner, CAP_SYS_ADMIN) ||
	    !ns_capable(taker->ns->common.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (!is_root_of_mount(from) || !is_root_of_mount(to) || giver->sb != taker->sb)
		return -EINVAL;
	// What is seen of the file system through the taker must not be more.
	if (!dentry_is_below(taker->root, giver->root) || has_locked_children(giver, taker->root))
		return -EINVAL;
	if (mount_is_shared(taker) || taker->master || (taker->flags & MOUNT_UNBINDABLE))
		return -EINVAL;
	return mount_is_shared(giver) || giver->master ? 0 : -EINVAL;
}

int mount_set_group(const struct path *from, const struct path *to)
{
	mutex_lock(&mount_mutex);
	int error = check_set_group(from, to);
	if (!error)
		propagation_join(from->mount, to->mount);
	mount_unlock();
	return error;
}

// --- Flags ---

bool mount_may_change_flags(const struct mount *mount, u32 flags)
{
	u32 locked = mount->locked_flags;

	if (locked & ~MOUNT_ATIME & ~flags)
		return false;
	return !(locked & MOUNT_ATIME) || (mount->flags & MOUNT_ATIME) == (flags & MOUNT_ATIME);
}

static int check_remount(const struct path *root, u32 flags)
{
	if (!mount_is_ours(root->mount) || !is_root_of_mount(root))
		return -EINVAL;
	return mount_may_change_flags(root->mount, flags) ? 0 : -EPERM;
}

int mount_store_flags(struct mount *mount, u32 flags)
{
	if ((flags & ~mount->flags & MOUNT_RDONLY) && atomic_read(&mount->writers))
		return -EBUSY;
	WRITE_ONCE(mount->flags, (mount->flags & ~MOUNT_USER_FLAGS) | flags);
	mnt_ns_touch(mount->ns);
	return 0;
}

int superblock_set_read_only(struct superblock *sb, bool read_only)
{
	if (read_only && !sb->read_only && atomic_read(&sb->writers))
		return -EBUSY;
	WRITE_ONCE(sb->read_only, read_only);
	return 0;
}

int mount_remount(const struct path *root, u32 flags)
{
	mutex_lock(&mount_mutex);
	int error = check_remount(root, flags) ?: mount_store_flags(root->mount, flags);
	mount_unlock();
	return error;
}

int superblock_reconfigure(struct superblock *sb, u32 words, u32 mask, const char *options)
{
	bool was = sb->read_only, read_only = (mask & MS_RDONLY) ? words & MS_RDONLY : was;

	if (!ns_capable(superblock_owner(sb), CAP_SYS_ADMIN))
		return -EPERM;
	if (mask & ~MS_RMT_MASK)
		return -EINVAL;
	int error = superblock_set_read_only(sb, read_only);
	if (!error && sb->remount && options)
		error = sb->remount(sb, options);
	if (error)
		superblock_set_read_only(sb, was);
	else
		sb->words = ((sb->words & ~mask) | (words & mask)) & ~MS_RDONLY;
	return error;
}

static int remount_locked(const struct path *root, u32 flags, u32 words, const char *text)
{
	struct superblock *sb = root->mount->sb;
	struct fs_options options = {.words = words, .mask = MS_RMT_MASK};
	int error = check_remount(root, flags);

	if (!error)
		error = fs_options_take(fs_find(sb->type), text, &options);
	if (error)
		return error;
	error = superblock_reconfigure(sb, options.words, options.mask, options.own);
	fs_options_drop(&options);
	return error ?: mount_store_flags(root->mount, flags);
}

int superblock_remount(const struct path *root, u32 flags, u32 words, const char *options)
{
	mutex_lock(&mount_mutex);
	int error = remount_locked(root, flags, words, options);
	mount_unlock();
	return error;
}

int mount_set_propagation(const struct path *root, u32 type, bool recursive)
{
	struct mount *mount = root->mount;
	int error = 0;

	mutex_lock(&mount_mutex);
	if (!mount_is_ours(mount) || !is_root_of_mount(root))
		error = -EINVAL;
	else if (type == MS_SHARED)
		error = propagation_add_groups(mount, recursive);
	if (!error) {
		for (; mount; mount = recursive ? mount_next(mount, root->mount) : NULL)
			propagation_change(mount, type);
	}
	mount_unlock();
	return error;
}

// --- pivot_root ---

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
	return dentry_is_below(dentry, top->dentry);
}

static int pivot_check(const struct path *root, const struct path *new_root,
		       const struct path *put_old)
{
	struct mount *old = root->mount, *new = new_root->mount;

	if (mount_is_shared(put_old->mount) || (new->parent &&mount_is_shared(new->parent)) ||
	    (old->parent && mount_is_shared(old->parent)))
		return -EINVAL;
	if (!mount_is_ours(old) || !mount_is_ours(new) || (new->flags &MOUNT_LOCKED))
		return -EINVAL;
	if (!path_inode(new_root)->nlink)
		return -ENOENT;
	if (new == old || put_old->mount == old)
		return -EBUSY;
	if (!is_root_of_mount(root) || !old->parent || !is_root_of_mount(new_root) || !new->parent)
		return -EINVAL;
	if (!is_reachable(put_old, new_root) || !is_reachable(new_root, root))
		return -EINVAL;
	return 0;
}

// The new root comes to where the old one hung, and the old one to `put_old`; they may be one place
// (pivot_root(".", ".")): then the old root lies on top of the new one.
static void pivot(struct mount *old, struct mount *new, const struct path *put_old)
{
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
	mount_put_unused(parent);
	dentry_put(point);
	mnt_ns_touch(new->ns);
}

int mount_pivot(const struct path *new_root, const struct path *put_old)
{
	struct path root, place;
	int error;

	fs_context_root(current->fs, &root);
	mutex_lock(&mount_mutex);
	error = find_place(put_old, &place) ?: pivot_check(&root, new_root, &place);
	if (!error)
		pivot(root.mount, new_root->mount, &place);
	mount_unlock();
	if (!error)
		fs_context_replace_everywhere(&root, new_root);
	path_put(&root);
	return error;
}
