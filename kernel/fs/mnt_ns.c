// Mount namespaces: copies of the tree of mounts. Their texts in /proc are in mount_text.c.

#include <core/errno.h>
#include <fs/mount_internal.h>
#include <fs/nullfs.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

struct mnt_ns first_mnt_ns = {.common = {.refs = REFCOUNT_INIT(2),
					 .kind = &mnt_ns_kind,
					 .number = 0xeffffff8u, // MNT_NS_INIT_INO
					 .owner = &init_user_ns}};

u64 mount_max = 100000;
static LIST_HEAD(namespaces); // [mutex] all that are not anonymous

struct mnt_ns *mnt_ns_get(struct mnt_ns *ns)
{
	refcount_get(&ns->common.refs);
	return ns;
}

void mnt_ns_put(struct mnt_ns *ns)
{
	ns_put(&ns->common);
}

// A file that stands for a namespace may be mounted somewhere in another, and is put when that mount is taken
// down, with mount_mutex held. So a namespace that ends there waits until its holder lets go: this
// also makes a loop of what would be a recursion without bound.
static LIST_HEAD(ending); // [mutex] by `all`

void mount_unlock(void)
{
	LIST_HEAD(ended);

	while (!list_empty(&ending)) {
		struct mnt_ns *ns = list_first_entry(&ending, struct mnt_ns, all);

		list_move(&ns->all, &ended);
		mount_tree_drop(ns->root);
	}
	mutex_unlock(&mount_mutex);
	while (!list_empty(&ended)) {
		struct mnt_ns *ns = list_first_entry(&ended, struct mnt_ns, all);

		list_del(&ns->all);
		ns_common_end(&ns->common);
		kfree(ns);
	}
}

static void mnt_ns_free(struct ns_common *common)
{
	struct mnt_ns *ns = (struct mnt_ns *)common;
	bool held = mutex_is_mine(&mount_mutex);

	if (!held)
		mutex_lock(&mount_mutex);
	list_move(&ns->all, &ending);
	if (!held)
		mount_unlock();
}

const struct ns_kind mnt_ns_kind = {
	.type = NS_MNT,
	.name = "mnt",
	.flag = CLONE_NEWNS,
	.free = mnt_ns_free,
};
_Static_assert(offsetof(struct mnt_ns, common) == 0, "see ns_common.h");

// A path into the old tree becomes the same path in the new one. Returns the old path, to be put.
static struct path move_path(struct path *path)
{
	struct path old = *path;

	path->mount = mount_get(old.mount->copy);
	dentry_get(path->dentry);
	return old;
}

static void move_context(struct fs_context *fs, const struct mnt_ns *from)
{
	struct path old_root = {NULL, NULL}, old_cwd = {NULL, NULL};

	spin_lock(&fs->lock);
	if (fs->root.mount->ns == from)
		old_root = move_path(&fs->root);
	if (fs->cwd.mount->ns == from)
		old_cwd = move_path(&fs->cwd);
	spin_unlock(&fs->lock);
	if (old_root.mount)
		path_put(&old_root);
	if (old_cwd.mount)
		path_put(&old_cwd);
}

static struct mnt_ns *mnt_ns_alloc(struct user_ns *owner, int *error)
{
	struct mnt_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	*error = ns ? ns_common_init(&ns->common, &mnt_ns_kind, owner) : -ENOMEM;
	if (*error) {
		kfree(ns);
		return NULL;
	}
	list_init(&ns->mounts);
	wait_queue_init(&ns->poll);
	return ns;
}

static void add_to_all(struct mnt_ns *ns)
{
	struct list_head *before = namespaces.prev; // nearly always the last
	u64 id = ns_id(&ns->common);

	while (before != &namespaces && ns_id(&list_entry(before, struct mnt_ns, all)->common) > id)
		before = before->prev;
	list_add(&ns->all, before);
}

void mnt_ns_init(void)
{
	add_to_all(&first_mnt_ns);
}

struct mnt_ns *mnt_ns_find(u64 id)
{
	struct mnt_ns *ns, *found = NULL;

	mutex_lock(&mount_mutex);
	list_for_each_entry (ns, &namespaces, all) {
		if (ns_id(&ns->common) == id && refcount_get_not_zero(&ns->common.refs)) {
			found = ns;
			break;
		}
	}
	mount_unlock();
	return found;
}

struct mnt_ns *mnt_ns_neighbour(struct mnt_ns *ns, bool next)
{
	struct list_head *link = &ns->all;

	mutex_lock(&mount_mutex);
	do {
		link = next ? link->next : link->prev;
		ns = link == &namespaces ? NULL : list_entry(link, struct mnt_ns, all);
	} while (ns && !refcount_get_not_zero(&ns->common.refs)); // it is going
	mount_unlock();
	return ns;
}

u32 mnt_ns_count(const struct mnt_ns *ns)
{
	return READ_ONCE(ns->count);
}

int mnt_ns_dup(struct mnt_ns *old, struct user_ns *owner, struct fs_context *fs,
	       struct mnt_ns **out)
{
	// Less privileged users may receive what happens here, but not make it happen here.
	bool less = owner != old->common.owner;
	int how = COPY_UNBINDABLE | (less ? COPY_SHARED_TO_SLAVE : 0), error;
	struct mnt_ns *ns = mnt_ns_alloc(owner, &error);

	if (!ns)
		return error;
	mutex_lock(&mount_mutex);
	struct mount *tree = mount_copy_tree(old->root, old->root->root, true, how);
	if (IS_ERR(tree)) {
		mount_unlock();
		ns_common_end(&ns->common);
		kfree(ns);
		return PTR_ERR(tree);
	}
	ns->root = tree;
	mount_set_ns(tree, ns);
	if (less)
		mount_lock_tree(tree);
	if (fs)
		move_context(fs, old);
	add_to_all(ns);
	mount_unlock();
	*out = ns;
	return 0;
}

struct mount *mount_nothing(void)
{
	struct superblock *sb;

	if (nullfs_create(&sb))
		return NULL;
	struct mount *mount = mount_alloc(sb, sb->root, "nullfs", 0);
	if (!mount)
		superblock_drop_unused(sb);
	return mount;
}

int mnt_ns_create_empty(struct user_ns *owner, struct fs_context *fs, struct mnt_ns **out)
{
	int error;
	struct mnt_ns *ns = mnt_ns_alloc(owner, &error);

	if (!ns)
		return error;
	ns->root = mount_nothing();
	if (!ns->root) {
		ns_common_end(&ns->common);
		kfree(ns);
		return -ENOMEM;
	}
	mutex_lock(&mount_mutex);
	mount_set_ns(ns->root, ns);
	add_to_all(ns);
	mount_unlock();
	struct path top = {mount_get(ns->root), dentry_get(ns->root->root)};
	path_get(&top);
	fs_context_set_root(fs, &top);
	fs_context_set_cwd(fs, &top);
	*out = ns;
	return 0;
}

int mnt_ns_reserve(struct mnt_ns *ns, u32 count)
{
	u64 max = READ_ONCE(mount_max);
	u64 sum = (u64)ns->count + ns->pending + count;

	if (sum > max)
		return -ENOSPC;
	ns->pending += count;
	return 0;
}

void mnt_ns_touch(struct mnt_ns *ns)
{
	static u64 last; // [mutex]

	WRITE_ONCE(ns->event, ++last);
	wake_up_all(&ns->poll);
}

u64 mnt_ns_event(struct mnt_ns *ns)
{
	return READ_ONCE(ns->event);
}

struct wait_queue *mnt_ns_wait_queue(struct mnt_ns *ns)
{
	return &ns->poll;
}

void mnt_ns_root(struct mnt_ns *ns, struct path *out)
{
	struct mount *mount, *above;

	read_lock(&dcache_lock);
	mount = ns->root;
	while ((above = mount_find_locked(mount, mount->root)))
		mount = above;
	*out = (struct path){mount_get(mount), dentry_get(mount->root)};
	read_unlock(&dcache_lock);
}

struct user_ns *mnt_ns_owner(const struct mnt_ns *ns)
{
	return ns->common.owner;
}

bool mnt_ns_may_admin(void)
{
	return ns_capable(current->nsproxy->mnt->common.owner, CAP_SYS_ADMIN);
}
