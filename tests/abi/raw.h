// System calls without the C library, for tasks that may share the memory or the thread pointer of
// another.
#pragma once

#include "abi.h"
#include <linux/futex.h>

struct raw_action {
	void *handler;
	unsigned long flags, mask;
};

static inline __attribute__((always_inline)) long raw(long number, long a, long b, long c, long d)
{
	register long a0 asm("a0") = a;
	register long a1 asm("a1") = b;
	register long a2 asm("a2") = c;
	register long a3 asm("a3") = d;
	register long a7 asm("a7") = number;

	asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
	return a0;
}

// Waits until a word of a mapping that is shared by processes is `value`; who sets it tells.
static inline __attribute__((always_inline)) void raw_await(volatile int *word, int value)
{
	int seen;

	while ((seen = *word) != value)
		raw(SYS_futex, (long)word, FUTEX_WAIT, seen, 0);
}

static inline __attribute__((always_inline)) void raw_tell(volatile int *word, int value)
{
	*word = value;
	raw(SYS_futex, (long)word, FUTEX_WAKE, 0x7fffffff, 0);
}
