// Finds objects that nothing points to any more (debug builds): /proc/leaks.
#pragma once

#include <lib/base.h>

struct leak {
	u64 hidden; // the complement of its address: this is no pointer to it
	size_t size;
	const char *cache;
	const void *allocated_at; // who allocated it
};

// Looks at all objects of all slab caches, twice, with a pause between in which what was only on its way
// can arrive. Fills in at most `max`; returns how many there are. All other harts stand still
// meanwhile; sleeps.
unsigned leak_scan(struct leak *leaks, unsigned max);
