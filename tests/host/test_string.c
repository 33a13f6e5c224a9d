// lib/string against the host's libc.
#include "check.h"
#include <lib/string.h>

#define SPAN 400

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void fill_random(u8 *p, size_t n)
{
	while (n--)
		*p++ = (u8)random_next();
}

// All combinations of alignment with a range of lengths, in blocks of exact size.
static void test_copy(void)
{
	for (size_t to = 0; to < 9; to++) {
		for (size_t from = 0; from < 9; from++) {
			for (size_t n = 0; n < 150; n++) {
				u8 *src = malloc(from + n + 1), *dst = malloc(to + n + 1);
				u8 *want = malloc(to + n + 1);

				fill_random(src, from + n + 1);
				memset(dst, 0xa5, to + n + 1);
				memset(want, 0xa5, to + n + 1);
				memcpy(want + to, src + from, n);
				CHECK(lib_memcpy(dst + to, src + from, n) == dst + to);
				CHECK(memcmp(dst, want, to + n + 1) == 0);
				free(src), free(dst), free(want);
			}
		}
	}
	// Reads stay inside of the source to the byte.
	for (size_t n = 1; n < 100; n++) {
		u8 *src = malloc(n), *dst = malloc(n);

		fill_random(src, n);
		for (size_t skip = 0; skip < 9 && skip < n; skip++) {
			lib_memcpy(dst, src + skip, n - skip);
			CHECK(memcmp(dst, src + skip, n - skip) == 0);
		}
		free(src), free(dst);
	}
}

static void test_move(void)
{
	for (int i = 0; i < 40000; i++) {
		u8 a[SPAN], b[SPAN];
		size_t n = random_below(SPAN / 2), from = random_below(SPAN - n);
		size_t to = random_below(SPAN - n);

		fill_random(a, SPAN);
		memcpy(b, a, SPAN);
		memmove(a + to, a + from, n);
		CHECK(lib_memmove(b + to, b + from, n) == b + to);
		CHECK(memcmp(a, b, SPAN) == 0);
	}
}

static void test_set(void)
{
	for (int i = 0; i < 20000; i++) {
		u8 a[SPAN], b[SPAN];
		size_t n = random_below(SPAN), at = random_below(SPAN - n);
		int c = (int)random_next();

		fill_random(a, SPAN);
		memcpy(b, a, SPAN);
		memset(a + at, c, n);
		CHECK(lib_memset(b + at, c, n) == b + at);
		CHECK(memcmp(a, b, SPAN) == 0);
		CHECK(!mem_find_other(b + at, (u8)c, n));
		if (n) {
			size_t odd = random_below(n);

			b[at + odd] ^= 1;
			CHECK(mem_find_other(b + at, (u8)c, n) == b + at + odd);
		}
		mem_wipe(b, n);
		CHECK(!mem_find_other(b, 0, n));
	}
}

static void test_compare(void)
{
	for (int i = 0; i < 40000; i++) {
		u8 a[SPAN], b[SPAN];
		size_t x = random_below(16), y = random_below(2) ? x : random_below(16);
		size_t n = random_below(SPAN - 16);

		fill_random(a, SPAN);
		memcpy(b + y, a + x, n);
		if (n && random_below(3))
			b[y + random_below(n)] ^= (u8)random_next();
		CHECK_EQ(sign(lib_memcmp(a + x, b + y, n)), sign(memcmp(a + x, b + y, n)));
		int c = a[random_below(SPAN)];

		CHECK(lib_memchr(a + x, c, n) == memchr(a + x, c, n));
	}
}

// Random short strings over a small alphabet, so that much is equal.
static char *random_string(size_t max)
{
	size_t n = random_below(max);
	char *s = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = "aAbB,\xe9"[random_below(6)];
	s[n] = '\0';
	return s;
}

static void test_strings(void)
{
	for (int i = 0; i < 40000; i++) {
		char *a = random_string(12), *b = random_string(i % 2 ? 12 : 3);
		size_t n = random_below(14);
		int c = "aAbB,\xe9z"[random_below(8)];

		CHECK_EQ(lib_strlen(a), strlen(a));
		CHECK_EQ(lib_strnlen(a, n), strnlen(a, n));
		CHECK_EQ(sign(lib_strcmp(a, b)), sign(strcmp(a, b)));
		CHECK_EQ(sign(lib_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		CHECK_EQ(sign(lib_strcasecmp(a, b)), sign(strcasecmp(a, b)));
		CHECK_EQ(sign(lib_strncasecmp(a, b, n)), sign(strncasecmp(a, b, n)));
		CHECK(lib_strchr(a, c) == strchr(a, c));
		CHECK(lib_strrchr(a, c) == strrchr(a, c));
		CHECK(lib_strstr(a, b) == strstr(a, b));
		CHECK_EQ(lib_strspn(a, b), strspn(a, b));
		CHECK_EQ(lib_strcspn(a, b), strcspn(a, b));
		CHECK_EQ(str_starts_with(a, b), strncmp(a, b, strlen(b)) == 0);
		CHECK_EQ(str_ends_with(a, b),
			 strlen(a) >= strlen(b) && !strcmp(a + strlen(a) - strlen(b), b));
		free(a), free(b);
	}
}

static void test_strsep(void)
{
	for (int i = 0; i < 5000; i++) {
		char *a = random_string(20), *b = strdup(a), *x = a, *y = b;

		for (;;) {
			char *p = strsep(&x, ",A"), *q = lib_strsep(&y, ",A");

			CHECK_STR(q, p);
			if (!p || !q)
				break;
		}
		free(a), free(b);
	}
}

static void test_strscpy(void)
{
	char buf[4];

	CHECK_EQ(strscpy(buf, "abc", sizeof(buf)), 3);
	CHECK_STR(buf, "abc");
	CHECK_EQ(strscpy(buf, "abcd", sizeof(buf)), -7);
	CHECK_STR(buf, "abc");
	CHECK_EQ(strscpy(buf, "", sizeof(buf)), 0);
	CHECK_STR(buf, "");
	CHECK_EQ(strscpy(buf, "x", 0), -7);
	CHECK_EQ(strscpy(buf, "x", 1), -7);
	CHECK_STR(buf, "");
}

static void test_strip(void)
{
	char text[] = " \t a b \n", blank[] = " \n", empty[] = "";

	CHECK_STR(str_strip(text), "a b");
	CHECK_STR(str_strip(blank), "");
	CHECK_STR(str_strip(empty), "");
	CHECK_STR(str_skip_blanks(" \tx "), "x ");
}

int main(void)
{
	static const struct test tests[] = {
		{"copy", test_copy},       {"move", test_move},       {"set", test_set},
		{"compare", test_compare}, {"strings", test_strings}, {"strsep", test_strsep},
		{"strscpy", test_strscpy}, {"strip", test_strip},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
