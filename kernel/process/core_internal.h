// Inside of core files.
#pragma once

#include <core/spinlock.h>
#include <lib/base.h>

struct file;
struct siginfo;
struct task;

// A thread that waits, or the one that dumps. Guarded by sighand->lock until all have come.
struct core_thread {
	struct task *task;
	struct core_thread *next;
	bool released;
};

struct segment;

// A core file that is being written.
struct core {
	const struct siginfo *info;
	struct core_thread *threads; // the one that dumps comes first
	u32 thread_count;
	struct file *file;
	u64 pos, written, limit; // bytes; holes are not counted against the limit
	struct segment *segments;
	u32 count;
	u8 *notes;
	size_t notes_size, notes_room;
	u8 *page;
};

// The file that /proc/sys/kernel/core_pattern names. NULL: there will be none.
struct file *core_open(int sig, u32 dumpable);

// Collects notes and areas. False: no memory. What it has taken is given back by core_free().
bool core_collect(struct core *core);
// Writes them. Whether there is anything that is worth being called a core.
bool core_write(struct core *core);
void core_free(struct core *core);
