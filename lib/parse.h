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
