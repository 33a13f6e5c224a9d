// How an ABI test is written: a function that makes calls and prints what they gave.
//
// Nothing is expected in the sources. The same program runs on Linux and on Cloven, and what it
// prints has to be the same; so a test prints only what does not depend on chance (no pids, no
// addresses, no times).
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct abi_test {
	const char *name;
	void (*run)(void);
};

// Makes a test known to the runner, as topic/name.
#define ABI_TEST(topic, test)                                                                    \
	static void test(void);                                                                  \
	__attribute__((used, section("abi_tests"))) static const struct abi_test *test##_entry = \
		&(const struct abi_test){#topic "/" #test, test};                                \
	static void test(void)

// Makes a call and prints it with its result, or with the name of its error.
#define R(call)                              \
	({                                   \
		errno = 0;                   \
		long result_ = (long)(call); \
		abi_show(#call, result_);    \
		result_;                     \
	})
// Makes a call and prints only whether it worked: for results that depend on chance.
#define OK(call)                             \
	({                                   \
		errno = 0;                   \
		long result_ = (long)(call); \
		abi_show_ok(#call, result_); \
		result_;                     \
	})

// Prints a call and its result; an error by its name.
void abi_show(const char *call, long result);
// Prints a call and "ok", or the name of its error.
void abi_show_ok(const char *call, long result);
// Waits for a child and prints how it ended.
void abi_reap(pid_t pid);
// An address that is not mapped, for tests of bad pointers.
extern void *volatile abi_bad;
#define BAD abi_bad
