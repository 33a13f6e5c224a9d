// The file system of control groups: a folder for each group, in which the kernel shows files. All
// mounts show the same tree, from the root of the cgroup namespace of who mounts. Folders are names
// in the dentry tree; files are found on demand. See README.md.

#include <cgroup/cgroup_ns.h>
#include <core/init.h>
#include <fs/cgroupfs/cgroupfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/magic.h>

#include "internal.h"

#define COOKIE_GROUPS 1000

static struct superblock *cgroup_sb;
static const struct inode_ops dir_ops, file_inode_ops;
static const struct file_ops dir_file_ops;

static struct cgroup *cgroup_of(const struct inode *inode)
{
	return cgroup_slot_of(inode)->cgroup;
}

static struct cgroup_node *node_of(const struct cgroup *cgroup)
{
	return cgroup->node;
}

const struct cgroup_file *cgroup_file_at(unsigned index)
{
	if (index < cgroup_task_count)
		return &cgroup_task_files[index];
	index -= cgroup_task_count;
	return index < cgroup_control_count ? &cgroup_control_files[index] : NULL;
}

bool cgroup_file_visible(const struct cgroup *cgroup, const struct cgroup_file *file)
{
	if ((file->flags & CGROUP_NOT_ON_ROOT) && !cgroup->parent)
		return false;
	return !(file->flags & CGROUP_OF_PIDS) || pids_enabled(cgroup);
}

// --- Inodes ---

// Makes a fresh inode that of a place of a group; the place keeps a reference.
static void take_place(struct cgroup *cgroup, struct cgroup_slot *slot, struct inode *inode)
{
	slot->cgroup = cgroup_get(cgroup);
	slot->inode = inode_get(inode);
	inode->private = slot;
	inode->ops = S_ISDIR(inode->mode) ? &dir_ops : &file_inode_ops;
	inode->file_ops = S_ISDIR(inode->mode) ? &dir_file_ops : &cgroup_file_ops;
}

static void inode_gone(struct inode *inode)
{
	cgroup_put(cgroup_of(inode));
}

// Files belong to whom the folder belonged to when it was made.
int cgroup_file_inode(struct cgroup *cgroup, unsigned index, struct inode **out)
{
	struct cgroup_slot *slot = &node_of(cgroup)->slot[index + 1];
	const struct inode *dir = node_of(cgroup)->slot[0].inode;

	if (!slot->inode) {
		struct inode *inode = inode_alloc(cgroup_sb, S_IFREG | cgroup_file_at(index)->mode);
		if (!inode)
			return -ENOMEM;
		inode->uid = node_of(cgroup)->uid;
		inode->gid = node_of(cgroup)->gid;
		inode->atime = inode->mtime = inode->ctime = dir->ctime;
		take_place(cgroup, slot, inode);
		inode_put(inode);
	}
	*out = slot->inode;
	return 0;
}

static int dir_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct cgroup *cgroup = cgroup_of(dir);
	const struct cgroup_file *file;
	int error = -ENOENT;

	mutex_lock(&cgroup_tree_lock);
	for (unsigned i = 0; !cgroup->dead && (file = cgroup_file_at(i)); i++) {
		if (strlen(file->name) != length || memcmp(file->name, name, length) ||
		    !cgroup_file_visible(cgroup, file))
			continue;
		error = cgroup_file_inode(cgroup, i, out);
		if (!error)
			inode_get(*out);
		break;
	}
	mutex_unlock(&cgroup_tree_lock);
	return error;
}

// --- mkdir and rmdir ---

static int dir_mkdir(struct inode *dir, const char *name, u32 mode, struct inode **out)
{
	struct cgroup_node *node;
	struct cgroup *cgroup;

	if (strchr(name, '\n'))
		return -EINVAL; // /proc/PID/cgroup is one line
	struct inode *inode = inode_alloc(cgroup_sb, mode);
	node = inode ? kzalloc(sizeof(*node), GFP_KERNEL) : NULL;
	int error = node ? 0 : -ENOMEM;
	if (!error) {
		mutex_lock(&cgroup_tree_lock);
		error = cgroup_create(cgroup_of(dir), name, node, &cgroup);
		if (!error) {
			cgroup->id = inode->number;
			node->uid = inode->uid;
			node->gid = inode->gid;
			take_place(cgroup, &node->slot[0], inode);
		}
		mutex_unlock(&cgroup_tree_lock);
	}
	if (error) {
		kfree(node);
		if (inode)
			inode_put(inode);
		return error;
	}
	*out = inode;
	return 0;
}

static int dir_rmdir(struct inode *dir, struct inode *inode)
{
	struct cgroup *cgroup = cgroup_of(inode);
	struct cgroup_node *node = cgroup->node;

	(void)dir;
	mutex_lock(&cgroup_tree_lock);
	int error = cgroup_destroy(cgroup); // the inode holds it
	for (size_t i = 0; !error && i < ARRAY_SIZE(node->slot); i++) {
		struct inode *kept = node->slot[i].inode;

		node->slot[i].inode = NULL;
		if (kept)
			inode_put(kept);
	}
	mutex_unlock(&cgroup_tree_lock);
	return error;
}

static const struct inode_ops dir_ops = {
	.lookup = dir_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.fixed_names = true,
	.free = inode_gone,
};

static int file_truncate(struct inode *inode, u64 size)
{
	(void)inode, (void)size; // O_TRUNC does no harm
	return 0;
}

static const struct inode_ops file_inode_ops = {.truncate = file_truncate, .free = inode_gone};

// --- Listing ---

// The first child whose number is not below `id`, with a reference.
static struct cgroup *child_from(struct cgroup *cgroup, u64 id)
{
	struct cgroup *child, *found = NULL;

	mutex_lock(&cgroup_tree_lock);
	list_for_each_entry (child, &cgroup->children, sibling) {
		if (child->id >= id) {
			found = cgroup_get(child);
			break;
		}
	}
	mutex_unlock(&cgroup_tree_lock);
	return found;
}

static int dir_iterate(struct file *dir, struct dir_context *ctx)
{
	struct cgroup *cgroup = cgroup_of(dir->inode), *child;
	const struct cgroup_file *file;
	u64 above = dir->path.dentry->parent->inode->number;

	for (; dir->pos < 2; dir->pos++) {
		if (!ctx->emit(ctx, "..", dir->pos + 1, dir->pos + 1,
			       dir->pos ? above : dir->inode->number, 4))
			return 0;
	}
	for (; (file = cgroup_file_at(dir->pos - 2)); dir->pos++) {
		if (!cgroup->dead && cgroup_file_visible(cgroup, file) &&
		    !ctx->emit(ctx, file->name, strlen(file->name), dir->pos + 1,
			       (dir->inode->number << 8) + dir->pos, 8))
			return 0;
	}
	dir->pos = MAX(dir->pos, (u64)COOKIE_GROUPS);
	while ((child = child_from(cgroup, dir->pos - COOKIE_GROUPS))) {
		u64 next = COOKIE_GROUPS + child->id + 1;
		bool more = ctx->emit(ctx, child->name, strlen(child->name), next, child->id, 4);

		cgroup_put(child);
		if (!more)
			return 0;
		dir->pos = next;
	}
	return 0;
}

static const struct file_ops dir_file_ops = {.iterate = dir_iterate};

// --- clone3 ---

int cgroupfs_target(struct file *file, bool thread, struct cgroup **out)
{
	struct inode *inode = file->inode;

	if (!inode || inode->ops != &dir_ops)
		return -EBADF;
	struct cgroup *to = cgroup_of(inode), *from = task_cgroup_get(current);
	mutex_lock(&cgroup_tree_lock);
	int error = to->dead ? -ENOENT : cgroup_may_write(to);
	if (!error)
		error = cgroup_may_migrate(from, to, current->nsproxy->cgroup, !thread);
	if (!error)
		*out = cgroup_get(to);
	mutex_unlock(&cgroup_tree_lock);
	cgroup_put(from);
	return error;
}

// --- Mounting ---

// The folder of the namespace's root.
static struct dentry *root_of_current(struct superblock *sb)
{
	struct cgroup *root = current->nsproxy->cgroup->root, *at;
	struct dentry *dentry = dentry_get(sb->root);

	for (u32 level = 1; level <= root->level && dentry; level++) {
		for (at = root; at->level > level; at = at->parent)
			;
		struct dentry *child = dentry_lookup(dentry, at->name, strlen(at->name));
		dentry_put(dentry);
		if (IS_ERR(child))
			return child;
		dentry = child;
	}
	if (dentry && cgroup_of(dentry->inode) == root)
		return dentry;
	dentry_put(dentry);
	return ERR_PTR(-ENOENT); // it has gone
}

// As the reader's namespace sees it: a mount of another may lie above.
static void show_root(const struct dentry *root, char *buffer)
{
	if (cgroup_path(cgroup_of(root->inode), current->nsproxy->cgroup->root, buffer, PATH_MAX) <
	    0)
		buffer[0] = '\0';
}

static void show_options(struct superblock *sb, struct seq *seq)
{
	u32 options = READ_ONCE(cgroup_options);

	(void)sb;
	if (options & CGROUP_NS_DELEGATE)
		seq_puts(seq, ",nsdelegate");
	if (options & CGROUP_PIDS_LOCAL_EVENTS)
		seq_puts(seq, ",pids_localevents");
}

// The bit of an option; 0: there is no such.
static u32 option_of(const char *key, const char *value)
{
	if (value)
		return 0;
	return !strcmp(key, "nsdelegate")         ? CGROUP_NS_DELEGATE
	       : !strcmp(key, "pids_localevents") ? CGROUP_PIDS_LOCAL_EVENTS
						  : 0;
}

static int check_option(const char *key, const char *value)
{
	return option_of(key, value) ? 0 : -EINVAL;
}

static int take_options(const char *options, u32 *flags)
{
	char *copy = kstrdup(options ?: "", GFP_KERNEL), *cursor = copy, *key, *value;
	int error = copy ? 0 : -ENOMEM;

	*flags = 0;
	while (!error && parse_next_mount_option(&cursor, &key, &value)) {
		error = check_option(key, value);
		*flags |= option_of(key, value);
	}
	kfree(copy);
	return error;
}

static struct user_ns *cgroup_owner(void)
{
	return current->nsproxy->cgroup->common.owner;
}

static int cgroup_mount(const char *source, const char *options, struct superblock **out)
{
	u32 flags;
	int error = take_options(options, &flags);

	(void)source;
	if (error)
		return error;
	if (current->nsproxy->cgroup ==
	    &init_cgroup_ns) // those of others are no business of theirs
		WRITE_ONCE(cgroup_options, flags);
	*out = cgroup_sb;
	return 0;
}

static int cgroup_remount(struct superblock *sb, const char *options)
{
	u32 flags;
	int error = take_options(options, &flags);

	(void)sb;
	if (!error && current->nsproxy->cgroup == &init_cgroup_ns)
		WRITE_ONCE(cgroup_options, flags);
	return error;
}

static struct fs_type cgroup_type = {
	.name = "cgroup2",
	.mount = cgroup_mount,
	.owner = cgroup_owner,
	.check_option = check_option,
	.nodev = true,
};

static int cgroupfs_init(void)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_NOFAIL_PANIC);
	struct cgroup_node *node = kzalloc(sizeof(*node), GFP_NOFAIL_PANIC);
	struct inode *root;

	sb->type = "cgroup2";
	sb->magic = CGROUP2_SUPER_MAGIC;
	sb->dev = superblock_new_dev();
	sb->root_of_current = root_of_current;
	sb->show_root = show_root;
	sb->show_options = show_options;
	sb->remount = cgroup_remount;
	cgroup_sb = sb;
	cgroup_root.node = node;
	root = inode_alloc(sb, S_IFDIR | 0555);
	if (root) {
		root->nlink = 2;
		take_place(&cgroup_root, &node->slot[0], root);
		sb->root = dentry_root(sb, root);
	}
	if (!sb->root)
		return -ENOMEM;
	fs_register(&cgroup_type);
	return 0;
}
INITCALL(FS, cgroupfs_init);
