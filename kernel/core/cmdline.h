// The kernel command line: `name=value` or `name`, separated by spaces; double quotes keep spaces.
// Words after `--`, and words that nobody knows, go to init (as arguments and environment).
#pragma once

#include <core/sections.h>
#include <lib/base.h>

struct kernel_param {
	const char *name;
	// value is "" if there is none. Returns 0, or -EINVAL, which is logged.
	int (*fn)(const char *value);
};

// Calls fn for `name=value` or `name` on the command line, by cmdline_parse(): very early, before
// memory can be allocated.
#define KERNEL_PARAM(word, function)                                                            \
	static const struct kernel_param param_##function TABLE_ENTRY(param) = {.name = (word), \
										.fn = (function)}

#define CMDLINE_MAX 2048

// Keeps a copy of the command line and calls the functions of the table. Once, at boot.
void cmdline_parse(const char *line);

// The whole line as given (/proc/cmdline).
const char *cmdline_text(void);

// The value of the last `name=value`; "" for a bare `name`; NULL if it is absent.
const char *cmdline_get(const char *name);

// The same as a number (decimal, 0x, 0; suffix K, M, G); `absent` if it is absent or malformed.
u64 cmdline_get_u64(const char *name, u64 absent);

// Calls fn for each word that no KERNEL_PARAM and no cmdline_get() call has claimed, in order:
// `after` is true for those behind `--`.
void cmdline_for_init(void (*fn)(const char *word, bool after, void *ctx), void *ctx);
