// What is told of one mount, field by field (statmount(2)), and which mounts there are (listmount(2)).
// Mounts are known by numbers that are never used again. Texts are those of /proc/PID/mountinfo, but
// with nothing escaped.

#include <core/errno.h>
#include <fs/fs_context.h>
#include <fs/mount_internal.h>
#include <fs/mount_status.h>
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

// --- What a number means ---

static struct mount *find(struct mnt_ns *ns, u64 number)
{
	struct mount *mount;

	list_for_each_entry (mount, &ns->mounts, in_ns) {
		if (mount->number == number)
			return mount;
	}
	return NULL;
}

// From where current looks: its root, or that of another namespace.
static void viewpoint(struct mnt_ns *ns, struct path *root)
{
	if (!ns || ns == current->nsproxy->mnt)
		fs_context_root(current->fs, root);
	else
		mnt_ns_root(ns, root);
}

static bool may_see_all(const struct mnt_ns *ns)
{
	return ns_capable(ns->common.owner, CAP_SYS_ADMIN);
}

// --- Numbers and flags ---

static u64 attributes_of(u32 flags)
{
	u64 bits = 0;

	bits |= (flags & MOUNT_RDONLY) ? MOUNT_ATTR_RDONLY : 0;
	bits |= (flags & MOUNT_NOSUID) ? MOUNT_ATTR_NOSUID : 0;
	bits |= (flags & MOUNT_NODEV) ? MOUNT_ATTR_NODEV : 0;
	bits |= (flags & MOUNT_NOEXEC) ? MOUNT_ATTR_NOEXEC : 0;
	bits |= (flags & MOUNT_NODIRATIME) ? MOUNT_ATTR_NODIRATIME : 0;
	bits |= (flags & MOUNT_NOSYMFOLLOW) ? MOUNT_ATTR_NOSYMFOLLOW : 0;
	if (flags & MOUNT_NOATIME)
		return bits | MOUNT_ATTR_NOATIME;
	return bits | ((flags & MOUNT_RELATIME) ? MOUNT_ATTR_RELATIME : MOUNT_ATTR_STRICTATIME);
}

static u64 propagation_of(const struct mount *mount)
{
	u64 kinds = mount_is_shared(mount) ? MS_SHARED : 0;

	kinds |= mount->master ? MS_SLAVE : 0;
	kinds |= (mount->flags & MOUNT_UNBINDABLE) ? MS_UNBINDABLE : 0;
	return kinds ?: MS_PRIVATE;
}

static void tell_basics(const struct mount *mount, struct statmount *out)
{
	const struct mount *parent = mount->parent ?: mount;

	out->mnt_id = mount->number;
	out->mnt_parent_id = parent->number;
	out->mnt_id_old = mount->id;
	out->mnt_parent_id_old = parent->id;
	out->mnt_attr = attributes_of(mount->flags);
	out->mnt_propagation = propagation_of(mount);
	out->mnt_peer_group = mount_is_shared(mount) ? mount->group : 0;
	out->mnt_master = mount->master ? mount->master->group : 0;
}

static void tell_superblock(const struct superblock *sb, struct statmount *out)
{
	out->sb_dev_major = sb->dev >> 20;
	out->sb_dev_minor = sb->dev & 0xfffff;
	out->sb_magic = sb->magic;
	out->sb_flags = (sb->read_only ? MS_RDONLY : 0) |
			(sb->words & (MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME));
}

// --- Texts ---

// Ends a text that began at `start`. False: there is none, and its offset stays 0, that of "".
static bool end_text(struct seq *seq, size_t start, u32 *offset)
{
	if (seq->count == start)
		return false;
	seq_putc(seq, '\0');
	*offset = start;
	return true;
}

static bool put_text(struct seq *seq, const char *text, u32 *offset)
{
	size_t start = seq->count;

	seq_puts(seq, text);
	return end_text(seq, start, offset);
}

// Options of the file system without the comma before the first.
static void put_options(struct seq *seq, struct superblock *sb)
{
	size_t start = seq->count;

	if (sb->show_options)
		sb->show_options(sb, seq);
	if (seq->count == start)
		return;
	memmove(seq->buffer + start, seq->buffer + start + 1, seq->count - start - 1);
	seq->count--;
}

static bool put_option_text(struct seq *seq, struct superblock *sb, u32 *offset)
{
	size_t start = seq->count;

	put_options(seq, sb);
	return end_text(seq, start, offset);
}

// The same, each as a text of its own.
static bool put_option_array(struct seq *seq, struct superblock *sb, u32 *number, u32 *offset)
{
	size_t start = seq->count;

	put_options(seq, sb);
	if (!end_text(seq, start, offset))
		return false;
	for (size_t at = start; at < seq->count; at++) {
		if (seq->buffer[at] == ',')
			seq->buffer[at] = '\0';
		*number += !seq->buffer[at];
	}
	return true;
}

static bool put_root(struct seq *seq, struct mount *mount, char *buffer, u32 *offset)
{
	if (!mount->sb->show_root)
		return put_text(seq, mount_root_text(mount, buffer, PATH_MAX), offset);
	mount->sb->show_root(mount->root, buffer);
	return put_text(seq, buffer, offset);
}

static bool put_place(struct seq *seq, struct mount *mount, const struct path *root, char *buffer,
		      u32 *offset)
{
	const char *place = mount_place_text(mount, root, buffer, PATH_MAX);

	return place && put_text(seq, place, offset);
}

#define TEXTS                                                                                \
	(STATMOUNT_FS_TYPE | STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT | STATMOUNT_MNT_OPTS | \
	 STATMOUNT_OPT_ARRAY | STATMOUNT_OPT_SEC_ARRAY | STATMOUNT_FS_SUBTYPE |              \
	 STATMOUNT_SB_SOURCE | STATMOUNT_MNT_UIDMAP | STATMOUNT_MNT_GIDMAP)

// Of those that are known there are no subtypes, no security options and no mapped ids to tell of.
static u64 tell_texts(struct mount *mount, const struct path *root, u64 mask, char *buffer,
		      struct statmount *out, struct seq *seq)
{
	struct superblock *sb = mount->sb;
	u64 told = 0;

	seq_putc(seq, '\0'); // what texts that are not there point to
	if ((mask & STATMOUNT_FS_TYPE) && put_text(seq, sb->type, &out->fs_type))
		told |= STATMOUNT_FS_TYPE;
	if ((mask & STATMOUNT_MNT_ROOT) && put_root(seq, mount, buffer, &out->mnt_root))
		told |= STATMOUNT_MNT_ROOT;
	if ((mask & STATMOUNT_MNT_POINT) && put_place(seq, mount, root, buffer, &out->mnt_point))
		told |= STATMOUNT_MNT_POINT;
	if ((mask & STATMOUNT_MNT_OPTS) && put_option_text(seq, sb, &out->mnt_opts))
		told |= STATMOUNT_MNT_OPTS;
	if ((mask & STATMOUNT_OPT_ARRAY) &&
	    put_option_array(seq, sb, &out->opt_num, &out->opt_array))
		told |= STATMOUNT_OPT_ARRAY;
	if ((mask & STATMOUNT_SB_SOURCE) && put_text(seq, mount->source, &out->sb_source))
		told |= STATMOUNT_SB_SOURCE;
	return told;
}

static u64 tell_numbers(struct mount *mount, const struct path *root, u64 mask,
			struct statmount *out)
{
	u64 told = mask & (STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC | STATMOUNT_PROPAGATE_FROM |
			   STATMOUNT_SUPPORTED_MASK);

	if (mask & STATMOUNT_SB_BASIC)
		tell_superblock(mount->sb, out);
	if (mask & STATMOUNT_MNT_BASIC)
		tell_basics(mount, out);
	if (mask & STATMOUNT_PROPAGATE_FROM)
		out->propagate_from = propagation_visible_master(mount, root);
	if (mask & STATMOUNT_SUPPORTED_MASK)
		out->supported_mask = STATMOUNT_ALL_KNOWN;
	if ((mask & STATMOUNT_MNT_NS_ID) && mount->ns) {
		out->mnt_ns_id = ns_id(&mount->ns->common);
		told |= STATMOUNT_MNT_NS_ID;
	}
	return told;
}

// --- The questions ---

static int choose(struct mnt_ns *ns, u64 number, const struct path *root, struct mount **out)
{
	if (ns != current->nsproxy->mnt && !may_see_all(ns))
		return -EPERM;
	*out = find(ns, number);
	if (!*out)
		return -ENOENT;
	return mount_can_be_seen(*out, root) || may_see_all(ns) ? 0 : -EPERM;
}

static int status_locked(struct mnt_ns *ns, u64 number, struct mount *mount, u64 mask,
			 const struct path *root, char *buffer, struct statmount *out,
			 struct seq *seq)
{
	if (ns) {
		int error = choose(ns, number, root, &mount);

		if (error)
			return error;
	}
	read_lock(&dcache_lock); // names stand still
	out->mask = tell_numbers(mount, root, mask, out);
	if (mask & TEXTS)
		out->mask |= tell_texts(mount, root, mask, buffer, out, seq);
	read_unlock(&dcache_lock);
	return 0;
}

int mount_status(struct mnt_ns *ns, u64 number, struct mount *mount, u64 mask,
		 struct statmount *out, struct seq *seq)
{
	char *buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	struct path root;

	if (!buffer)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	mutex_lock(&mount_mutex);
	viewpoint(mount ? mount->ns : ns, &root);
	int error = mount && mount_is_detached(mount)
			    ? -ENOENT
			    : status_locked(ns, number, mount, mask, &root, buffer, out, seq);
	mount_unlock();
	path_put(&root);
	kfree(buffer);
	return error;
}

static struct mount *neighbour(struct mnt_ns *ns, struct mount *mount, bool reverse)
{
	struct list_head *link = mount ? &mount->in_ns : &ns->mounts;

	link = reverse ? link->prev : link->next;
	return link == &ns->mounts ? NULL : list_entry(link, struct mount, in_ns);
}

static size_t list_locked(struct mnt_ns *ns, const struct mount *except, const struct path *below,
			  u64 last, bool reverse, u64 *numbers, size_t count)
{
	struct mount *mount = NULL;
	size_t n = 0;

	while (n < count && (mount = neighbour(ns, mount, reverse))) {
		// Behind the last number of all there is nothing to leave out: it means the first.
		bool passed = last && last != UINT64_MAX &&
			      (reverse ? mount->number >= last : mount->number <= last);

		if (!passed && mount != except && mount_can_be_seen(mount, below))
			numbers[n++] = mount->number;
	}
	return n;
}

long mount_list(struct mnt_ns *ns, u64 number, u64 last, bool reverse, u64 *numbers, size_t count)
{
	struct mount *top = NULL;
	struct path root;
	long result = 0;

	mutex_lock(&mount_mutex);
	viewpoint(ns, &root);
	if (number != LSMT_ROOT)
		result = choose(ns, number, &root, &top);
	if (!result) {
		struct path below = top ? (struct path){top, top->root} : root;

		read_lock(&dcache_lock);
		result = list_locked(ns, top, &below, last, reverse, numbers, count);
		read_unlock(&dcache_lock);
	}
	mount_unlock();
	path_put(&root);
	return result;
}
