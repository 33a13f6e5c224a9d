// Opening, and making names.

#include <core/errno.h>
#include <fs/chrdev.h>
#include <fs/file_caps.h>
#include <fs/fs_context.h>
#include <fs/names.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/limits.h>

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

static int deny_write_access(struct inode *inode)
{
	int count = atomic_read(&inode->write_denied);

	do {
		if (count > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&inode->write_denied.v, &count, count - 1, true,
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
	if (S_ISCHR(inode->mode) && path_mount_nodev(path))
		return -EACCES;
	int error = inode_permission(inode, mask);
	// That a file was read is its owner's to hide.
	if (!error && (flags & O_NOATIME) && !inode_owner_or_capable(inode))
		error = -EPERM;
	return error;
}

static struct file *alloc_for(int flags)
{
	// A terminal has to know of O_NOCTTY when it is opened.
	return file_alloc(flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC));
}

// Makes `file` (consumed) the open file of a path.
static int open_as(struct file *file, const struct path *path, int flags, struct file **out)
{
	struct inode *inode = path_inode(path);
	int error = 0;

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
	if ((file->flags & FILE_WRITE) && S_ISREG(inode->mode))
		mount_count_writer(path->mount, 1);
	if (file->ops->open)
		error = file->ops->open(inode, file);
	file->flags &= ~O_NOCTTY;
	if (error)
		file->ops = NULL; // not open: nothing to release
	else if ((flags & O_TRUNC) && S_ISREG(inode->mode))
		error = vfs_truncate(inode, 0);
	if (error) {
		file_put(file);
		return error;
	}
	*out = file;
	return 0;
}

int file_open_path(const struct path *path, int flags, struct file **out)
{
	struct file *file = alloc_for(flags);

	return file ? open_as(file, path, flags, out) : -ENOMEM;
}

// --- Creating ---

// The node 0:0 is no device but a mark that overlays use.
static bool needs_mknod(u32 mode, u64 rdev)
{
	return S_ISBLK(mode) || (S_ISCHR(mode) && rdev);
}

// The mode of what is made in a directory that gives it its group: who is not of that group makes no
// program that acts for it.
static u32 mode_within(struct inode *parent, u32 mode)
{
	bool program = (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !S_ISDIR(mode);

	if (program && (parent->mode & S_ISGID) && !inode_group_or_capable(parent, parent->gid))
		mode &= ~S_ISGID;
	return mode;
}

static void inherit_group(struct inode *parent, struct inode *inode)
{
	if (!(parent->mode & S_ISGID))
		return;
	inode->gid = parent->gid;
	if (S_ISDIR(inode->mode))
		inode->mode |= S_ISGID;
}

// The directory's lock is written.
static int make_locked(struct path *dir, const char *name, u32 mode, u64 rdev, const char *symlink,
		       struct dentry **out)
{
	struct inode *parent = path_inode(dir), *inode;
	int error;

	// Where entries are made on demand, one that is not there cannot be.
	if (!parent->ops->make && !parent->ops->mkdir && parent->ops->lookup)
		return -ENOENT;
	error = name_may_create(dir);
	if (!error && needs_mknod(mode, rdev) && !capable(CAP_MKNOD))
		error = -EPERM;
	if (error)
		return error;
	mode = mode_within(parent, mode);
	bool folder = S_ISDIR(mode) && parent->ops->mkdir;
	if (!folder && !parent->ops->make)
		return S_ISREG(mode) ? -EACCES : -EPERM;
	error = folder ? parent->ops->mkdir(parent, name, mode, &inode)
		       : parent->ops->make(parent, mode, rdev, &inode);
	if (error)
		return error;
	inherit_group(parent, inode);
	if (symlink && !(inode->symlink = kstrdup(symlink, GFP_KERNEL)))
		error = -ENOMEM;
	if (symlink && !error)
		inode->mapping.size = strlen(symlink);
	if (!error)
		error = dentry_add(dir->dentry, name, inode, out);
	if (error && folder)
		parent->ops->rmdir(parent, inode); // nobody has seen it
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

// What a symbolic link says, on the heap. Links that jump lead to what exists: -ENOENT.
static int link_text(struct inode *link, char **out)
{
	if (link->ops->follow)
		return -ENOENT;
	char *text = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	int error = 0;
	if (link->symlink)
		strscpy(text, link->symlink, PATH_MAX);
	else
		error = link->ops->readlink(link, text, PATH_MAX);
	if (error < 0) {
		kfree(text);
		return error;
	}
	*out = text;
	return 0;
}

// The last component of an open with O_CREAT, in *dir: what is there, or a new file. Gives in *link
// the text of a symbolic link that is to be followed.
static int create_step(struct path *dir, struct last_component *last, int flags, u32 mode,
		       struct path *out, bool *created, char **link)
{
	struct inode *parent = path_inode(dir);
	int error = 0;

	down_write(&parent->lock);
	struct dentry *dentry = dentry_lookup(dir->dentry, last->name, strlen(last->name));
	*created = !dentry;
	if (IS_ERR(dentry))
		error = PTR_ERR(dentry);
	else if (!dentry)
		error = make_locked(dir, last->name, S_IFREG | masked(mode & 07777), 0, NULL,
				    &dentry);
	else if (flags & O_EXCL)
		error = -EEXIST;
	// A directory where nothing can be made says it in another way than mkdir(2) hears it.
	if (error == -EPERM && !parent->ops->make)
		error = -EACCES;
	up_write(&parent->lock);
	if (error) {
		if (dentry && !IS_ERR(dentry))
			dentry_put(dentry);
		return error;
	}
	if (*created) {
		*out = (struct path){mount_get(dir->mount), dentry};
		return 0;
	}
	// It is there: the usual walk, for links and mounts. A link may lead to what is not yet.
	bool follow = !(flags & O_NOFOLLOW);
	error = path_lookup_from(dir, last->name, follow ? LOOKUP_FOLLOW : 0, out);
	if (error == -ENOENT && follow && S_ISLNK(dentry->inode->mode))
		error = link_text(dentry->inode, link);
	dentry_put(dentry);
	return error;
}

// open(2) with O_CREAT: the file as it is, or a new one, also at the end of symbolic links.
static int open_create(int dirfd, const char *name, int flags, u32 mode, struct path *out,
		       bool *created)
{
	struct last_component last;
	struct path dir;
	char *text = NULL;
	int error = path_parent(dirfd, name, &dir, &last);

	for (int links = 0; !error; links++) {
		char *link = NULL;
		struct path next;

		if (last.is_dots || last.must_be_dir)
			error = -EISDIR;
		else
			error = create_step(&dir, &last, flags, mode, out, created, &link);
		kfree(text);
		text = link;
		if (!error && link && links == LINKS_MAX)
			error = -ELOOP;
		if (!error && link)
			error = path_parent_from(&dir, link, &next, &last);
		path_put(&dir);
		if (error || !link)
			break;
		dir = next;
	}
	kfree(text);
	return error;
}

// open(2) with O_TMPFILE: a file without a name, which linkat(2) may give one.
static int open_tmpfile(int dirfd, const char *name, int flags, u32 mode, struct file **out)
{
	struct path dir, path;
	struct inode *inode;
	char text[24];
	int error;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	error = path_lookup(dirfd, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
	if (error)
		return error;
	struct inode *parent = path_inode(&dir);
	error = node_may_make(&dir);
	if (!error && !parent->ops->make)
		error = -EOPNOTSUPP;
	if (!error)
		error = parent->ops->make(
			parent, mode_within(parent, S_IFREG | masked(mode & 07777)), 0, &inode);
	if (error) {
		path_put(&dir);
		return error;
	}
	inherit_group(parent, inode);
	inode->nlink = 0;
	inode->linkable = !(flags & O_EXCL);
	snprintf(text, sizeof(text), "#%lu", (unsigned long)inode->number);
	path = (struct path){dir.mount, dentry_make_loose(dir.dentry, text, inode)};
	inode_put(inode);
	error = -ENOMEM;
	if (path.dentry) {
		error = file_open_path(&path, flags & ~(O_TMPFILE | O_DIRECTORY), out);
		dentry_put(path.dentry);
	}
	path_put(&dir);
	return error;
}

// With O_CREAT. The struct comes first: a name that was made cannot be taken back.
static int file_open_create(int dirfd, const char *name, int flags, u32 mode, struct file **out)
{
	struct file *file = alloc_for(flags);
	bool created;
	struct path path;

	if (!file)
		return -ENOMEM;
	int error = open_create(dirfd, name, flags, mode, &path, &created);
	if (error) {
		file->flags &= ~FILE_WRITE;
		file_put(file);
		return error;
	}
	error = created ? 0 : check_open(&path, flags);
	if (!error) {
		error = open_as(file, &path, flags, out);
	} else {
		file->flags &= ~FILE_WRITE;
		file_put(file);
	}
	path_put(&path);
	return error;
}

int file_open_place(const struct path *path, struct file **out)
{
	static const struct file_ops path_only;
	struct file *file = file_alloc(O_PATH);

	if (!file)
		return -ENOMEM;
	file->flags &= ~(FILE_READ | FILE_WRITE);
	file->ops = &path_only;
	file->path = *path;
	path_get(path);
	file->inode = path_inode(path);
	*out = file;
	return 0;
}

int file_open(int dirfd, const char *name, int flags, u32 mode, struct file **out)
{
	int lookup = (flags & O_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
	struct path path;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(dirfd, name, flags, mode, out);
	if ((flags & O_CREAT) && !(flags & O_PATH))
		return file_open_create(dirfd, name, flags, mode, out);
	int error = path_lookup(dirfd, name,
				lookup | ((flags & O_DIRECTORY) ? LOOKUP_DIRECTORY : 0), &path);
	if (error)
		return error;
	if (flags & O_PATH)
		error = file_open_place(&path, out);
	else
		error = check_open(&path, flags) ?: file_open_path(&path, flags, out);
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
	if (!error)
		error = deny_write_access(inode);
	if (!error) {
		error = file_open_path(&path, O_RDONLY, out);
		if (error)
			atomic_inc(&inode->write_denied);
		else
			(*out)->flags |= FILE_DENY;
	}
	path_put(&path);
	return error;
}

int vfs_truncate(struct inode *inode, u64 size)
{
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode) || !inode->ops->truncate)
		return -EINVAL;
	int error = take_write_access(inode);
	if (error)
		return error;
	down_write(&inode->lock);
	error = file_limit_size(inode->mapping.size, size);
	if (!error)
		error = inode->ops->truncate(inode, size);
	if (!error) {
		inode_drop_privileges(inode);
		inode_touch(inode);
	}
	up_write(&inode->lock);
	atomic_dec(&inode->write_denied);
	return error;
}
