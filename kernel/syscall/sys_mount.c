// mount(2), umount2(2), pivot_root(2).

#include <fs/fs_options.h>
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

// What mount(2)'s flags say of the whole file system.
#define WORDS       (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME)
#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

// Without a word about access times they are relative; a remount leaves them as they are.
static u32 mount_flags_of(u64 flags, const struct mount *old)
{
	static const struct {
		u64 ms;
		u32 mount;
	} pairs[] = {
		{MS_RDONLY, MOUNT_RDONLY},
		{MS_NOSUID, MOUNT_NOSUID},
		{MS_NODEV, MOUNT_NODEV},
		{MS_NOEXEC, MOUNT_NOEXEC},
		{MS_NOATIME, MOUNT_NOATIME},
		{MS_NODIRATIME, MOUNT_NODIRATIME},
		{MS_NOSYMFOLLOW, MOUNT_NOSYMFOLLOW},
	};
	u32 result = (flags & MS_NOATIME) ? 0 : MOUNT_RELATIME;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		result |= (flags & pairs[i].ms) ? pairs[i].mount : 0;
	if (flags & MS_STRICTATIME)
		result &= ~(MOUNT_RELATIME | MOUNT_NOATIME);
	if ((flags & MS_REMOUNT) &&
	    !(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		result = (result & ~MOUNT_ATIME) | (old->flags & MOUNT_ATIME);
	return result;
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
	struct fs_options parsed = {.words = flags & WORDS};
	if (source && !(parsed.source = kstrdup(source, GFP_KERNEL)))
		return -ENOMEM;
	long error = fs_options_take(fs, options, &parsed);
	if (error)
		return error;
	const char *from = parsed.source ?: "none";
	error = fs_mount(fs, from, parsed.own, parsed.words, &sb);
	if (!error)
		error = mount_attach(sb, from, point, mount_flags_of(flags, NULL));
	fs_options_drop(&parsed);
	return error;
}

static long mount_from(const char *source, const struct path *point, u64 flags)
{
	struct path from;

	if (!source || !*source)
		return -EINVAL;
	long error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (error)
		return error;
	error = (flags & MS_BIND) ? mount_bind(&from, point, flags & MS_REC)
				  : mount_move(&from, point, false);
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
	return mount_set_propagation(point, kind, flags & MS_REC);
}

static long mount_at(const struct path *point, const char *source, const char *type, u64 flags,
		     const char *options)
{
	if (flags & MS_REMOUNT) {
		u32 new_flags = mount_flags_of(flags, point->mount);

		return (flags & MS_BIND)
			       ? mount_remount(point, new_flags)
			       : superblock_remount(point, new_flags, flags & WORDS, options);
	}
	if (flags & MS_BIND)
		return mount_from(source, point, flags);
	if (flags & PROPAGATION)
		return mount_propagation(point, flags);
	if (flags & MS_MOVE)
		return mount_from(source, point, flags);
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
		if (flags & (u32)MS_NOUSER)
			error = -EINVAL;
		else if (!mnt_ns_may_admin())
			error = -EPERM;
		else
			error = mount_at(&point, source, type, flags, options);
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
	long error = user_path(AT_FDCWD, target_at, 0, !(flags & UMOUNT_NOFOLLOW), &path);
	if (error)
		return error;
	path_cross_mounts(&path);
	error = mnt_ns_may_admin() ? mount_detach(&path, flags) : -EPERM;
	dentry_put(path.dentry);
	mount_put_unused(path.mount); // asking for it is no use of it
	return error;
}

SYSCALL2(pivot_root, u64, new_at, u64, old_at)
{
	struct path new_root, put_old;

	long error = user_path(AT_FDCWD, new_at, 0, true, &new_root);
	if (error)
		return error;
	error = user_path(AT_FDCWD, old_at, 0, true, &put_old);
	if (!error) {
		bool directories = S_ISDIR(path_inode(&new_root)->mode) &&
				   S_ISDIR(path_inode(&put_old)->mode);
		error = !directories         ? -ENOTDIR
			: mnt_ns_may_admin() ? mount_pivot(&new_root, &put_old)
					     : -EPERM;
		path_put(&put_old);
	}
	path_put(&new_root);
	return error;
}
