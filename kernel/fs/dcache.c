// The tree of names. A dentry ties a name in a directory to an inode; all that exist in memory file
// systems are in the tree, pinned by their names, while those of /proc are made when looked up and
// go with their last user.
//
// dcache_lock guards the tree: lookups read it, changes (under the directory's inode lock) write.

#include <fs/path.h>
#include <lib/hash.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/errno.h>

#define HASH_BITS 10

struct rwlock dcache_lock = RWLOCK_INIT(LOCK_DCACHE);
static struct hlist_head dentry_hash[1 << HASH_BITS]; // [dcache]
static struct slab_cache *dentry_cache;

static u32 name_hash(const struct dentry *parent, const char *name, size_t length)
{
	return hash_bytes(name, length) ^ (u32)((uintptr_t)parent >> 6);
}

static struct hlist_head *bucket(u32 hash)
{
	return &dentry_hash[hash & ((1 << HASH_BITS) - 1)];
}

static struct dentry *dentry_new(const char *name, size_t length, struct inode *inode)
{
	struct dentry *dentry = slab_alloc(dentry_cache, GFP_KERNEL | GFP_ZERO);

	if (!dentry)
		return NULL;
	dentry->name = dentry->short_name;
	if (length >= sizeof(dentry->short_name)) {
		dentry->name = kmalloc(length + 1, GFP_KERNEL);
		if (!dentry->name) {
			slab_free(dentry_cache, dentry);
			return NULL;
		}
	}
	memcpy(dentry->name, name, length);
	dentry->name[length] = '\0';
	dentry->length = length;
	refcount_init(&dentry->refs, 1);
	list_init(&dentry->children);
	list_init(&dentry->sibling);
	dentry->next_cookie = 3; // 1 and 2 are "." and ".."
	dentry->inode = inode_get(inode);
	return dentry;
}

struct dentry *dentry_get(struct dentry *dentry)
{
	refcount_get(&dentry->refs);
	return dentry;
}

static void dentry_free(struct dentry *dentry)
{
	if (dentry->name != dentry->short_name)
		kfree(dentry->name);
	inode_put(dentry->inode);
	slab_free(dentry_cache, dentry);
}

void dentry_put(struct dentry *dentry)
{
	while (dentry && refcount_put(&dentry->refs)) {
		struct dentry *parent = dentry->parent;

		dentry_free(dentry);
		dentry = parent != dentry ? parent : NULL;
	}
}

struct dentry *dentry_root(struct superblock *sb, struct inode *inode)
{
	struct dentry *dentry = dentry_new("/", 1, inode);

	(void)sb;
	if (dentry)
		dentry->parent = dentry;
	return dentry;
}

struct dentry *dentry_space(const char *name, struct inode *inode)
{
	return dentry_new(name, strlen(name), inode);
}

// A name that leads nowhere: for files that were never in a directory. NULL: no memory.
struct dentry *dentry_make_loose(struct dentry *parent, const char *name, struct inode *inode)
{
	struct dentry *dentry = dentry_new(name, MIN(strlen(name), 255ul), inode);

	if (dentry) {
		dentry->parent = dentry_get(parent);
		dentry->removed = true;
	}
	return dentry;
}

// dcache_lock written.
static void link_locked(struct dentry *dentry, struct dentry *parent)
{
	dentry->parent = dentry_get(parent);
	dentry->hash = name_hash(parent, dentry->name, dentry->length);
	dentry->cookie = parent->next_cookie++;
	parent->inode->mapping.size += DIRENT_SIZE_SHOWN;
	dentry->pinned = true;
	dentry->removed = false;
	hlist_add_head(&dentry->hash_node, bucket(dentry->hash));
	list_add_tail(&dentry->sibling, &parent->children);
}

static void unlink_locked(struct dentry *dentry)
{
	dentry->parent->inode->mapping.size -= DIRENT_SIZE_SHOWN;
	hlist_del_init(&dentry->hash_node);
	list_del_init(&dentry->sibling);
	dentry->pinned = false;
	dentry->removed = true;
}

int dentry_add(struct dentry *parent, const char *name, struct inode *inode, struct dentry **out)
{
	struct dentry *dentry = dentry_new(name, strlen(name), inode);

	if (!dentry)
		return -ENOMEM;
	write_lock(&dcache_lock);
	link_locked(dentry, parent);
	if (out)
		*out = dentry_get(dentry);
	write_unlock(&dcache_lock);
	return 0;
}

// The reference that the name held goes; the parent's stays with the dentry.
void dentry_remove(struct dentry *dentry)
{
	write_lock(&dcache_lock);
	unlink_locked(dentry);
	write_unlock(&dcache_lock);
	dentry_put(dentry);
}

// Replaces `dentry`'s name by `space`'s under `parent`: the inode gets a new name in one step.
void dentry_move(struct dentry *dentry, struct dentry *parent, struct dentry *space)
{
	struct dentry *old_parent;
	char *name = space->name == space->short_name ? dentry->short_name : space->name;

	write_lock(&dcache_lock);
	old_parent = dentry->parent;
	unlink_locked(dentry);
	if (dentry->name != dentry->short_name)
		kfree(dentry->name);
	memcpy(dentry->short_name, space->short_name, sizeof(dentry->short_name));
	dentry->name = name;
	dentry->length = space->length;
	space->name = space->short_name; // its buffer has moved over
	link_locked(dentry, parent);
	write_unlock(&dcache_lock);
	dentry_put(old_parent);
	dentry_put(space);
}

// A name and what it hangs on, as link_locked() wants them.
static void take_name(struct dentry *dentry, const struct dentry *from)
{
	memcpy(dentry->short_name, from->short_name, sizeof(dentry->short_name));
	dentry->name = from->name == from->short_name ? dentry->short_name : from->name;
	dentry->length = from->length;
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry old;

	write_lock(&dcache_lock);
	struct dentry *a_parent = a->parent, *b_parent = b->parent;
	unlink_locked(a);
	unlink_locked(b);
	take_name(&old, a);
	take_name(a, b);
	take_name(b, &old);
	link_locked(a, b_parent);
	link_locked(b, a_parent);
	write_unlock(&dcache_lock);
	dentry_put(a_parent);
	dentry_put(b_parent);
}

bool dentry_has_children(struct dentry *dentry)
{
	read_lock(&dcache_lock);
	bool has = !list_empty(&dentry->children);
	read_unlock(&dcache_lock);
	return has;
}

// Nobody but the names themselves refers to what is here. The tree's own reference goes last.
void dentry_tree_kill(struct dentry *root)
{
	struct dentry *at = root;

	for (;;) {
		while (!list_empty(&at->children))
			at = list_first_entry(&at->children, struct dentry, sibling);
		if (at == root)
			break;
		struct dentry *parent = at->parent;
		dentry_remove(at);
		at = parent;
	}
	dentry_put(root);
}

static struct dentry *find_cached(struct dentry *parent, const char *name, size_t length)
{
	u32 hash = name_hash(parent, name, length);
	struct dentry *dentry, *found = NULL;

	read_lock(&dcache_lock);
	hlist_for_each_entry (dentry, bucket(hash), hash_node) {
		if (dentry->hash == hash && dentry->parent == parent && dentry->length == length &&
		    !memcmp(dentry->name, name, length)) {
			found = dentry_get(dentry);
			break;
		}
	}
	read_unlock(&dcache_lock);
	return found;
}

struct dentry *dentry_lookup(struct dentry *parent, const char *name, size_t length)
{
	struct inode *dir = parent->inode, *inode;
	struct dentry *dentry = find_cached(parent, name, length);

	if (dentry || !dir->ops->lookup)
		return dentry;
	int error = dir->ops->lookup(dir, name, length, &inode);
	if (error == -ENOENT)
		return NULL;
	if (error)
		return ERR_PTR(error);
	dentry = dentry_new(name, length, inode);
	inode_put(inode);
	if (!dentry)
		return ERR_PTR(-ENOMEM);
	dentry->parent = dentry_get(parent);
	return dentry;
}

void path_name(const struct path *path, char *buffer, size_t size)
{
	read_lock(&dcache_lock);
	snprintf(buffer, size, "%s", path->dentry->name);
	read_unlock(&dcache_lock);
}

void dcache_init(void)
{
	dentry_cache = slab_cache_create("dentry", sizeof(struct dentry), 0,
					 SLAB_HWALIGN | SLAB_PANIC, NULL);
}
