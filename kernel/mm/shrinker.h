// Giving back what is kept only to be fast: every cache of free things can be emptied, so that
// counts of memory say what is in use and nothing else.
#pragma once

#include <core/sections.h>
#include <lib/base.h>

struct shrinker {
	const char *name;
	u64 (*shrink)(void); // frees what it can, returns how much; may sleep, no lock held
};

// For whoever keeps free objects, stacks, pages...: static u64 pids_shrink(void) {...}
// SHRINKER(pids, pids_shrink);
#define SHRINKER(cache, function)                                               \
	static const struct shrinker shrinker_##cache TABLE_ENTRY(shrinker) = { \
		.name = #cache, .shrink = (function)}

// Lets everything that is on its way out go (RCU callbacks, tasks that leave their hart), empties
// all caches, and gives empty slabs and the harts' pages back. Afterwards two counts of the same
// state are equal. Sleeps; returns the sum of what the shrinkers freed.
u64 memory_shrink(void);
