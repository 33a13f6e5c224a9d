// Classes of ASCII characters, independent of any locale. `c` may be any int.
#pragma once

#include <lib/base.h>

static inline bool char_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool char_is_upper(int c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool char_is_lower(int c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool char_is_alpha(int c)
{
	return char_is_upper(c) || char_is_lower(c);
}

static inline bool char_is_alnum(int c)
{
	return char_is_alpha(c) || char_is_digit(c);
}

static inline bool char_is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool char_is_blank(int c)
{
	return c == ' ' || c == '\t';
}

static inline bool char_is_print(int c)
{
	return c >= ' ' && c < 0x7f;
}

static inline bool char_is_punct(int c)
{
	return c > ' ' && c < 0x7f && !char_is_alnum(c);
}

static inline bool char_is_cntrl(int c)
{
	return (c >= 0 && c < ' ') || c == 0x7f;
}

static inline int char_to_lower(int c)
{
	return char_is_upper(c) ? c + 'a' - 'A' : c;
}

static inline int char_to_upper(int c)
{
	return char_is_lower(c) ? c - 'a' + 'A' : c;
}

// Value of a digit in any base up to 36; 99 if it is none.
static inline unsigned char_digit_value(int c)
{
	if (char_is_digit(c))
		return (unsigned)(c - '0');
	if (char_is_alpha(c))
		return (unsigned)(char_to_lower(c) - 'a' + 10);
	return 99;
}
