// More about the system: date free hostname id nproc seq top uptime which yes.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/system.h>
#include <syscall.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

int date_main(int argc, char **argv)
{
	static const char synopsis[] = "[-u] [-d @SECONDS | -s @SECONDS] [+FORMAT]";
	const char *format = "%a %b %e %H:%M:%S %Z %Y";
	time_t now = time(NULL);
	char text[256];
	struct tm tm;
	int c;

	tool_help(argc, argv, synopsis,
		  "Prints the date and time, or sets them.\n\n  -d @SECONDS  this time, not now\n"
		  "  -s @SECONDS  sets the clock\n  FORMAT       as in %F %T\n");
	while ((c = getopt_long(argc, argv, "ud:s:", NULL, NULL)) != -1) {
		if (c == '?' || (c != 'u' && *optarg != '@'))
			return tool_usage(argv, synopsis);
		if (c == 'u')
			continue;
		now = strtol(optarg + 1, NULL, 10);
		if (c == 's' && clock_settime(CLOCK_REALTIME, &(struct timespec){now, 0}) < 0)
			return tool_error(argv, "clock");
	}
	if (optind < argc && *argv[optind] == '+')
		format = argv[optind++] + 1;
	if (optind < argc)
		return tool_usage(argv, synopsis);
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), format, &tm);
	puts(text);
	return 0;
}

// A line "Name:   123 kB" of /proc/meminfo, in KiB.
static u64 memory_value(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoul(at + strlen(name) + 1, NULL, 10) : 0;
}

static void put_memory(u64 kib, bool human)
{
	char text[16];

	size_format(kib * KIB, text, sizeof(text));
	if (human)
		printf("%12s", text);
	else
		printf("%12lu", kib);
}

int free_main(int argc, char **argv)
{
	bool human = argc > 1 && !strcmp(argv[1], "-h");

	tool_help(argc, argv, "[-h]",
		  "Prints how much memory is used, in KiB.\n\n  -h  for people\n");
	if (argc > 1 + human)
		return tool_usage(argv, "[-h]");
	char *text = file_read("/proc/meminfo", NULL);

	if (!text)
		return tool_error(argv, "/proc/meminfo");
	u64 total = memory_value(text, "MemTotal"), left = memory_value(text, "MemFree");
	u64 cache = memory_value(text, "\nCached") + memory_value(text, "Buffers");
	u64 available = memory_value(text, "MemAvailable");

	printf("%8s%12s%12s%12s%12s%12s\n%-8s", "", "total", "used", "free", "cache", "available",
	       "Mem:");
	put_memory(total, human);
	put_memory(total > left + cache ? total - left - cache : 0, human);
	put_memory(left, human);
	put_memory(cache, human);
	put_memory(available, human);
	putchar('\n');
	free(text);
	return 0;
}

int hostname_main(int argc, char **argv)
{
	char name[65];

	tool_help(argc, argv, "[NAME]", "Prints the name of the machine, or sets it.\n");
	if (argc > 2)
		return tool_usage(argv, "[NAME]");
	if (argc == 2)
		return sethostname(argv[1], strlen(argv[1])) < 0 ? tool_error(argv, argv[1]) : 0;
	if (gethostname(name, sizeof(name)) < 0)
		return tool_error(argv, "host name");
	puts(name);
	return 0;
}

static void put_id(const char *what, unsigned id)
{
	printf("%s=%u", what, id);
	if (!id)
		fputs("(root)", stdout);
}

int id_main(int argc, char **argv)
{
	gid_t groups[64];
	int n = getgroups(64, groups);

	tool_help(argc, argv, "[-u | -g]",
		  "Prints who runs this.\n\n  -u  only the user's number   -g  the group's\n");
	if (argc == 2 && !strcmp(argv[1], "-u")) {
		printf("%u\n", geteuid());
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "-g")) {
		printf("%u\n", getegid());
		return 0;
	}
	if (argc > 1)
		return tool_usage(argv, "[-u | -g]");
	put_id("uid", getuid());
	put_id(" gid", getgid());
	if (geteuid() != getuid())
		put_id(" euid", geteuid());
	if (getegid() != getgid())
		put_id(" egid", getegid());
	for (int i = 0; i < n; i++)
		put_id(i ? "," : " groups", groups[i]);
	putchar('\n');
	return 0;
}

int nproc_main(int argc, char **argv)
{
	unsigned long mask[16] = {0};
	int count = 0;

	tool_help(argc, argv, "", "Prints the number of harts that may run this.\n");
	if (syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) < 0)
		return tool_error(argv, "affinity");
	for (size_t i = 0; i < 8 * sizeof(mask); i++)
		count += mask[i / 64] >> i % 64 & 1;
	printf("%d\n", count);
	return 0;
}

int seq_main(int argc, char **argv)
{
	static const char synopsis[] = "[FIRST [STEP]] LAST";
	s64 first = 1, step = 1, last = 0;
	char *end;

	tool_help(argc, argv, synopsis, "Prints whole numbers from FIRST to LAST.\n");
	if (argc < 2 || argc > 4)
		return tool_usage(argv, synopsis);
	for (int i = 1; i < argc; i++) {
		s64 n = strtol(argv[i], &end, 10);

		if (*end || end == argv[i])
			return tool_complain(argv, "%s: is no whole number", argv[i]);
		if (i == argc - 1)
			last = n;
		else if (i == 1)
			first = n;
		else
			step = n;
	}
	if (!step)
		return tool_complain(argv, "the step is 0");
	while (step > 0 ? first <= last : first >= last) {
		printf("%ld\n", first);
		if (__builtin_add_overflow(first, step, &first))
			break;
	}
	return 0;
}

int uptime_main(int argc, char **argv)
{
	struct sysinfo info;

	tool_help(argc, argv, "", "Prints how long the system has run, and its load.\n");
	if (sysinfo(&info) < 0)
		return tool_error(argv, "sysinfo");
	printf("up ");
	if (info.uptime >= 86400)
		printf("%ld days, ", info.uptime / 86400);
	printf("%02ld:%02ld:%02ld, %u tasks, load", info.uptime / 3600 % 24, info.uptime / 60 % 60,
	       info.uptime % 60, info.procs);
	for (int i = 0; i < 3; i++)
		printf("%s %lu.%02lu", i ? "," : "", info.loads[i] >> 16,
		       (info.loads[i] & 0xffff) * 100 >> 16);
	putchar('\n');
	return 0;
}

int which_main(int argc, char **argv)
{
	int status = 0;

	tool_help(argc, argv, "NAME...", "Prints where along PATH programs are.\n");
	for (int i = 1; i < argc; i++) {
		const char *path = getenv("PATH");
		bool found = false;

		for (; path && *path && !found; path += *path == ':') {
			size_t n = strcspn(path, ":");
			char *dir = strndup(path, n), *full = path_join(dir ? dir : "", argv[i]);

			found = access(full, X_OK) == 0;
			if (found)
				puts(full);
			free(full);
			free(dir);
			path += n;
		}
		status |= !found;
	}
	return status;
}

int yes_main(int argc, char **argv)
{
	tool_help(argc, argv, "[TEXT...]", "Prints \"y\", or the text, again and again.\n");
	do {
		for (int i = 1; i < argc; i++)
			printf("%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
		if (argc < 2)
			puts("y");
	} while (!ferror(stdout));
	return 1;
}
