// Jumps out of functions. The signal mask is not saved.
#pragma once

#include <lib/base.h>

typedef unsigned long jmp_buf[14];

int setjmp(jmp_buf state) __attribute__((returns_twice));
NORETURN void longjmp(jmp_buf state, int value);
