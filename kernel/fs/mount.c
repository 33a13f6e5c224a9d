// Mounts: which file system is seen where. One tree so far; copies of it for mount namespaces are
// refused by mnt_ns_dup().

#include <core/panic.h>
#include <core/printk.h>
#include <fs/fs_context.h>
#include <fs/mnt_ns.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <uapi/errno.h>

struct mnt_ns {
	struct refcount refs;
	struct mount *root;      // [I] counted
	struct list_head mounts; // [dcache]
};

static struct mnt_ns first_ns = {.refs = REFCOUNT_INIT(2),
				 .mounts = LIST_HEAD_INIT(first_ns.mounts)};
static struct fs_type *types;
static int next_id = 20;
static struct slab_cache *fs_context_cache;
void mount_init(void);

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

// --- Mounts ---

struct mount *mount_get(struct mount *mount)
{
	refcount_get(&mount->refs);
	return mount;
}

void mount_put(struct mount *mount)
{
	if (!refcount_put(&mount->refs))
		return;
	dentry_put(mount->root);
	kfree((char *)mount->source);
	kfree(mount);
}

static struct mount *mount_alloc(struct superblock *sb, const char *source, u32 flags)
{
	struct mount *mount = kzalloc(sizeof(*mount), GFP_KERNEL);

	if (!mount)
		return NULL;
	mount->source = kstrdup(source, GFP_KERNEL);
	if (!mount->source) {
		kfree(mount);
		return NULL;
	}
	refcount_init(&mount->refs, 1);
	mount->sb = sb;
	mount->root = dentry_get(sb->root);
	mount->flags = flags;
	mount->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	return mount;
}

struct mount *mount_make_root(struct superblock *sb)
{
	struct mount *mount = mount_alloc(sb, "rootfs", 0);

	BUG_ON(!mount);
	first_ns.root = mount;
	list_add_tail(&mount->link, &first_ns.mounts);
	init_nsproxy.mnt = &first_ns;
	return mount;
}

int mount_attach(struct superblock *sb, const char *source, const struct path *point, u32 flags)
{
	struct mount *mount = mount_alloc(sb, source, flags);

	if (!mount)
		return -ENOMEM;
	write_lock(&dcache_lock);
	if (point->dentry->mounted) { // somebody was faster: on top of that
		write_unlock(&dcache_lock);
		mount_put(mount);
		return -EBUSY;
	}
	mount->parent = mount_get(point->mount);
	mount->point = dentry_get(point->dentry);
	point->dentry->mounted = mount;
	list_add_tail(&mount->link, &first_ns.mounts);
	write_unlock(&dcache_lock);
	return 0;
}

int mount_detach(const struct path *root)
{
	struct mount *mount = root->mount, *other;

	if (root->dentry != mount->root || !mount->parent)
		return -EINVAL;
	write_lock(&dcache_lock);
	list_for_each_entry (other, &first_ns.mounts, link) {
		if (other->parent == mount) {
			write_unlock(&dcache_lock);
			return -EBUSY;
		}
	}
	mount->point->mounted = NULL;
	list_del(&mount->link);
	write_unlock(&dcache_lock);
	dentry_put(mount->point);
	mount_put(mount->parent);
	mount->parent = NULL;
	mount_put(mount);
	return 0;
}

// The first mount with a larger id, with a reference: ids grow along the list.
static struct mount *mount_after(int id)
{
	struct mount *mount, *found = NULL;

	read_lock(&dcache_lock);
	list_for_each_entry (mount, &first_ns.mounts, link) {
		if (mount->id > id) {
			found = mount_get(mount);
			break;
		}
	}
	read_unlock(&dcache_lock);
	return found;
}

// No lock is held while fn runs.
void mounts_for_each(void (*fn)(struct mount *mount, void *ctx), void *ctx)
{
	struct mount *mount;
	int id = 0;

	while ((mount = mount_after(id))) {
		fn(mount, ctx);
		id = mount->id;
		mount_put(mount);
	}
}

// --- Namespaces ---

struct mnt_ns *mnt_ns_get(struct mnt_ns *ns)
{
	refcount_get(&ns->refs);
	return ns;
}

void mnt_ns_put(struct mnt_ns *ns)
{
	bool last = refcount_put(&ns->refs);

	WARN_ON(last); // there is only the first
}

int mnt_ns_dup(struct mnt_ns *old, struct user_ns *owner, struct fs_context *fs,
	       struct mnt_ns **out)
{
	(void)old, (void)owner, (void)fs, (void)out;
	printk_ratelimited(LOG_INFO, "CLONE_NEWNS is not implemented\n");
	return -EINVAL;
}

// --- fs_context ---

int fs_context_create(struct fs_context **out)
{
	struct fs_context *fs = slab_alloc(fs_context_cache, GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	refcount_init(&fs->refs, 1);
	spin_init(&fs->lock, LOCK_FS_CONTEXT);
	fs->root = fs->cwd = (struct path){first_ns.root, first_ns.root->root};
	path_get(&fs->root);
	path_get(&fs->cwd);
	fs->umask = 022;
	*out = fs;
	return 0;
}

int fs_context_dup(struct fs_context *old, struct fs_context **out)
{
	struct fs_context *fs = slab_alloc(fs_context_cache, GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	refcount_init(&fs->refs, 1);
	spin_init(&fs->lock, LOCK_FS_CONTEXT);
	fs_context_root(old, &fs->root);
	fs_context_cwd(old, &fs->cwd);
	fs->umask = old->umask;
	*out = fs;
	return 0;
}

struct fs_context *fs_context_get(struct fs_context *fs)
{
	refcount_get(&fs->refs);
	return fs;
}

void fs_context_put(struct fs_context *fs)
{
	if (!refcount_put(&fs->refs))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	slab_free(fs_context_cache, fs);
}

bool fs_context_is_shared(struct fs_context *fs)
{
	return refcount_read(&fs->refs) > 1;
}

static void copy_path(struct fs_context *fs, const struct path *from, struct path *out)
{
	spin_lock(&fs->lock);
	*out = *from;
	path_get(out);
	spin_unlock(&fs->lock);
}

void fs_context_root(struct fs_context *fs, struct path *out)
{
	copy_path(fs, &fs->root, out);
}

void fs_context_cwd(struct fs_context *fs, struct path *out)
{
	copy_path(fs, &fs->cwd, out);
}

static void set_path(struct fs_context *fs, struct path *field, const struct path *path)
{
	spin_lock(&fs->lock);
	struct path old = *field;
	*field = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void fs_context_set_cwd(struct fs_context *fs, const struct path *path)
{
	set_path(fs, &fs->cwd, path);
}

void fs_context_set_root(struct fs_context *fs, const struct path *path)
{
	set_path(fs, &fs->root, path);
}

void mount_init(void)
{
	fs_context_cache = slab_cache_create("fs_context", sizeof(struct fs_context), 0,
					     SLAB_HWALIGN | SLAB_PANIC, NULL);
}
