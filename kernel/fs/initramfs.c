// Unpacking the archive that is the first root file system: "newc" cpio, as made by
// cpio -o -H newc. Several archives may follow each other, padded with zeroes.

#include <core/printk.h>
#include <fs/chrdev.h>
#include <fs/initramfs.h>
#include <fs/open.h>
#include <lib/cpio.h>
#include <lib/errname.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/errno.h>

// A regular file with several names comes once for each; its data with one of them.
struct link {
	u32 inode, dev_major, dev_minor;
	const char *name; // in the archive
};

struct unpacker {
	struct link *links; // of the present archive
	size_t link_count, link_room;
	u32 archive;
};

// `fresh`: whatever bears the name goes first. Otherwise it is a link that gets its data now.
static int write_file(const char *name, const struct cpio_entry *entry, bool fresh)
{
	struct iov_iter iter;
	struct file *file;
	u64 pos = 0;

	if (fresh)
		vfs_unlink(AT_FDCWD, name, false);
	int error = file_open(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, entry->mode & 07777,
			      &file);
	if (error)
		return error;
	iter_init_kernel(&iter, (void *)entry->data, entry->size);
	ssize_t done = entry->size ? file_write(file, &iter, &pos) : 0;
	file->inode->mode = entry->mode;
	file->inode->uid = entry->uid;
	file->inode->gid = entry->gid;
	file_put(file);
	if (done < 0)
		return (int)done;
	return (size_t)done == entry->size ? 0 : -ENOSPC;
}

static void set_owner(const char *name, const struct cpio_entry *entry)
{
	struct path path;

	if (path_lookup(AT_FDCWD, name, 0, &path))
		return;
	path_inode(&path)->uid = entry->uid;
	path_inode(&path)->gid = entry->gid;
	if (!S_ISLNK(entry->mode))
		path_inode(&path)->mode = entry->mode;
	path_put(&path);
}

static int make_symlink(const char *name, const struct cpio_entry *entry)
{
	char *target = kmalloc(entry->size + 1ul, GFP_KERNEL);

	if (!target)
		return -ENOMEM;
	memcpy(target, entry->data, entry->size);
	target[entry->size] = '\0';
	vfs_unlink(AT_FDCWD, name, false);
	int error = vfs_make(AT_FDCWD, name, S_IFLNK | 0777, 0, target);
	kfree(target);
	return error;
}

static int link_remember(struct unpacker *u, const char *name, const struct cpio_entry *entry)
{
	if (u->link_count == u->link_room) {
		size_t room = u->link_room ? 2 * u->link_room : 64;
		struct link *links = krealloc(u->links, room * sizeof(*links), GFP_KERNEL);

		if (!links)
			return -ENOMEM;
		u->links = links;
		u->link_room = room;
	}
	u->links[u->link_count++] = (struct link){entry->ino, entry->dev_major, entry->dev_minor,
						  name};
	return 0;
}

static int make_file(struct unpacker *u, const char *name, const struct cpio_entry *entry)
{
	if (entry->nlink < 2)
		return write_file(name, entry, true);
	for (size_t i = 0; i < u->link_count; i++) {
		const struct link *link = &u->links[i];

		if (link->inode != entry->ino || link->dev_major != entry->dev_major ||
		    link->dev_minor != entry->dev_minor)
			continue;
		vfs_unlink(AT_FDCWD, name, false);
		int error = vfs_link(AT_FDCWD, link->name, AT_FDCWD, name, 0);
		return error || !entry->size ? error : write_file(name, entry, false);
	}
	int error = link_remember(u, name, entry);
	return error ? error : write_file(name, entry, true);
}

static int entry_make(struct unpacker *u, const struct cpio_entry *entry)
{
	const char *name = entry->name;
	int error;

	while (*name == '/')
		name++;
	if (!*name || !strcmp(name, "."))
		return 0;
	if (entry->archive != u->archive) {
		u->archive = entry->archive;
		u->link_count = 0;
	}
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		return make_file(u, name, entry);
	case S_IFLNK:
		error = make_symlink(name, entry);
		break;
	case S_IFDIR:
		error = vfs_make(AT_FDCWD, name, entry->mode, 0, NULL);
		if (error == -EEXIST)
			error = 0;
		break;
	default:
		error = vfs_make(AT_FDCWD, name, entry->mode,
				 DEV_MAKE(entry->rdev_major, entry->rdev_minor), NULL);
	}
	if (!error)
		set_owner(name, entry);
	return error;
}

int initramfs_unpack(const void *archive, size_t size)
{
	struct unpacker unpacker = {0};
	struct cpio_reader reader;
	struct cpio_entry entry;
	int error = 0, entries = 0;

	cpio_init(&reader, archive, size);
	while (!error && (error = cpio_next(&reader, &entry)) > 0) {
		error = entry_make(&unpacker, &entry);
		if (error)
			pr_err("initramfs: %s: %s (error %d)\n", entry.name,
			       errno_name(error) ?: "?", error);
		entries++;
	}
	if (reader.reason)
		pr_err("initramfs: %s, at offset %lu of %lu\n", reader.reason, reader.error_at,
		       size);
	kfree(unpacker.links);
	return error ?: entries;
}
