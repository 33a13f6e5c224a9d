// The options of a file system as mount(2) has them, all in one text. Some words mean the same
// everywhere (ro, sync, ...); they are sorted out here, and each of the rest is shown to the type, so
// that a file system never gets an option that it does not know.

#include <core/errno.h>
#include <fs/fs_options.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

bool fs_option_word(const char *key, u32 *words, u32 *mask)
{
	static const struct {
		const char *name;
		u32 word;
		bool on;
	} known[] = {
		{"ro", MS_RDONLY, true},
		{"rw", MS_RDONLY, false},
		{"sync", MS_SYNCHRONOUS, true},
		{"async", MS_SYNCHRONOUS, false},
		{"dirsync", MS_DIRSYNC, true},
		{"mand", MS_MANDLOCK, true},
		{"nomand", MS_MANDLOCK, false},
		{"lazytime", MS_LAZYTIME, true},
		{"nolazytime", MS_LAZYTIME, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(key, known[i].name))
			continue;
		*words = known[i].on ? *words | known[i].word : *words & ~known[i].word;
		*mask |= known[i].word;
		return true;
	}
	return false;
}

int fs_option_number(const char *value, int base, u32 *out)
{
	u64 number;

	if (value && *value == '+')
		value++;
	if (!value || parse_u64(value, NULL, base, &number) || number > UINT32_MAX)
		return -EINVAL;
	*out = number;
	return 0;
}

int fs_option_check(const struct fs_type *type, const char *key, const char *value)
{
	return type && type->check_option ? type->check_option(key, value) : -EINVAL;
}

static int take_source(struct fs_options *options, const char *value)
{
	if (!value || options->source)
		return -EINVAL;
	options->source = kstrdup(value, GFP_KERNEL);
	return options->source ? 0 : -ENOMEM;
}

// Puts `key=value` behind the options of the type. There is room: it came from as long a text.
static void keep(char **end, const char *key, const char *value)
{
	const char *parts[] = {key, value ? "=" : "", value ?: "", ","};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t length = strlen(parts[i]);

		memcpy(*end, parts[i], length + 1);
		*end += length;
	}
}

static int take(const struct fs_type *type, struct fs_options *options, char *text)
{
	char *key, *value, *end = options->own;
	int error = 0;

	while (!error && parse_next_mount_option(&text, &key, &value)) {
		if (fs_option_word(key, &options->words, &options->mask))
			continue;
		if (!strcmp(key, "source")) {
			error = take_source(options, value);
			continue;
		}
		error = fs_option_check(type, key, value);
		if (!error)
			keep(&end, key, value);
	}
	return error;
}

int fs_options_take(const struct fs_type *type, const char *text, struct fs_options *options)
{
	char *copy;
	int error = -ENOMEM;

	options->own = NULL;
	if (!text)
		return 0;
	copy = kstrdup(text, GFP_KERNEL);
	options->own = copy ? kzalloc(strlen(text) + 2, GFP_KERNEL) : NULL;
	if (options->own)
		error = take(type, options, copy);
	kfree(copy);
	if (error)
		fs_options_drop(options);
	return error;
}

void fs_options_drop(struct fs_options *options)
{
	kfree(options->own);
	kfree(options->source);
	options->own = options->source = NULL;
}
