// System calls on extended attributes: names and values to and from user space.

#include <fs/files.h>
#include <fs/open.h>
#include <fs/xattr.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <syscall/define.h>
#include <syscall/user_path.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/xattr.h>

// What a call is about: a path or an open file.
struct target {
	struct path path;
	struct file *file;
	struct inode *inode; // NULL: an anonymous file
};

static bool names_descriptor(int dirfd, u64 path_at, unsigned at_flags)
{
	u8 first = 0;

	if (!(at_flags & AT_EMPTY_PATH) || dirfd < 0)
		return false;
	return !path_at || (!copy_from_user(&first, path_at, 1) && !first);
}

// References are given; a descriptor that only names a place (O_PATH) does not count.
static int target_find(struct target *target, int dirfd, u64 path_at, unsigned at_flags)
{
	*target = (struct target){.file = NULL};
	if (names_descriptor(dirfd, path_at, at_flags)) {
		struct file *file = file_get_fd(dirfd);

		if (!file || (file->flags & O_PATH)) {
			if (file)
				file_put(file);
			return -EBADF;
		}
		target->file = file;
		target->inode = file->inode;
		return 0;
	}
	bool follow = !(at_flags & AT_SYMLINK_NOFOLLOW);
	// No path at all is an empty one: the working directory.
	int error = !path_at && (at_flags & AT_EMPTY_PATH)
			    ? path_lookup(dirfd, "", LOOKUP_EMPTY, &target->path)
			    : user_path(dirfd, path_at, at_flags, follow, &target->path);
	if (!error)
		target->inode = path_inode(&target->path);
	return error;
}

static void target_put(struct target *target)
{
	if (target->file)
		file_put(target->file);
	else
		path_put(&target->path);
}

static bool target_read_only(const struct target *target)
{
	const struct path *path = target->file ? &target->file->path : &target->path;

	return path->mount && path_read_only(path);
}

static int name_from_user(char *name, u64 name_at)
{
	long length = strncpy_from_user(name, name_at, XATTR_NAME_MAX + 1);

	if (length < 0)
		return length;
	return length == 0 || length > XATTR_NAME_MAX ? -ERANGE : 0;
}

static bool flags_known(unsigned at_flags)
{
	return !(at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

static long set_at(int dirfd, u64 path_at, unsigned at_flags, u64 name_at,
		   const struct xattr_args *args)
{
	char name[XATTR_NAME_MAX + 1];
	struct target target;
	void *value = NULL;

	if (!flags_known(at_flags) || (args->flags & ~(XATTR_CREATE | XATTR_REPLACE)))
		return -EINVAL;
	int error = name_from_user(name, name_at);
	if (!error && args->size > XATTR_SIZE_MAX)
		error = -E2BIG;
	if (!error && args->size) {
		value = kvmalloc(args->size, GFP_KERNEL);
		error = !value ? -ENOMEM : copy_from_user(value, args->value, args->size);
	}
	if (!error)
		error = target_find(&target, dirfd, path_at, at_flags);
	if (!error) {
		error = target_read_only(&target)
				? -EROFS
				: xattr_set(target.inode, name, value, args->size, args->flags);
		target_put(&target);
	}
	kvfree(value);
	return error;
}

static long get_at(int dirfd, u64 path_at, unsigned at_flags, u64 name_at,
		   const struct xattr_args *args)
{
	char name[XATTR_NAME_MAX + 1];
	struct target target;
	size_t size = MIN(args->size, (u32)XATTR_SIZE_MAX);
	void *value = NULL;

	if (!flags_known(at_flags))
		return -EINVAL;
	long result = name_from_user(name, name_at);
	if (!result)
		result = target_find(&target, dirfd, path_at, at_flags);
	if (result)
		return result;
	if (size && !(value = kvmalloc(size, GFP_KERNEL)))
		result = -ENOMEM;
	else
		result = xattr_get(target.inode, name, value, size);
	if (result > 0 && size && copy_to_user(args->value, value, result))
		result = -EFAULT;
	kvfree(value);
	target_put(&target);
	return result;
}

static long list_at(int dirfd, u64 path_at, unsigned at_flags, u64 list_at, size_t user_size)
{
	struct target target;
	size_t size = MIN(user_size, (size_t)XATTR_LIST_MAX);
	char *list = NULL;

	if (!flags_known(at_flags))
		return -EINVAL;
	long result = target_find(&target, dirfd, path_at, at_flags);
	if (result)
		return result;
	if (size && !(list = kvmalloc(size, GFP_KERNEL)))
		result = -ENOMEM;
	else
		result = xattr_list(target.inode, list, size);
	if (result > 0 && size && copy_to_user(list_at, list, result))
		result = -EFAULT;
	else if (result == -ERANGE && size >= XATTR_LIST_MAX)
		result = -E2BIG; // longer than any list can be read
	kvfree(list);
	target_put(&target);
	return result;
}

static long remove_at(int dirfd, u64 path_at, unsigned at_flags, u64 name_at)
{
	char name[XATTR_NAME_MAX + 1];
	struct target target;

	if (!flags_known(at_flags))
		return -EINVAL;
	long error = name_from_user(name, name_at);
	if (!error)
		error = target_find(&target, dirfd, path_at, at_flags);
	if (error)
		return error;
	error = target_read_only(&target) ? -EROFS : xattr_remove(target.inode, name);
	target_put(&target);
	return error;
}

SYSCALL5(setxattr, u64, path, u64, name, u64, value, size_t, size, int, flags)
{
	struct xattr_args args = {value, MIN(size, (size_t)~0u), flags};

	return set_at(AT_FDCWD, path, 0, name, &args);
}

SYSCALL5(lsetxattr, u64, path, u64, name, u64, value, size_t, size, int, flags)
{
	struct xattr_args args = {value, MIN(size, (size_t)~0u), flags};

	return set_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, name, &args);
}

SYSCALL5(fsetxattr, int, fd, u64, name, u64, value, size_t, size, int, flags)
{
	struct xattr_args args = {value, MIN(size, (size_t)~0u), flags};

	return set_at(fd, 0, AT_EMPTY_PATH, name, &args);
}

SYSCALL4(getxattr, u64, path, u64, name, u64, value, size_t, size)
{
	struct xattr_args args = {value, MIN(size, (size_t)~0u), 0};

	return get_at(AT_FDCWD, path, 0, name, &args);
}

SYSCALL4(lgetxattr, u64, path, u64, name, u64, value, size_t, size)
{
	struct xattr_args args = {value, MIN(size, (size_t)~0u), 0};

	return get_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, name, &args);
}

SYSCALL4(fgetxattr, int, fd, u64, name, u64, value, size_t, size)
{
	struct xattr_args args = {value, MIN(size, (size_t)~0u), 0};

	return get_at(fd, 0, AT_EMPTY_PATH, name, &args);
}

SYSCALL3(listxattr, u64, path, u64, list, size_t, size)
{
	return list_at(AT_FDCWD, path, 0, list, size);
}

SYSCALL3(llistxattr, u64, path, u64, list, size_t, size)
{
	return list_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, list, size);
}

SYSCALL3(flistxattr, int, fd, u64, list, size_t, size)
{
	return list_at(fd, 0, AT_EMPTY_PATH, list, size);
}

SYSCALL2(removexattr, u64, path, u64, name)
{
	return remove_at(AT_FDCWD, path, 0, name);
}

SYSCALL2(lremovexattr, u64, path, u64, name)
{
	return remove_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, name);
}

SYSCALL2(fremovexattr, int, fd, u64, name)
{
	return remove_at(fd, 0, AT_EMPTY_PATH, name);
}

static int args_from_user(struct xattr_args *args, u64 args_at, size_t size)
{
	if (size < sizeof(*args))
		return -EINVAL;
	return size > PAGE_SIZE ? -E2BIG
				: copy_struct_from_user(args, sizeof(*args), args_at, size);
}

SYSCALL6(setxattrat, int, dirfd, u64, path, unsigned, at_flags, u64, name, u64, args_at, size_t,
	 size)
{
	struct xattr_args args;
	int error = args_from_user(&args, args_at, size);

	return error ?: set_at(dirfd, path, at_flags, name, &args);
}

SYSCALL6(getxattrat, int, dirfd, u64, path, unsigned, at_flags, u64, name, u64, args_at, size_t,
	 size)
{
	struct xattr_args args;
	int error = args_from_user(&args, args_at, size);

	if (!error && args.flags)
		error = -EINVAL;
	return error ?: get_at(dirfd, path, at_flags, name, &args);
}

SYSCALL5(listxattrat, int, dirfd, u64, path, unsigned, at_flags, u64, list, size_t, size)
{
	return list_at(dirfd, path, at_flags, list, size);
}

SYSCALL4(removexattrat, int, dirfd, u64, path, unsigned, at_flags, u64, name)
{
	return remove_at(dirfd, path, at_flags, name);
}
