// From a path to a file: the walk, component by component, over mounts and symbolic links. See
// path_resolution(7).

#include <core/errno.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/path.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>

// A walk that is under way.
struct walk {
	struct path at;   // where we are; counted
	struct path root; // ".." stops here; counted
	int links;        // symbolic links so far
	bool trailing;    // at the last component, also of the links that it leads through
};

// --- Text ---

int path_from_user(u64 address, bool empty_allowed, char **out)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!path)
		return -ENOMEM;
	long length = strncpy_from_user(path, address, PATH_MAX);
	int error = length < 0 ? (int)length : length == PATH_MAX ? -ENAMETOOLONG : 0;
	if (!error && !length && !empty_allowed)
		error = -ENOENT;
	if (error) {
		kfree(path);
		return error;
	}
	*out = path;
	return 0;
}

void path_free(char *path)
{
	kfree(path);
}

void path_get(const struct path *path)
{
	mount_get(path->mount);
	dentry_get(path->dentry);
}

void path_put(const struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
}

// --- Steps ---

// Passing by is no use of a mount (MNT_EXPIRE).
static void step_put(const struct path *path)
{
	dentry_put(path->dentry);
	mount_put_unused(path->mount);
}

static void walk_to(struct walk *walk, struct mount *mount, struct dentry *dentry)
{
	struct path old = walk->at;

	walk->at = (struct path){mount_get(mount), dentry_get(dentry)};
	step_put(&old);
}

// Through what is mounted here, to its root.
static void cross_mounts(struct walk *walk)
{
	while (READ_ONCE(walk->at.dentry->mounted)) {
		read_lock(&dcache_lock);
		struct mount *mounted = mount_find_locked(walk->at.mount, walk->at.dentry);
		if (mounted)
			mount_get(mounted);
		read_unlock(&dcache_lock);
		if (!mounted)
			return;
		walk_to(walk, mounted, mounted->root);
		mount_put_unused(mounted);
	}
}

static void step_up(struct walk *walk)
{
	for (;;) {
		struct path *at = &walk->at;

		if (at->dentry == walk->root.dentry && at->mount == walk->root.mount) {
			cross_mounts(walk); // pivot_root(".", ".") puts something on it
			return;
		}
		if (at->dentry != at->mount->root) {
			struct path up = *at;
			read_lock(&dcache_lock);
			up.dentry = dentry_get(up.dentry->parent);
			read_unlock(&dcache_lock);
			walk_to(walk, up.mount, up.dentry);
			dentry_put(up.dentry);
			cross_mounts(walk);
			return;
		}
		struct path up = {NULL, NULL};
		read_lock(&dcache_lock); // an unmount may cut it off
		if (at->mount->parent) {
			up = (struct path){at->mount->parent, at->mount->point};
			path_get(&up);
		}
		read_unlock(&dcache_lock);
		if (!up.mount) {
			cross_mounts(walk);
			return;
		}
		walk_to(walk, up.mount, up.dentry);
		step_put(&up);
	}
}

static int walk_text(struct walk *walk, const char *name, int flags, struct last_component *last);

static int follow_link(struct walk *walk, struct inode *inode, struct path *parent)
{
	if (++walk->links > LINKS_MAX || (parent->mount->flags & MOUNT_NOSYMFOLLOW))
		return -ELOOP;
	if (inode->ops->follow) {
		struct path target;
		int error = inode->ops->follow(inode, &target);

		if (error)
			return error;
		step_put(&walk->at);
		walk->at = target;
		return 0;
	}
	char *text = inode->symlink, *buffer = NULL;
	if (!text) {
		buffer = kmalloc(PATH_MAX, GFP_KERNEL);
		int error = buffer ? inode->ops->readlink(inode, buffer, PATH_MAX) : -ENOMEM;
		if (error < 0) {
			kfree(buffer);
			return error;
		}
		text = buffer;
	}
	walk_to(walk, parent->mount, parent->dentry);
	int error = *text ? walk_text(walk, text, LOOKUP_FOLLOW, NULL) : -ENOENT;
	kfree(buffer);
	return error;
}

// To a symbolic link, whose reference it takes, and on to where it leads.
static int step_through(struct walk *walk, struct dentry *link)
{
	struct path parent = walk->at;
	struct inode *inode = inode_get(link->inode);

	walk->at = (struct path){mount_get(parent.mount), link};
	int error = follow_link(walk, inode, &parent);
	inode_put(inode);
	step_put(&parent);
	return error;
}

// In a directory where all may leave links but only remove their own, such as /tmp, nobody is led by a
// link that neither he nor the directory's owner made. Only the end of a path is a place to be led to.
static bool may_follow(const struct walk *walk, const struct inode *link)
{
	const struct inode *dir = walk->at.dentry->inode;

	return !walk->trailing || (dir->mode & (S_ISVTX | 0002)) != (S_ISVTX | 0002) ||
	       link->uid == current_cred()->fsuid || link->uid == dir->uid;
}

// One named component. `follow`: through a symbolic link.
static int step_down(struct walk *walk, const char *name, size_t length, bool follow)
{
	struct inode *dir = walk->at.dentry->inode;
	int error;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	error = inode_permission(dir, MAY_EXEC);
	if (error)
		return error;
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	struct dentry *dentry = dentry_lookup(walk->at.dentry, name, length);
	if (!dentry)
		return -ENOENT;
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (follow && S_ISLNK(dentry->inode->mode) && !dentry->mounted) {
		if (may_follow(walk, dentry->inode))
			return step_through(walk, dentry);
		dentry_put(dentry);
		return -EACCES;
	}
	struct dentry *old = walk->at.dentry; // the mount stays
	walk->at.dentry = dentry;
	dentry_put(old);
	cross_mounts(walk);
	return 0;
}

static const char *skip_slashes(const char *name)
{
	while (*name == '/')
		name++;
	return name;
}

// Walks all components; or, if `last` is given, all but the last, which is stored there.
static int walk_text(struct walk *walk, const char *name, int flags, struct last_component *last)
{
	int error = 0;

	if (*name == '/' &&
	    (walk->at.dentry != walk->root.dentry || walk->at.mount != walk->root.mount))
		walk_to(walk, walk->root.mount, walk->root.dentry);
	name = skip_slashes(name);
	if (!*name && last)
		*last = (struct last_component){.is_dots = true};
	while (*name && !error) {
		size_t length = strcspn(name, "/");
		const char *rest = skip_slashes(name + length);
		bool final = !*rest, slash = name[length] == '/';
		bool dots = length <= 2 && name[0] == '.' && (length == 1 || name[1] == '.');

		if (final && last) {
			if (length > NAME_MAX)
				return -ENAMETOOLONG;
			memcpy(last->name, name, length);
			last->name[length] = '\0';
			last->must_be_dir = slash;
			last->is_dots = dots;
			struct inode *dir = walk->at.dentry->inode;
			return S_ISDIR(dir->mode) ? inode_permission(dir, MAY_EXEC) : -ENOTDIR;
		}
		if (dots) {
			if (!S_ISDIR(walk->at.dentry->inode->mode))
				return -ENOTDIR;
			error = inode_permission(walk->at.dentry->inode, MAY_EXEC);
			if (!error && length == 2)
				step_up(walk);
		} else {
			bool follow = !final || slash || (flags & LOOKUP_FOLLOW);
			bool trailing = walk->trailing;

			walk->trailing = trailing && final;
			error = step_down(walk, name, length, follow);
			walk->trailing = trailing;
		}
		if (!error && slash && !S_ISDIR(walk->at.dentry->inode->mode))
			error = -ENOTDIR;
		name = rest;
	}
	return error;
}

// --- Beginning and end ---

static void walk_begin_at(struct walk *walk, const struct path *start, const char *name)
{
	walk->links = 0;
	walk->trailing = true;
	fs_context_root(current->fs, &walk->root);
	walk->at = *name == '/' ? walk->root : *start;
	path_get(&walk->at);
}

static int walk_begin(struct walk *walk, int dirfd, const char *name, int flags)
{
	struct fs_context *fs = current->fs;

	walk->links = 0;
	walk->trailing = true;
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	fs_context_root(fs, &walk->root);
	if (*name == '/') {
		walk->at = walk->root;
		path_get(&walk->at);
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		fs_context_cwd(fs, &walk->at);
		return 0;
	}
	struct file *file = file_get_fd(dirfd);
	int error = !file                                                          ? -EBADF
		    : !file->path.dentry || (*name && !S_ISDIR(file->inode->mode)) ? -ENOTDIR
										   : 0;
	if (error) {
		if (file)
			file_put(file);
		step_put(&walk->root);
		return error;
	}
	walk->at = file->path;
	path_get(&walk->at);
	file_put(file);
	return 0;
}

static int walk_end(struct walk *walk, int error, struct path *out)
{
	step_put(&walk->root);
	if (error)
		step_put(&walk->at);
	else
		*out = walk->at;
	return error;
}

int path_lookup(int dirfd, const char *name, int flags, struct path *out)
{
	struct walk walk;
	int error = walk_begin(&walk, dirfd, name, flags);

	if (error)
		return error;
	error = walk_text(&walk, name, flags, NULL);
	if (!error && (flags & LOOKUP_DIRECTORY) && !S_ISDIR(walk.at.dentry->inode->mode))
		error = -ENOTDIR;
	return walk_end(&walk, error, out);
}

int path_lookup_from(const struct path *start, const char *name, int flags, struct path *out)
{
	struct walk walk;

	walk_begin_at(&walk, start, name);
	return walk_end(&walk, walk_text(&walk, name, flags, NULL), out);
}

int path_parent_from(const struct path *start, const char *name, struct path *out,
		     struct last_component *last)
{
	struct walk walk;

	if (!*name)
		return -ENOENT;
	walk_begin_at(&walk, start, name);
	return walk_end(&walk, walk_text(&walk, name, 0, last), out);
}

int path_parent(int dirfd, const char *name, struct path *out, struct last_component *last)
{
	struct walk walk;
	int error = walk_begin(&walk, dirfd, name, 0);

	if (error)
		return error;
	error = walk_text(&walk, name, 0, last);
	return walk_end(&walk, error, out);
}

void path_cross_mounts(struct path *path)
{
	struct walk walk = {.at = *path};

	cross_mounts(&walk);
	*path = walk.at;
}

// --- Back to text ---

char *path_text(const struct path *path, char *buffer, size_t size)
{
	bool reached;

	return path_text_from(path, buffer, size, &reached);
}

char *path_text_from(const struct path *path, char *buffer, size_t size, bool *reached)
{
	static const char deleted[] = " (deleted)";
	char *at = buffer + size - 1;
	struct mount *mount = path->mount;
	struct dentry *dentry = path->dentry;
	struct path root;

	*at = '\0';
	*reached = true;
	if (mount->sb->nameless) {
		at -= dentry->length;
		return memcpy(at, dentry->name, dentry->length);
	}
	fs_context_root(current->fs, &root);
	read_lock(&dcache_lock);
	if (dentry->removed) {
		at -= sizeof(deleted) - 1;
		memcpy(at, deleted, sizeof(deleted));
	}
	char *end = at;
	while (!(dentry == root.dentry && mount == root.mount)) {
		if (dentry == mount->root) {
			*reached = mount->parent;
			if (!mount->parent)
				break;
			dentry = mount->point;
			mount = mount->parent;
			continue;
		}
		if ((size_t)(at - buffer) < dentry->length + 1u) {
			at = ERR_PTR(-ENAMETOOLONG);
			break;
		}
		at -= dentry->length;
		memcpy(at, dentry->name, dentry->length);
		*--at = '/';
		dentry = dentry->parent;
	}
	read_unlock(&dcache_lock);
	path_put(&root);
	if (at == end)
		*--at = '/';
	return at;
}
