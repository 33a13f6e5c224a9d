// mount(2), umount2(2), pivot_root(2).

#include <core/printk.h>
#include <fs/mnt_ns.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/task.h>
#include <syscall/define.h>
#include <syscall/user_path.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/mount.h>

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static u32 mount_flags_of(u64 flags)
{
	return ((flags & MS_RDONLY) ? MOUNT_RDONLY : 0) | ((flags & MS_NOSUID) ? MOUNT_NOSUID : 0) |
	       ((flags & MS_NODEV) ? MOUNT_NODEV : 0) | ((flags & MS_NOEXEC) ? MOUNT_NOEXEC : 0) |
	       ((flags & MS_NOATIME) ? MOUNT_NOATIME : 0) |
	       ((flags & MS_NODIRATIME) ? MOUNT_NODIRATIME : 0) |
	       ((flags & MS_STRICTATIME) ? MOUNT_STRICTATIME : 0);
}

// A string of at most a page; NULL stays NULL. Freed with kfree.
static int string_from_user(u64 at, char **out)
{
	*out = NULL;
	if (!at)
		return 0;
	char *text = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	long length = strncpy_from_user(text, at, PAGE_SIZE);
	if (length < 0 || length == PAGE_SIZE) {
		kfree(text);
		return length < 0 ? (int)length : -EINVAL;
	}
	*out = text;
	return 0;
}

static long mount_new(const char *source, const struct path *point, const char *type, u64 flags,
		      const char *options)
{
	struct superblock *sb;

	if (!type)
		return -EINVAL;
	struct fs_type *fs = fs_find(type);
	if (!fs)
		return -ENODEV;
	if (fs->init_ns_only && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	long error = fs->mount(source ?: "none", options, &sb);
	if (error)
		return error;
	return mount_attach(sb, source ?: "none", point, mount_flags_of(flags));
}

static long mount_from(const char *source, const struct path *point, u64 flags)
{
	struct path from;

	if (!source || !*source)
		return -EINVAL;
	long error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (error)
		return error;
	error = (flags & MS_MOVE) ? mount_move(&from, point)
				  : mount_bind(&from, point, flags & MS_REC);
	path_put(&from);
	return error;
}

static long mount_propagation(const struct path *point, u64 flags)
{
	u64 kind = flags & PROPAGATION;

	if (flags & ~(u64)(PROPAGATION | MS_REC | MS_SILENT))
		return -EINVAL;
	if (kind & (kind - 1))
		return -EINVAL;
	// All mounts are private: a slave of nobody is that, too. Shared ones do not exist yet.
	if (kind == MS_SHARED) {
		printk_ratelimited(LOG_INFO, "mount: MS_SHARED is not implemented\n");
		return -EINVAL;
	}
	if (kind == MS_SLAVE)
		return 0;
	return mount_set_unbindable(point, kind == MS_UNBINDABLE, flags & MS_REC);
}

static long mount_at(const struct path *point, const char *source, const char *type, u64 flags,
		     const char *options)
{
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		return mount_remount(point, mount_flags_of(flags), false);
	// A file system is seen in other namespaces too: root of a nested one may not change it.
	if ((flags & MS_REMOUNT) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return mount_remount(point, mount_flags_of(flags), true);
	if (flags & (MS_BIND | MS_MOVE))
		return mount_from(source, point, flags);
	if (flags & PROPAGATION)
		return mount_propagation(point, flags);
	return mount_new(source, point, type, flags, options);
}

SYSCALL5(mount, u64, source_at, u64, target_at, u64, type_at, u64, flags, u64, data_at)
{
	char *source = NULL, *type = NULL, *options = NULL;
	struct path point;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	long error = string_from_user(type_at, &type);
	if (!error)
		error = string_from_user(source_at, &source);
	if (!error)
		error = string_from_user(data_at, &options);
	if (!error)
		error = user_path(AT_FDCWD, target_at, 0, true, &point);
	if (!error) {
		error = mnt_ns_may_admin() ? mount_at(&point, source, type, flags, options)
					   : -EPERM;
		path_put(&point);
	}
	kfree(options);
	kfree(source);
	kfree(type);
	return error;
}

SYSCALL2(umount2, u64, target_at, int, flags)
{
	struct path path;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	long error = user_path(AT_FDCWD, target_at, 0, !(flags & UMOUNT_NOFOLLOW), &path);
	if (error)
		return error;
	error = mnt_ns_may_admin() ? mount_detach(&path, flags) : -EPERM;
	path_put(&path);
	return error;
}

SYSCALL2(pivot_root, u64, new_at, u64, old_at)
{
	struct path new_root, put_old;

	if (!mnt_ns_may_admin())
		return -EPERM;
	long error = user_path(AT_FDCWD, new_at, 0, true, &new_root);
	if (error)
		return error;
	error = user_path(AT_FDCWD, old_at, 0, true, &put_old);
	if (!error) {
		bool directories = S_ISDIR(path_inode(&new_root)->mode) &&
				   S_ISDIR(path_inode(&put_old)->mode);
		error = directories ? mount_pivot(&new_root, &put_old) : -ENOTDIR;
		path_put(&put_old);
	}
	path_put(&new_root);
	return error;
}
