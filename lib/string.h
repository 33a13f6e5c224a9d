// Memory and strings, as in C and POSIX where the name is theirs.
//
// In host programs (LIB_HOST) those names belong to the host's libc, which the rest of lib/ then
// uses; ours are there under lib_memcpy etc., so that tests can compare the two.
#pragma once

#include <lib/base.h>

#ifdef LIB_HOST
#include <string.h>
#include <strings.h>
#define LIB_STD(name) lib_##name
#else
#define LIB_STD(name) name
#endif

void *LIB_STD(memcpy)(void *restrict dst, const void *restrict src, size_t n);
void *LIB_STD(memmove)(void *dst, const void *src, size_t n);
void *LIB_STD(memset)(void *dst, int c, size_t n);
int LIB_STD(memcmp)(const void *a, const void *b, size_t n);
void *LIB_STD(memchr)(const void *s, int c, size_t n);
size_t LIB_STD(strlen)(const char *s);
size_t LIB_STD(strnlen)(const char *s, size_t max);
int LIB_STD(strcmp)(const char *a, const char *b);
int LIB_STD(strncmp)(const char *a, const char *b, size_t n);
int LIB_STD(strcasecmp)(const char *a, const char *b);
int LIB_STD(strncasecmp)(const char *a, const char *b, size_t n);
char *LIB_STD(strchr)(const char *s, int c);
char *LIB_STD(strrchr)(const char *s, int c);
char *LIB_STD(strstr)(const char *haystack, const char *needle);
size_t LIB_STD(strspn)(const char *s, const char *accept);
size_t LIB_STD(strcspn)(const char *s, const char *reject);
// Cuts the next word off *cursor, which ends at any character of `delimiters`; *cursor becomes NULL
// behind the last word. Empty words are returned as well. NULL when there are no more.
char *LIB_STD(strsep)(char **cursor, const char *delimiters);

// Copies src to dst, a buffer of `size` bytes, and always terminates it (unless size is 0). Returns
// the length, or -E2BIG if src was cut off (or size is 0).
ssize_t strscpy(char *dst, const char *src, size_t size);

// Whether s begins, ends with the other.
bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);

// Skips blanks (space, tab, newline and the like). Cuts blanks off the end and returns s without
// those at the start.
const char *str_skip_blanks(const char *s);
char *str_strip(char *s);

// The first of n bytes that is not c; NULL if all are.
const void *mem_find_other(const void *s, u8 c, size_t n);

// Zeroes secrets: the compiler does not drop it.
void mem_wipe(void *p, size_t n);

#ifndef LIB_HOST
// Freestanding compilers do not expand these by themselves.
#define memcpy(d, s, n)  __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)  __builtin_memset(d, c, n)
#define memcmp(a, b, n)  __builtin_memcmp(a, b, n)
#define strlen(s)        __builtin_strlen(s)
#endif
