// Matching of shell patterns: * ? [a-z] [!a-z] [[:alpha:]] and \ before a character that stands
// for itself. Characters are bytes.
#pragma once

#include <lib/base.h>

enum glob_flags {
	GLOB_NOESCAPE = 1 << 0, // \ is an ordinary character
	GLOB_PATHNAME = 1 << 1, // wildcards do not match '/'
	GLOB_PERIOD = 1 << 2,   // nor a '.' at the start (with PATHNAME: or behind '/')
	GLOB_CASEFOLD = 1 << 3, // letters match in either case
};

// Whether the pattern matches the whole text. A '[' without its ']' stands for itself.
bool glob_match(const char *pattern, const char *text, u32 flags);

// Whether there is a wildcard: whether expanding the pattern makes sense.
bool glob_has_wildcard(const char *pattern);
