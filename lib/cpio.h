// Reads cpio archives of the "newc" format, as initramfs images are: one archive after the other in
// memory, with zero bytes between them. Hostile-safe: nothing outside of the bytes given is read.
#pragma once

#include <lib/base.h>

struct cpio_reader {
	const u8 *data;
	size_t size;
	size_t next;        // where the next header is expected
	bool inside;        // of an archive whose trailer has not come yet
	const char *reason; // what is wrong, after an error
	size_t error_at;    // and at which offset
	u32 archive;        // trailers so far
};

struct cpio_entry {
	const char *name; // terminated; not empty; may be absolute or hold "..": the caller decides
	size_t name_length;
	const void *data; // contents, or the target of a symbolic link (not terminated)
	size_t size;
	u32 mode; // with the file type
	u32 uid, gid;
	u32 nlink;
	u32 ino; // hard links have the same ino and dev; often only the last has the data
	u32 mtime;
	u32 dev_major, dev_minor;
	u32 rdev_major, rdev_minor;
	u32 archive; // number of trailers before: hard links do not reach across
};

void cpio_init(struct cpio_reader *reader, const void *data, size_t size);

// The next entry; trailers are not shown. 1, 0 at the end, or -EINVAL: reader->reason says why.
// After an error, the same error comes again.
int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry);
