// Names that come and go: unlink(2), rmdir(2), link(2), and the rules that rename(2) shares.
//
// A name changes under its directory's inode lock. A directory that goes is locked itself too,
// after its parent: whoever makes a name in it looks at its link count under the same lock.

#include <core/errno.h>
#include <fs/names.h>
#include <fs/open.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>

// --- Rules ---

int name_may_make(const struct path *dir)
{
	if (path_read_only(dir))
		return -EROFS;
	return inode_permission(path_inode(dir), MAY_WRITE | MAY_EXEC);
}

int node_may_make(const struct path *dir)
{
	struct user_ns *owner = superblock_owner(path_inode(dir)->sb);
	const struct cred *cred = current_cred();

	if (path_read_only(dir))
		return -EROFS;
	if (uid_to_user(owner, cred->fsuid) == INVALID_ID ||
	    gid_to_user(owner, cred->fsgid) == INVALID_ID)
		return -EOVERFLOW;
	return name_may_make(dir);
}

int name_may_create(const struct path *dir)
{
	// What is made in a directory that was removed would never go again.
	if (!path_read_only(dir) && !path_inode(dir)->nlink)
		return -ENOENT;
	return node_may_make(dir);
}

int name_may_remove(const struct path *dir, const struct dentry *dentry, bool directory)
{
	struct inode *parent = path_inode(dir), *inode = dentry->inode;
	int error = name_may_make(dir);

	if (error)
		return error;
	// A sticky directory lets only owners remove.
	if ((parent->mode & S_ISVTX) && current_cred()->fsuid != parent->uid &&
	    !inode_owner_or_capable(inode))
		return -EPERM;
	if (directory && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(inode->mode))
		return -EISDIR;
	if (!dentry->pinned || (!parent->ops->make && !parent->ops->mkdir))
		return -EPERM; // made on demand: not a name that can go
	return 0;
}

// --- Removing ---

void name_forget(struct inode *parent, struct dentry *dentry)
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

static int remove_locked(struct inode *parent, struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	int error = 0;

	if (dentry->mounted)
		return -EBUSY;
	if (!S_ISDIR(inode->mode)) {
		name_forget(parent, dentry);
		return 0;
	}
	down_write_nested(&inode->lock);
	if (parent->ops->rmdir)
		error = parent->ops->rmdir(parent, inode);
	else if (dentry_has_children(dentry))
		error = -ENOTEMPTY;
	if (!error)
		name_forget(parent, dentry);
	up_write(&inode->lock);
	return error;
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
	if (path_read_only(&dir)) {
		path_put(&dir);
		return -EROFS;
	}
	struct inode *parent = path_inode(&dir);
	down_write(&parent->lock);
	struct dentry *dentry = dentry_lookup(dir.dentry, last.name, strlen(last.name));
	if (!dentry || IS_ERR(dentry)) {
		error = dentry ? PTR_ERR(dentry) : -ENOENT;
	} else {
		error = name_may_remove(&dir, dentry, directory);
		if (!error && last.must_be_dir && !S_ISDIR(dentry->inode->mode))
			error = -ENOTDIR;
		if (!error)
			error = remove_locked(parent, dentry);
		dentry_put(dentry);
	}
	up_write(&parent->lock);
	path_put(&dir);
	return error;
}

// --- Linking ---

// A link to what belongs to others must not help to keep or to reach it: it takes the file's owner, or
// a file without set-id bits that one may read and write anyway.
static int may_link_to(struct inode *inode)
{
	bool harmless = S_ISREG(inode->mode) && !(inode->mode & S_ISUID) &&
			(inode->mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) &&
			!inode_permission(inode, MAY_READ | MAY_WRITE);

	return harmless || inode_owner_or_capable(inode) ? 0 : -EPERM;
}

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
	else if (last.must_be_dir ||
		 (parent->ops->lookup && !parent->ops->make && !parent->ops->mkdir))
		error = -ENOENT;
	else if (old.dentry->inode->sb != parent->sb)
		error = -EXDEV;
	else if (S_ISDIR(inode->mode) || parent->ops->fixed_names || !parent->ops->make)
		error = -EPERM;
	else if (!inode->nlink && !inode->linkable)
		error = -ENOENT;
	else
		error = may_link_to(inode) ?: name_may_create(&dir);
	if (!error)
		error = dentry_add(dir.dentry, last.name, inode, NULL);
	if (!error) {
		inode->nlink++;
		inode->linkable = false;
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
