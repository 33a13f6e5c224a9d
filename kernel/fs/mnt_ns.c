// Mount namespaces: copies of the tree of mounts, and its texts in /proc.

#include <core/init.h>
#include <fs/mount_internal.h>
#include <fs/seq.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/sched.h>

struct mnt_ns first_mnt_ns = {.common = {.refs = REFCOUNT_INIT(2),
					 .kind = &mnt_ns_kind,
					 .number = 0xeffffff8u, // MNT_NS_INIT_INO
					 .owner = &init_user_ns}};

struct mnt_ns *mnt_ns_get(struct mnt_ns *ns)
{
	refcount_get(&ns->common.refs);
	return ns;
}

void mnt_ns_put(struct mnt_ns *ns)
{
	ns_put(&ns->common);
}

static void mnt_ns_free(struct ns_common *common)
{
	struct mnt_ns *ns = (struct mnt_ns *)common;

	mutex_lock(&mount_mutex);
	mount_tree_drop(ns->root);
	mutex_unlock(&mount_mutex);
	ns_common_end(common);
	kfree(ns);
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

// For a namespace of less privileged users: what they got they may neither lift nor look under.
static void lock_tree(struct mount *tree)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		mount->flags |= MOUNT_LOCKED;
		mount->locked_flags |= mount->flags &
				       (MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC);
	}
}

int mnt_ns_dup(struct mnt_ns *old, struct user_ns *owner, struct fs_context *fs,
	       struct mnt_ns **out)
{
	struct mnt_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	int error = ns_common_init(&ns->common, &mnt_ns_kind, owner);
	if (error) {
		kfree(ns);
		return error;
	}
	mutex_lock(&mount_mutex);
	ns->root = mount_copy_tree(old->root, old->root->root, true, true);
	if (!ns->root) {
		mutex_unlock(&mount_mutex);
		ns_common_end(&ns->common);
		kfree(ns);
		return -ENOMEM;
	}
	mount_set_ns(ns->root, ns);
	if (owner != old->common.owner)
		lock_tree(ns->root);
	if (fs)
		move_context(fs, old);
	mutex_unlock(&mount_mutex);
	*out = ns;
	return 0;
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

// --- Texts ---

// The place of a mount as seen from `root`; NULL if it cannot be reached from there. mount_mutex.
static char *place_text(const struct mount *mount, const struct path *root, char *buffer,
			size_t size)
{
	char *at = buffer + size - 1;
	const struct dentry *dentry = mount->root;

	*at = '\0';
	while (mount != root->mount || dentry != root->dentry) {
		if (dentry == mount->root) {
			if (!mount->parent)
				return NULL;
			dentry = mount->point;
			mount = mount->parent;
			continue;
		}
		if (dentry->parent == dentry || (size_t)(at - buffer) < dentry->length + 1u)
			return NULL;
		at -= dentry->length;
		memcpy(at, dentry->name, dentry->length);
		*--at = '/';
		dentry = dentry->parent;
	}
	if (!*at)
		*--at = '/';
	return at;
}

// What of the file system is seen: "/" or the path of a bind's root in it.
static char *root_text(const struct mount *mount, char *buffer, size_t size)
{
	char *at = buffer + size - 1;

	*at = '\0';
	for (const struct dentry *d = mount->root; d->parent != d; d = d->parent) {
		if ((size_t)(at - buffer) < d->length + 1u)
			break;
		at -= d->length;
		memcpy(at, d->name, d->length);
		*--at = '/';
	}
	if (!*at)
		*--at = '/';
	return at;
}

// Blanks and the backslash in octal, so that fields stay fields.
static void put_escaped(struct seq *seq, const char *text)
{
	for (; *text; text++) {
		if (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\\' || *text == '#')
			seq_printf(seq, "\\%03o", (u8)*text);
		else
			seq_putc(seq, *text);
	}
}

static void put_flags(struct seq *seq, u32 flags)
{
	static const struct {
		u32 flag;
		const char *text;
	} names[] = {
		{MOUNT_NOSUID, ",nosuid"},         {MOUNT_NODEV, ",nodev"},
		{MOUNT_NOEXEC, ",noexec"},         {MOUNT_NOATIME, ",noatime"},
		{MOUNT_NODIRATIME, ",nodiratime"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & names[i].flag)
			seq_puts(seq, names[i].text);
	}
	if (!(flags & (MOUNT_NOATIME | MOUNT_STRICTATIME)))
		seq_puts(seq, ",relatime");
}

static void show_mounts_line(struct mount *mount, const char *place, struct seq *seq, char *buffer)
{
	bool read_only = (mount->flags & MOUNT_RDONLY) || mount->sb->read_only;

	(void)buffer;
	put_escaped(seq, mount->source);
	seq_putc(seq, ' ');
	put_escaped(seq, place);
	seq_printf(seq, " %s %s", mount->sb->type, read_only ? "ro" : "rw");
	put_flags(seq, mount->flags);
	seq_puts(seq, " 0 0\n");
}

static void show_mountinfo_line(struct mount *mount, const char *place, struct seq *seq,
				char *buffer)
{
	u64 dev = mount->sb->dev;

	seq_printf(seq, "%d %d %lu:%lu ", mount->id, mount->parent ? mount->parent->id : mount->id,
		   dev >> 20, dev & 0xfffff);
	if (mount->sb->show_root)
		mount->sb->show_root(mount->root, buffer);
	put_escaped(seq, mount->sb->show_root ? buffer : root_text(mount, buffer, PATH_MAX));
	seq_putc(seq, ' ');
	put_escaped(seq, place);
	seq_printf(seq, " %s", (mount->flags & MOUNT_RDONLY) ? "ro" : "rw");
	put_flags(seq, mount->flags);
	seq_printf(seq, "%s - %s ", (mount->flags & MOUNT_UNBINDABLE) ? " unbindable" : "",
		   mount->sb->type);
	put_escaped(seq, mount->source);
	seq_printf(seq, " %s\n", mount->sb->read_only ? "ro" : "rw");
}

static void show_mountstats_line(struct mount *mount, const char *place, struct seq *seq,
				 char *buffer)
{
	(void)buffer;
	seq_puts(seq, "device ");
	put_escaped(seq, mount->source);
	seq_puts(seq, " mounted on ");
	put_escaped(seq, place);
	seq_printf(seq, " with fstype %s\n", mount->sb->type);
}

static void show_all(struct mnt_ns *ns, const struct path *root, struct seq *seq,
		     void (*line)(struct mount *, const char *, struct seq *, char *))
{
	char *buffer = kmalloc(2 * PATH_MAX, GFP_KERNEL);

	if (!buffer)
		return;
	mutex_lock(&mount_mutex);
	read_lock(&dcache_lock); // names stand still
	for (struct mount *mount = ns->root; mount; mount = mount_next(mount, ns->root)) {
		char *place = place_text(mount, root, buffer, PATH_MAX);

		if (place)
			line(mount, place, seq, buffer + PATH_MAX);
	}
	read_unlock(&dcache_lock);
	mutex_unlock(&mount_mutex);
	kfree(buffer);
}

void mnt_ns_show_mounts(struct mnt_ns *ns, const struct path *root, struct seq *seq)
{
	show_all(ns, root, seq, show_mounts_line);
}

void mnt_ns_show_mountinfo(struct mnt_ns *ns, const struct path *root, struct seq *seq)
{
	show_all(ns, root, seq, show_mountinfo_line);
}

void mnt_ns_show_mountstats(struct mnt_ns *ns, const struct path *root, struct seq *seq)
{
	show_all(ns, root, seq, show_mountstats_line);
}
