// Options of file systems: see fs_options.c.
#pragma once

#include <fs/mount.h>

struct fs_options {
	u32 words; // MS_RDONLY and those of superblock.words, as mount(2)'s flags and the text say
	u32 mask;  // which of them were named
	char *source; // as the text says it, or taken already
	char *own;    // those of the type; NULL: there was no text
};

// Sorts the options of a text (NULL: none). words, mask and source hold what was said before; a second
// source is an error. -EINVAL, -ENOMEM: nothing is left to free. Else fs_options_drop() frees.
int fs_options_take(const struct fs_type *type, const char *text, struct fs_options *options);
void fs_options_drop(struct fs_options *options);
// One of the words that all know: changes *words and *mask. False: it is none.
bool fs_option_word(const char *key, u32 *words, u32 *mask);
// The number that an option has for its value (NULL: none); base 0: as in C. -EINVAL.
int fs_option_number(const char *value, int base, u32 *out);
// Whether a type (NULL: none) takes the option. 0, -EINVAL.
int fs_option_check(const struct fs_type *type, const char *key, const char *value);
