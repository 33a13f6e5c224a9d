// lib/cpio on archives made here, well and badly.
#include "check.h"
#include <lib/cpio.h>
#include <uapi/errno.h>

// An archive under construction.
static char image[1 << 16];
static size_t used;

static void pad(void)
{
	while (used % 4)
		image[used++] = '\0';
}

static void add_entry(const char *magic, const char *name, const char *data, size_t size, u32 mode)
{
	u32 sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (u8)data[i];
	used += (size_t)sprintf(image + used,
				"%s%08x%08x%08x%08X%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", magic,
				7, mode, 1000, 0xabc, 2, 123456789, size, 8, 1, 5, 0x63,
				strlen(name) + 1, strcmp(magic, "070702") ? 0 : sum);
	memcpy(image + used, name, strlen(name) + 1);
	used += strlen(name) + 1;
	pad();
	memcpy(image + used, data, size);
	used += size;
	pad();
}

static void add(const char *name, const char *data)
{
	add_entry("070701", name, data, strlen(data), 0100644);
}

static void add_trailer(void)
{
	add("TRAILER!!!", "");
}

static void begin(void)
{
	memset(image, 0, sizeof(image));
	used = 0;
}

// Reads the first n bytes of the image, in a block of that size. Returns the names and data in one
// string, or the reason.
static const char *read_all(const void *data, size_t n)
{
	static char out[4000];
	struct cpio_reader r;
	struct cpio_entry e;
	u8 *copy = malloc(n);
	int result;

	if (n)
		memcpy(copy, data, n);
	out[0] = '\0';
	cpio_init(&r, copy, n);
	while ((result = cpio_next(&r, &e)) > 0) {
		CHECK_EQ(strlen(e.name), e.name_length);
		CHECK((const u8 *)e.data >= copy && (const u8 *)e.data + e.size <= copy + n);
		if (strlen(out) + e.name_length + e.size + 3 < sizeof(out))
			sprintf(out + strlen(out), "%s:%.*s;", e.name, (int)e.size,
				(const char *)e.data);
	}
	if (result < 0) {
		CHECK_EQ(result, -EINVAL);
		CHECK(r.reason && r.error_at <= n);
		CHECK_EQ(cpio_next(&r, &e), -EINVAL);
		strcpy(out, r.reason ? r.reason : "?");
	}
	free(copy);
	return out;
}

static void test_fields(void)
{
	struct cpio_reader r;
	struct cpio_entry e;

	begin();
	add("dev/console", "xyz");
	add_trailer();
	cpio_init(&r, image, used);
	CHECK_EQ(cpio_next(&r, &e), 1);
	CHECK_STR(e.name, "dev/console");
	CHECK_EQ(e.name_length, 11);
	CHECK_EQ(e.size, 3);
	CHECK(memcmp(e.data, "xyz", 3) == 0);
	CHECK_EQ(e.ino, 7);
	CHECK_EQ(e.mode, 0100644);
	CHECK_EQ(e.uid, 1000);
	CHECK_EQ(e.gid, 0xabc);
	CHECK_EQ(e.nlink, 2);
	CHECK_EQ(e.mtime, 123456789);
	CHECK_EQ(e.dev_major, 8);
	CHECK_EQ(e.dev_minor, 1);
	CHECK_EQ(e.rdev_major, 5);
	CHECK_EQ(e.rdev_minor, 0x63);
	CHECK_EQ(e.archive, 0);
	CHECK_EQ(cpio_next(&r, &e), 0);
	CHECK_EQ(cpio_next(&r, &e), 0);
	CHECK(!r.reason);
}

static void test_several(void)
{
	begin();
	add("a", "1");
	add("bb", "");
	add("ccc", "12345");
	add_trailer();
	CHECK_STR(read_all(image, used), "a:1;bb:;ccc:12345;");
	used = ALIGN_UP(used, 512);
	add_entry("070702", "d", "xyz", 3, 0100644);
	add_trailer();
	CHECK_STR(read_all(image, used), "a:1;bb:;ccc:12345;d:xyz;");
	CHECK_STR(read_all(image, used + 1000), "a:1;bb:;ccc:12345;d:xyz;");
	CHECK_STR(read_all("", 0), "");
	CHECK_STR(read_all("\0\0\0\0\0", 5), "");
}

static void test_wrong(void)
{
	size_t end;

	begin();
	add("file", "contents");
	end = used;
	add_trailer();
	size_t trailer_end = end + 110 + 11; // without padding

	for (size_t n = 1; n < trailer_end; n++) {
		const char *reason = read_all(image, n);

		CHECK(n < 6 ? !strcmp(reason, "not a cpio archive")
			    : strstr(reason, "trunc") || strstr(reason, "no header"));
	}
	CHECK_STR(read_all(image, end), "truncated: no trailer");
	CHECK_STR(read_all(image, trailer_end), "file:contents;");
	strcpy(image + used + 3, "junk");
	CHECK_STR(read_all(image, used + 8), "junk after the archive");
	memcpy(image + used + 2, image, end);
	CHECK_STR(read_all(image, used + 2 + end), "archive is not at a multiple of 4 bytes");
	image[end + 1] = 'x';
	CHECK_STR(read_all(image, used), "no header where one should be");

	begin();
	add_entry("070702", "d", "xyz", 3, 0100644);
	add_trailer();
	image[112] ^= 1;
	CHECK_STR(read_all(image, used), "checksum of a file is wrong");
	image[20] = 'g';
	CHECK_STR(read_all(image, used), "header has a bad digit");
}

// Field `i` of the first header gets another value.
static const char *with_field(int i, u32 value)
{
	char digits[9];

	begin();
	add("file", "contents");
	add_trailer();
	sprintf(digits, "%08x", value);
	memcpy(image + 6 + 8 * i, digits, 8);
	return read_all(image, used);
}

static void test_lengths(void)
{
	CHECK_STR(with_field(11, 0), "length of a name");
	CHECK_STR(with_field(11, 1), "length of a name");
	CHECK_STR(with_field(11, 4097), "length of a name");
	CHECK_STR(with_field(11, 0xffffffff), "length of a name");
	CHECK_STR(with_field(11, 4000), "truncated in a name");
	CHECK_STR(with_field(11, 4), "name is not terminated at its end");
	CHECK_STR(with_field(11, 6), "name is not terminated at its end");
	CHECK_STR(with_field(6, 0xffffffff), "truncated in the data of a file");
	CHECK_STR(with_field(6, 0x80000000), "truncated in the data of a file");
	CHECK_STR(with_field(6, 1000), "truncated in the data of a file");
}

static void test_other_formats(void)
{
	CHECK_STR(read_all("\x1f\x8b\x08garbage", 10), "gzip-compressed: not supported");
	CHECK_STR(read_all("\x28\xb5\x2f\xfdxxx", 7), "zstd-compressed: not supported");
	CHECK_STR(read_all("\xfd"
			   "7zXZ\0",
			   6),
		  "xz-compressed: not supported");
	CHECK_STR(read_all("BZh91AY", 7), "bzip2-compressed: not supported");
	CHECK_STR(read_all("\x02!L\x18zzz", 7), "lz4-compressed: not supported");
	CHECK(strstr(read_all("070707000000", 12), "odc"));
	CHECK_STR(read_all("\x7f"
			   "ELF....",
			   8),
		  "not a cpio archive");
	// Also as a second archive.
	begin();
	add("a", "1");
	add_trailer();
	memcpy(image + used, "\x1f\x8b\x08", 3);
	CHECK_STR(read_all(image, used + 3), "gzip-compressed: not supported");
}

static void test_random_damage(void)
{
	static char good[4096];
	size_t n;

	begin();
	add("a", "1");
	add("dir/name", "some contents");
	add_entry("070702", "d", "xyz", 3, 0100644);
	add_trailer();
	n = used;
	memcpy(good, image, n);
	for (int i = 0; i < 30000; i++) {
		memcpy(image, good, n);
		for (u64 k = random_below(4) + 1; k; k--)
			image[random_below(n)] = random_below(2) ? (char)random_next() : "0123f"[k];
		read_all(image, n);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{"fields", test_fields},
		{"several", test_several},
		{"wrong", test_wrong},
		{"lengths", test_lengths},
		{"other formats", test_other_formats},
		{"random damage", test_random_damage},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
