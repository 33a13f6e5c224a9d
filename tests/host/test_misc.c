// lib/sort, ring, glob, hash, chacha and errname.
#include "check.h"
#include <fnmatch.h>
#include <lib/chacha.h>
#include <lib/errname.h>
#include <lib/glob.h>
#include <lib/hash.h>
#include <lib/ring.h>
#include <lib/sort.h>

static int compare_bytes(const void *a, const void *b, void *ctx)
{
	return memcmp(a, b, *(size_t *)ctx);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void test_sort(void)
{
	for (int round = 0; round < 2000; round++) {
		size_t n = random_below(60), size = 1 + random_below(24);
		u8 *data = malloc(n * size + 1);
		u32 sum = 0;

		for (size_t i = 0; i < n * size; i++)
			sum += data[i] = (u8)random_below(random_below(2) ? 3 : 256);
		sort_with(data, n, size, compare_bytes, &size);
		for (size_t i = 0; i < n * size; i++)
			sum -= data[i];
		CHECK_EQ(sum, 0);
		for (size_t i = 1; i < n; i++)
			CHECK(memcmp(data + (i - 1) * size, data + i * size, size) <= 0);
		free(data);
	}
	for (int round = 0; round < 500; round++) {
		int a[100], b[100];
		size_t n = random_below(101);

		for (size_t i = 0; i < n; i++)
			a[i] = b[i] = (int)random_u64();
		sort(a, n, sizeof(int), compare_ints);
		qsort(b, n, sizeof(int), compare_ints);
		CHECK(memcmp(a, b, n * sizeof(int)) == 0);
	}
}

static void test_ring(void)
{
	u8 space[16], model[16];
	struct ring r;
	size_t n = 0;

	ring_init(&r, space, sizeof(space));
	r.head = r.tail = 0xfffffff8; // the counters wrap early in this test
	for (int i = 0; i < 50000; i++) {
		u8 bytes[24], byte = (u8)random_next();
		size_t want = random_below(sizeof(bytes)), got;

		switch (random_below(6)) {
		case 0:
			for (size_t k = 0; k < want; k++)
				bytes[k] = (u8)random_next();
			got = ring_write(&r, bytes, want);
			CHECK_EQ(got, MIN(want, sizeof(space) - n));
			memcpy(model + n, bytes, got);
			n += got;
			break;
		case 1:
			got = ring_read(&r, bytes, want);
			CHECK_EQ(got, MIN(want, n));
			CHECK(memcmp(bytes, model, got) == 0);
			n -= got;
			memmove(model, model + got, n);
			break;
		case 2:
			CHECK_EQ(ring_put(&r, byte), n < sizeof(space));
			if (n < sizeof(space))
				model[n++] = byte;
			break;
		case 3:
			CHECK_EQ(ring_get(&r, &byte), n > 0);
			if (n) {
				CHECK_EQ(byte, model[0]);
				memmove(model, model + 1, --n);
			}
			break;
		case 4:
			CHECK_EQ(ring_unput(&r, &byte), n > 0);
			if (n)
				CHECK_EQ(byte, model[--n]);
			break;
		default:
			if (random_below(20) == 0) {
				ring_clear(&r);
				n = 0;
			}
		}
		CHECK_EQ(ring_used(&r), n);
		CHECK_EQ(ring_room(&r), sizeof(space) - n);
		CHECK_EQ(ring_empty(&r), n == 0);
		for (u32 k = 0; k < n; k++)
			CHECK_EQ(ring_peek(&r, k), model[k]);
	}
}

static void test_glob(void)
{
	static const struct {
		const char *pattern, *text;
		u32 flags;
		bool match;
	} cases[] = {
		{"", "", 0, true},
		{"", "a", 0, false},
		{"*", "", 0, true},
		{"a*b*c", "axxbyybzzc", 0, true},
		{"a*b*c", "axxbyybzz", 0, false},
		{"*.c", "x.c", 0, true},
		{"*.c", "x.cc", 0, false},
		{"a?c", "abc", 0, true},
		{"[a-c]x", "bx", 0, true},
		{"[!a-c]x", "bx", 0, false},
		{"[^a-c]x", "dx", 0, true},
		{"[]a]", "]", 0, true},
		{"[a-]", "-", 0, true},
		{"[[:digit:][:upper:]]", "7", 0, true},
		{"[[:digit:][:upper:]]", "Q", 0, true},
		{"[[:digit:][:upper:]]", "q", 0, false},
		{"[ab", "[ab", 0, true},
		{"\\*", "*", 0, true},
		{"\\*", "x", 0, false},
		{"\\*", "\\x", GLOB_NOESCAPE, true},
		{"*", "a/b", 0, true},
		{"*", "a/b", GLOB_PATHNAME, false},
		{"*/*", "a/b", GLOB_PATHNAME, true},
		{"a?b", "a/b", GLOB_PATHNAME, false},
		{"*", ".x", GLOB_PERIOD, false},
		{".*", ".x", GLOB_PERIOD, true},
		{"?x", ".x", GLOB_PERIOD, false},
		{"a/*", "a/.x", GLOB_PERIOD | GLOB_PATHNAME, false},
		{"HeLLo*", "hEllO", GLOB_CASEFOLD, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!CHECK_EQ(glob_match(cases[i].pattern, cases[i].text, cases[i].flags),
			      cases[i].match))
			printf("\tpattern %s, text %s\n", cases[i].pattern, cases[i].text);
	CHECK(glob_has_wildcard("a*") && glob_has_wildcard("[x]") && glob_has_wildcard("?"));
	CHECK(!glob_has_wildcard("a\\*b") && !glob_has_wildcard(""));
}

// Small alphabet; no brackets whose meaning is open (unclosed, empty or backward ranges).
static void test_glob_random(void)
{
	static const char *const pieces[] = {"a",    "b",    "*",   "?",      "/",   ".",
					     "[ab]", "[!a]", "\\a", "[a-c/]", "\\*", "[[:alpha:]]"};

	for (int i = 0; i < 200000; i++) {
		char pattern[100] = "", text[12];
		size_t n = random_below(7), m = random_below(10);
		u32 flags = (u32)random_below(8);
		int host = (flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0) |
			   (flags & GLOB_PATHNAME ? FNM_PATHNAME : 0) |
			   (flags & GLOB_PERIOD ? FNM_PERIOD : 0);

		while (n--) {
			size_t k = random_below(ARRAY_SIZE(pieces));

			// Whether '/' in brackets ends them with PATHNAME is open, too.
			if (k != 9 || !(flags & GLOB_PATHNAME))
				strcat(pattern, pieces[k]);
		}
		for (size_t k = 0; k < m; k++)
			text[k] = "aab./*"[random_below(6)];
		text[m] = '\0';
		// glibc hides a '.' in the second place from what follows "*?".
		if ((flags & GLOB_PERIOD) && strstr(pattern, "*?"))
			continue;
		if (!CHECK_EQ(glob_match(pattern, text, flags), fnmatch(pattern, text, host) == 0))
			printf("\tpattern %s, text %s, flags %u\n", pattern, text, flags);
	}
}

// RFC 8439, section 2.3.2.
static void test_chacha(void)
{
	static const u8 want[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	u8 key[32], nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a}, out[64];
	u32 key_words[8], nonce_words[3];

	for (u8 i = 0; i < 32; i++)
		key[i] = i;
	memcpy(key_words, key, 32);
	memcpy(nonce_words, nonce, 12);
	chacha20_block(key_words, 1, nonce_words, out);
	CHECK(memcmp(out, want, 64) == 0);
}

static void test_hash(void)
{
	unsigned used[256] = {0}, most = 0;

	// Page-aligned addresses spread over a table.
	for (u64 i = 0; i < 2560; i++)
		used[hash_u64(0xffffffc000000000ul + i * 4096, 8)]++;
	for (int i = 0; i < 256; i++)
		most = MAX(most, used[i]);
	CHECK(most <= 30);
	CHECK_EQ(hash_bytes("", 0), 0x811c9dc5);
	CHECK_EQ(hash_bytes("foobar", 6), 0xbf9cf968);
}

static void test_errname(void)
{
	CHECK_STR(errno_name(2), "ENOENT");
	CHECK_STR(errno_name(-11), "EAGAIN");
	CHECK_STR(errno_name(0), "0");
	CHECK_STR(errno_name(133), "EHWPOISON");
	CHECK(!errno_name(134) && !errno_name(41) && !errno_name(-512));
	CHECK(!errno_name(INT32_MIN));
	for (int i = 0; i < 134; i++) {
		CHECK_EQ(!errno_name(i), !errno_message(i));
		if (errno_message(i))
			CHECK_STR(errno_message(-i), strerror(i));
	}
}

int main(void)
{
	static const struct test tests[] = {
		{"sort", test_sort},       {"ring", test_ring},
		{"glob", test_glob},       {"glob random", test_glob_random},
		{"chacha", test_chacha},   {"hash", test_hash},
		{"errname", test_errname},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
