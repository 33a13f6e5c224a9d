// What the files of the benchmark program share; see bench.c.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB 1024ul
#define MIB (1024 * KIB)

// Nanoseconds of guest time: instructions under -icount shift=0.
static inline unsigned long now(void)
{
	unsigned long ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks * 100;
}

// Whether the command line asks for benchmarks whose name begins so (only=...); all if it does not.
int wanted(const char *name);
// A figure; or that there is none, because errno.
void report(const char *name, long value);
void missing(const char *name);
// Repeats a call until enough time has passed and reports what one costs. The call gives 0, or -1
// with errno: then the benchmark is missing.
void measure(const char *name, long (*call)(void));
// Waits for a child: 0, or -1 (also for a pid that is none).
long reap(pid_t pid);
// New private memory, each page written once; NULL.
char *touched(size_t size);

void measure_calls(void);
void measure_memory(void);
void measure_processes(void);
void measure_ping_pong(void);
void measure_namespaces(void);
void measure_fork_sizes(void);
void measure_harts(void);
