// lib/parse against strtoul, and lists and options by example.
#include "check.h"
#include <errno.h>
#include <lib/bitmap.h>
#include <lib/parse.h>

static void check_against_libc(const char *s, int base)
{
	const char *end = NULL;
	char *want_end;
	u64 got = 0, want;
	int error = parse_u64(s, &end, base, &got);

	if (*s == '\n')
		return; // libc would skip it
	errno = 0;
	want = strtoul(s, &want_end, base);
	if (want_end == s) {
		CHECK_EQ(error, -EINVAL);
	} else if (errno == ERANGE) {
		CHECK_EQ(error, -ERANGE);
	} else if (CHECK_EQ(error, 0)) {
		CHECK_EQ(got, want);
		CHECK(end == want_end);
		CHECK_EQ(parse_u64(s, NULL, base, &got),
			 *want_end && strcmp(want_end, "\n") ? -EINVAL : 0);
	}
}

static void test_unsigned(void)
{
	static const char *const some[] = {
		"",
		"0",
		"0x",
		"0x1",
		"0xg",
		"x",
		"08",
		"07",
		"10\n",
		"18446744073709551615",
		"18446744073709551616",
		"0xffffffffffffffff",
		"0x10000000000000000",
		"z",
		"1\n\n",
	};
	static const int bases[] = {0, 2, 8, 10, 16, 36};

	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		for (size_t k = 0; k < ARRAY_SIZE(bases); k++)
			check_against_libc(some[i], bases[k]);
	for (int i = 0; i < 50000; i++) {
		char s[30];
		size_t n = random_below(24);

		for (size_t k = 0; k < n; k++)
			s[k] = "01279aFxXzZ\n"[random_below(12)];
		s[n] = '\0';
		check_against_libc(s, bases[random_below(ARRAY_SIZE(bases))]);
	}
}

static void test_signed(void)
{
	s64 v = 0;

	CHECK_EQ(parse_s64("-9223372036854775808", NULL, 10, &v), 0);
	CHECK_EQ(v, INT64_MIN);
	CHECK_EQ(parse_s64("9223372036854775807", NULL, 10, &v), 0);
	CHECK_EQ(v, INT64_MAX);
	CHECK_EQ(parse_s64("9223372036854775808", NULL, 10, &v), -ERANGE);
	CHECK_EQ(parse_s64("-9223372036854775809", NULL, 10, &v), -ERANGE);
	CHECK_EQ(parse_s64("+12", NULL, 10, &v), 0);
	CHECK_EQ(v, 12);
	CHECK_EQ(parse_s64("-", NULL, 10, &v), -EINVAL);
	CHECK_EQ(parse_s64("--1", NULL, 10, &v), -EINVAL);
	CHECK_EQ(parse_s64("-0x10", NULL, 0, &v), 0);
	CHECK_EQ(v, -16);
}

static void test_size(void)
{
	static const struct {
		const char *text;
		int error;
		u64 value;
	} cases[] = {
		{"0", 0, 0},
		{"5", 0, 5},
		{"4k", 0, 4096},
		{"0x10M", 0, 16 * MIB},
		{"3G\n", 0, 3 * GIB},
		{"2T", 0, 2048 * GIB},
		{"16777215T", 0, 16777215ul << 40},
		{"16777216T", -ERANGE, 0},
		{"4kk", -EINVAL, 0},
		{"k", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"1+", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 v = 0;

		if (CHECK_EQ(parse_size(cases[i].text, NULL, &v), cases[i].error) &&
		    !cases[i].error)
			CHECK_EQ(v, cases[i].value);
	}
}

static void test_cpulist(void)
{
	static const struct {
		const char *text;
		int error;
		const char *normal;
	} cases[] = {
		{"", 0, ""},
		{"0", 0, "0"},
		{" 3,1 ,2\n", 0, "1-3"},
		{"0-3,8,16-31:2/4", 0, "0-3,8,16-17,20-21,24-25,28-29"},
		{"99", 0, "99"},
		{"0-99", 0, "0-99"},
		{"100", -ERANGE, NULL},
		{"5-100", -ERANGE, NULL},
		{"18446744073709551616", -ERANGE, NULL},
		{"3-1", -EINVAL, NULL},
		{"1-", -EINVAL, NULL},
		{"a", -EINVAL, NULL},
		{"1 x", -EINVAL, NULL},
		{"0-9:3", -EINVAL, NULL},
		{"0-9:3/0", -EINVAL, NULL},
		{"0-9:3/2", -EINVAL, NULL},
	};
	BITMAP(map, 100);
	BITMAP(again, 100);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[100];

		CHECK_EQ(parse_cpulist(cases[i].text, map, 100), cases[i].error);
		if (cases[i].error)
			continue;
		CHECK_EQ(format_cpulist(text, sizeof(text), map, 100), strlen(cases[i].normal));
		CHECK_STR(text, cases[i].normal);
	}
	for (int i = 0; i < 3000; i++) {
		char text[500], cut[8];

		map[0] = random_next() & random_next();
		map[1] = random_next();
		size_t n = format_cpulist(text, sizeof(text), map, 100);

		CHECK_EQ(n, strlen(text));
		CHECK_EQ(parse_cpulist(text, again, 100), 0);
		CHECK(bitmap_equal(map, again, 100));
		CHECK_EQ(format_cpulist(cut, sizeof(cut), map, 100), n);
		CHECK(strncmp(cut, text, sizeof(cut) - 1) == 0 && strlen(cut) < sizeof(cut));
		CHECK_EQ(format_cpulist(NULL, 0, map, 100), n);
	}
}

// All options as "key=value;" or "key;".
static const char *options(const char *line, bool (*next)(char **, char **, char **))
{
	static char out[200];
	char copy[200], *cursor = copy, *key, *value;

	strcpy(copy, line);
	out[0] = '\0';
	while (next(&cursor, &key, &value))
		sprintf(out + strlen(out), value ? "%s=%s;" : "%s;", key, value);
	CHECK(!next(&cursor, &key, &value));
	return out;
}

static void test_options(void)
{
	CHECK_STR(options("", parse_next_option), "");
	CHECK_STR(options("  a  b=1\tc= \n", parse_next_option), "a;b=1;c=;");
	CHECK_STR(options("x=\"a b\" \"y=c d\" z=a=b", parse_next_option), "x=a b;y=c d;z=a=b;");
	CHECK_STR(options("q=\"open end", parse_next_option), "q=open end;");
	CHECK_STR(options("=v", parse_next_option), "=v;");
	CHECK_STR(options("ro,size=4k,,=,=7,mode=\"1=,2\",", parse_next_mount_option),
		  "ro;size=4k;mode=\"1=;2\";");
}

int main(void)
{
	static const struct test tests[] = {
		{"unsigned", test_unsigned}, {"signed", test_signed},   {"size", test_size},
		{"cpulist", test_cpulist},   {"options", test_options},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
