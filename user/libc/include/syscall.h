// System calls. The numbers are made from the kernel's own list.
#pragma once

#include <lib/base.h>
#include <syscall_numbers.h>

// A call as the kernel answers it: a result, or -errno.
static inline long syscall_raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = f;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
			 : "memory");
	return a0;
}

// Turns a kernel's answer into that of C: -1 with errno set, or the result.
long syscall_result(long answer);

// The macro fills the arguments that are missing with zeroes: syscall(SYS_close, fd).
#define SYSCALL_PICK(n, a, b, c, d, e, f, ...) \
	syscall_raw(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define syscall_direct(...) SYSCALL_PICK(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define syscall(...)        syscall_result(syscall_direct(__VA_ARGS__))
