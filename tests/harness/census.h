// What exists in Cloven's kernel: tasks, objects of each kind, pages, a line for each with its count
// (/proc/census, see tests/fault/README.md). Linux has no such file, and an empty census there.
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CENSUS_MAX 16384

// Takes a census; returns its length, 0 where there is none.
static inline size_t census_take(char text[CENSUS_MAX])
{
	int file = open("/proc/census", O_RDONLY);
	ssize_t got = file < 0 ? 0 : read(file, text, CENSUS_MAX - 1);

	text[got > 0 ? got : 0] = '\0';
	close(file);
	return strlen(text);
}

// The count of `name`, which has `length` bytes; 0 if it is not there.
static inline long census_count(const char *text, const char *name, size_t length)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (!strncmp(text, name, length) && text[length] == ' ')
			return atol(text + length);
	}
	return 0;
}

// How many counts have grown; prints each with `mark` before it, unless that is NULL.
static inline int census_grew(const char *before, const char *after, const char *mark)
{
	int grew = 0;

	for (const char *line = after; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length = strcspn(line, " ");
		long old = census_count(before, line, length), new = atol(line + length);

		if (new <= old)
			continue;
		grew++;
		if (mark)
			printf("%s %.*s: %ld, then %ld\n", mark, (int)length, line, old, new);
	}
	return grew;
}
