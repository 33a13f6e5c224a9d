// Unpacking the archive that is the first root file system: "newc" cpio, as made by
// cpio -o -H newc. Several archives may follow each other, padded with zeroes.

#include <core/printk.h>
#include <fs/chrdev.h>
#include <fs/initramfs.h>
#include <fs/open.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/errno.h>

#define HEADER_SIZE 110
#define LINKS_MAX   64

struct entry {
	u32 inode, mode, uid, gid, nlink, mtime, size, dev_major, dev_minor, rdev_major, rdev_minor,
		name_size;
	const char *name;
	const u8 *data;
};

// A file with several names comes once for each; its data with the last.
struct link {
	u32 inode, dev;
	char name[128];
};

static int hex_field(const u8 *at, u32 *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		u8 c = at[i] | 0x20;
		u32 digit = c >= 'a' ? c - 'a' + 10u : c - '0' + 0u;

		if (digit > 15 || (at[i] < '0'))
			return -EINVAL;
		*value = *value << 4 | digit;
	}
	return 0;
}

// Reads one entry at *at; moves *at behind it.
static int entry_read(const u8 **at, const u8 *end, struct entry *entry, const char **reason)
{
	const u8 *p = *at;
	u32 fields[13];

	*reason = "truncated header";
	if (end - p < HEADER_SIZE)
		return -EINVAL;
	*reason = memcmp(p, "\x1f\x8b", 2) ? "not a newc cpio archive" : "gzip is not supported";
	if (memcmp(p, "070701", 6) && memcmp(p, "070702", 6))
		return -EINVAL;
	*reason = "bad number in a header";
	for (int i = 0; i < 13; i++) {
		if (hex_field(p + 6 + 8 * i, &fields[i]))
			return -EINVAL;
	}
	memcpy(entry, fields, 12 * sizeof(u32)); // in the order of the header
	entry->name = (const char *)p + HEADER_SIZE;
	*reason = "bad name";
	size_t left = end - p - HEADER_SIZE;
	if (!entry->name_size || entry->name_size > 4096 || entry->name_size > left ||
	    entry->name[entry->name_size - 1])
		return -EINVAL;
	p += ALIGN_UP(HEADER_SIZE + (u64)entry->name_size, 4);
	*reason = "truncated file";
	if (p > end || entry->size > (u64)(end - p))
		return -EINVAL;
	entry->data = p;
	p += MIN(ALIGN_UP((u64)entry->size, 4), (u64)(end - p));
	*at = p;
	return 0;
}

static int write_file(const char *name, const struct entry *entry)
{
	struct iov_iter iter;
	struct file *file;
	u64 pos = 0;

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
	return done < 0 ? (int)done : 0;
}

static void set_owner(const char *name, const struct entry *entry)
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

static int make_symlink(const char *name, const struct entry *entry)
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

// If the file came before under another name, links to that. Remembers it otherwise.
static bool link_known(const char *name, const struct entry *entry, struct link *links, int *count)
{
	u32 dev = entry->dev_major << 20 | entry->dev_minor;

	if (entry->nlink < 2)
		return false;
	for (int i = 0; i < *count; i++) {
		if (links[i].inode == entry->inode && links[i].dev == dev)
			return vfs_link(AT_FDCWD, links[i].name, AT_FDCWD, name, 0) == 0;
	}
	if (*count < LINKS_MAX) {
		struct link *link = &links[(*count)++];

		link->inode = entry->inode;
		link->dev = dev;
		strscpy(link->name, name, sizeof(link->name));
	}
	return false;
}

static int entry_make(const struct entry *entry, struct link *links, int *count)
{
	const char *name = entry->name;
	int error;

	while (*name == '/')
		name++;
	if (!*name || !strcmp(name, "."))
		return 0;
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		if (link_known(name, entry, links, count) && !entry->size)
			return 0;
		return write_file(name, entry);
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
	const u8 *at = archive, *end = at + size;
	struct link *links = kmalloc(LINKS_MAX * sizeof(*links), GFP_KERNEL);
	int count = 0, error = 0, entries = 0;
	const char *reason = NULL;

	if (!links)
		return -ENOMEM;
	while (at < end && !error) {
		struct entry entry;

		if (!*at) {
			at++;
			continue;
		}
		error = entry_read(&at, end, &entry, &reason);
		if (error) {
			pr_err("initramfs: %s at offset %lu of %lu\n", reason,
			       (u64)(at - (const u8 *)archive), size);
			break;
		}
		if (!strcmp(entry.name, "TRAILER!!!")) {
			count = 0;
			continue;
		}
		error = entry_make(&entry, links, &count);
		if (error)
			pr_err("initramfs: %s: error %d\n", entry.name, error);
		entries++;
	}
	kfree(links);
	return error ?: entries;
}
