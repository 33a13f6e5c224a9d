// The file system with nothing in it: the root of a mount namespace that was made empty
// (CLONE_EMPTY_MNTNS). Nothing can be made in it; who is there mounts something else over it. Each
// such namespace has one of its own.

#include <fs/file.h>
#include <fs/mount.h>
#include <fs/nullfs.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/magic.h>
#include <uapi/stat.h>

static int nullfs_make(struct inode *dir, u32 mode, u64 rdev, struct inode **out)
{
	(void)dir;
	(void)mode;
	(void)rdev;
	(void)out;
	return -ENOENT;
}

static const struct inode_ops nullfs_inode_ops = {.make = nullfs_make, .fixed_names = true};
static const struct file_ops nullfs_file_ops = {.iterate = dentry_tree_iterate};

static void nullfs_kill(struct superblock *sb)
{
	dentry_tree_kill(sb->root);
	superblock_free(sb);
}

int nullfs_create(struct superblock **out)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return -ENOMEM;
	sb->type = "nullfs";
	sb->magic = NULL_FS_MAGIC;
	sb->dev = superblock_new_dev();
	sb->kill = nullfs_kill;
	struct inode *root = inode_alloc(sb, S_IFDIR | 0555);
	if (root) {
		root->ops = &nullfs_inode_ops;
		root->file_ops = &nullfs_file_ops;
		root->number = 1;
		root->nlink = 2;
		root->uid = root->gid = 0;
		sb->root = dentry_root(sb, root);
		inode_put(root);
	}
	if (!sb->root) {
		superblock_free(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}
