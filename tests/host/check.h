// The harness of the host's unit tests: checks that print what they saw and go on, a table of
// tests, and random numbers that are the same in each run.
#pragma once

#include <lib/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name;
	void (*fn)(void);
};

static unsigned check_failures;
static unsigned long check_count;

static inline UNUSED bool check_report(bool ok, const char *file, int line, const char *what)
{
	check_count++;
	if (!ok) {
		check_failures++;
		printf("%s:%d: failed: %s\n", file, line, what);
	}
	return ok;
}

static inline UNUSED bool check_equal(long got, long want, const char *file, int line,
				      const char *what)
{
	bool ok = check_report(got == want, file, line, what);

	if (!ok)
		printf("\tgot %ld (0x%lx), want %ld (0x%lx)\n", got, got, want, want);
	return ok;
}

static inline UNUSED bool check_string(const char *got, const char *want, const char *file,
				       int line, const char *what)
{
	bool ok = check_report(got == want || (got && want && strcmp(got, want) == 0), file, line,
			       what);

	if (!ok)
		printf("\tgot  \"%s\"\n\twant \"%s\"\n", got ? got : "NULL", want ? want : "NULL");
	return ok;
}

// Each is also an expression: whether it held.
#define CHECK(condition) check_report(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(got, want) \
	check_equal((long)(got), (long)(want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_STR(got, want) check_string(got, want, __FILE__, __LINE__, #got " == " #want)

static u64 random_state = 0x9e3779b97f4a7c15ul;

// xorshift64*
static inline UNUSED u64 random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dul;
}

// Uniform enough in 0..limit-1.
static inline UNUSED u64 random_below(u64 limit)
{
	return (random_next() >> 11) % limit;
}

// A number of random magnitude: small ones and those near powers of two come often.
static inline UNUSED u64 random_u64(void)
{
	u64 x = random_next() >> random_below(64);

	return random_below(4) ? x : BIT(random_below(64)) + random_below(3) - 1;
}

// Reads a whole file into memory of exactly its size, so that the address checker sees any read
// beyond it.
static inline UNUSED u8 *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	u8 *data;

	if (!f || fseek(f, 0, SEEK_END) || (long)(*size = (size_t)ftell(f)) < 0) {
		printf("cannot read %s\n", path);
		exit(1);
	}
	rewind(f);
	data = malloc(*size ? *size : 1);
	if (!data || fread(data, 1, *size, f) != *size) {
		printf("cannot read %s\n", path);
		exit(1);
	}
	fclose(f);
	return data;
}

static inline UNUSED int run_tests(const struct test *tests, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned before = check_failures;

		tests[i].fn();
		printf("%s %s\n", check_failures == before ? "ok  " : "FAIL", tests[i].name);
	}
	printf("%lu checks, %u failed\n", check_count, check_failures);
	return check_failures ? 1 : 0;
}
