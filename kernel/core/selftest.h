// Tests that run inside the kernel: `selftest=all` or `selftest=name,name...` on the command line
// runs them at the end of boot, prints TAP, and powers off: with success only if all passed.
#pragma once

#include <core/printk.h>
#include <core/sections.h>
#include <lib/base.h>

struct selftest_run;

struct selftest {
	const char *name;
	void (*fn)(struct selftest_run *run);
	bool fatal; // ends in a panic, which is what its caller looks for: runs only when named
};

struct selftest_run {
	const char *name;
	unsigned failures;
	const char *skipped; // reason
};

// void test_x(struct selftest_run *t) { CHECK(t, 1 + 1 == 2); }  SELFTEST(x, test_x);
#define SELFTEST(test, function)                                                             \
	static const struct selftest selftest_##test TABLE_ENTRY(selftest) = {.name = #test, \
									      .fn = (function)}
#define SELFTEST_FATAL(test, function)                                         \
	static const struct selftest selftest_##test TABLE_ENTRY(selftest) = { \
		.name = #test, .fn = (function), .fatal = true}

void selftest_failed(struct selftest_run *run, const char *file, int line, const char *what);

#define CHECK(run, c)                                                 \
	({                                                            \
		bool check_ok = (c);                                  \
		if (!check_ok)                                        \
			selftest_failed(run, __FILE__, __LINE__, #c); \
		check_ok;                                             \
	})
#define SKIP(run, why) ((run)->skipped = (why))

// Whether the command line asks for tests; runs them and powers off. In process context, all harts
// online.
bool selftest_wanted(void);
NORETURN void selftest_run_all(void);
