// Numbers and lists in text.
#pragma once

#include <lib/base.h>

// A number in base 2..36, or 0: 0x is hexadecimal, a leading 0 octal. Stores where it ended in
// *end, or if end is NULL requires that it ends with the string (a newline may follow).
// 0, -EINVAL (no number, or something behind it), -ERANGE.
int parse_u64(const char *s, const char **end, int base, u64 *out);
int parse_s64(const char *s, const char **end, int base, s64 *out);
// A number with an optional suffix K, M, G or T.
int parse_size(const char *s, const char **end, u64 *out);

// A list of numbers as in "0-3,8,16-31:2/4" (of each 4 the first 2), blanks around it allowed, into
// a bitmap, which is zeroed first. An empty list is no error. 0, -EINVAL, or -ERANGE for a number
// that is not below `bits`.
int parse_cpulist(const char *s, unsigned long *map, size_t bits);
// Writes "0-3,8" for a bitmap; returns the length that the whole text has (cut off at size, always
// terminated unless size is 0).
size_t format_cpulist(char *buf, size_t size, const unsigned long *map, size_t bits);

// Cuts the next `key` or `key=value` off the text at *cursor, which is changed. Double quotes
// keep separators inside (key="a b", "key=a b") and are removed. *value is NULL without a '='.
// False at the end. Separators are blanks: the kernel's command line.
bool parse_next_option(char **cursor, char **key, char **value);
// The same with commas, for mount options: quotes are nothing special, options without a key are
// passed over.
bool parse_next_mount_option(char **cursor, char **key, char **value);
