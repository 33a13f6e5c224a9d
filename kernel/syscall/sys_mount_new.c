// The calls that take mounting apart: a file system is described (fsopen, fsconfig), made and given a
// mount that hangs nowhere (fsmount), or such a mount is copied (open_tree), changed (mount_setattr)
// and hung into the tree (move_mount).

#include <core/printk.h>
#include <fs/files.h>
#include <fs/fs_config.h>
#include <fs/mnt_ns.h>
#include <fs/open.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <sched/task.h>
#include <syscall/define.h>
#include <syscall/user_path.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/mount.h>

#define KEY_MAX 256

// Installs a file that was opened, or gives its number back.
static long install(int error, int fd, struct file *file)
{
	if (error) {
		fd_release_unused(fd);
		return error;
	}
	fd_install(fd, file);
	return fd;
}

// A word of at most `max` bytes with its NUL. Freed with kfree.
static int word_from_user(u64 at, size_t max, char **out)
{
	char *text = kmalloc(max, GFP_KERNEL);

	*out = NULL;
	if (!text)
		return -ENOMEM;
	long length = strncpy_from_user(text, at, max);
	if (length < 0 || (size_t)length == max) {
		kfree(text);
		return length < 0 ? (int)length : -EINVAL;
	}
	*out = text;
	return 0;
}

// --- File systems ---

SYSCALL2(fsopen, u64, name_at, unsigned, flags)
{
	struct file *file = NULL;
	char *name;

	if (!mnt_ns_may_admin())
		return -EPERM;
	if (flags & ~FSOPEN_CLOEXEC)
		return -EINVAL;
	int error = word_from_user(name_at, PAGE_SIZE, &name);
	if (error)
		return error;
	int fd = fd_alloc((flags & FSOPEN_CLOEXEC) ? O_CLOEXEC : 0);
	long result = fd < 0 ? fd : install(fs_config_open(name, &file), fd, file);
	kfree(name);
	return result;
}

SYSCALL3(fspick, int, dirfd, u64, path_at, unsigned, flags)
{
	struct file *file = NULL;
	struct path path;

	if (!mnt_ns_may_admin())
		return -EPERM;
	if (flags &
	    ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH))
		return -EINVAL;
	int error = user_path(dirfd, path_at, (flags & FSPICK_EMPTY_PATH) ? AT_EMPTY_PATH : 0,
			      !(flags & FSPICK_SYMLINK_NOFOLLOW), &path);
	if (error)
		return error;
	int fd = fd_alloc((flags & FSPICK_CLOEXEC) ? O_CLOEXEC : 0);
	long result = fd < 0 ? fd : install(fs_config_pick(&path, &file), fd, file);
	path_put(&path);
	return result;
}

// Which arguments a command has, and which it must not have.
static int check_arguments(unsigned command, u64 key_at, u64 value_at, int aux)
{
	bool bad;

	switch (command) {
	case FSCONFIG_SET_FLAG:
		bad = !key_at || value_at || aux;
		break;
	case FSCONFIG_SET_STRING:
		bad = !key_at || !value_at || aux;
		break;
	case FSCONFIG_SET_BINARY:
		bad = !key_at || !value_at || aux <= 0 || aux > 1 << 20;
		break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY:
		bad = !key_at || !value_at || (aux != AT_FDCWD && aux < 0);
		break;
	case FSCONFIG_SET_FD:
		bad = !key_at || value_at || aux < 0;
		break;
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_CREATE_EXCL:
	case FSCONFIG_CMD_RECONFIGURE:
		bad = key_at || value_at || aux;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return bad ? -EINVAL : 0;
}

static int set_option(struct file *file, unsigned command, u64 key_at, u64 value_at)
{
	char *key, *value = NULL;
	int error = word_from_user(key_at, KEY_MAX, &key);

	if (error)
		return error;
	if (command == FSCONFIG_SET_STRING)
		error = word_from_user(value_at, KEY_MAX, &value);
	else if (command != FSCONFIG_SET_FLAG)
		error = -EINVAL; // no file system here has such options
	if (!error)
		error = fs_config_set(file, key, value);
	kfree(value);
	kfree(key);
	return error;
}

SYSCALL5(fsconfig, int, fd, unsigned, command, u64, key_at, u64, value_at, int, aux)
{
	if (fd < 0)
		return -EINVAL;
	long error = check_arguments(command, key_at, value_at, aux);
	if (error)
		return error;
	struct file *file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	if (!fs_config_is(file))
		error = -EINVAL;
	else if (command == FSCONFIG_CMD_RECONFIGURE)
		error = fs_config_reconfigure(file);
	else if (command == FSCONFIG_CMD_CREATE || command == FSCONFIG_CMD_CREATE_EXCL)
		error = fs_config_create(file, command == FSCONFIG_CMD_CREATE_EXCL);
	else
		error = set_option(file, command, key_at, value_at);
	file_put(file);
	return error;
}

// --- Attributes ---

static const struct {
	u64 attribute;
	u32 flag;
} attributes[] = {
	{MOUNT_ATTR_RDONLY, MOUNT_RDONLY},         {MOUNT_ATTR_NOSUID, MOUNT_NOSUID},
	{MOUNT_ATTR_NODEV, MOUNT_NODEV},           {MOUNT_ATTR_NOEXEC, MOUNT_NOEXEC},
	{MOUNT_ATTR_NODIRATIME, MOUNT_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MOUNT_NOSYMFOLLOW},
};

// Takes from *word the attributes that are single bits; what is left is other things.
static u32 take_attributes(u64 *word)
{
	u32 flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (*word & attributes[i].attribute)
			flags |= attributes[i].flag;
		*word &= ~attributes[i].attribute;
	}
	return flags;
}

// The flags for a choice of access times. -EINVAL.
static int take_atime(u64 choice)
{
	switch (choice) {
	case MOUNT_ATTR_RELATIME:
		return MOUNT_RELATIME;
	case MOUNT_ATTR_NOATIME:
		return MOUNT_NOATIME;
	case MOUNT_ATTR_STRICTATIME:
		return 0;
	}
	return -EINVAL;
}

SYSCALL3(fsmount, int, fd, unsigned, flags, unsigned, attribute_bits)
{
	u64 bits = attribute_bits;
	struct file *file, *mounted = NULL;

	if (!mnt_ns_may_admin())
		return -EPERM;
	if (flags & ~FSMOUNT_CLOEXEC)
		return -EINVAL;
	u32 mount_flags = take_attributes(&bits);
	int atime = take_atime(bits);
	if (atime < 0)
		return atime;
	file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	int new_fd = fd_alloc((flags & FSMOUNT_CLOEXEC) ? O_CLOEXEC : 0);
	long result = new_fd;
	if (new_fd >= 0)
		result = install(fs_config_mount(file, mount_flags | atime, &mounted), new_fd,
				 mounted);
	file_put(file);
	return result;
}

static int read_change(const struct mount_attr *attr, struct mount_change *change)
{
	u64 set = attr->attr_set, clear = attr->attr_clr, sharing = attr->propagation;

	if ((sharing & ~(u64)(MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE)) ||
	    (sharing & (sharing - 1)))
		return -EINVAL;
	*change = (struct mount_change){.propagation = sharing};
	change->set = take_attributes(&set);
	change->clear = take_attributes(&clear);
	if (clear == MOUNT_ATTR__ATIME) {
		int atime = take_atime(set);

		if (atime < 0)
			return atime;
		change->clear |= MOUNT_RELATIME | MOUNT_NOATIME;
		change->set |= atime;
		return 0;
	}
	if (set == MOUNT_ATTR_IDMAP)
		printk_ratelimited(LOG_INFO, "mount_setattr: mapped ids are not implemented\n");
	return set || clear ? -EINVAL : 0;
}

// *none: there is nothing in it to change.
static int change_from_user(u64 attr_at, size_t size, struct mount_change *change, bool *none)
{
	struct mount_attr attr;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < MOUNT_ATTR_SIZE_VER0)
		return -EINVAL;
	if (!mnt_ns_may_admin())
		return -EPERM;
	int error = copy_struct_from_user(&attr, sizeof(attr), attr_at, size);
	*none = !error && !attr.attr_set && !attr.attr_clr && !attr.propagation;
	return error || *none ? error : read_change(&attr, change);
}

SYSCALL5(mount_setattr, int, dirfd, u64, path_at, unsigned, flags, u64, attr_at, size_t, size)
{
	struct mount_change change;
	struct path path;
	bool none;

	if (flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	int error = change_from_user(attr_at, size, &change, &none);
	if (!error && none)
		return 0;
	if (!error)
		error = user_path(dirfd, path_at, flags & AT_EMPTY_PATH,
				  !(flags & AT_SYMLINK_NOFOLLOW), &path);
	if (error)
		return error;
	error = mount_set_attributes(&path, &change, flags & AT_RECURSIVE);
	path_put(&path);
	return error;
}

// --- Trees ---

static int open_tree(const struct path *path, unsigned flags, struct file **out)
{
	if (flags & OPEN_TREE_CLONE)
		return mount_open_copy(path, flags & AT_RECURSIVE, out);
	return file_open_place(path, out);
}

static int change_tree(struct file *file, unsigned flags, u64 attr_at, size_t size)
{
	struct mount_change change;
	bool none = true;
	int error = attr_at ? change_from_user(attr_at, size, &change, &none) : 0;

	if (!error && !none)
		error = mount_set_attributes(&file->path, &change, flags & AT_RECURSIVE);
	return error;
}

static long open_tree_at(int dirfd, u64 path_at, unsigned flags, u64 attr_at, size_t size)
{
	struct file *file = NULL;
	struct path path;

	if (flags & ~(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW |
		      OPEN_TREE_CLONE | O_CLOEXEC))
		return -EINVAL;
	if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
		return -EINVAL;
	if ((flags & OPEN_TREE_CLONE) && !mnt_ns_may_admin())
		return -EPERM;
	int fd = fd_alloc(flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	int error = user_path(dirfd, path_at, flags & AT_EMPTY_PATH, !(flags & AT_SYMLINK_NOFOLLOW),
			      &path);
	if (error)
		return install(error, fd, NULL);
	error = open_tree(&path, flags, &file);
	path_put(&path);
	if (!error) {
		error = change_tree(file, flags, attr_at, size);
		if (error)
			file_put(file);
	}
	return install(error, fd, file);
}

SYSCALL3(open_tree, int, dirfd, u64, path_at, unsigned, flags)
{
	return open_tree_at(dirfd, path_at, flags, 0, 0);
}

// A tree with attributes that nobody sees without them.
SYSCALL5(open_tree_attr, int, dirfd, u64, path_at, unsigned, flags, u64, attr_at, size_t, size)
{
	if (!attr_at && size)
		return -EINVAL;
	return open_tree_at(dirfd, path_at, flags, attr_at, size);
}

SYSCALL5(move_mount, int, from_fd, u64, from_at, int, to_fd, u64, to_at, unsigned, flags)
{
	struct path from, to;

	if (!mnt_ns_may_admin())
		return -EPERM;
	if (flags & ~MOVE_MOUNT__MASK)
		return -EINVAL;
	if ((flags & MOVE_MOUNT_SET_GROUP) && (flags & MOVE_MOUNT_BENEATH))
		return -EINVAL;
	int error = user_path(from_fd, from_at,
			      (flags & MOVE_MOUNT_F_EMPTY_PATH) ? AT_EMPTY_PATH : 0,
			      flags & MOVE_MOUNT_F_SYMLINKS, &from);
	if (error)
		return error;
	error = user_path(to_fd, to_at, (flags & MOVE_MOUNT_T_EMPTY_PATH) ? AT_EMPTY_PATH : 0,
			  flags & MOVE_MOUNT_T_SYMLINKS, &to);
	if (!error) {
		error = (flags & MOVE_MOUNT_SET_GROUP)
				? mount_set_group(&from, &to)
				: mount_move(&from, &to, flags & MOVE_MOUNT_BENEATH);
		path_put(&to);
	}
	path_put(&from);
	return error;
}
