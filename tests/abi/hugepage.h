// What the tests of huge pages have in common: areas that get some, and what /proc says of them.
#pragma once

#include <sys/mman.h>
#include <sys/mount.h>

#include "abi.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define MIB  (1024ul * 1024)
#define HUGE (2 * MIB)
#define PAGE 4096ul

static __attribute__((unused)) void put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0)
		write(fd, text, strlen(text));
	close(fd);
}

// Linux makes none by default on a machine of less than 512 MiB, and has a thread that makes some
// unasked at any time.
static __attribute__((unused)) void linux_settings(void)
{
#define SETTINGS "/tmp/sys/kernel/mm/transparent_hugepage/"
	mkdir("/tmp/sys", 0755);
	if (mount("sysfs", "/tmp/sys", "sysfs", 0, NULL))
		return;
	put_text(SETTINGS "enabled", "madvise");
	put_text(SETTINGS "defrag", "madvise");
	put_text(SETTINGS "use_zero_page", "1");
	put_text(SETTINGS "khugepaged/scan_sleep_millisecs", "1000000");
}

// An aligned area of so many MiB, with a gap on each side.
static __attribute__((unused)) char *area(size_t mib)
{
	char *p = mmap(NULL, mib * MIB + 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = (char *)(((unsigned long)p + 2 * HUGE - 1) & ~(HUGE - 1));
	static int set;

	if (!set++)
		linux_settings();

	if (p == MAP_FAILED || mprotect(at, mib * MIB, PROT_READ | PROT_WRITE))
		printf("no area: %s\n", strerrorname_np(errno));
	return at;
}

static __attribute__((unused)) char *huge_area(size_t mib)
{
	char *p = area(mib);

	if (madvise(p, mib * MIB, MADV_HUGEPAGE))
		printf("no huge pages: %s\n", strerrorname_np(errno));
	return p;
}

// Sums of a field of smaps over the areas from `start` to `end`; or a line of an area.
static __attribute__((unused)) long smaps(const char *field, const void *start, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from = 0, to, first = (unsigned long)start, value, sum = 0;
	char line[512];
	int in = 0;

	while (file && fgets(line, sizeof(line), file)) {
		size_t n = strlen(field);

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2 &&
		    strchr(line, '-') < strchr(line, ' '))
			in = from < first + size && to > first;
		else if (in && !strncmp(line, field, n) && line[n] == ':' &&
			 sscanf(line + n + 1, "%lu", &value) == 1)
			sum += value;
	}
	if (file)
		fclose(file);
	return sum;
}

static __attribute__((unused)) void show(const char *what, const void *start, size_t size)
{
	printf("%s: Rss %ld, Anonymous %ld, AnonHugePages %ld\n", what, smaps("Rss", start, size),
	       smaps("Anonymous", start, size), smaps("AnonHugePages", start, size));
}

static __attribute__((unused)) long stat_of(const char *file_name, const char *field)
{
	FILE *file = fopen(file_name, "r");
	char line[256];
	long value = -1;

	while (file && value < 0 && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, field, strlen(field)) && strchr(" :", line[strlen(field)]))
			sscanf(line + strlen(field) + 1, "%ld", &value);
	}
	if (file)
		fclose(file);
	return value;
}

static __attribute__((unused)) void write_all(char *p, size_t size, size_t step, int value)
{
	for (size_t at = 0; at < size; at += step)
		p[at] = value + at / PAGE;
}

static __attribute__((unused)) void check_all(const char *what, const char *p, size_t size,
					      size_t step, int value)
{
	size_t wrong = 0;

	for (size_t at = 0; at < size; at += step)
		wrong += p[at] != (char)(value + at / PAGE);
	printf("%s: %zu wrong\n", what, wrong);
}
