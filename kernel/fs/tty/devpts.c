// devpts: the file system of the slaves of pseudo-terminals, each mount one of its own. Its ptmx, or
// a ptmx node beside a directory `pts` where one is mounted, makes a new pair.

#include <core/init.h>
#include <fs/chrdev.h>
#include <fs/fs_options.h>
#include <fs/seq.h>
#include <lib/bitmap.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/magic.h>

#include "internal.h"
#include "serial.h"

#define PAIRS_MAX 4096 // of one file system

#define PAIRS_SAID (1 << 20) // what max= may say

struct devpts_options {
	u32 mode, ptmx_mode;
	u32 uid, gid; // INVALID_ID: of who opens
	u32 max;
};

static const struct devpts_options usual = {
	.mode = 0600, .uid = INVALID_ID, .gid = INVALID_ID, .max = PAIRS_SAID};

// Legend: [lock], [I].
struct devpts {
	struct devpts_options options; // [lock]
	struct inode *ptmx;            // [I] lives as long as the root
	struct spinlock lock;
	unsigned long used[PAIRS_MAX / 64]; // [lock]
};

static const struct inode_ops dir_ops, node_ops;
static const struct file_ops dir_file_ops = {.iterate = dentry_tree_iterate};

// --- Pairs ---

int devpts_new_index(struct superblock *sb)
{
	struct devpts *fs = sb->private;

	spin_lock(&fs->lock);
	u32 index = bitmap_find_next_zero(fs->used, PAIRS_MAX, 0);
	bool found = index < MIN(fs->options.max, PAIRS_MAX);
	if (found)
		bitmap_set(fs->used, index);
	spin_unlock(&fs->lock);
	return found ? (int)index : -ENOSPC;
}

void devpts_free_index(struct superblock *sb, int index)
{
	struct devpts *fs = sb->private;

	spin_lock(&fs->lock);
	bitmap_clear(fs->used, index);
	spin_unlock(&fs->lock);
}

static struct inode *node_alloc(struct superblock *sb, u32 mode, u64 rdev, u64 number)
{
	struct inode *inode = inode_alloc(sb, mode);

	if (!inode)
		return NULL;
	inode->ops = S_ISDIR(mode) ? &dir_ops : &node_ops;
	inode->file_ops = &dir_file_ops;
	inode->rdev = rdev;
	inode->number = number;
	return inode;
}

int devpts_add(const struct path *root, int index, struct pty *pty, struct dentry **out)
{
	struct superblock *sb = root->dentry->inode->sb;
	struct devpts *fs = sb->private;
	char name[12];

	spin_lock(&fs->lock);
	struct devpts_options options = fs->options;
	spin_unlock(&fs->lock);
	struct inode *inode = node_alloc(sb, S_IFCHR | options.mode, DEV_PTS + index, index + 3);
	if (!inode)
		return -ENOMEM;
	if (options.uid != INVALID_ID)
		inode->uid = options.uid;
	if (options.gid != INVALID_ID)
		inode->gid = options.gid;
	inode->private = pty;
	snprintf(name, sizeof(name), "%d", index);
	down_write(&root->dentry->inode->lock);
	int error = dentry_add(root->dentry, name, inode, out);
	up_write(&root->dentry->inode->lock);
	inode_put(inode);
	return error;
}

void devpts_remove(struct dentry *slave)
{
	struct inode *dir = slave->parent->inode;

	down_write(&dir->lock);
	slave->inode->private = NULL;
	slave->inode->nlink = 0;
	dentry_remove(slave);
	up_write(&dir->lock);
}

struct pty *devpts_pty(const struct inode *inode)
{
	return inode->ops == &node_ops ? inode->private : NULL;
}

int devpts_of(struct file *ptmx, struct path *root)
{
	struct dentry *dir;
	struct mount *mount;

	if (ptmx->inode->ops == &node_ops) {
		*root = (struct path){ptmx->path.mount, ptmx->inode->sb->root};
		path_get(root);
		return 0;
	}
	dir = dentry_lookup(ptmx->path.dentry->parent, "pts", 3);
	if (!dir || IS_ERR(dir))
		return -ENODEV;
	read_lock(&dcache_lock);
	mount = mount_find_locked(ptmx->path.mount, dir);
	if (mount)
		mount_get(mount);
	read_unlock(&dcache_lock);
	dentry_put(dir);
	if (!mount)
		return -ENODEV;
	*root = (struct path){mount, dentry_get(mount->root)};
	if (root->dentry->inode->ops == &dir_ops && root->dentry == mount->sb->root)
		return 0;
	path_put(root);
	return -ENODEV;
}

// --- Mounting ---

static int take_option(struct devpts_options *fs, const char *key, const char *value)
{
	struct user_ns *ns = current_cred()->user_ns;
	bool octal = !strcmp(key, "mode") || !strcmp(key, "ptmxmode");
	u32 number;

	if (!strcmp(key, "newinstance"))
		return value ? -EINVAL : 0;
	if (fs_option_number(value, octal ? 8 : 0, &number))
		return -EINVAL;
	if (!strcmp(key, "mode")) {
		fs->mode = number & 07777;
	} else if (!strcmp(key, "ptmxmode")) {
		fs->ptmx_mode = number & 07777;
	} else if (!strcmp(key, "uid")) {
		fs->uid = uid_from_user(ns, number);
		return fs->uid == INVALID_ID ? -EINVAL : 0;
	} else if (!strcmp(key, "gid")) {
		fs->gid = gid_from_user(ns, number);
		return fs->gid == INVALID_ID ? -EINVAL : 0;
	} else if (!strcmp(key, "max")) {
		if (number > PAIRS_SAID)
			return -EINVAL;
		fs->max = number;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int devpts_check_option(const char *key, const char *value)
{
	struct devpts_options ignored;

	return take_option(&ignored, key, value);
}

static int take_options(struct devpts_options *fs, const char *options)
{
	char *copy = kstrdup(options ?: "", GFP_KERNEL), *cursor = copy, *key, *value;
	int error = copy ? 0 : -ENOMEM;

	while (!error && parse_next_mount_option(&cursor, &key, &value))
		error = take_option(fs, key, value);
	kfree(copy);
	return error;
}

// What is not said is as usual again; pairs that are there stay as they are.
static int devpts_remount(struct superblock *sb, const char *text)
{
	struct devpts_options options = usual;
	struct devpts *fs = sb->private;
	int error = take_options(&options, text);

	if (error)
		return error;
	spin_lock(&fs->lock);
	fs->options = options;
	spin_unlock(&fs->lock);
	down_write(&fs->ptmx->lock);
	fs->ptmx->mode = S_IFCHR | options.ptmx_mode;
	up_write(&fs->ptmx->lock);
	return 0;
}

static void devpts_show_options(struct superblock *sb, struct seq *seq)
{
	struct devpts *fs = sb->private;

	spin_lock(&fs->lock);
	struct devpts_options options = fs->options;
	spin_unlock(&fs->lock);
	if (options.uid != INVALID_ID)
		seq_printf(seq, ",uid=%u", options.uid); // as the first namespace says
	if (options.gid != INVALID_ID)
		seq_printf(seq, ",gid=%u", options.gid);
	seq_printf(seq, ",mode=%03o,ptmxmode=%03o", options.mode, options.ptmx_mode);
	if (options.max < PAIRS_SAID)
		seq_printf(seq, ",max=%u", options.max);
}

// Also of one that is half made.
static void devpts_kill(struct superblock *sb)
{
	if (sb->root)
		dentry_tree_kill(sb->root);
	superblock_free(sb);
}

static int fill(struct superblock *sb)
{
	struct devpts *fs = sb->private;
	struct inode *root = node_alloc(sb, S_IFDIR | 0755, 0, 1), *ptmx;
	int error;

	if (!root)
		return -ENOMEM;
	root->nlink = 2;
	sb->root = dentry_root(sb, root);
	inode_put(root);
	ptmx = sb->root ? node_alloc(sb, S_IFCHR | fs->options.ptmx_mode, DEV_PTMX, 2) : NULL;
	if (!ptmx)
		return -ENOMEM;
	fs->ptmx = ptmx;
	error = dentry_add(sb->root, "ptmx", ptmx, NULL);
	inode_put(ptmx);
	return error;
}

static int devpts_mount(const char *source, const char *options, struct superblock **out)
{
	static u32 next_minor;
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	struct devpts *fs = sb ? kzalloc(sizeof(*fs), GFP_KERNEL) : NULL;

	(void)source;
	if (!fs) {
		kfree(sb);
		return -ENOMEM;
	}
	fs->options = usual;
	spin_init(&fs->lock, LOCK_LEAF);
	sb->type = "devpts";
	sb->magic = DEVPTS_SUPER_MAGIC;
	sb->dev = 0x10000 + __atomic_add_fetch(&next_minor, 1, __ATOMIC_RELAXED);
	sb->private = fs;
	sb->kill = devpts_kill;
	sb->remount = devpts_remount;
	sb->show_options = devpts_show_options;
	sb->owner = user_ns_get(current_cred()->user_ns);
	sb->own_devices = true; // nobody can make others in it
	int error = take_options(&fs->options, options);
	if (!error)
		error = fill(sb);
	if (error)
		devpts_kill(sb);
	else
		*out = sb;
	return error;
}

static struct fs_type devpts_type = {.name = "devpts",
				     .mount = devpts_mount,
				     .check_option = devpts_check_option,
				     .nodev = true};

static int devpts_init(void)
{
	fs_register(&devpts_type);
	return 0;
}
INITCALL(FS, devpts_init);
