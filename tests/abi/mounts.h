// What the tests of mounts have in common: a private place, and its mounts as a text in which no
// number depends on chance.
#pragma once

#include "abi.h"
#include <sched.h>
#include <sys/mount.h>

// A mount namespace of our own, with a file system mounted on it in which all happens: folders a to f.
static inline void arena(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1); // for wait_for()
	sigprocmask(SIG_BLOCK, &set, NULL);
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("arena", 0755);
	mount("arena", "arena", "tmpfs", 0, NULL);
	chdir("arena");
	for (char name[2] = "a"; *name <= 'f'; ++*name)
		mkdir(name, 0755);
}

#define LINES_MAX 256

static inline int renumbered(int number, int *known, int *count)
{
	for (int i = 0; i < *count; i++) {
		if (known[i] == number)
			return i + 1;
	}
	known[(*count)++] = number;
	return *count;
}

static inline int by_place(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// One line of mountinfo: place, root, flags, tags, type, source, flags of the file system. The
// place first, to sort by; the arena's own path is cut off.
static inline void cut_line(char *line, char *out, size_t size)
{
	char *dash = strstr(line, " - "), *fields[5], *save;

	*dash = '\0';
	char *field = strtok_r(line, " ", &save);
	for (int i = 0; field && i < 5; i++, field = strtok_r(NULL, " ", &save))
		fields[i] = field;
	char *place = strstr(fields[4], "/arena");
	char *flags = field;
	char *tags = strtok_r(NULL, "", &save);
	snprintf(out, size, "%s %s %s [%s] %s", place ? place + 6 : fields[4], fields[3], flags,
		 tags ? tags : "", dash + 3);
}

static inline void print_tags(const char *line, int *groups, int *count)
{
	while (*line) {
		const char *colon = strpbrk(line, ":/ ]");

		if (colon && *colon == ':' && colon[1] >= '0' && colon[1] <= '9') {
			char *end;
			int number = strtol(colon + 1, &end, 10);

			printf("%.*s:%d", (int)(colon - line), line,
			       renumbered(number, groups, count));
			line = end;
			continue;
		}
		size_t n = colon ? colon - line + 1 : strlen(line);
		printf("%.*s", (int)n, line);
		line += n;
	}
	printf("\n");
}

static inline char *read_whole(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	text[length] = '\0';
	close(fd);
	return text;
}

// All mounts in the arena (or all there are, when it is the root), sorted by place.
static inline void show_in(const char *path)
{
	static char lines[LINES_MAX][512];
	char *sorted[LINES_MAX], *save;
	int count = 0, groups[LINES_MAX], known = 0;

	for (char *line = strtok_r(read_whole(path), "\n", &save); line && count < LINES_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		cut_line(line, lines[count], sizeof(lines[0]));
		sorted[count] = lines[count];
		if (!strstr(lines[count], "rootfs") && strncmp(lines[count], "/proc", 5) &&
		    strncmp(lines[count], "/dev", 4) && strncmp(lines[count], "/tmp ", 5))
			count++;
	}
	qsort(sorted, count, sizeof(*sorted), by_place);
	printf("%d mounts\n", count);
	for (int i = 0; i < count; i++)
		print_tags(sorted[i], groups, &known);
}

static int mountinfo_file = -1;

static inline void show(void)
{
	if (mountinfo_file < 0)
		mountinfo_file = open("/proc", O_PATH);
	int old = open(".", O_PATH);
	fchdir(mountinfo_file);
	show_in("self/mountinfo");
	fchdir(old);
	close(old);
}

static inline void wait_for(int signal_number)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigwait(&set, &got);
}
