// Path names from patterns: component by component, each directory read once.

#include <dirent.h>
#include <lib/glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sh.h"

struct names {
	char **list;
	size_t count;
};

static void name_add(struct names *names, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *path = xmalloc(n + strlen(name) + 1);

	stpcpy(stpcpy(path, dir), name);
	names->list = xrealloc(names->list, (names->count + 1) * sizeof(*names->list));
	names->list[names->count++] = path;
}

// A component without its backslashes.
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

// `dir` is empty or ends with a slash.
static void expand_component(struct names *names, const char *dir, const char *pattern)
{
	size_t n = strcspn(pattern, "/"), slashes = strspn(pattern + n, "/");
	char *part = strndup(pattern, n + slashes);
	struct stat st;

	if (!part)
		return;
	char slash = part[n];

	part[n] = '\0';
	if (!glob_has_wildcard(part) || !n) {
		part[n] = slash;
		unescape(part);
		char *path = xmalloc(strlen(dir) + strlen(part) + 1);

		stpcpy(stpcpy(path, dir), part);
		if (pattern[n + slashes])
			expand_component(names, path, pattern + n + slashes);
		else if (lstat(path, &st) == 0)
			name_add(names, dir, part);
		free(path);
		free(part);
		return;
	}
	DIR *stream = opendir(*dir ? dir : ".");

	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		if (!glob_match(part, entry->d_name, GLOB_PERIOD))
			continue;
		if (!slashes) {
			name_add(names, dir, entry->d_name);
			continue;
		}
		char *path = xmalloc(strlen(dir) + strlen(entry->d_name) + 2);

		stpcpy(stpcpy(stpcpy(path, dir), entry->d_name), "/");
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			if (pattern[n + slashes])
				expand_component(names, path, pattern + n + slashes);
			else
				name_add(names, path, "");
		}
		free(path);
	}
	if (stream)
		closedir(stream);
	free(part);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool glob_paths(const char *pattern, void (*found)(void *ctx, const char *path), void *ctx)
{
	struct names names = {0};

	expand_component(&names, "", pattern);
	if (names.count)
		qsort(names.list, names.count, sizeof(*names.list), compare_names);
	for (size_t i = 0; i < names.count; i++) {
		found(ctx, names.list[i]);
		free(names.list[i]);
	}
	free(names.list);
	return names.count;
}
