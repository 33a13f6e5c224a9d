// Opening, and the changes to names: create, unlink, link, rename.

#include <core/errno.h>
#include <fs/chrdev.h>
#include <fs/fs_context.h>
#include <fs/open.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/task.h>
#include <uapi/errno.h>

extern const struct file_ops fifo_ops; // pipe.c

// --- Opening what exists ---

static const struct file_ops *ops_of(struct inode *inode)
{
	if (S_ISCHR(inode->mode))
		return chrdev_find(inode->rdev);
	if (S_ISFIFO(inode->mode))
		return &fifo_ops;
	return inode->file_ops;
}

// A regular file counts its writers, so that it is not run meanwhile, nor written while it runs.
static int take_write_access(struct inode *inode)
{
	int count = atomic_read(&inode->write_denied);

	do {
		if (count < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&inode->write_denied.v, &count, count + 1, true,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return 0;
}

static int check_open(const struct path *path, int flags)
{
	struct inode *inode = path_inode(path);
	int mask = 0, mode = flags & O_ACCMODE;

	if (S_ISLNK(inode->mode))
		return -ELOOP;
	if (S_ISDIR(inode->mode) && (mode != O_RDONLY || (flags & (O_CREAT | O_TRUNC))))
		return -EISDIR;
	if (mode != O_WRONLY)
		mask |= MAY_READ;
	if (mode != O_RDONLY || (flags & O_TRUNC))
		mask |= MAY_WRITE;
	if ((mask & MAY_WRITE) && path_read_only(path) &&
	    (S_ISREG(inode->mode) || S_ISDIR(inode->mode)))
		return -EROFS;
	if (S_ISCHR(inode->mode) && (path->mount->flags & MOUNT_NODEV))
		return -EACCES;
	return inode_permission(inode, mask);
}

int file_open_path(const struct path *path, int flags, struct file **out)
{
	struct inode *inode = path_inode(path);
	struct file *file = file_alloc(flags &
				       ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC));
	int error = 0;

	if (!file)
		return -ENFILE;
	file->ops = ops_of(inode);
	if (!file->ops)
		error = -ENXIO;
	if (!error && (file->flags & FILE_WRITE) && S_ISREG(inode->mode))
		error = take_write_access(inode);
	if (error) {
		file->flags &= ~FILE_WRITE;
		file->ops = NULL;
		file_put(file);
		return error;
	}
	file->path = *path;
	path_get(path);
	file->inode = inode;
	if (file->ops->open)
		error = file->ops->open(inode, file);
	if (!error && (flags & O_TRUNC) && S_ISREG(inode->mode))
		error = vfs_truncate(inode, 0);
	if (error) {
		file->ops = NULL; // not open: nothing to release
		file_put(file);
		return error;
	}
	*out = file;
	return 0;
}

// --- Creating ---

static int may_change(struct path *dir)
{
	if (path_read_only(dir))
		return -EROFS;
	return inode_permission(path_inode(dir), MAY_WRITE | MAY_EXEC);
}

// The directory's lock is written.
static int make_locked(struct path *dir, const char *name, u32 mode, u64 rdev, const char *symlink,
		       struct dentry **out)
{
	struct inode *parent = path_inode(dir), *inode;
	int error = may_change(dir);

	if (error)
		return error;
	if (!parent->ops->make)
		return -EPERM;
	if (!parent->nlink)
		return -ENOENT;
	error = parent->ops->make(parent, mode, rdev, &inode);
	if (error)
		return error;
	if (parent->mode & S_ISGID) {
		inode->gid = parent->gid;
		if (S_ISDIR(mode))
			inode->mode |= S_ISGID;
	}
	if (symlink && !(inode->symlink = kstrdup(symlink, GFP_KERNEL)))
		error = -ENOMEM;
	if (symlink && !error)
		inode->mapping.size = strlen(symlink);
	if (!error)
		error = dentry_add(dir->dentry, name, inode, out);
	inode_put(inode);
	if (error)
		return error;
	if (S_ISDIR(mode)) {
		inode->nlink = 2;
		parent->nlink++;
	}
	inode_touch(parent);
	return 0;
}

static u32 masked(u32 mode)
{
	return mode & ~READ_ONCE(current->fs->umask);
}

int vfs_make(int dirfd, const char *path, u32 mode, u64 rdev, const char *symlink)
{
	struct last_component last;
	struct path dir;
	int error = path_parent(dirfd, path, &dir, &last);

	if (error)
		return error;
	struct inode *parent = path_inode(&dir);
	if (last.is_dots) {
		path_put(&dir);
		return -EEXIST;
	}
	down_write(&parent->lock);
	struct dentry *there = dentry_lookup(dir.dentry, last.name, strlen(last.name));
	if (there)
		error = IS_ERR(there) ? PTR_ERR(there) : -EEXIST;
	else if (last.must_be_dir && !S_ISDIR(mode))
		error = -ENOENT;
	else
		error = make_locked(&dir, last.name, symlink ? mode : masked(mode), rdev, symlink,
				    NULL);
	up_write(&parent->lock);
	if (there && !IS_ERR(there))
		dentry_put(there);
	path_put(&dir);
	return error;
}

// open(2) with O_CREAT: the file as it is, or a new one.
static int open_create(int dirfd, const char *name, int flags, u32 mode, struct path *out,
		       bool *created)
{
	struct last_component last;
	struct path dir;
	int error = path_parent(dirfd, name, &dir, &last);

	if (error)
		return error;
	if (last.is_dots || last.must_be_dir) {
		path_put(&dir);
		return -EISDIR;
	}
	struct inode *parent = path_inode(&dir);
	down_write(&parent->lock);
	struct dentry *dentry = dentry_lookup(dir.dentry, last.name, strlen(last.name));
	*created = !dentry;
	if (IS_ERR(dentry))
		error = PTR_ERR(dentry);
	else if (!dentry)
		error = make_locked(&dir, last.name, S_IFREG | masked(mode & 07777), 0, NULL,
				    &dentry);
	else if (flags & O_EXCL)
		error = -EEXIST;
	up_write(&parent->lock);
	if (!error && *created) {
		*out = (struct path){mount_get(dir.mount), dentry};
	} else if (!error) {
		// It is there: the usual walk, for links and mounts.
		dentry_put(dentry);
		error = path_lookup(dirfd, name, flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW, out);
	} else if (dentry && !IS_ERR(dentry)) {
		dentry_put(dentry);
	}
	path_put(&dir);
	return error;
}

int file_open(int dirfd, const char *name, int flags, u32 mode, struct file **out)
{
	bool created = false;
	struct path path;
	int error;

	if (flags & O_CREAT) {
		error = open_create(dirfd, name, flags, mode, &path, &created);
	} else {
		int lookup = (flags & O_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
		error = path_lookup(dirfd, name,
				    lookup | ((flags & O_DIRECTORY) ? LOOKUP_DIRECTORY : 0), &path);
	}
	if (error)
		return error;
	if (flags & O_PATH) {
		static const struct file_ops path_only;
		struct file *file = file_alloc(O_PATH);

		if (file) {
			file->flags &= ~(FILE_READ | FILE_WRITE);
			file->ops = &path_only;
			file->path = path;
			file->inode = path_inode(&path);
			*out = file;
			return 0;
		}
		error = -ENFILE;
	}
	if (!error && !created)
		error = check_open(&path, flags);
	if (!error)
		error = file_open_path(&path, flags, out);
	path_put(&path);
	return error;
}

int file_open_exec(int dirfd, const char *name, int flags, struct file **out)
{
	struct path path;
	int lookup = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
	int error = path_lookup(dirfd, name, lookup | ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0),
				&path);

	if (error)
		return error;
	struct inode *inode = path_inode(&path);
	if (S_ISLNK(inode->mode))
		error = -ELOOP;
	else if (!S_ISREG(inode->mode) || (path.mount->flags & MOUNT_NOEXEC))
		error = -EACCES;
	else
		error = inode_permission(inode, MAY_EXEC);
	if (!error && atomic_read(&inode->write_denied) > 0)
		error = -ETXTBSY;
	if (!error)
		error = file_open_path(&path, O_RDONLY, out);
	path_put(&path);
	return error;
}

int vfs_truncate(struct inode *inode, u64 size)
{
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode) || !inode->ops->truncate)
		return -EINVAL;
	down_write(&inode->lock);
	int error = inode->ops->truncate(inode, size);
	if (!error)
		inode_touch(inode);
	up_write(&inode->lock);
	return error;
}

// --- Removing ---

// A sticky directory lets only owners remove.
static int may_remove(struct path *dir, struct inode *inode)
{
	struct inode *parent = path_inode(dir);
	int error = may_change(dir);

	if (error)
		return error;
	if ((parent->mode & S_ISVTX) && current_cred()->fsuid != inode->uid &&
	    !inode_owner_or_capable(parent))
		return -EPERM;
	return 0;
}

static int check_removable(struct path *dir, struct dentry *dentry, bool directory)
{
	struct inode *inode = dentry->inode;
	int error = may_remove(dir, inode);

	if (error)
		return error;
	if (!dentry->pinned)
		return -EPERM; // made on demand: not a name that can go
	if (directory && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(inode->mode))
		return -EISDIR;
	if (dentry->mounted)
		return -EBUSY;
	if (directory && dentry_has_children(dentry))
		return -ENOTEMPTY;
	return 0;
}

static void forget_name(struct inode *parent, struct dentry *dentry)
{
	struct inode *inode = inode_get(dentry->inode);

	dentry_remove(dentry);
	inode->nlink--;
	if (S_ISDIR(inode->mode)) {
		inode->nlink = 0;
		parent->nlink--;
	}
	inode->ctime = fs_now();
	inode_touch(parent);
	inode_put(inode);
}

int vfs_unlink(int dirfd, const char *path, bool directory)
{
	struct last_component last;
	struct path dir;
	int error = path_parent(dirfd, path, &dir, &last);

	if (error)
		return error;
	if (last.is_dots) {
		error = !directory            ? -EISDIR
			: !last.name[0]       ? -EBUSY
			: last.name[1] == '.' ? -ENOTEMPTY
					      : -EINVAL;
		path_put(&dir);
		return error;
	}
	struct inode *parent = path_inode(&dir);
	down_write(&parent->lock);
	struct dentry *dentry = dentry_lookup(dir.dentry, last.name, strlen(last.name));
	if (!dentry || IS_ERR(dentry)) {
		error = dentry ? PTR_ERR(dentry) : -ENOENT;
	} else {
		error = check_removable(&dir, dentry, directory);
		if (!error && last.must_be_dir && !S_ISDIR(dentry->inode->mode))
			error = -ENOTDIR;
		if (!error)
			forget_name(parent, dentry);
		dentry_put(dentry);
	}
	up_write(&parent->lock);
	path_put(&dir);
	return error;
}

// --- link and rename ---

int vfs_link(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags)
{
	struct last_component last;
	struct path old, dir;
	int lookup = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
		     (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	int error = path_lookup(olddirfd, oldpath, lookup, &old);

	if (error)
		return error;
	error = path_parent(newdirfd, newpath, &dir, &last);
	if (error) {
		path_put(&old);
		return error;
	}
	struct inode *parent = path_inode(&dir), *inode = path_inode(&old);
	down_write(&parent->lock);
	struct dentry *there = last.is_dots
				       ? NULL
				       : dentry_lookup(dir.dentry, last.name, strlen(last.name));
	if (last.is_dots || there)
		error = -EEXIST;
	else if (old.dentry->inode->sb != parent->sb)
		error = -EXDEV;
	else if (S_ISDIR(inode->mode))
		error = -EPERM;
	else if (!inode->nlink)
		error = -ENOENT;
	else
		error = may_change(&dir);
	if (!error)
		error = dentry_add(dir.dentry, last.name, inode, NULL);
	if (!error) {
		inode->nlink++;
		inode->ctime = fs_now();
		inode_touch(parent);
	}
	up_write(&parent->lock);
	if (there && !IS_ERR(there))
		dentry_put(there);
	path_put(&dir);
	path_put(&old);
	return error;
}

static bool is_below(struct dentry *dentry, const struct dentry *ancestor)
{
	for (; dentry != dentry->parent; dentry = dentry->parent) {
		if (dentry == ancestor)
			return true;
	}
	return dentry == ancestor;
}

// Both directories' locks are written. `to` NULL: the new name is free.
static int rename_locked(struct path *old_dir, struct dentry *from, struct path *new_dir,
			 struct dentry *to, const char *name, u32 flags)
{
	bool directory = S_ISDIR(from->inode->mode);
	int error = may_remove(old_dir, from->inode);

	if (!error)
		error = may_change(new_dir);
	if (error)
		return error;
	if (!from->pinned)
		return -EPERM;
	if (is_below(new_dir->dentry, from))
		return -EINVAL;
	if (to && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (to && to->inode == from->inode)
		return 0;
	if (from->mounted || (to && to->mounted))
		return -EBUSY;
	if (to) {
		error = check_removable(new_dir, to, directory);
		if (error)
			return error;
	}
	struct dentry *space = dentry_space(name, from->inode);
	if (!space)
		return -ENOMEM;
	struct inode *old_parent = path_inode(old_dir), *new_parent = path_inode(new_dir);
	if (to)
		forget_name(new_parent, to);
	dentry_move(from, new_dir->dentry, space);
	if (directory) {
		old_parent->nlink--;
		new_parent->nlink++;
	}
	from->inode->ctime = fs_now();
	inode_touch(old_parent);
	inode_touch(new_parent);
	return 0;
}

static int rename_between(struct path *old_dir, struct last_component *old, struct path *new_dir,
			  struct last_component *new, u32 flags)
{
	struct inode *a = path_inode(old_dir), *b = path_inode(new_dir);
	int error;

	// Two directories are locked in order of address.
	down_write(a < b ? &a->lock : &b->lock);
	if (a != b)
		down_write_nested(a < b ? &b->lock : &a->lock);
	struct dentry *from = dentry_lookup(old_dir->dentry, old->name, strlen(old->name));
	struct dentry *to = dentry_lookup(new_dir->dentry, new->name, strlen(new->name));
	if (!from || IS_ERR(from))
		error = from ? PTR_ERR(from) : -ENOENT;
	else if ((old->must_be_dir || new->must_be_dir) && !S_ISDIR(from->inode->mode))
		error = -ENOTDIR;
	else
		error = rename_locked(old_dir, from, new_dir, IS_ERR(to) ? NULL : to, new->name,
				      flags);
	if (a != b)
		up_write(a < b ? &b->lock : &a->lock);
	up_write(a < b ? &a->lock : &b->lock);
	if (from && !IS_ERR(from))
		dentry_put(from);
	if (to && !IS_ERR(to))
		dentry_put(to);
	return error;
}

int vfs_rename(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, u32 flags)
{
	struct last_component old, new;
	struct path old_dir, new_dir;

	if (flags & ~(u32)RENAME_NOREPLACE)
		return -EINVAL;
	int error = path_parent(olddirfd, oldpath, &old_dir, &old);
	if (error)
		return error;
	error = path_parent(newdirfd, newpath, &new_dir, &new);
	if (error) {
		path_put(&old_dir);
		return error;
	}
	if (old_dir.mount != new_dir.mount)
		error = -EXDEV;
	else if (old.is_dots || new.is_dots)
		error = -EBUSY;
	else
		error = rename_between(&old_dir, &old, &new_dir, &new, flags);
	path_put(&old_dir);
	path_put(&new_dir);
	return error;
}
