// The memory file system: the root, /tmp, and under the name of devtmpfs /dev. Names are the
// pinned dentries, contents the pages of each inode's mapping.

#include <core/init.h>
#include <fs/chrdev.h>
#include <fs/file.h>
#include <fs/fs_context.h>
#include <fs/path.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/magic.h>

static const struct inode_ops tmpfs_inode_ops;
static const struct file_ops tmpfs_file_ops, tmpfs_dir_ops;
static u64 next_dev = 20;

static struct inode *tmpfs_inode(struct superblock *sb, u32 mode, u64 rdev)
{
	struct inode *inode = inode_alloc(sb, mode);

	if (!inode)
		return NULL;
	inode->ops = &tmpfs_inode_ops;
	inode->file_ops = S_ISDIR(mode) ? &tmpfs_dir_ops : &tmpfs_file_ops;
	inode->rdev = rdev;
	return inode;
}

static int tmpfs_make(struct inode *dir, u32 mode, u64 rdev, struct inode **out)
{
	*out = tmpfs_inode(dir->sb, mode, rdev);
	return *out ? 0 : -ENOMEM;
}

static int tmpfs_truncate(struct inode *inode, u64 size)
{
	mapping_truncate(&inode->mapping, size);
	return 0;
}

static const struct inode_ops tmpfs_inode_ops = {
	.make = tmpfs_make,
	.truncate = tmpfs_truncate,
};

// --- Files ---

static ssize_t tmpfs_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	return mapping_read(&file->inode->mapping, iter, pos);
}

static ssize_t tmpfs_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct inode *inode = file->inode;

	down_write(&inode->lock);
	if (file->flags & O_APPEND)
		*pos = inode->mapping.size;
	ssize_t done = mapping_write(&inode->mapping, iter, pos);
	if (done > 0) {
		inode->mode &= ~(S_ISUID | ((inode->mode & S_IXGRP) ? S_ISGID : 0));
		inode_touch(inode);
	}
	up_write(&inode->lock);
	return done;
}

static int tmpfs_mmap(struct file *file, int prot, int flags, struct mapping **mapping)
{
	(void)prot, (void)flags;
	*mapping = &file->inode->mapping;
	return 0;
}

static const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read,
	.write = tmpfs_write,
	.mmap = tmpfs_mmap,
};

// --- Directories: positions are cookies, which only grow, so a removal hides nothing else ---

static u8 type_of(const struct inode *inode)
{
	return (inode->mode & S_IFMT) >> 12;
}

// The first child at or after a cookie, with a reference.
static struct dentry *child_from(struct dentry *dir, u64 cookie)
{
	struct dentry *child, *found = NULL;

	read_lock(&dcache_lock);
	list_for_each_entry (child, &dir->children, sibling) {
		if (child->cookie >= cookie) {
			found = dentry_get(child);
			break;
		}
	}
	read_unlock(&dcache_lock);
	return found;
}

int dentry_tree_iterate(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->path.dentry, *child;

	if (file->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, 1, dir->inode->number, 4))
			return 0;
		file->pos = 1;
	}
	if (file->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, 2, dir->parent->inode->number, 4))
			return 0;
		file->pos = 2;
	}
	while ((child = child_from(dir, file->pos))) {
		bool more = ctx->emit(ctx, child->name, child->length, child->cookie + 1,
				      child->inode->number, type_of(child->inode));
		if (more)
			file->pos = child->cookie + 1;
		dentry_put(child);
		if (!more)
			break;
	}
	return 0;
}

static const struct file_ops tmpfs_dir_ops = {.iterate = dentry_tree_iterate};

// --- Mounting ---

int tmpfs_create(const char *type, u32 mode, struct superblock **out)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	struct inode *root;

	if (!sb)
		return -ENOMEM;
	sb->type = type;
	sb->magic = TMPFS_MAGIC;
	sb->dev = __atomic_add_fetch(&next_dev, 1, __ATOMIC_RELAXED);
	root = tmpfs_inode(sb, S_IFDIR | mode, 0);
	if (root)
		root->nlink = 2;
	sb->root = root ? dentry_root(sb, root) : NULL;
	if (root)
		inode_put(root);
	if (!sb->root) {
		kfree(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static int tmpfs_mount(const char *source, const char *options, struct superblock **out)
{
	(void)source, (void)options;
	return tmpfs_create("tmpfs", 01777, out);
}

static struct superblock *devtmpfs;

static int devtmpfs_mount(const char *source, const char *options, struct superblock **out)
{
	(void)source, (void)options;
	*out = devtmpfs;
	return 0;
}

static struct fs_type tmpfs_type = {.name = "tmpfs", .mount = tmpfs_mount, .nodev = true};
static struct fs_type devtmpfs_type = {.name = "devtmpfs", .mount = devtmpfs_mount, .nodev = true};

// A node for each device that has a name.
static void make_node(struct chrdev *dev, void *unused)
{
	struct inode *inode;

	(void)unused;
	if (!dev->name || !(inode = tmpfs_inode(devtmpfs, S_IFCHR | dev->mode, dev->first)))
		return;
	dentry_add(devtmpfs->root, dev->name, inode, NULL);
	inode_put(inode);
}

static int tmpfs_init(void)
{
	int error = tmpfs_create("devtmpfs", 0755, &devtmpfs);

	if (error)
		return error;
	fs_register(&tmpfs_type);
	fs_register(&devtmpfs_type);
	return 0;
}
INITCALL(FS, tmpfs_init);

static int devtmpfs_fill(void)
{
	chrdev_for_each(make_node, NULL);
	return 0;
}
INITCALL(LATE, devtmpfs_fill);
