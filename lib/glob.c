// Matching of shell patterns (POSIX, Shell Command Language, 2.13). See glob.h.
//
// When something behind a '*' fails, the star takes one more character and all behind it is tried
// again. Only the last star needs that: what an earlier one could give, the last can take. So the
// time is at most the product of both lengths.
#include <lib/ctype.h>
#include <lib/glob.h>
#include <lib/string.h>

static int fold(int c, u32 flags)
{
	return flags & GLOB_CASEFOLD ? char_to_lower(c) : c;
}

static bool class_is(const char *name, size_t n, const char *wanted)
{
	return strlen(wanted) == n && memcmp(name, wanted, n) == 0;
}

static bool in_class(const char *name, size_t n, int c)
{
	if (class_is(name, n, "alpha"))
		return char_is_alpha(c);
	if (class_is(name, n, "digit"))
		return char_is_digit(c);
	if (class_is(name, n, "alnum"))
		return char_is_alnum(c);
	if (class_is(name, n, "upper"))
		return char_is_upper(c);
	if (class_is(name, n, "lower"))
		return char_is_lower(c);
	if (class_is(name, n, "space"))
		return char_is_space(c);
	if (class_is(name, n, "blank"))
		return char_is_blank(c);
	if (class_is(name, n, "print"))
		return char_is_print(c);
	if (class_is(name, n, "graph"))
		return char_is_print(c) && c != ' ';
	if (class_is(name, n, "punct"))
		return char_is_punct(c);
	if (class_is(name, n, "cntrl"))
		return char_is_cntrl(c);
	if (class_is(name, n, "xdigit"))
		return char_digit_value(c) < 16;
	return false;
}

// One character of a bracket, with its escape; -1 at the end of the pattern.
static int take_char(const char **p, u32 flags)
{
	if (**p == '\\' && !(flags & GLOB_NOESCAPE))
		(*p)++;
	return **p ? (u8) * (*p)++ : -1;
}

static bool in_range(int c, int low, int high, u32 flags)
{
	if (c >= low && c <= high)
		return true;
	if (!(flags & GLOB_CASEFOLD))
		return false;
	int l = char_to_lower(c), u = char_to_upper(c);

	return (l >= low && l <= high) || (u >= low && u <= high);
}

// *p stands behind a '['. Returns whether c is in the set, with *p behind the ']'; or -1 if there
// is no ']'.
static int match_bracket(const char **p, int c, u32 flags)
{
	const char *at = *p, *first;
	bool negate = *at == '!' || *at == '^', found = false;

	at += negate;
	for (first = at; *at != ']' || at == first;) {
		if (!*at || (*at == '/' && (flags & GLOB_PATHNAME)))
			return -1;
		if (at[0] == '[' && at[1] == ':') {
			const char *end = strstr(at + 2, ":]");

			if (end) {
				found |= in_class(at + 2, (size_t)(end - at - 2), c);
				at = end + 2;
				continue;
			}
		}
		int low = take_char(&at, flags), high = low;

		if (low >= 0 && at[0] == '-' && at[1] && at[1] != ']') {
			at++;
			high = take_char(&at, flags);
		}
		if (low < 0 || high < 0)
			return -1;
		found |= in_range(c, low, high, flags);
	}
	*p = at + 1;
	return found != negate;
}

// Matches one character of the text, not NUL, against one element of the pattern that is no star.
static bool match_one(const char **pattern, const char *text, bool hidden, u32 flags)
{
	const char *p = *pattern;
	int c = (u8)*text;
	bool wild = !hidden && !(c == '/' && (flags & GLOB_PATHNAME));

	if (*p == '?') {
		*pattern = p + 1;
		return wild;
	}
	if (*p == '[') {
		const char *behind = p + 1;
		int result = match_bracket(&behind, c, flags);

		if (result >= 0) {
			*pattern = behind;
			return result && wild;
		}
	}
	if (*p == '\\' && p[1] && !(flags & GLOB_NOESCAPE))
		p++;
	*pattern = p + (*p != '\0');
	return *p && fold((u8)*p, flags) == fold(c, flags);
}

bool glob_match(const char *pattern, const char *text, u32 flags)
{
	const char *start = text, *star = NULL, *star_text = NULL;

	for (;;) {
		bool hidden = *text == '.' && (flags & GLOB_PERIOD) &&
			      (text == start || (text[-1] == '/' && (flags & GLOB_PATHNAME)));

		if (*pattern == '*') {
			if (hidden)
				return false;
			while (*pattern == '*')
				pattern++;
			star = pattern;
			star_text = text;
			continue;
		}
		if (!*text && !*pattern)
			return true;
		if (*text && *pattern && match_one(&pattern, text, hidden, flags)) {
			text++;
			continue;
		}
		if (!star || !*star_text || (*star_text == '/' && (flags & GLOB_PATHNAME)))
			return false;
		text = ++star_text;
		pattern = star;
	}
}

bool glob_has_wildcard(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '*' || *pattern == '?' || *pattern == '[')
			return true;
		if (*pattern == '\\' && pattern[1])
			pattern++;
	}
	return false;
}
