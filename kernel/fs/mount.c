// Mounts: which file system is seen where. A mount hangs on a dentry of its parent mount; both are
// the key of a hash that path walks look into under dcache_lock, and only if the dentry says that
// something is mounted on it somewhere.
//
// Changes (mount_change.c, umount.c) hold mount_mutex throughout, so that a tree stands still while
// its copy is allocated, and dcache_lock written for the moment in which they become visible. Two
// trees are never linked: a copy (bind, or a new namespace) has its own struct mounts on the same
// superblocks. How they share later changes is in propagate.c.

#include <core/errno.h>
#include <core/panic.h>
#include <fs/fs_context.h>
#include <fs/mount_internal.h>
#include <fs/nsfs.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

#define HASH_BITS 8

struct mutex mount_mutex = MUTEX_INIT(mount_mutex, LOCK_MOUNTS);
static struct hlist_head mount_hash[1 << HASH_BITS]; // [mounts]
static struct slab_cache *mount_cache;
static struct fs_type *types;
static u64 last_number = 0x80000000; // so that nobody takes it for an id
static int next_id = 20;

// --- Types ---

void fs_register(struct fs_type *type)
{
	type->next = types;
	types = type;
}

struct fs_type *fs_find(const char *name)
{
	struct fs_type *type = types;

	while (type && strcmp(type->name, name))
		type = type->next;
	return type;
}

void fs_for_each(void (*fn)(struct fs_type *type, void *ctx), void *ctx)
{
	for (struct fs_type *type = types; type; type = type->next)
		fn(type, ctx);
}

static bool may_mount(const struct fs_type *type)
{
	if (type->init_ns_only)
		return capable(CAP_SYS_ADMIN);
	return ns_capable(type->owner ? type->owner() : current_cred()->user_ns, CAP_SYS_ADMIN);
}

int fs_mount(struct fs_type *type, const char *source, const char *options, u32 words,
	     struct superblock **out)
{
	if (!may_mount(type))
		return -EPERM;
	int error = type->mount(source, options, out);
	if (!error && (*out)->kill && !atomic_read(&(*out)->mounts)) {
		(*out)->read_only = words & MS_RDONLY;
		(*out)->words = words & ~MS_RDONLY;
	}
	return error;
}

u64 superblock_new_dev(void)
{
	static u64 next = 20;

	return __atomic_add_fetch(&next, 1, __ATOMIC_RELAXED);
}

struct user_ns *superblock_owner(const struct superblock *sb)
{
	return sb->owner ?: &init_user_ns;
}

void superblock_free(struct superblock *sb)
{
	if (sb->owner)
		user_ns_put(sb->owner);
	kfree(sb->private);
	kfree(sb);
}

void superblock_drop_unused(struct superblock *sb)
{
	if (!atomic_read(&sb->mounts) && sb->kill)
		sb->kill(sb);
}

// --- One mount ---

static struct hlist_head *bucket(const struct mount *parent, const struct dentry *point)
{
	u64 mix = ((uintptr_t)parent >> 6) * 31 + ((uintptr_t)point >> 6);

	return &mount_hash[(mix ^ mix >> HASH_BITS) & ((1 << HASH_BITS) - 1)];
}

struct mount *mount_get(struct mount *mount)
{
	refcount_get(&mount->refs);
	return mount;
}

struct mount *mount_alloc(struct superblock *sb, struct dentry *root, const char *source, u32 flags)
{
	struct mount *mount = slab_alloc(mount_cache, GFP_KERNEL | GFP_ZERO);

	if (!mount)
		return NULL;
	mount->source = kstrdup(source, GFP_KERNEL);
	if (!mount->source) {
		slab_free(mount_cache, mount);
		return NULL;
	}
	refcount_init(&mount->refs, 1);
	list_init(&mount->children);
	list_init(&mount->sibling);
	list_init(&mount->in_ns);
	list_init(&mount->peers);
	list_init(&mount->slaves);
	list_init(&mount->slave_link);
	list_init(&mount->work);
	atomic_add(&sb->mounts, 1);
	mount->sb = sb;
	mount->root = dentry_get(root);
	mount->flags = flags;
	mount->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED) & INT32_MAX;
	mount->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	return mount;
}

// Takes a mount off its place in the tree. dcache_lock is written.
static void cut_locked(struct mount *mount)
{
	hlist_del_init(&mount->hash);
	list_del_init(&mount->sibling);
	mount->point->mounted--;
	mount->parent = NULL;
	mount->point = NULL;
}

// Those that only their parent kept (MOUNT_CONNECTED) lose it: the last user of it has gone.
static void let_go_of_children(struct mount *mount, struct list_head *dead)
{
	while (!list_empty(&mount->children)) {
		struct mount *child = list_first_entry(&mount->children, struct mount, sibling);
		struct dentry *point = child->point;

		write_lock(&dcache_lock);
		cut_locked(child);
		write_unlock(&dcache_lock);
		dentry_put(point);
		if (refcount_put(&child->refs))
			list_add(&child->work, dead);
	}
}

static void mount_free(struct mount *mount)
{
	struct superblock *sb = mount->sb;

	dentry_put(mount->root);
	kfree((char *)mount->source);
	slab_free(mount_cache, mount);
	if (atomic_sub_return(&sb->mounts, 1) == 0)
		superblock_drop_unused(sb);
}

void mount_put_unused(struct mount *mount)
{
	LIST_HEAD(dead);

	if (!refcount_put(&mount->refs))
		return;
	for (;;) {
		let_go_of_children(mount, &dead);
		mount_free(mount);
		if (list_empty(&dead))
			return;
		mount = list_first_entry(&dead, struct mount, work);
		list_del(&mount->work);
	}
}

void mount_put(struct mount *mount)
{
	if (unlikely(READ_ONCE(mount->expiring)))
		WRITE_ONCE(mount->expiring, false);
	mount_put_unused(mount);
}

bool path_mount_nosuid(const struct path *path)
{
	const struct mount *mount = path->mount;

	if (!mount)
		return false;
	return (mount->flags & MOUNT_NOSUID) || READ_ONCE(mount->ns) != current->nsproxy->mnt ||
	       !user_ns_within(current_cred()->user_ns, superblock_owner(mount->sb));
}

bool path_mount_nodev(const struct path *path)
{
	const struct superblock *sb = path->mount->sb;

	return (path->mount->flags & MOUNT_NODEV) ||
	       (superblock_owner(sb) != &init_user_ns && !sb->own_devices);
}

// --- Access times ---

#define ATIME_TOO_OLD (24 * 60 * 60) // seconds

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

void path_accessed(const struct path *path)
{
	const struct mount *mount = path->mount;

	if (!mount || path_read_only(path) || (mount->flags & MOUNT_NOATIME))
		return;
	struct inode *inode = path_inode(path);
	if ((mount->flags & MOUNT_NODIRATIME) && S_ISDIR(inode->mode))
		return;
	struct timespec now = fs_now();
	if ((mount->flags & MOUNT_RELATIME) && is_later(&inode->atime, &inode->mtime) &&
	    is_later(&inode->atime, &inode->ctime) &&
	    now.tv_sec - inode->atime.tv_sec < ATIME_TOO_OLD)
		return;
	inode->atime = now;
}

// --- Trees. Walks are loops: the depth of a tree is up to users, our stack is not. ---

// The mount after this one, parents first, among those of the tree of `top`; NULL at the end.
struct mount *mount_next(struct mount *mount, const struct mount *top)
{
	if (!list_empty(&mount->children))
		return list_first_entry(&mount->children, struct mount, sibling);
	for (; mount != top; mount = mount->parent) {
		if (!list_is_last(&mount->sibling, &mount->parent->children))
			return list_next_entry(mount, sibling);
	}
	return NULL;
}

struct mount *mount_find_locked(const struct mount *parent, const struct dentry *point)
{
	struct mount *mount;

	hlist_for_each_entry (mount, bucket(parent, point), hash) {
		if (mount->parent == parent && mount->point == point)
			return mount;
	}
	return NULL;
}

struct mount *mount_topmost(struct mount *mount)
{
	struct mount *above;

	while ((above = mount_find_locked(mount, mount->root)))
		mount = above;
	return mount;
}

u32 mount_tree_count(struct mount *tree)
{
	u32 count = 0;

	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree))
		count++;
	return count;
}

void mount_hang(struct mount *tree, struct mount *parent, struct dentry *point)
{
	tree->parent = mount_get(parent);
	tree->point = dentry_get(point);
	write_lock(&dcache_lock);
	list_add_tail(&tree->sibling, &parent->children);
	hlist_add_head(&tree->hash, bucket(parent, point));
	point->mounted++;
	write_unlock(&dcache_lock);
}

void mount_unhang(struct mount *tree)
{
	struct mount *parent = tree->parent;
	struct dentry *point = tree->point;

	write_lock(&dcache_lock);
	cut_locked(tree);
	write_unlock(&dcache_lock);
	dentry_put(point);
	mount_put_unused(parent);
}

static void enter_ns(struct mount *mount, struct mnt_ns *ns)
{
	struct list_head *before = ns->mounts.prev; // nearly always the last

	while (before != &ns->mounts &&
	       list_entry(before, struct mount, in_ns)->number > mount->number)
		before = before->prev;
	list_add(&mount->in_ns, before);
	mount->ns = ns;
	ns->count++;
}

static void leave_ns(struct mount *mount)
{
	if (!mount->ns)
		return;
	list_del_init(&mount->in_ns);
	mount->ns->count--;
	mount->ns = NULL;
}

void mount_set_ns(struct mount *tree, struct mnt_ns *ns)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		leave_ns(mount);
		enter_ns(mount, ns);
	}
}

// Whether a doomed mount is taken off its parent, or stays connected.
static bool is_cut_off(const struct mount *mount, bool at_once)
{
	return at_once || !(mount->parent->flags & MOUNT_DOOMED) || !(mount->flags & MOUNT_LOCKED);
}

void mount_drop_all(struct list_head *doomed, bool at_once)
{
	struct mount *mount, *next;

	list_for_each_entry_safe (mount, next, doomed, work) {
		if (mount->ns)
			mnt_ns_touch(mount->ns);
		leave_ns(mount);
		propagation_change(mount, MS_PRIVATE);
		if (!mount->parent)
			continue;
		if (is_cut_off(mount, at_once)) {
			mount_unhang(mount);
		} else {
			list_del_init(&mount->work);
			mount->flags |= MOUNT_CONNECTED;
			mount_put_unused(mount->parent); // which keeps this one, not the other way
		}
	}
	while (!list_empty(doomed)) {
		mount = list_first_entry(doomed, struct mount, work);
		list_del_init(&mount->work);
		mount->flags &= ~MOUNT_DOOMED;
		mount_put_unused(mount);
	}
}

void mount_tree_drop(struct mount *tree)
{
	LIST_HEAD(doomed);

	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		mount->flags |= MOUNT_DOOMED;
		list_add_tail(&mount->work, &doomed);
	}
	mount_drop_all(&doomed, false);
}

bool dentry_is_below(const struct dentry *dentry, const struct dentry *ancestor)
{
	for (; dentry != ancestor; dentry = dentry->parent) {
		if (dentry == dentry->parent)
			return false;
	}
	return true;
}

void mount_lock_tree(struct mount *tree)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		if (mount != tree)
			mount->flags |= MOUNT_LOCKED;
		mount->locked_flags |= MOUNT_ATIME | (mount->flags & (MOUNT_RDONLY | MOUNT_NOSUID |
								      MOUNT_NODEV | MOUNT_NOEXEC));
	}
}

static bool is_mnt_ns_file(const struct mount *mount)
{
	struct ns_common *ns = nsfs_inode_ns(mount->root->inode);

	return ns && ns->kind->type == NS_MNT;
}

// Whether a copy that starts at `root` of `top` has this mount's place in it. 0: no, 1: yes, or
// -EPERM.
static int belongs_to_copy(const struct mount *mount, const struct mount *top,
			   const struct dentry *root, int how)
{
	if (!mount->parent->copy)
		return 0; // something above was left out
	if (mount->parent == top && !dentry_is_below(mount->point, root))
		return 0;
	if (!(how & COPY_UNBINDABLE) && (mount->flags & MOUNT_UNBINDABLE))
		return (mount->flags & MOUNT_LOCKED) ? -EPERM : 0;
	return (how & COPY_MNT_NS_FILES) || !is_mnt_ns_file(mount);
}

static int copy_one(struct mount *mount, struct dentry *root, int how, struct mount **out)
{
	u32 flags = mount->flags & (MOUNT_USER_FLAGS | MOUNT_LOCKED | MOUNT_UNBINDABLE);
	struct mount *copy = mount_alloc(mount->sb, root, mount->source, flags);

	if (!copy)
		return -ENOMEM;
	copy->locked_flags = mount->locked_flags;
	int error = propagation_copy(mount, copy, how);
	if (error) {
		mount_put_unused(copy);
		return error;
	}
	*out = mount->copy = copy;
	return 0;
}

struct mount *mount_copy_tree(struct mount *from, struct dentry *root, bool recursive, int how)
{
	struct mount *tree, *copy;

	if (!(how & COPY_UNBINDABLE) && (from->flags & MOUNT_UNBINDABLE))
		return ERR_PTR(-EINVAL);
	int error = copy_one(from, root, how, &tree);
	if (error)
		return ERR_PTR(error);
	tree->flags &= ~MOUNT_LOCKED;
	struct mount *mount = recursive ? mount_next(from, from) : NULL;
	for (; mount && error >= 0; mount = mount_next(mount, from)) {
		mount->copy = NULL;
		error = belongs_to_copy(mount, from, root, how);
		if (error != 1)
			continue;
		error = copy_one(mount, mount->root, how, &copy);
		if (!error)
			mount_hang(copy, mount->parent->copy, mount->point);
	}
	if (error >= 0)
		return tree;
	mount_tree_drop(tree);
	return ERR_PTR(error);
}

bool mount_is_ours(const struct mount *mount)
{
	return mount->ns && mount->ns == current->nsproxy->mnt;
}

// --- Beginning ---

// The root file system lies upon a mount with nothing in it: so pivot_root can put another in its place.
struct mount *mount_make_root(struct superblock *sb)
{
	struct mount *nothing = mount_nothing(), *mount = mount_alloc(sb, sb->root, "rootfs", 0);

	BUG_ON(!nothing || !mount);
	first_mnt_ns.root = nothing;
	mnt_ns_init();
	list_init(&first_mnt_ns.mounts);
	wait_queue_init(&first_mnt_ns.poll);
	mutex_lock(&mount_mutex);
	mount_hang(mount, nothing, nothing->root);
	mount_set_ns(nothing, &first_mnt_ns);
	mount_unlock();
	init_nsproxy.mnt = &first_mnt_ns;
	return mount;
}

struct mount *mount_internal(struct superblock *sb)
{
	return mount_alloc(sb, sb->root, sb->type, MOUNT_NOSUID | MOUNT_INTERNAL);
}

struct mount *mount_make_internal(struct superblock *sb)
{
	struct mount *mount = mount_internal(sb);

	BUG_ON(!mount);
	return mount;
}

void mount_init(void)
{
	mount_cache = slab_cache_create("mnt_cache", sizeof(struct mount), 0,
					SLAB_HWALIGN | SLAB_PANIC | SLAB_ACCOUNT, NULL);
	fs_context_init();
}
