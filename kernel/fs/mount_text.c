// The texts of /proc/PID/{mounts,mountinfo,mountstats}: see proc_pid_mountinfo(5).

#include <fs/mount_internal.h>
#include <fs/seq.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/limits.h>
#include <uapi/mount.h>

char *mount_place_text(const struct mount *mount, const struct path *root, char *buffer,
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

// "/" or the path of a bind's root.
char *mount_root_text(const struct mount *mount, char *buffer, size_t size)
{
	static const char deleted[] = "//deleted";
	char *at = buffer + size - 1;

	*at = '\0';
	if (mount->root->removed && !mount->sb->nameless) {
		at -= sizeof(deleted) - 1;
		memcpy(at, deleted, sizeof(deleted));
	}
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

// Some characters in octal, so that fields stay fields.
static void put_escaped(struct seq *seq, const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			seq_printf(seq, "\\%03o", (u8)*text);
		else
			seq_putc(seq, *text);
	}
}

static void put_path(struct seq *seq, const char *text)
{
	put_escaped(seq, text, " \t\n\\");
}

static void put_source(struct seq *seq, const char *text)
{
	put_escaped(seq, text, " \t\n\\#");
}

static void put_flags(struct seq *seq, u32 flags)
{
	static const struct {
		u32 flag;
		const char *text;
	} names[] = {
		{MOUNT_NOSUID, ",nosuid"},           {MOUNT_NODEV, ",nodev"},
		{MOUNT_NOEXEC, ",noexec"},           {MOUNT_NOATIME, ",noatime"},
		{MOUNT_NODIRATIME, ",nodiratime"},   {MOUNT_RELATIME, ",relatime"},
		{MOUNT_NOSYMFOLLOW, ",nosymfollow"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & names[i].flag)
			seq_puts(seq, names[i].text);
	}
}

// Words that every file system may have, after its ro or rw.
static void put_words(struct seq *seq, const struct superblock *sb)
{
	static const struct {
		u32 word;
		const char *text;
	} names[] = {
		{MS_SYNCHRONOUS, ",sync"},
		{MS_DIRSYNC, ",dirsync"},
		{MS_MANDLOCK, ",mand"},
		{MS_LAZYTIME, ",lazytime"},
	};
	u32 words = READ_ONCE(sb->words);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (words & names[i].word)
			seq_puts(seq, names[i].text);
	}
}

static void put_options(struct seq *seq, struct superblock *sb)
{
	if (sb->show_options)
		sb->show_options(sb, seq);
}

static void show_mounts_line(struct mount *mount, const char *place, const struct path *root,
			     struct seq *seq, char *buffer)
{
	bool read_only = (mount->flags & MOUNT_RDONLY) || mount->sb->read_only;

	(void)buffer, (void)root;
	put_source(seq, mount->source);
	seq_putc(seq, ' ');
	put_path(seq, place);
	seq_printf(seq, " %s %s", mount->sb->type, read_only ? "ro" : "rw");
	put_words(seq, mount->sb);
	put_flags(seq, mount->flags);
	put_options(seq, mount->sb);
	seq_puts(seq, " 0 0\n");
}

// How the mount shares, in tagged fields.
static void put_sharing(struct seq *seq, const struct mount *mount, const struct path *root)
{
	if (mount_is_shared(mount))
		seq_printf(seq, " shared:%d", mount->group);
	if (mount->master) {
		int visible = propagation_visible_master(mount, root);

		seq_printf(seq, " master:%d", mount->master->group);
		if (visible && visible != mount->master->group)
			seq_printf(seq, " propagate_from:%d", visible);
	}
	if (mount->flags & MOUNT_UNBINDABLE)
		seq_puts(seq, " unbindable");
}

static void show_mountinfo_line(struct mount *mount, const char *place, const struct path *root,
				struct seq *seq, char *buffer)
{
	u64 dev = mount->sb->dev;

	seq_printf(seq, "%d %d %lu:%lu ", mount->id, mount->parent ? mount->parent->id : mount->id,
		   dev >> 20, dev & 0xfffff);
	if (mount->sb->show_root)
		mount->sb->show_root(mount->root, buffer);
	put_path(seq, mount->sb->show_root ? buffer : mount_root_text(mount, buffer, PATH_MAX));
	seq_putc(seq, ' ');
	put_path(seq, place);
	seq_puts(seq, (mount->flags & MOUNT_RDONLY) ? " ro" : " rw");
	put_flags(seq, mount->flags);
	put_sharing(seq, mount, root);
	seq_printf(seq, " - %s ", mount->sb->type);
	put_source(seq, mount->source);
	seq_puts(seq, mount->sb->read_only ? " ro" : " rw");
	put_words(seq, mount->sb);
	put_options(seq, mount->sb);
	seq_putc(seq, '\n');
}

static void show_mountstats_line(struct mount *mount, const char *place, const struct path *root,
				 struct seq *seq, char *buffer)
{
	(void)buffer, (void)root;
	seq_puts(seq, "device ");
	put_source(seq, mount->source);
	seq_puts(seq, " mounted on ");
	put_path(seq, place);
	seq_printf(seq, " with fstype %s\n", mount->sb->type);
}

static void show_all(struct mnt_ns *ns, const struct path *root, struct seq *seq,
		     void (*line)(struct mount *, const char *, const struct path *, struct seq *,
				  char *))
{
	char *buffer = kmalloc(2 * PATH_MAX, GFP_KERNEL);
	struct mount *mount;

	if (!buffer)
		return;
	mutex_lock(&mount_mutex);
	read_lock(&dcache_lock); // names stand still
	list_for_each_entry (mount, &ns->mounts, in_ns) {
		char *place = mount_place_text(mount, root, buffer, PATH_MAX);

		if (place)
			line(mount, place, root, seq, buffer + PATH_MAX);
	}
	read_unlock(&dcache_lock);
	mount_unlock();
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
