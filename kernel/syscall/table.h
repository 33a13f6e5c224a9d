// The system-call table, generated from syscalls.tbl.
#pragma once

#include <lib/base.h>

typedef long (*syscall_fn)(u64, u64, u64, u64, u64, u64);

extern const unsigned syscall_count;
extern const syscall_fn syscall_table[];  // NULL where a call is absent
extern const char *const syscall_names[]; // NULL where Linux has none either
