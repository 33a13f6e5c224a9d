// File systems that are mounted nowhere: their files (pipes, say) are found by descriptor only, but
// have an inode and a place all the same, so that stat(2) tells one from another and /proc/PID/fd
// leads back to them.

#include <core/panic.h>
#include <fs/chrdev.h>
#include <fs/file.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/stat.h>

int file_set_nameless(struct file *file, struct mount *mount, const char *name, struct inode *inode)
{
	struct dentry *dentry = dentry_make_loose(mount->root, name, inode);

	inode_put(inode);
	if (!dentry)
		return -ENOMEM;
	file->path = (struct path){mount_get(mount), dentry};
	file->inode = inode;
	return 0;
}

static const struct inode_ops nameless_root_ops;

struct mount *nameless_mount(const char *type, u64 magic)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	BUG_ON(!sb);
	sb->type = type;
	sb->magic = magic;
	sb->dev = superblock_new_dev();
	sb->nameless = true;
	struct inode *root = inode_alloc(sb, S_IFDIR | 0555);
	BUG_ON(!root);
	root->ops = &nameless_root_ops;
	sb->root = dentry_root(sb, root);
	inode_put(root);
	BUG_ON(!sb->root);
	return mount_make_internal(sb);
}
