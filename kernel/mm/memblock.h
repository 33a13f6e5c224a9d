// Memory before there is an allocator: ranges that exist, ranges that are taken.
#pragma once

#include <lib/base.h>

struct memory_range {
	u64 start, end;
};

// Adds memory, or marks a part of it as taken. Ranges may overlap; they are rounded to pages,
// memory inwards and reservations outwards. Panics when the table is full.
void memblock_add(u64 start, u64 size);
void memblock_reserve(u64 start, u64 size);
u64 memblock_total(void);
bool memblock_contains(u64 start, u64 size);

// Where to look first: from here upwards.
void memblock_set_preferred(u64 start);
// Takes memory; its physical address. Panics if there is none.
u64 memblock_alloc(u64 size, u64 align);

// The i-th range of memory; false past the end.
bool memblock_memory_range(int i, struct memory_range *range);
// The next free range that begins at or after `from`, within the i-th range of memory.
bool memblock_free_range(int i, u64 from, struct memory_range *range);
