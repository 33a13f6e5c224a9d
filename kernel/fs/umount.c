// Taking mounts away: umount2(2). A mount that is busy stays unless it is to be detached lazily; what
// corresponds to it elsewhere goes with it (propagate.c).

#include <fs/fs_context.h>
#include <fs/mount_internal.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

static bool is_root_of_current(const struct mount *mount)
{
	struct path root;

	fs_context_root(current->fs, &root);
	bool is = root.mount == mount;
	mount_put_unused(root.mount); // no use of it in the sense of MNT_EXPIRE
	dentry_put(root.dentry);
	return is;
}

// The first time only marks it, if nobody uses it.
static int expire(struct mount *mount)
{
	if (is_root_of_current(mount))
		return -EINVAL;
	if (refcount_read(&mount->refs) > 2 || !list_empty(&mount->children))
		return -EBUSY;
	if (READ_ONCE(mount->expiring))
		return 0;
	WRITE_ONCE(mount->expiring, true);
	return -EAGAIN;
}

static void detach(struct mount *mount, bool at_once)
{
	LIST_HEAD(doomed);

	for (struct mount *at = mount; at; at = mount_next(at, mount)) {
		at->flags |= MOUNT_DOOMED;
		list_add_tail(&at->work, &doomed);
	}
	propagation_doom(&doomed);
	mount_drop_all(&doomed, at_once);
}

// One's own root is not taken away but made read-only, as for a shutdown.
static int umount_root(struct superblock *sb)
{
	if (!ns_capable(superblock_owner(sb), CAP_SYS_ADMIN))
		return -EPERM;
	return superblock_set_read_only(sb, true);
}

static int detach_locked(const struct path *root, int flags)
{
	struct mount *mount = root->mount;

	if (!mount_is_ours(mount) || root->dentry != mount->root || (mount->flags & MOUNT_LOCKED))
		return -EINVAL;
	if ((flags & MNT_FORCE) && !ns_capable(superblock_owner(mount->sb), CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & MNT_EXPIRE) {
		int error = (flags & (MNT_FORCE | MNT_DETACH)) ? -EINVAL : expire(mount);

		if (error)
			return error;
	}
	if (!(flags & MNT_DETACH) && is_root_of_current(mount))
		return umount_root(mount->sb);
	if (!mount->parent)
		return -EINVAL;
	if (!(flags & MNT_DETACH) && propagation_is_busy(mount))
		return -EBUSY;
	detach(mount, !(flags & MNT_DETACH));
	return 0;
}

int mount_detach(const struct path *root, int flags)
{
	mutex_lock(&mount_mutex);
	int error = detach_locked(root, flags);
	mount_unlock();
	return error;
}
