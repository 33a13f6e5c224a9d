// The system-call table, generated from syscalls.tbl. The machine's trap entry calls through it.
#pragma once

#define SYSCALL_COUNT 512 // higher numbers are absent

#ifndef __ASSEMBLER__
#include <lib/base.h>

typedef long (*syscall_fn)(u64, u64, u64, u64, u64, u64);

extern const syscall_fn syscall_table[SYSCALL_COUNT];  // syscall_absent() where there is none
extern const char *const syscall_names[SYSCALL_COUNT]; // NULL where Linux has none either

// Answers for a call that is absent: names it in the log, once. All registers are handed over as
// they are, and the number is the eighth.
long syscall_absent(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 nr);
#endif
