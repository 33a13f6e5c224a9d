// Functions that are called once at boot, in stages. Each returns 0 or a negative errno, which is
// logged with the function's name; boot goes on.
#pragma once

#include <core/sections.h>
#include <lib/base.h>

enum init_level {
	INIT_EARLY,  // page and slab allocators work; one hart; interrupts off
	INIT_CORE,   // timers, clock, RCU, scheduler of the boot hart work; may make kernel threads
	INIT_SUBSYS, // all harts are online; caches and tables of the subsystems
	INIT_FS,     // file systems register; the root ramfs is mounted
	INIT_DEVICE, // drivers bind to the device tree and make device nodes
	INIT_LATE,   // whatever wants everything else to be there
	INIT_LEVELS,
};

struct initcall {
	int (*fn)(void);
	const char *name;
	enum init_level level;
};

#define INITCALL(stage, function)                                                  \
	static const struct initcall initcall_##function TABLE_ENTRY(initcall) = { \
		.fn = (function), .name = #function, .level = INIT_##stage}

// Calls the functions that the compiler has added for its own ends (coverage, address checks); once,
// before anything that may fail.
void constructors_run(void);

// Calls all functions of the level, in link order. On the boot hart, by kernel/init/main.c.
void initcalls_run(enum init_level level);
