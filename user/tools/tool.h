// What the tools share. One program holds them all; the name under which it is called chooses.
#pragma once

#include <lib/base.h>

struct tool {
	const char *name;
	int (*main)(int argc, char **argv);
};

extern const struct tool tools[];
extern const size_t tool_count;

// The tool of that name, or NULL.
const struct tool *tool_find(const char *name);

// A description of a tool: "usage: NAME SYNOPSIS", an empty line, what it does and its options.
// Prints it to the standard output and exits with 0 if the first argument is --help.
void tool_help(int argc, char **argv, const char *synopsis, const char *text);
// Says how the tool is used on the standard error; returns 2 (for `return tool_usage(...)`).
int tool_usage(char **argv, const char *synopsis);

// "name: what: reason", the reason from errno; returns 1.
int tool_error(char **argv, const char *what);
// "name: text"; returns 1.
int tool_complain(char **argv, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Copies a descriptor to another until the end. -1 with errno.
int copy_fd(int from, int to);
// Removes a file, or with `recursive` a directory and all in it; `force`: no error when it is not
// there; `ask`: asks before each. 0 or 1, having said why.
int remove_tree(char **argv, const char *path, bool recursive, bool force, bool ask);
// Path of `name` in `dir`; from malloc.
char *path_join(const char *dir, const char *name);
// The last part of a path, slashes at its end left out; points into `path` or a static buffer.
const char *path_base(const char *path);
// Text of a whole file, terminated, from malloc; NULL with errno. *size may be NULL.
char *file_read(const char *path, size_t *size);
// Parses a mode, octal or symbolic (u+x,go-w), as a change to `old`. -1 when it is none.
long mode_parse(const char *text, unsigned old, bool directory);
// "drwxr-xr-x" for a mode; out has room for 11.
void mode_format(unsigned mode, char *out);
// "4.0K": a size for people; out has room for 16.
void size_format(u64 bytes, char *out, size_t size);
// A number with an optional fraction and a suffix s m h d, in nanoseconds. False when it is none.
bool duration_parse(const char *text, u64 *ns);
// The processes that /proc shows, in order, from malloc.
int *process_list(size_t *count);
// Its command line, or its name in brackets; from malloc.
char *process_command(int pid);
