// Classes of characters: ASCII.
#pragma once

#include <lib/ctype.h>

#define isdigit(c)  char_is_digit(c)
#define isalpha(c)  char_is_alpha(c)
#define isalnum(c)  char_is_alnum(c)
#define isspace(c)  char_is_space(c)
#define isblank(c)  char_is_blank(c)
#define isprint(c)  char_is_print(c)
#define ispunct(c)  char_is_punct(c)
#define iscntrl(c)  char_is_cntrl(c)
#define isupper(c)  char_is_upper(c)
#define islower(c)  char_is_lower(c)
#define isxdigit(c) (char_digit_value(c) < 16)
#define tolower(c)  char_to_lower(c)
#define toupper(c)  char_to_upper(c)
