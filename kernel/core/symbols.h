// From addresses to names of kernel functions, out of a table that the second link embeds.
//
// The table (scripts/gen-symbols.py writes it, arch/riscv links it): symbol_count entries sorted by
// address; symbol_offsets[i] is the address minus KERNEL_BASE; symbol_names_at[i] is the offset of
// NUL-terminated name 64 * i in symbol_names.
#pragma once

#include <lib/base.h>

// Finds the function that holds addr. Returns false if there is none (or no table yet).
bool symbol_lookup(u64 addr, const char **name, u64 *offset, u64 *size);

// The address of a function by name; 0 if there is none. Slow.
u64 symbol_address(const char *name);

// Calls fn for all, in order of address (/proc/kallsyms).
void symbol_for_each(void (*fn)(u64 addr, const char *name, void *ctx), void *ctx);

// Writes "name+0x12/0x34", or the address in hex, into buf. Returns the length (cut at size).
size_t symbol_format(char *buf, size_t size, u64 addr);
