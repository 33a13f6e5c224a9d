// Core files: their settings in /proc/sys, and what the end of a thread must know of them.
#pragma once

#include <lib/base.h>

#define CORE_PATTERN_SIZE 128

// How core files are named, see core(5). Setting: -EINVAL for the forms that do not name a file.
void core_pattern_get(char text[CORE_PATTERN_SIZE]);
int core_pattern_set(const char *text, size_t n);
extern u64 core_uses_pid; // [a] not 0: ".PID" ends a name that has no %p
extern u64 suid_dumpable; // [a] what the dumpable attribute is after a change of identity

// First thing of the end of a thread: if its process writes a core, it stays until that is done,
// for its registers go into the file.
void coredump_join(void);
