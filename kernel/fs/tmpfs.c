// The memory file system: the root, /tmp, and under the name of devtmpfs /dev. Names are the
// pinned dentries, contents the pages of each inode's mapping.

#include <core/init.h>
#include <fs/chrdev.h>
#include <fs/file.h>
#include <fs/file_caps.h>
#include <fs/fs_context.h>
#include <fs/fs_options.h>
#include <fs/memfd.h>
#include <fs/path.h>
#include <fs/seq.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/sched.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/magic.h>
#include <uapi/mman.h>

static const struct inode_ops tmpfs_inode_ops;
static const struct file_ops tmpfs_file_ops, tmpfs_dir_ops;

// Limits of one file system; 0 = none.
struct tmpfs_info {
	u64 max_pages, max_inodes;
	struct atomic64 pages, inodes, xattrs; // [a] in use; xattrs in bytes
	bool noswap;                           // [I] only shown: nothing is swapped
};

// Extended attributes share the limit of inodes: each inode that is not used is worth so many bytes.
#define INODE_WORTH 1024

static u64 inode_space_used(struct tmpfs_info *info)
{
	return atomic64_read(&info->inodes) * INODE_WORTH + atomic64_read(&info->xattrs);
}

static int tmpfs_charge_xattrs(struct superblock *sb, s64 bytes)
{
	struct tmpfs_info *info = sb->private;
	u64 limit = READ_ONCE(info->max_inodes) * INODE_WORTH;

	atomic64_add(&info->xattrs, bytes);
	if (bytes > 0 && limit && inode_space_used(info) >= limit) {
		atomic64_sub(&info->xattrs, bytes);
		return -ENOSPC;
	}
	return 0;
}

static struct inode *tmpfs_inode(struct superblock *sb, u32 mode, u64 rdev)
{
	struct tmpfs_info *info = sb->private;
	struct inode *inode = inode_alloc(sb, mode);

	if (!inode)
		return NULL;
	atomic64_add(&info->inodes, 1);
	inode->ops = &tmpfs_inode_ops;
	inode->file_ops = S_ISDIR(mode) ? &tmpfs_dir_ops : &tmpfs_file_ops;
	inode->rdev = rdev;
	inode->mapping.shmem = true;
	if (S_ISDIR(mode))
		inode->mapping.size = 2 * DIRENT_SIZE_SHOWN; // "." and ".."
	if (S_ISREG(mode))
		inode->seals = INODE_SEALABLE | F_SEAL_SEAL;
	return inode;
}

static int tmpfs_make(struct inode *dir, u32 mode, u64 rdev, struct inode **out)
{
	struct tmpfs_info *info = dir->sb->private;

	if (info->max_inodes &&
	    inode_space_used(info) + INODE_WORTH > info->max_inodes * INODE_WORTH)
		return -ENOSPC;
	*out = tmpfs_inode(dir->sb, mode, rdev);
	return *out ? 0 : -ENOMEM;
}

// Brings the count of the file system up to date with the pages of one inode.
static void account_pages(struct inode *inode)
{
	struct tmpfs_info *info = inode->sb->private;
	struct mapping *mapping = &inode->mapping;

	if (mapping->page_count != mapping->page_limit_used) {
		atomic64_add(&info->pages, mapping->page_count - mapping->page_limit_used);
		mapping->page_limit_used = mapping->page_count;
	}
}

static int tmpfs_truncate(struct inode *inode, u64 size)
{
	if ((inode->seals & F_SEAL_SHRINK) && size < inode->mapping.size)
		return -EPERM;
	if ((inode->seals & F_SEAL_GROW) && size > inode->mapping.size)
		return -EPERM;
	mapping_truncate(&inode->mapping, size);
	account_pages(inode);
	return 0;
}

static void tmpfs_free(struct inode *inode)
{
	struct tmpfs_info *info = inode->sb->private;

	atomic64_sub(&info->pages, inode->mapping.page_limit_used);
	atomic64_sub(&info->inodes, 1);
}

static void tmpfs_statfs(struct superblock *sb, struct fs_usage *usage)
{
	struct tmpfs_info *info = sb->private;
	u64 pages = atomic64_read(&info->pages);
	u64 inodes = DIV_ROUND_UP(inode_space_used(info), INODE_WORTH);

	usage->blocks = info->max_pages;
	usage->blocks_free = info->max_pages > pages ? info->max_pages - pages : 0;
	usage->files = info->max_inodes;
	usage->files_free = info->max_inodes > inodes ? info->max_inodes - inodes : 0;
}

static const struct inode_ops tmpfs_inode_ops = {
	.make = tmpfs_make,
	.truncate = tmpfs_truncate,
	.free = tmpfs_free,
};

// --- Files ---

static ssize_t tmpfs_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	ssize_t done = mapping_read(&file->inode->mapping, iter, pos);

	if (done >= 0)
		file_accessed(file);
	return done;
}

// How much of a write fits: pages that are there cost nothing.
static size_t room_for(struct inode *inode, u64 pos, size_t n)
{
	struct tmpfs_info *info = inode->sb->private;
	s64 left = info->max_pages - atomic64_read(&info->pages);
	u64 at = pos;

	if (left >= (s64)(n / PAGE_SIZE + 2))
		return n;
	while (at < pos + n) {
		struct page *page = mapping_find_page(&inode->mapping, at / PAGE_SIZE);

		if (page)
			page_put(page);
		else if (left-- <= 0)
			break;
		at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE;
	}
	return MIN(at, pos + n) - pos;
}

static ssize_t tmpfs_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct inode *inode = file->inode;
	struct tmpfs_info *info = inode->sb->private;
	ssize_t done = -ENOSPC;

	down_write(&inode->lock);
	if (file->flags & O_APPEND)
		*pos = inode->mapping.size;
	done = file_limit_growth(*pos, iter);
	if (done < 0) {
		up_write(&inode->lock);
		return done;
	}
	done = -ENOSPC;
	if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_GROW)) {
		bool grows = *pos + iter_count(iter) > inode->mapping.size;

		if ((inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) || grows) {
			up_write(&inode->lock);
			return -EPERM;
		}
	}
	size_t n = iter_count(iter), room = info->max_pages ? room_for(inode, *pos, n) : n;
	if (room < n)
		iter_truncate(iter, room);
	if (n)
		inode_drop_privileges(inode);
	if (room || !n)
		done = mapping_write(&inode->mapping, iter, pos);
	if (done > 0)
		inode_touch(inode);
	account_pages(inode);
	up_write(&inode->lock);
	return done;
}

static int tmpfs_mmap(struct file *file, int prot, int flags, struct mapping **mapping)
{
	bool shared = (flags & 15) != MAP_PRIVATE;

	if (shared && (prot & PROT_WRITE) &&
	    (READ_ONCE(file->inode->seals) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	*mapping = &file->inode->mapping;
	return 0;
}

// Preallocation makes the pages, a hole zeroes what is there. Only who is being killed gives up: with a
// periodic timer a long one would never come to its end.
static int allocate_pages(struct inode *inode, u64 offset, u64 length)
{
	struct tmpfs_info *info = inode->sb->private;
	u64 last = (offset + length - 1) / PAGE_SIZE;
	int error = 0;

	for (u64 index = offset / PAGE_SIZE; index <= last && !error; index++) {
		struct page *page = mapping_find_page(&inode->mapping, index);

		if (!page && info->max_pages && (u64)atomic64_read(&info->pages) >= info->max_pages)
			error = -ENOSPC;
		else if (!page)
			error = mapping_get_page(&inode->mapping, index, true, &page);
		if (page)
			page_put(page);
		account_pages(inode);
		if (task_kill_pending(current) && !error)
			error = -EINTR;
	}
	return error;
}

static void zero_pages(struct inode *inode, u64 offset, u64 length)
{
	u64 end = MIN(offset + length, inode->mapping.size);

	while (offset < end) {
		size_t within = offset % PAGE_SIZE, n = MIN(PAGE_SIZE - within, end - offset);
		struct page *page = mapping_find_page(&inode->mapping, offset / PAGE_SIZE);

		if (page) {
			memset((char *)page_to_virt(page) + within, 0, n);
			page_put(page);
		}
		offset += n;
	}
}

// Whole pages of a hole are given back.
static void free_pages(struct inode *inode, u64 offset, u64 length)
{
	u64 first = DIV_ROUND_UP(offset, PAGE_SIZE), end = (offset + length) / PAGE_SIZE;

	if (first < end)
		mapping_punch(&inode->mapping, first, end - 1);
	account_pages(inode);
}

static long tmpfs_fallocate(struct file *file, int mode, u64 offset, u64 length)
{
	struct inode *inode = file->inode;
	int error = 0;

	down_write(&inode->lock);
	if (((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) &&
	     (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) ||
	    ((inode->seals & F_SEAL_GROW) && offset + length > inode->mapping.size)) {
		up_write(&inode->lock);
		return -EPERM;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		error = file_limit_size(inode->mapping.size, offset + length);
	if (error) {
		up_write(&inode->lock);
		return error;
	}
	inode_drop_privileges(inode);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		zero_pages(inode, offset, length);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		free_pages(inode, offset, length);
	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		error = allocate_pages(inode, offset, length);
	if (!error && !(mode & FALLOC_FL_KEEP_SIZE) && offset + length > inode->mapping.size)
		error = tmpfs_truncate(inode, offset + length);
	if (!error)
		inode_touch(inode);
	up_write(&inode->lock);
	return error;
}

static const struct file_ops tmpfs_file_ops = {
	.fallocate = tmpfs_fallocate,
	.read = tmpfs_read,
	.write = tmpfs_write,
	.mmap = tmpfs_mmap,
};

// --- Directories: positions are cookies, which only grow, so a removal hides nothing else ---

static u8 type_of(const struct inode *inode)
{
	return (inode->mode & S_IFMT) >> 12;
}

// The first child at or after a cookie, with a reference. `last` is the child before it, if known:
// then the search begins there instead of at the first.
static struct dentry *child_from(struct dentry *dir, u64 cookie, struct dentry *last)
{
	struct dentry *child, *found = NULL;

	read_lock(&dcache_lock);
	bool near = last && !last->removed && last->parent == dir && last->cookie < cookie;
	child = near ? last : list_entry(&dir->children, struct dentry, sibling);
	list_for_each_entry_continue(child, &dir->children, sibling)
	{
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
	struct dentry *dir = file->path.dentry, *child, *last = NULL;

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
	while ((child = child_from(dir, file->pos, last))) {
		dentry_put(last);
		last = child;
		if (!ctx->emit(ctx, child->name, child->length, child->cookie + 1,
			       child->inode->number, type_of(child->inode)))
			break;
		file->pos = child->cookie + 1;
	}
	dentry_put(last);
	return 0;
}

static const struct file_ops tmpfs_dir_ops = {.iterate = dentry_tree_iterate};

// --- Mounting ---

static void tmpfs_kill(struct superblock *sb)
{
	dentry_tree_kill(sb->root);
	superblock_free(sb);
}

int tmpfs_create(const char *type, u32 mode, struct superblock **out)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	struct inode *root = NULL;

	if (!sb)
		return -ENOMEM;
	sb->type = type;
	sb->magic = TMPFS_MAGIC;
	sb->dev = superblock_new_dev();
	sb->private = kzalloc(sizeof(struct tmpfs_info), GFP_KERNEL);
	sb->statfs = tmpfs_statfs;
	sb->charge_xattrs = tmpfs_charge_xattrs;
	if (sb->private)
		root = tmpfs_inode(sb, S_IFDIR | mode, 0);
	if (root)
		root->nlink = 2;
	sb->root = root ? dentry_root(sb, root) : NULL;
	if (root)
		inode_put(root);
	if (!sb->root) {
		kfree(sb->private);
		kfree(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

// What mount(8) says: size=64M, size=25%, nr_blocks=, nr_inodes=, mode=, uid=, gid=: tmpfs(5).
struct tmpfs_options {
	u64 max_pages, max_inodes;
	u32 mode, uid, gid;
	bool noswap; // said: there is no swap anyway
};

static int take_owner(struct tmpfs_options *options, const char *key, const char *value)
{
	struct user_ns *ns = current_cred()->user_ns;
	u32 number;

	if (fs_option_number(value, 0, &number))
		return -EINVAL;
	u32 id = *key == 'u' ? uid_from_user(ns, number) : gid_from_user(ns, number);
	*(*key == 'u' ? &options->uid : &options->gid) = id;
	return id == INVALID_ID ? -EINVAL : 0;
}

static int take_option(struct tmpfs_options *options, const char *key, const char *value)
{
	struct user_ns *ns = current_cred()->user_ns;
	const char *end;
	u64 number;

	if (!strcmp(key, "inode64"))
		return value ? -EINVAL : 0; // there are no others
	if (!strcmp(key, "noswap")) {
		options->noswap = true;
		return value || ns != &init_user_ns ? -EINVAL : 0;
	}
	if (!value)
		return -EINVAL;
	// Nothing else is here: no huge pages in files, no nodes to choose among.
	if (!strcmp(key, "huge"))
		return strcmp(value, "never") ? -EINVAL : 0;
	if (!strcmp(key, "mpol"))
		return strcmp(value, "default") ? -EINVAL : 0;
	if (!strcmp(key, "uid") || !strcmp(key, "gid"))
		return take_owner(options, key, value);
	if (!strcmp(key, "mode")) {
		u32 mode;

		if (fs_option_number(value, 8, &mode))
			return -EINVAL;
		options->mode = mode & 07777;
		return 0;
	}
	if (parse_size(value, &end, &number) || (*end && strcmp(end, "%")))
		return -EINVAL;
	if (*end && strcmp(key, "size"))
		return -EINVAL;
	if (!strcmp(key, "size")) {
		options->max_pages = *end ? total_pages_count() * number / 100
					  : DIV_ROUND_UP(number, PAGE_SIZE);
	} else if (!strcmp(key, "nr_blocks")) {
		options->max_pages = number;
	} else if (!strcmp(key, "nr_inodes")) {
		options->max_inodes = number;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int tmpfs_check_option(const char *key, const char *value)
{
	struct tmpfs_options ignored;

	return take_option(&ignored, key, value);
}

static int take_options(struct tmpfs_options *options, const char *text)
{
	char *copy = kstrdup(text ?: "", GFP_KERNEL), *cursor = copy, *key, *value;
	int error = copy ? 0 : -ENOMEM;

	while (!error && parse_next_mount_option(&cursor, &key, &value))
		error = take_option(options, key, value);
	kfree(copy);
	return error;
}

// Limits may change, unless more is in use or there were none; the rest is for new ones only.
static int tmpfs_remount(struct superblock *sb, const char *text)
{
	struct tmpfs_info *info = sb->private;
	struct tmpfs_options options = {.max_pages = info->max_pages,
					.max_inodes = info->max_inodes};
	int error = take_options(&options, text);

	if (error)
		return error;
	if (options.noswap && !info->noswap)
		return -EINVAL;
	if ((!info->max_pages && options.max_pages) || (!info->max_inodes && options.max_inodes))
		return -EINVAL;
	if ((options.max_pages && (u64)atomic64_read(&info->pages) > options.max_pages) ||
	    (options.max_inodes && (u64)atomic64_read(&info->inodes) > options.max_inodes))
		return -EINVAL;
	WRITE_ONCE(info->max_pages, options.max_pages);
	WRITE_ONCE(info->max_inodes, options.max_inodes);
	return 0;
}

static void tmpfs_show_options(struct superblock *sb, struct seq *seq)
{
	struct tmpfs_info *info = sb->private;
	struct inode *root = sb->root->inode;
	u64 usual = total_pages_count() / 2;

	if (info->max_pages != usual)
		seq_printf(seq, ",size=%luk", info->max_pages * (PAGE_SIZE / 1024));
	if (info->max_inodes != usual)
		seq_printf(seq, ",nr_inodes=%lu", info->max_inodes);
	if ((root->mode & 07777) != 01777)
		seq_printf(seq, ",mode=%03o", root->mode & 07777);
	if (root->uid)
		seq_printf(seq, ",uid=%u", root->uid); // as the first namespace says
	if (root->gid)
		seq_printf(seq, ",gid=%u", root->gid);
	seq_puts(seq, info->noswap ? ",inode64,noswap" : ",inode64");
}

static int tmpfs_mount(const char *source, const char *text, struct superblock **out)
{
	const struct cred *cred = current_cred();
	struct tmpfs_options options = {.max_pages = total_pages_count() / 2,
					.max_inodes = total_pages_count() / 2,
					.mode = 01777,
					.uid = cred->fsuid,
					.gid = cred->fsgid};
	struct superblock *sb;
	int error = take_options(&options, text);

	(void)source;
	if (!error)
		error = tmpfs_create("tmpfs", options.mode, &sb);
	if (error)
		return error;
	*(struct tmpfs_info *)sb->private = (struct tmpfs_info){.max_pages = options.max_pages,
								.max_inodes = options.max_inodes,
								.inodes = {1},
								.noswap = options.noswap};
	sb->root->inode->uid = options.uid;
	sb->root->inode->gid = options.gid;
	sb->owner = user_ns_get(cred->user_ns);
	sb->kill = tmpfs_kill;
	sb->remount = tmpfs_remount;
	sb->show_options = tmpfs_show_options;
	*out = sb;
	return 0;
}

static struct superblock *devtmpfs;

static int devtmpfs_mount(const char *source, const char *options, struct superblock **out)
{
	(void)source, (void)options;
	*out = devtmpfs;
	return 0;
}

static struct fs_type tmpfs_type = {
	.name = "tmpfs", .mount = tmpfs_mount, .check_option = tmpfs_check_option, .nodev = true};
static struct fs_type devtmpfs_type = {
	.name = "devtmpfs",
	.mount = devtmpfs_mount,
	.check_option = tmpfs_check_option, // and it stays as it is, whatever they say
	.nodev = true,
	.init_ns_only = true,
};

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
