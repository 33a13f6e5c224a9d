// statx(2), statfs(2): more about files than stat(2) tells.

#include <fs/chrdev.h>
#include <fs/files.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <syscall/define.h>
#include <syscall/user_path.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/magic.h>

_Static_assert(sizeof(struct statx) == 256, "ABI");
_Static_assert(sizeof(struct statfs) == 120, "ABI");

#define ST_RDONLY      1
#define ST_NOSUID      2
#define ST_NODEV       4
#define ST_NOEXEC      8
#define ST_SYNCHRONOUS 0x10
#define ST_VALID       0x20
#define ST_MANDLOCK    0x40
#define ST_NOATIME     0x400
#define ST_NODIRATIME  0x800
#define ST_RELATIME    0x1000
#define ST_NOSYMFOLLOW 0x2000

// A file by path, or, for an empty path, by descriptor, which may have no name at all.
static int find_file(int dirfd, u64 path_at, int flags, struct path *path, struct file **file)
{
	u8 first = 0;

	*file = NULL;
	if ((flags & AT_EMPTY_PATH) && dirfd != AT_FDCWD &&
	    (!path_at || (get_user_u8(path_at, &first) == 0 && !first))) {
		*file = file_get_fd(dirfd);
		return *file ? 0 : -EBADF;
	}
	return user_path(dirfd, path_at, flags, !(flags & AT_SYMLINK_NOFOLLOW), path);
}

static struct statx_timestamp stamp(struct timespec ts)
{
	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

static void fill_statx(const struct inode *inode, const struct path *path, u32 mask,
		       struct statx *out)
{
	struct user_ns *ns = current_cred()->user_ns;
	u64 dev = inode->sb ? inode->sb->dev : 0;

	*out = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = inode->sb && inode->sb->block_size ? inode->sb->block_size
								  : PAGE_SIZE,
		.stx_nlink = inode->nlink,
		.stx_uid = uid_to_user_munged(ns, inode->uid),
		.stx_gid = gid_to_user_munged(ns, inode->gid),
		.stx_mode = inode->mode,
		.stx_ino = inode->number,
		.stx_size = inode->mapping.size,
		.stx_blocks = inode->mapping.page_count * (PAGE_SIZE / 512),
		.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
		.stx_atime = stamp(inode->atime),
		.stx_ctime = stamp(inode->ctime),
		.stx_mtime = stamp(inode->mtime),
		.stx_rdev_major = inode->rdev >> 20,
		.stx_rdev_minor = inode->rdev & 0xfffff,
		.stx_dev_major = dev >> 20,
		.stx_dev_minor = dev & 0xfffff,
	};
	if (!path->mount)
		return;
	bool unique = mask & STATX_MNT_ID_UNIQUE;
	out->stx_mask |= unique ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID;
	out->stx_mnt_id = unique ? path->mount->number : (u64)path->mount->id;
	if (path->dentry == path->mount->root)
		out->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
}

SYSCALL5(statx, int, dirfd, u64, path_at, int, flags, unsigned, mask, u64, out_at)
{
	int known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
	struct statx out = {.stx_mask = STATX_BASIC_STATS,
			    .stx_mode = 0600,
			    .stx_ino = 1,
			    .stx_nlink = 1,
			    .stx_blksize = PAGE_SIZE};
	struct file *file;
	struct path path;

	if ((flags & ~known) || (mask & STATX__RESERVED) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	int error = find_file(dirfd, path_at, flags, &path, &file);
	if (error)
		return error;
	if (!file) {
		fill_statx(path_inode(&path), &path, mask, &out);
		path_put(&path);
	} else {
		if (file->inode)
			fill_statx(file->inode, &file->path, mask, &out);
		file_put(file);
	}
	return copy_to_user(out_at, &out, sizeof(out));
}

static long give_statfs(const struct path *path, u64 out_at)
{
	struct statfs out = {.f_type = ANON_INODE_FS_MAGIC,
			     .f_bsize = PAGE_SIZE,
			     .f_namelen = NAME_MAX,
			     .f_frsize = PAGE_SIZE,
			     .f_flags = ST_VALID};
	struct fs_usage usage = {0};

	if (path->mount) {
		struct superblock *sb = path->mount->sb;
		u32 flags = path->mount->flags;

		if (sb->statfs)
			sb->statfs(sb, &usage);
		out.f_type = sb->magic;
		out.f_blocks = usage.blocks;
		out.f_bfree = out.f_bavail = usage.blocks_free;
		out.f_files = usage.files;
		out.f_ffree = usage.files_free;
		out.f_fsid[0] = sb->dev;
		out.f_flags |= (path_read_only(path) ? ST_RDONLY : 0) |
			       ((flags & MOUNT_NOSUID) ? ST_NOSUID : 0) |
			       ((flags & MOUNT_NODEV) ? ST_NODEV : 0) |
			       ((flags & MOUNT_NOEXEC) ? ST_NOEXEC : 0) |
			       ((flags & MOUNT_NOATIME) ? ST_NOATIME : 0) |
			       ((flags & MOUNT_NODIRATIME) ? ST_NODIRATIME : 0) |
			       ((flags & MOUNT_RELATIME) ? ST_RELATIME : 0) |
			       ((flags & MOUNT_NOSYMFOLLOW) ? ST_NOSYMFOLLOW : 0) |
			       (path->mount->sb->words & (ST_SYNCHRONOUS | ST_MANDLOCK));
	}
	return copy_to_user(out_at, &out, sizeof(out));
}

SYSCALL2(statfs, u64, path_at, u64, out_at)
{
	struct path path;
	long error = user_path(AT_FDCWD, path_at, 0, true, &path);

	if (error)
		return error;
	error = give_statfs(&path, out_at);
	path_put(&path);
	return error;
}

SYSCALL2(fstatfs, int, fd, u64, out_at)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	long error = give_statfs(&file->path, out_at);
	file_put(file);
	return error;
}
