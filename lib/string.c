// Memory and string functions for the kernel and our libc. See string.h.
//
// Copying and filling go by 64-bit words once the destination is aligned, 64 bytes a turn; a source
// that is misaligned against it is read in whole words and shifted, since a machine may trap on
// misaligned loads. Nothing outside of the given ranges is read, so that address checkers agree.

// GCC must not recognise the loops below and turn them into calls of the functions they are in.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#include <lib/ctype.h>
#include <lib/string.h>
#include <uapi/errno.h>

#ifdef LIB_HOST
#define memcpy      lib_memcpy
#define memmove     lib_memmove
#define memset      lib_memset
#define memcmp      lib_memcmp
#define memchr      lib_memchr
#define strlen      lib_strlen
#define strnlen     lib_strnlen
#define strcmp      lib_strcmp
#define strncmp     lib_strncmp
#define strcasecmp  lib_strcasecmp
#define strncasecmp lib_strncasecmp
#define strchr      lib_strchr
#define strrchr     lib_strrchr
#define strstr      lib_strstr
#define strspn      lib_strspn
#define strcspn     lib_strcspn
#define strsep      lib_strsep
#else
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#endif

// Words that may alias objects of any type.
typedef u64 ALIGNED(8) __attribute__((may_alias)) word;

// In a kernel that checks addresses these loops are not instrumented: the ranges are checked here.
#if CONFIG_KASAN
void memory_check(const void *at, size_t size, bool write);
#define READS(at, size)  memory_check(at, size, false)
#define WRITES(at, size) memory_check(at, size, true)
#else
#define READS(at, size)
#define WRITES(at, size)
#endif

#define WORD_BITS 64

// Upwards, when both are differently aligned; n >= 32. A function of its own, so that the usual
// case has no registers to save. Returns dst.
static NOINLINE void *copy_skewed(void *dst, const u8 *s, size_t n)
{
	u8 *d = dst;

	for (; (uintptr_t)d & 7; n--)
		*d++ = *s++;
	unsigned skew = (uintptr_t)s & 7; // 1..7
	unsigned low = skew * 8, high = WORD_BITS - low;
	u64 carry = 0; // the 8 - skew bytes of s before the aligned word to load next

	for (unsigned i = 0; i < 8 - skew; i++)
		carry |= (u64)s[i] << (8 * i);
	const word *from = (const word *)(s + 8 - skew);
	word *to = (word *)d;

	for (; n >= 16; n -= 8) {
		u64 next = *from++;

		*to++ = carry | next << high;
		carry = next >> low;
	}
	s += (u8 *)to - d;
	d = (u8 *)to;
	while (n--)
		*d++ = *s++;
	return dst;
}

// Both are equally aligned; n >= 8.
static ALWAYS_INLINE void copy_words(u8 **dst, const u8 **src, size_t *count)
{
	u8 *d = *dst;
	const u8 *s = *src;
	size_t n = *count;

	for (; (uintptr_t)d & 7; n--)
		*d++ = *s++;
	word *to = (word *)d;
	const word *from = (const word *)s;

	for (; n >= 64; n -= 64, to += 8, from += 8) {
		u64 a = from[0], b = from[1], c = from[2], e = from[3];
		u64 f = from[4], g = from[5], h = from[6], i = from[7];

		to[0] = a, to[1] = b, to[2] = c, to[3] = e;
		to[4] = f, to[5] = g, to[6] = h, to[7] = i;
	}
	for (; n >= 8; n -= 8)
		*to++ = *from++;
	*dst = (u8 *)to, *src = (const u8 *)from, *count = n;
}

// Upwards. Returns dst.
static ALWAYS_INLINE void *copy_up(void *dst, const u8 *s, size_t n)
{
	u8 *d = dst;

	// Small structures, by far the most: whole words and nothing else.
	if (n < 64 && (((uintptr_t)d | (uintptr_t)s | n) & 7) == 0) {
		word *to = dst, *end = (word *)(d + n);
		const word *from = (const word *)s;

#pragma GCC unroll 1
		while (to != end)
			*to++ = *from++;
		return dst;
	}
	if (n >= 8 && (((uintptr_t)d ^ (uintptr_t)s) & 7) == 0)
		copy_words(&d, &s, &n);
	else if (n >= 32)
		return copy_skewed(dst, s, n);
	while (n--)
		*d++ = *s++;
	return dst;
}

// From the last byte to the first. d and s point behind the ranges.
static void copy_down(u8 *d, const u8 *s, size_t n)
{
	if (n >= 16 && (((uintptr_t)d ^ (uintptr_t)s) & 7) == 0) {
		for (; (uintptr_t)d & 7; n--)
			*--d = *--s;
		word *to = (word *)d;
		const word *from = (const word *)s;

		for (; n >= 32; n -= 32) {
			to -= 4, from -= 4;
			u64 a = from[3], b = from[2], c = from[1], e = from[0];

			to[3] = a, to[2] = b, to[1] = c, to[0] = e;
		}
		for (; n >= 8; n -= 8)
			*--to = *--from;
		d = (u8 *)to, s = (const u8 *)from;
	}
	while (n--)
		*--d = *--s;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	READS(src, n);
	WRITES(dst, n);
	return copy_up(dst, src, n);
}

void *memmove(void *dst, const void *src, size_t n)
{
	READS(src, n);
	WRITES(dst, n);
	// Upwards is right unless the destination begins inside of the source.
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return copy_up(dst, src, n);
	copy_down((u8 *)dst + n, (const u8 *)src + n, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;

	WRITES(dst, n);
	if (n >= 8) {
		u64 w = (u8)c * 0x0101010101010101ul;

		for (; (uintptr_t)d & 7; n--)
			*d++ = (u8)c;
		word *to = (word *)d;

		for (; n >= 64; n -= 64, to += 8) {
			to[0] = w, to[1] = w, to[2] = w, to[3] = w;
			to[4] = w, to[5] = w, to[6] = w, to[7] = w;
		}
		for (; n >= 8; n -= 8)
			*to++ = w;
		d = (u8 *)to;
	}
	while (n--)
		*d++ = (u8)c;
	return dst;
}

void mem_wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	READS(a, n);
	READS(b, n);
	if (n >= 16 && (((uintptr_t)x ^ (uintptr_t)y) & 7) == 0) {
		for (; ((uintptr_t)x & 7) && *x == *y; n--)
			x++, y++;
		if (((uintptr_t)x & 7) == 0)
			for (; n >= 8 && *(const word *)x == *(const word *)y; n -= 8)
				x += 8, y += 8;
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

const void *mem_find_other(const void *s, u8 c, size_t n)
{
	const u8 *p = s;

	READS(s, n);
	u64 w = c * 0x0101010101010101ul;

	for (; n && ((uintptr_t)p & 7); n--, p++)
		if (*p != c)
			return p;
	for (; n >= 8 && *(const word *)p == w; n -= 8)
		p += 8;
	for (; n; n--, p++)
		if (*p != c)
			return p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	READS(s, (size_t)(p - s) + 1);
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int x = char_to_lower((u8)*a), y = char_to_lower((u8)*b);

		if (x != y || !x)
			return x - y;
	}
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	do {
		if (*s == (char)c)
			found = s;
	} while (*s++);
	return (char *)(uintptr_t)found;
}

char *strstr(const char *haystack, const char *needle)
{
	size_t n = strlen(needle);

	for (;; haystack++) {
		if (strncmp(haystack, needle, n) == 0)
			return (char *)(uintptr_t)haystack;
		if (!*haystack)
			return NULL;
	}
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

char *strsep(char **cursor, const char *delimiters)
{
	char *word = *cursor;

	if (!word)
		return NULL;
	char *end = word + strcspn(word, delimiters);

	*cursor = *end ? end + 1 : NULL;
	*end = '\0';
	return word;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		dst[i] = src[i];
		if (!src[i])
			return (ssize_t)i;
	}
	if (size)
		dst[size - 1] = '\0';
	return -E2BIG;
}

bool str_starts_with(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

bool str_ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

const char *str_skip_blanks(const char *s)
{
	while (char_is_space(*s))
		s++;
	return s;
}

char *str_strip(char *s)
{
	size_t n;

	while (char_is_space(*s))
		s++;
	n = strlen(s);
	while (n && char_is_space(s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}
