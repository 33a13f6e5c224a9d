// How a test of faults is written: name a call, what undoes it, and the errors that it may give.
//
// The library makes the 1st, 2nd, 3rd... allocation (or copy from and to user space) inside the call
// fail, until the call runs through. Each failure must give one of the errors, and afterwards
// everything must be as it was before: tasks, objects of each kind, pages. See README.md.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness/census.h"

struct fault_test {
	const char *name;
	void (*run)(void);
};

// Makes a test known to the runner, as topic/name.
#define FAULT_TEST(topic, test)                                                                    \
	static void test##_faults(void);                                                           \
	__attribute__((used, section("fault_tests"))) static const struct fault_test               \
		*const test##_entry = &(const struct fault_test){#topic "/" #test, test##_faults}; \
	static void test##_faults(void)

// What is replayed. Both functions get `arg` as it stands in fault_replay().
struct fault_call {
	long (*call)(void *arg);              // < 0 (with errno) is a failure
	void (*undo)(void *arg, long result); // after a success; NULL: nothing to do
	void (*tidy)(void *arg);              // after each call, failed or not; or NULL
	const int *errors;                    // that lack of memory may give, 0 behind the last
	int copy_error;                       // that a failing copy gives; 0 means EFAULT
};

#define FAULT_ERRORS(...) ((const int[]){__VA_ARGS__, 0})

// Replays the call, first for allocations, then for copies. Prints what it found, a line for each
// thing that is wrong. Before the first fault it is called thrice, so that what a first call leaves
// (a page of the stack, a table) is there already.
void fault_replay(const char *what, const struct fault_call *call, void *arg);

// For tests that go their own way: everything that exists, as text. Prints and counts a failure if
// it has changed since `before` (NULL: only reads it).
void fault_census(char text[CENSUS_MAX]);
int fault_census_same(const char *what, const char *before);
void fault_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
