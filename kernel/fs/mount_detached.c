// Trees of mounts that hang nowhere: open_tree(2) and fsmount(2) make them, move_mount(2) hangs them
// into a namespace. Until then such a tree belongs to a descriptor, and goes with it. It is in a
// namespace of its own that has no name and no tasks, so that each mount of a tree has one.

#include <core/errno.h>
#include <fs/file.h>
#include <fs/mount_internal.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

// --- Descriptors ---

static int detached_release(struct file *file)
{
	struct mnt_ns *ns = file->private;

	mutex_lock(&mount_mutex);
	if (ns->root) // it was not moved
		mount_tree_drop(ns->root);
	mount_unlock();
	kfree(ns);
	return 0;
}

static const struct file_ops detached_ops = {.release = detached_release};

static struct mnt_ns *anonymous_ns(void)
{
	struct mnt_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return NULL;
	ns->anonymous = true;
	ns->common.owner = current_cred()->user_ns; // not counted: nobody asks later
	list_init(&ns->mounts);
	wait_queue_init(&ns->poll);
	return ns;
}

// Both are there before the tree is: what comes then cannot fail.
static int prepare(struct mnt_ns **ns, struct file **file)
{
	*ns = anonymous_ns();
	*file = *ns ? file_alloc(O_PATH) : NULL;
	if (*file) {
		(*file)->flags &= ~(FILE_READ | FILE_WRITE);
		return 0;
	}
	kfree(*ns);
	return -ENOMEM;
}

static void discard(struct mnt_ns *ns, struct file *file)
{
	file->ops = NULL;
	file_put(file);
	kfree(ns);
}

// mount_mutex is held. The tree's reference goes to the namespace.
static void own(struct file *file, struct mnt_ns *ns, struct mount *tree)
{
	ns->root = tree;
	mount_set_ns(tree, ns);
	file->ops = &detached_ops;
	file->private = ns;
	file->path = (struct path){mount_get(tree), dentry_get(tree->root)};
	file->inode = tree->root->inode;
}

int mount_open_copy(const struct path *from, bool recursive, struct file **out)
{
	struct mnt_ns *ns;
	struct file *file;
	int error = prepare(&ns, &file);

	if (error)
		return error;
	mutex_lock(&mount_mutex);
	struct mount *tree = mount_copy_for_bind(from, recursive);
	if (!IS_ERR(tree))
		own(file, ns, tree);
	mount_unlock();
	if (IS_ERR(tree)) {
		discard(ns, file);
		return PTR_ERR(tree);
	}
	*out = file;
	return 0;
}

int mount_open_new(struct superblock *sb, const char *source, u32 flags, struct file **out)
{
	struct mnt_ns *ns;
	struct file *file;
	int error = prepare(&ns, &file);

	if (error) {
		superblock_drop_unused(sb);
		return error;
	}
	struct mount *mount = mount_create(sb, source, flags);
	if (IS_ERR(mount)) {
		discard(ns, file);
		return PTR_ERR(mount);
	}
	mutex_lock(&mount_mutex);
	error = mount_check_visible(mount);
	if (error)
		mount_tree_drop(mount);
	else
		own(file, ns, mount);
	mount_unlock();
	if (error)
		discard(ns, file);
	else
		*out = file;
	return error;
}

// --- mount_setattr(2) ---

static bool may_set(const struct path *root)
{
	return (mount_is_ours(root->mount) || mount_is_detached(root->mount)) &&
	       root->dentry == root->mount->root;
}

static int check_attributes(struct mount *mount, const struct mount_change *change)
{
	u32 flags = (mount->flags & MOUNT_USER_FLAGS & ~change->clear) | change->set;

	if (!mount_may_change_flags(mount, flags))
		return -EPERM;
	if ((flags & ~mount->flags & MOUNT_RDONLY) && atomic_read(&mount->writers))
		return -EBUSY;
	return 0;
}

static void apply_attributes(struct mount *mount, const struct mount_change *change)
{
	u32 flags = (mount->flags & MOUNT_USER_FLAGS & ~change->clear) | change->set;

	if (flags != (mount->flags & MOUNT_USER_FLAGS))
		mount_store_flags(mount, flags);
	if (change->propagation)
		propagation_change(mount, change->propagation);
}

// All or nothing: first each mount is asked, and groups are made.
int mount_set_attributes(const struct path *root, const struct mount_change *change, bool recursive)
{
	struct mount *top = root->mount, *mount;
	int error = 0;

	mutex_lock(&mount_mutex);
	if (!may_set(root))
		error = -EINVAL;
	for (mount = top; mount && !error; mount = recursive ? mount_next(mount, top) : NULL)
		error = check_attributes(mount, change);
	if (!error && change->propagation == MS_SHARED)
		error = propagation_add_groups(top, recursive);
	for (mount = top; mount && !error; mount = recursive ? mount_next(mount, top) : NULL)
		apply_attributes(mount, change);
	mount_unlock();
	return error;
}
