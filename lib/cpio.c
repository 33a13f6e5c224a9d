// Reading cpio archives in the newc format. See cpio.h.
//
// An entry is a header of text (a magic of 6 bytes and 13 numbers of 8 hexadecimal digits), the
// name, and the data; name and data are padded so that what follows is at a multiple of 4. The name
// TRAILER!!! ends an archive.
#include <lib/cpio.h>
#include <lib/ctype.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define HEADER_SIZE 110
#define NAME_MAX_   4096 // PATH_MAX, with the NUL

enum field {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	FILESIZE,
	DEV_MAJOR,
	DEV_MINOR,
	RDEV_MAJOR,
	RDEV_MINOR,
	NAMESIZE,
	CHECK,
	FIELDS,
};

static int fail(struct cpio_reader *r, const char *reason)
{
	r->reason = reason;
	r->error_at = r->next;
	return -EINVAL;
}

void cpio_init(struct cpio_reader *reader, const void *data, size_t size)
{
	*reader = (struct cpio_reader){.data = data, .size = size};
}

// What bytes that are no newc header are.
static const char *explain(const u8 *p, size_t n)
{
	static const struct {
		const char *magic;
		size_t length;
		const char *reason;
	} known[] = {
		{"\x1f\x8b", 2, "gzip-compressed: not supported"},
		{"BZh", 3, "bzip2-compressed: not supported"},
		{"\xfd"
		 "7zXZ",
		 5, "xz-compressed: not supported"},
		{"\x5d\x00\x00", 3, "lzma-compressed: not supported"},
		{"\x89LZO", 4, "lzo-compressed: not supported"},
		{"\x02!L\x18", 4, "lz4-compressed: not supported"},
		{"\x28\xb5\x2f\xfd", 4, "zstd-compressed: not supported"},
		{"070707", 6, "old portable cpio format (odc): not supported, use newc"},
		{"\xc7\x71", 2, "old binary cpio format: not supported, use newc"},
		{"\x71\xc7", 2, "old binary cpio format: not supported, use newc"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (n >= known[i].length && memcmp(p, known[i].magic, known[i].length) == 0)
			return known[i].reason;
	return NULL;
}

static bool read_fields(const u8 *p, u32 *fields)
{
	for (int i = 0; i < FIELDS; i++) {
		u32 value = 0;

		for (int k = 0; k < 8; k++) {
			unsigned digit = char_digit_value(*p++);

			if (digit > 15)
				return false;
			value = value << 4 | digit;
		}
		fields[i] = value;
	}
	return true;
}

static u32 sum_bytes(const u8 *p, size_t n)
{
	u32 sum = 0;

	while (n--)
		sum += *p++;
	return sum;
}

// Skips zero bytes between archives. False at the end of everything.
static bool skip_zeros(struct cpio_reader *r)
{
	const u8 *p = mem_find_other(r->data + r->next, 0, r->size - r->next);

	r->next = p ? (size_t)(p - r->data) : r->size;
	return p;
}

static int check_magic(struct cpio_reader *r)
{
	const u8 *p = r->data + r->next;
	size_t left = r->size - r->next;

	if (left >= 6 && (memcmp(p, "070701", 6) == 0 || memcmp(p, "070702", 6) == 0)) {
		if (r->next % 4)
			return fail(r, "archive is not at a multiple of 4 bytes");
		if (left < HEADER_SIZE)
			return fail(r, "truncated in a header");
		return 0;
	}
	const char *reason = r->inside ? NULL : explain(p, left);

	if (reason)
		return fail(r, reason);
	if (r->inside)
		return fail(r, left ? "no header where one should be" : "truncated: no trailer");
	return fail(r, r->archive ? "junk after the archive" : "not a cpio archive");
}

// Reads the entry at r->next and moves on; its trailer-ness is for the caller.
static int read_entry(struct cpio_reader *r, struct cpio_entry *e)
{
	const u8 *p = r->data + r->next;
	size_t left = r->size - r->next;
	u32 f[FIELDS];

	if (!read_fields(p + 6, f))
		return fail(r, "header has a bad digit");
	if (f[NAMESIZE] < 2 || f[NAMESIZE] > NAME_MAX_)
		return fail(r, "length of a name");
	size_t name_end = HEADER_SIZE + f[NAMESIZE];
	size_t data_at = ALIGN_UP(name_end, 4);

	if (name_end > left)
		return fail(r, "truncated in a name");
	if (p[name_end - 1] || strlen((const char *)p + HEADER_SIZE) != f[NAMESIZE] - 1)
		return fail(r, "name is not terminated at its end");
	if (f[FILESIZE] && (data_at > left || f[FILESIZE] > left - data_at))
		return fail(r, "truncated in the data of a file");
	if (p[5] == '2' && sum_bytes(p + data_at, f[FILESIZE]) != f[CHECK])
		return fail(r, "checksum of a file is wrong");
	*e = (struct cpio_entry){
		.name = (const char *)p + HEADER_SIZE,
		.name_length = f[NAMESIZE] - 1,
		.data = p + MIN(data_at, left),
		.size = f[FILESIZE],
		.mode = f[MODE],
		.uid = f[UID],
		.gid = f[GID],
		.nlink = f[NLINK],
		.ino = f[INO],
		.mtime = f[MTIME],
		.dev_major = f[DEV_MAJOR],
		.dev_minor = f[DEV_MINOR],
		.rdev_major = f[RDEV_MAJOR],
		.rdev_minor = f[RDEV_MINOR],
		.archive = r->archive,
	};
	// The padding behind the last entry may be missing.
	r->next += MIN(ALIGN_UP(data_at + f[FILESIZE], 4), left);
	return 0;
}

int cpio_next(struct cpio_reader *r, struct cpio_entry *e)
{
	if (r->reason)
		return -EINVAL;
	for (;;) {
		int error;

		if (!r->inside && !skip_zeros(r))
			return 0;
		error = check_magic(r);
		if (!error)
			error = read_entry(r, e);
		if (error)
			return error;
		r->inside = strcmp(e->name, "TRAILER!!!") != 0;
		if (r->inside)
			return 1;
		r->archive++;
	}
}
