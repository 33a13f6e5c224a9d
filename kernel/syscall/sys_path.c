// System calls on names: status, directories, links, owners, mounts.

#include <core/errno.h>
#include <fs/chrdev.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/open.h>
#include <fs/xattr.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <syscall/define.h>
#include <syscall/user_path.h>
#include <uapi/dirent.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/xattr.h>

int user_path(int dirfd, u64 path_at, int flags, bool follow, struct path *out)
{
	char *path;
	bool empty = flags & AT_EMPTY_PATH;
	int error = path_from_user(path_at, empty, &path);

	if (error)
		return error;
	error = path_lookup(dirfd, path, (follow ? LOOKUP_FOLLOW : 0) | (empty ? LOOKUP_EMPTY : 0),
			    out);
	path_free(path);
	return error;
}

// --- Status ---

static void fill_stat(const struct inode *inode, struct stat *stat)
{
	struct user_ns *ns = current_cred()->user_ns;

	*stat = (struct stat){
		.st_dev = dev_to_user(inode->sb ? inode->sb->dev : 0),
		.st_ino = inode->number,
		.st_mode = inode->mode,
		.st_nlink = inode->nlink,
		.st_uid = uid_to_user_munged(ns, inode->uid),
		.st_gid = gid_to_user_munged(ns, inode->gid),
		.st_rdev = dev_to_user(inode->rdev),
		.st_size = inode->mapping.size,
		.st_blksize = inode->sb && inode->sb->block_size ? inode->sb->block_size
								 : PAGE_SIZE,
		.st_blocks = inode->mapping.page_count * (PAGE_SIZE / 512),
		.st_atime_sec = inode->atime.tv_sec,
		.st_atime_nsec = inode->atime.tv_nsec,
		.st_mtime_sec = inode->mtime.tv_sec,
		.st_mtime_nsec = inode->mtime.tv_nsec,
		.st_ctime_sec = inode->ctime.tv_sec,
		.st_ctime_nsec = inode->ctime.tv_nsec,
	};
}

SYSCALL2(fstat, int, fd, u64, stat_at)
{
	struct file *file = file_get_fd(fd);
	struct stat stat = {.st_mode = 0600, .st_nlink = 1, .st_ino = 1, .st_blksize = PAGE_SIZE};

	if (!file)
		return -EBADF;
	if (file->inode)
		fill_stat(file->inode, &stat);
	file_put(file);
	return copy_to_user(stat_at, &stat, sizeof(stat));
}

SYSCALL4(newfstatat, int, dirfd, u64, path_at, u64, stat_at, int, flags)
{
	struct path path;
	struct stat stat;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	int error = user_path(dirfd, path_at, flags, !(flags & AT_SYMLINK_NOFOLLOW), &path);
	// An empty path means the descriptor itself, which may have no name at all.
	if (error == -ENOTDIR && (flags & AT_EMPTY_PATH))
		return sys_fstat(dirfd, stat_at);
	if (error)
		return error;
	fill_stat(path_inode(&path), &stat);
	path_put(&path);
	return copy_to_user(stat_at, &stat, sizeof(stat));
}

static int access_path(int dirfd, u64 path_at, int mode, int flags)
{
	struct path path;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	int error = user_path(dirfd, path_at, flags, !(flags & AT_SYMLINK_NOFOLLOW), &path);
	if (error)
		return error;
	if ((mode & MAY_EXEC) && S_ISREG(path_inode(&path)->mode) &&
	    (path.mount->flags & MOUNT_NOEXEC))
		error = -EACCES;
	if (mode && !error)
		error = inode_permission(path_inode(&path), mode);
	if (!error && (mode & MAY_WRITE) && (path_read_only(&path)))
		error = -EROFS;
	path_put(&path);
	return error;
}

// access(2) asks for the real ids: the check runs with credentials that have these as effective.
static long access_as_real(int dirfd, u64 path_at, int mode, int flags)
{
	if (flags & AT_EACCESS)
		return access_path(dirfd, path_at, mode, flags);
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	cred->fsuid = cred->uid;
	cred->fsgid = cred->gid;
	if (!(cred->securebits & 4)) // SECBIT_NO_SETUID_FIXUP
		cred->cap_effective = cred->uid ? 0 : cred->cap_permitted;
	const struct cred *old = cred_override(cred);
	long error = access_path(dirfd, path_at, mode, flags);
	cred_revert(old);
	cred_discard(cred);
	return error;
}

SYSCALL3(faccessat, int, dirfd, u64, path_at, int, mode)
{
	return access_as_real(dirfd, path_at, mode, 0);
}

SYSCALL4(faccessat2, int, dirfd, u64, path_at, int, mode, int, flags)
{
	return access_as_real(dirfd, path_at, mode, flags);
}

SYSCALL4(readlinkat, int, dirfd, u64, path_at, u64, buffer, int, size)
{
	struct path path;

	if (size <= 0)
		return -EINVAL;
	int error = user_path(dirfd, path_at, AT_EMPTY_PATH, false, &path);
	if (error)
		return error;
	struct inode *inode = path_inode(&path);
	long length = -EINVAL;
	char *text = NULL;
	if (S_ISLNK(inode->mode) && inode->symlink) {
		text = inode->symlink;
		length = strlen(text);
	} else if (S_ISLNK(inode->mode)) {
		text = kmalloc(PATH_MAX, GFP_KERNEL);
		length = text ? inode->ops->readlink(inode, text, PATH_MAX) : -ENOMEM;
	}
	if (length > 0) {
		path_accessed(&path);
		length = MIN(length, (long)size);
		if (copy_to_user(buffer, text, length))
			length = -EFAULT;
	}
	if (text != inode->symlink)
		kfree(text);
	path_put(&path);
	return length;
}

// --- Making and removing ---

static long make_at(int dirfd, u64 path_at, u32 mode, u64 dev, const char *symlink)
{
	char *path;
	long error = path_from_user(path_at, false, &path);

	if (error)
		return error;
	error = vfs_make(dirfd, path, mode, dev, symlink);
	path_free(path);
	return error;
}

SYSCALL3(mkdirat, int, dirfd, u64, path_at, u32, mode)
{
	return make_at(dirfd, path_at, S_IFDIR | (mode & 01777), 0, NULL);
}

SYSCALL4(mknodat, int, dirfd, u64, path_at, u32, mode, u32, dev)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) &&
	    !S_ISSOCK(mode))
		return -EINVAL;
	return make_at(dirfd, path_at, mode, dev_from_user(dev), NULL);
}

SYSCALL3(symlinkat, u64, target_at, int, dirfd, u64, path_at)
{
	char *target;
	long error = path_from_user(target_at, false, &target);

	if (error)
		return error;
	error = make_at(dirfd, path_at, S_IFLNK | 0777, 0, target);
	path_free(target);
	return error;
}

SYSCALL3(unlinkat, int, dirfd, u64, path_at, int, flags)
{
	char *path;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	long error = path_from_user(path_at, false, &path);
	if (error)
		return error;
	error = vfs_unlink(dirfd, path, flags & AT_REMOVEDIR);
	path_free(path);
	return error;
}

SYSCALL5(linkat, int, olddirfd, u64, old_at, int, newdirfd, u64, new_at, int, flags)
{
	char *old, *new;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	long error = path_from_user(old_at, flags & AT_EMPTY_PATH, &old);
	if (error)
		return error;
	error = path_from_user(new_at, false, &new);
	if (!error) {
		error = vfs_link(olddirfd, old, newdirfd, new, flags);
		path_free(new);
	}
	path_free(old);
	return error;
}

SYSCALL5(renameat2, int, olddirfd, u64, old_at, int, newdirfd, u64, new_at, unsigned, flags)
{
	char *old, *new;
	long error = path_from_user(old_at, false, &old);

	if (error)
		return error;
	error = path_from_user(new_at, false, &new);
	if (!error) {
		error = vfs_rename(olddirfd, old, newdirfd, new, flags);
		path_free(new);
	}
	path_free(old);
	return error;
}

// --- Mode, owner, times ---

static int change_mode(const struct path *path, u32 mode)
{
	struct inode *inode = path_inode(path);

	if (path_read_only(path))
		return -EROFS;
	down_write(&inode->lock);
	if (!inode_owner_or_capable(inode) ||
	    ((inode->seals & F_SEAL_EXEC) && ((inode->mode ^ mode) & 0111))) {
		up_write(&inode->lock);
		return -EPERM;
	}
	if (!inode_group_or_capable(inode, inode->gid))
		mode &= ~S_ISGID;
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	inode->ctime = fs_now();
	up_write(&inode->lock);
	return 0;
}

static long chmod_at(int dirfd, u64 path_at, u32 mode, int flags)
{
	struct path path;
	int error = user_path(dirfd, path_at, flags, !(flags & AT_SYMLINK_NOFOLLOW), &path);

	if (error)
		return error;
	error = S_ISLNK(path_inode(&path)->mode) ? -EOPNOTSUPP : change_mode(&path, mode);
	path_put(&path);
	return error;
}

SYSCALL3(fchmodat, int, dirfd, u64, path_at, u32, mode)
{
	return chmod_at(dirfd, path_at, mode, 0);
}

SYSCALL4(fchmodat2, int, dirfd, u64, path_at, u32, mode, int, flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chmod_at(dirfd, path_at, mode, flags);
}

SYSCALL2(fchmod, int, fd, u32, mode)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	int error = file->path.dentry ? change_mode(&file->path, mode) : -EINVAL;
	file_put(file);
	return error;
}

// Whether current may give a file another owner (NULL: the old one) and group. Its lock is held.
static bool may_change_owner(struct inode *inode, const u32 *uid, const u32 *gid)
{
	const struct cred *cred = current_cred();
	bool own = cred->fsuid == inode->uid;

	if (uid && !(own && *uid == inode->uid) && !inode_capable(inode, CAP_CHOWN))
		return false;
	return !gid || (own && (*gid == inode->gid || cred_in_group(cred, *gid))) ||
	       inode_capable(inode, CAP_CHOWN);
}

// The inode's lock is written. NULL: as it is. -EPERM.
static int change_owner_locked(struct inode *inode, const u32 *uid, const u32 *gid)
{
	if (!may_change_owner(inode, uid, gid))
		return -EPERM;
	// Set-id bits are for those whom the old owner trusted. That they go is a change of mode, which
	// is the owner's, however much one may change the owner.
	u32 lost = S_ISDIR(inode->mode) ? 0 : inode_set_ids_lost(inode);
	if (lost && !inode_owner_or_capable(inode))
		return -EPERM;
	if (lost && !inode_group_or_capable(inode, gid ? *gid : inode->gid))
		lost |= S_ISGID;
	inode->uid = uid ? *uid : inode->uid;
	inode->gid = gid ? *gid : inode->gid;
	WRITE_ONCE(inode->mode, inode->mode & ~lost);
	if (!S_ISDIR(inode->mode))
		xattr_drop_locked(inode, XATTR_NAME_CAPS);
	inode->ctime = fs_now();
	return 0;
}

static int change_owner(const struct path *path, u32 user_uid, u32 user_gid)
{
	struct inode *inode = path_inode(path);
	struct user_ns *ns = current_cred()->user_ns;
	u32 uid = uid_from_user(ns, user_uid), gid = gid_from_user(ns, user_gid);
	bool new_uid = user_uid != ~0u, new_gid = user_gid != ~0u;

	if (path_read_only(path))
		return -EROFS;
	if ((new_uid && uid == INVALID_ID) || (new_gid && gid == INVALID_ID))
		return -EINVAL;
	down_write(&inode->lock);
	int error = change_owner_locked(inode, new_uid ? &uid : NULL, new_gid ? &gid : NULL);
	up_write(&inode->lock);
	return error;
}

SYSCALL5(fchownat, int, dirfd, u64, path_at, u32, uid, u32, gid, int, flags)
{
	struct path path;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int error = user_path(dirfd, path_at, flags, !(flags & AT_SYMLINK_NOFOLLOW), &path);
	if (error)
		return error;
	error = change_owner(&path, uid, gid);
	path_put(&path);
	return error;
}

SYSCALL3(fchown, int, fd, u32, uid, u32, gid)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	int error = file->path.dentry ? change_owner(&file->path, uid, gid) : -EINVAL;
	file_put(file);
	return error;
}

#define UTIME_NOW  ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)

static int change_times(const struct path *path, const struct timespec *times)
{
	struct inode *inode = path_inode(path);
	struct timespec now = fs_now();
	bool only_now = times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW;

	for (int i = 0; i < 2; i++) {
		s64 ns = times[i].tv_nsec;
		if (ns != UTIME_NOW && ns != UTIME_OMIT && (ns < 0 || ns >= 1000000000))
			return -EINVAL;
	}
	if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (path_read_only(path))
		return -EROFS;
	if (!inode_owner_or_capable(inode) &&
	    !(only_now && inode_permission(inode, MAY_WRITE) == 0))
		return only_now ? -EACCES : -EPERM;
	down_write(&inode->lock);
	if (times[0].tv_nsec != UTIME_OMIT)
		inode->atime = times[0].tv_nsec == UTIME_NOW ? now : times[0];
	if (times[1].tv_nsec != UTIME_OMIT)
		inode->mtime = times[1].tv_nsec == UTIME_NOW ? now : times[1];
	inode->ctime = now;
	up_write(&inode->lock);
	return 0;
}

SYSCALL4(utimensat, int, dirfd, u64, path_at, u64, times_at, int, flags)
{
	struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct path path;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times_at && copy_from_user(times, times_at, sizeof(times)))
		return -EFAULT;
	if (!path_at) { // futimens
		struct file *file = file_get_fd(dirfd);
		if (!file)
			return -EBADF;
		error = file->path.dentry ? change_times(&file->path, times) : -EINVAL;
		file_put(file);
		return error;
	}
	error = user_path(dirfd, path_at, flags, !(flags & AT_SYMLINK_NOFOLLOW), &path);
	if (error)
		return error;
	error = change_times(&path, times);
	path_put(&path);
	return error;
}

SYSCALL2(truncate, u64, path_at, s64, size)
{
	struct path path;

	if (size < 0)
		return -EINVAL;
	int error = user_path(AT_FDCWD, path_at, 0, true, &path);
	if (error)
		return error;
	struct inode *inode = path_inode(&path);
	if (!S_ISREG(inode->mode))
		error = S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
	else if (path_read_only(&path))
		error = -EROFS;
	else
		error = inode_permission(inode, MAY_WRITE);
	if (!error)
		error = vfs_truncate(path_inode(&path), size);
	path_put(&path);
	return error;
}

// --- Directories ---

struct getdents {
	struct dir_context ctx;
	u64 at; // user address of the next entry
	size_t left;
	int error;
	u64 last; // address of the last entry, 0 = none
};

static bool emit_dirent(struct dir_context *ctx, const char *name, size_t length, u64 cookie,
			u64 inode, u8 type)
{
	struct getdents *get = container_of(ctx, struct getdents, ctx);
	char buffer[sizeof(struct linux_dirent64) + 256 + 8];
	struct linux_dirent64 *entry = (struct linux_dirent64 *)buffer;
	size_t size = ALIGN_UP(offsetof(struct linux_dirent64, d_name) + length + 1, 8);

	if (size > get->left) {
		if (!get->last)
			get->error = -EINVAL;
		return false;
	}
	memset(buffer, 0, size);
	entry->d_ino = inode;
	entry->d_off = cookie;
	entry->d_reclen = size;
	entry->d_type = type;
	memcpy(entry->d_name, name, length);
	if (copy_to_user(get->at, buffer, size)) {
		get->error = -EFAULT;
		return false;
	}
	get->last = get->at;
	get->at += size;
	get->left -= size;
	return true;
}

SYSCALL3(getdents64, int, fd, u64, buffer, unsigned, size)
{
	struct getdents get = {.ctx = {emit_dirent}, .at = buffer, .left = size};
	struct file *file = file_get_fd(fd);
	long error = -ENOTDIR;

	if (!file)
		return -EBADF;
	if (file->ops->iterate) {
		struct inode *inode = file->inode;

		mutex_lock(&file->pos_lock);
		down_read(&inode->lock);
		error = inode->nlink ? file->ops->iterate(file, &get.ctx) : -ENOENT;
		if (!error)
			file_accessed(file);
		up_read(&inode->lock);
		mutex_unlock(&file->pos_lock);
	}
	file_put(file);
	if (error || (get.error && !get.last))
		return error ?: get.error;
	return get.at - buffer;
}

SYSCALL2(getcwd, u64, buffer, size_t, size)
{
	static const char unreachable[] = "(unreachable)";
	char *text = kmalloc(PATH_MAX, GFP_KERNEL), *at;
	struct path cwd;
	bool reached;
	long result;

	if (!text)
		return -ENOMEM;
	fs_context_cwd(current->fs, &cwd);
	at = path_inode(&cwd)->nlink ? path_text_from(&cwd, text, PATH_MAX, &reached)
				     : ERR_PTR(-ENOENT);
	path_put(&cwd);
	if (!IS_ERR(at) && !reached) {
		size_t length = sizeof(unreachable) - 1;

		at = at - text < (long)length ? ERR_PTR(-ENAMETOOLONG)
					      : memcpy(at - length, unreachable, length);
	}
	if (IS_ERR(at)) {
		result = PTR_ERR(at);
	} else {
		size_t length = text + PATH_MAX - at;
		result = length > size ? -ERANGE : copy_to_user(buffer, at, length) ?: (long)length;
	}
	kfree(text);
	return result;
}

static long set_directory(struct path *path)
{
	int error = !S_ISDIR(path_inode(path)->mode) ? -ENOTDIR
						     : inode_permission(path_inode(path), MAY_EXEC);

	if (error)
		path_put(path);
	else
		fs_context_set_cwd(current->fs, path);
	return error;
}

SYSCALL1(chdir, u64, path_at)
{
	struct path path;
	int error = user_path(AT_FDCWD, path_at, 0, true, &path);

	return error ?: set_directory(&path);
}

SYSCALL1(fchdir, int, fd)
{
	struct file *file = file_get_fd(fd);
	struct path path;

	if (!file)
		return -EBADF;
	if (!file->path.dentry) {
		file_put(file);
		return -ENOTDIR;
	}
	path = file->path;
	path_get(&path);
	file_put(file);
	return set_directory(&path);
}

SYSCALL1(chroot, u64, path_at)
{
	struct path path;
	int error = user_path(AT_FDCWD, path_at, 0, true, &path);

	if (error)
		return error;
	error = !S_ISDIR(path_inode(&path)->mode) ? -ENOTDIR
						  : inode_permission(path_inode(&path), MAY_EXEC);
	if (!error && !ns_capable(current_cred()->user_ns, CAP_SYS_CHROOT))
		error = -EPERM;
	if (error)
		path_put(&path);
	else
		fs_context_set_root(current->fs, &path);
	return error;
}

SYSCALL1(umask, u32, mask)
{
	u32 old = current->fs->umask;

	current->fs->umask = mask & 0777;
	return old;
}
