// rename(2), renameat2(2): an inode gets another name, or two inodes swap theirs, in one step.
//
// Which directory lies below which changes only here, between two directories, and only under
// rename_mutex. So while it is held "is below" has one answer, and the two parents can be locked in
// an order that nobody else contradicts: an ancestor before what is below it (as rmdir locks a
// parent and then the directory that goes), else by address. A directory that is replaced is locked
// last, so that nobody makes a name in it once it was found empty.

#include <core/errno.h>
#include <core/printk.h>
#include <fs/names.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>

static struct mutex rename_mutex = MUTEX_INIT(rename_mutex, LOCK_SB_RENAME);

// One end of a rename: a directory, the text of the last component, and what is there.
struct rename_end {
	struct path dir;
	struct last_component last;
	struct dentry *dentry; // NULL: nothing
};

// --- Locks ---

// rename_mutex is held.
static bool is_below(const struct dentry *dentry, const struct dentry *ancestor)
{
	for (; dentry != dentry->parent; dentry = dentry->parent) {
		if (dentry == ancestor)
			return true;
	}
	return dentry == ancestor;
}

static void lock_parents(struct dentry *a, struct dentry *b)
{
	if (a == b) {
		down_write(&a->inode->lock);
		return;
	}
	mutex_lock(&rename_mutex);
	bool b_first = is_below(a, b) || (!is_below(b, a) && b < a);
	down_write(b_first ? &b->inode->lock : &a->inode->lock);
	down_write_nested(b_first ? &a->inode->lock : &b->inode->lock);
}

static void unlock_parents(struct dentry *a, struct dentry *b)
{
	up_write(&a->inode->lock);
	if (a == b)
		return;
	up_write(&b->inode->lock);
	mutex_unlock(&rename_mutex);
}

// --- Checks, in the order in which Linux makes them ---

static bool is_directory(const struct dentry *dentry)
{
	return S_ISDIR(dentry->inode->mode);
}

static int check_shape(struct rename_end *from, struct rename_end *to, u32 flags)
{
	if (!from->dentry)
		return -ENOENT;
	if (to->dentry && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (flags & RENAME_EXCHANGE) {
		if (!to->dentry)
			return -ENOENT;
		if (!is_directory(to->dentry) && to->last.must_be_dir)
			return -ENOTDIR;
	}
	if (!is_directory(from->dentry)) {
		if (from->last.must_be_dir)
			return -ENOTDIR;
		if (!(flags & RENAME_EXCHANGE) && to->last.must_be_dir)
			return -ENOTDIR;
	}
	if (from->dir.dentry == to->dir.dentry)
		return 0; // and nothing keeps what is above them from moving
	if (is_below(to->dir.dentry, from->dentry))
		return -EINVAL;
	if (to->dentry && is_below(from->dir.dentry, to->dentry))
		return (flags & RENAME_EXCHANGE) ? -EINVAL : -ENOTEMPTY;
	return 0;
}

// Moving a directory elsewhere changes its "..".
static int check_moved(struct rename_end *from, struct rename_end *to)
{
	if (!is_directory(from->dentry) || from->dir.dentry == to->dir.dentry)
		return 0;
	return inode_permission(from->dentry->inode, MAY_WRITE);
}

static int check_rights(struct rename_end *from, struct rename_end *to, u32 flags)
{
	bool directory = is_directory(from->dentry);
	int error = name_may_remove(&from->dir, from->dentry, directory);

	if (!error && path_inode(&from->dir)->ops->fixed_names)
		error = -EPERM;
	if (error)
		return error;
	if (!to->dentry)
		error = name_may_create(&to->dir);
	else if (flags & RENAME_EXCHANGE)
		error = name_may_remove(&to->dir, to->dentry, is_directory(to->dentry));
	else
		error = name_may_remove(&to->dir, to->dentry, directory);
	if (!error)
		error = check_moved(from, to);
	if (!error && (flags & RENAME_EXCHANGE))
		error = check_moved(to, from);
	if (error)
		return error;
	return from->dentry->mounted || (to->dentry && to->dentry->mounted) ? -EBUSY : 0;
}

// --- The change ---

static void move_link_count(struct inode *old_parent, struct inode *new_parent)
{
	old_parent->nlink--;
	new_parent->nlink++;
}

static int replace(struct rename_end *from, struct rename_end *to)
{
	struct inode *old_parent = path_inode(&from->dir), *new_parent = path_inode(&to->dir);
	struct dentry *victim = to->dentry;
	bool empties = victim && is_directory(victim);
	int error = 0;

	struct dentry *space = dentry_space(to->last.name, from->dentry->inode);
	if (!space)
		return -ENOMEM;
	if (empties)
		down_write_nested(&victim->inode->lock);
	if (empties && dentry_has_children(victim))
		error = -ENOTEMPTY;
	else if (victim)
		name_forget(new_parent, victim);
	if (empties)
		up_write(&victim->inode->lock);
	if (error) {
		dentry_put(space);
		return error;
	}
	dentry_move(from->dentry, to->dir.dentry, space);
	if (is_directory(from->dentry))
		move_link_count(old_parent, new_parent);
	return 0;
}

static int exchange(struct rename_end *from, struct rename_end *to)
{
	struct inode *a = path_inode(&from->dir), *b = path_inode(&to->dir);

	dentry_exchange(from->dentry, to->dentry);
	if (is_directory(from->dentry))
		move_link_count(a, b);
	if (is_directory(to->dentry))
		move_link_count(b, a);
	to->dentry->inode->ctime = fs_now();
	return 0;
}

// Both directories are locked, both ends looked up.
static int rename_locked(struct rename_end *from, struct rename_end *to, u32 flags)
{
	int error = check_shape(from, to, flags);

	if (error)
		return error;
	if (to->dentry && to->dentry->inode == from->dentry->inode)
		return 0;
	error = check_rights(from, to, flags);
	if (!error)
		error = (flags & RENAME_EXCHANGE) ? exchange(from, to) : replace(from, to);
	if (error)
		return error;
	from->dentry->inode->ctime = fs_now();
	inode_touch(path_inode(&from->dir));
	inode_touch(path_inode(&to->dir));
	return 0;
}

// --- Beginning and end ---

static int end_lookup(struct rename_end *end)
{
	const char *name = end->last.name;
	struct dentry *dentry = dentry_lookup(end->dir.dentry, name, strlen(name));

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	end->dentry = dentry;
	return 0;
}

static int rename_between(struct rename_end *from, struct rename_end *to, u32 flags)
{
	if (from->dir.mount != to->dir.mount)
		return -EXDEV;
	if (from->last.is_dots)
		return -EBUSY;
	if (to->last.is_dots)
		return (flags & RENAME_NOREPLACE) ? -EEXIST : -EBUSY;
	if (path_read_only(&from->dir))
		return -EROFS;
	lock_parents(from->dir.dentry, to->dir.dentry);
	int error = end_lookup(from);
	if (!error)
		error = end_lookup(to);
	if (!error)
		error = rename_locked(from, to, flags);
	unlock_parents(from->dir.dentry, to->dir.dentry);
	dentry_put(from->dentry);
	dentry_put(to->dentry);
	return error;
}

int vfs_rename(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, u32 flags)
{
	struct rename_end from = {.dentry = NULL}, to = {.dentry = NULL};

	if (flags & RENAME_WHITEOUT) {
		printk_ratelimited(LOG_INFO, "renameat2: RENAME_WHITEOUT is not there\n");
		return -EINVAL;
	}
	if ((flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    (flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	int error = path_parent(olddirfd, oldpath, &from.dir, &from.last);
	if (error)
		return error;
	error = path_parent(newdirfd, newpath, &to.dir, &to.last);
	if (!error) {
		error = rename_between(&from, &to, flags);
		path_put(&to.dir);
	}
	path_put(&from.dir);
	return error;
}
