// What the system is and does: dmesg free id hostname nproc ps uname uptime.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

int uname_main(int argc, char **argv)
{
	static const char letters[] = "snrvm";
	struct new_utsname name;
	unsigned wanted = 0;
	int c;

	tool_help(argc, argv, "[-asnrvmo]",
		  "Prints what the system is.\n\n  -s  the kernel (default)  -n  name of the "
		  "machine\n"
		  "  -r  release   -v  version   -m  kind of machine   -o  system   -a  all\n");
	while ((c = getopt_long(argc, argv, "asnrvmpio", NULL, NULL)) != -1) {
		const char *found = strchr(letters, c);

		if (c == '?')
			return 2;
		wanted |= c == 'a' ? 63 : c == 'o' ? 32 : found ? 1u << (found - letters) : 16;
	}
	if (!wanted)
		wanted = 1;
	if (uname(&name) < 0)
		return tool_error(argv, "uname");
	const char *parts[] = {name.sysname, name.nodename, name.release,
			       name.version, name.machine,  "Linux"};
	const char *between = "";

	for (int i = 0; i < 6; i++) {
		if (!(wanted >> i & 1))
			continue;
		printf("%s%s", between, parts[i]);
		between = " ";
	}
	putchar('\n');
	return 0;
}

int dmesg_main(int argc, char **argv)
{
	static const char synopsis[] = "[-c] [-n LEVEL] [-r]";
	bool raw = false, clear = false;
	int c;

	tool_help(argc, argv, synopsis,
		  "Prints the kernel's log.\n\n  -c        and clears it\n"
		  "  -n LEVEL  sets which messages come to the console (1: only a panic, 8: all)\n"
		  "  -r        with the level of each line\n");
	while ((c = getopt_long(argc, argv, "cn:r", NULL, NULL)) != -1) {
		if (c == 'n')
			return klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, atoi(optarg)) < 0
				       ? tool_error(argv, optarg)
				       : 0;
		if (c == '?')
			return 2;
		raw |= c == 'r';
		clear |= c == 'c';
	}
	int size = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0);
	char *buf = xmalloc(size > 0 ? (size_t)size : 1);
	int n = klogctl(clear ? SYSLOG_ACTION_READ_CLEAR : SYSLOG_ACTION_READ_ALL, buf, size);

	if (n < 0)
		return tool_error(argv, "kernel log");
	bool start = true;

	for (int i = 0; i < n; i++) {
		// <6> in front of a line is its level.
		if (start && !raw && buf[i] == '<') {
			while (i < n && buf[i] != '>')
				i++;
			start = false;
			continue;
		}
		start = buf[i] == '\n';
		putchar(buf[i]);
	}
	free(buf);
	return 0;
}

// --- ps ---

struct process_info {
	int pid, ppid, tty, group, session, threads;
	char state, name[32];
	u64 user_ticks, system_ticks, vsize;
	s64 rss;
	unsigned uid;
};

// /proc/PID/stat: the name may hold blanks and parentheses, so what follows counts from the last ).
static bool process_read(int pid, struct process_info *p)
{
	char path[48];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	char *text = file_read(path, NULL), *open = text ? strchr(text, '(') : NULL;
	char *close = text ? strrchr(text, ')') : NULL;

	if (!open || !close) {
		free(text);
		return false;
	}
	*p = (struct process_info){.pid = pid, .uid = stat(path, &st) == 0 ? st.st_uid : 0};
	*close = '\0';
	strscpy(p->name, open + 1, sizeof(p->name));
	char *rest = close + 2, *field;

	for (int n = 3; (field = strsep(&rest, " ")); n++) {
		u64 value = strtoul(field, NULL, 10);

		switch (n) {
		case 3:
			p->state = *field;
			break;
		case 4:
			p->ppid = (int)value;
			break;
		case 5:
			p->group = (int)value;
			break;
		case 6:
			p->session = (int)value;
			break;
		case 7:
			p->tty = (int)value;
			break;
		case 14:
			p->user_ticks = value;
			break;
		case 15:
			p->system_ticks = value;
			break;
		case 20:
			p->threads = (int)value;
			break;
		case 23:
			p->vsize = value;
			break;
		case 24:
			p->rss = (s64)value;
			break;
		default:
			break;
		}
	}
	free(text);
	return true;
}

char *process_command(int pid)
{
	char path[48], *out;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	char *text = file_read(path, &n);

	if (text && n) {
		for (size_t i = 0; i + 1 < n; i++) {
			if (!text[i])
				text[i] = ' ';
		}
		return text;
	}
	free(text);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	text = file_read(path, NULL);
	if (asprintf(&out, "[%.*s]", text ? (int)strcspn(text, "\n") : 1, text ? text : "?") < 0)
		out = xstrdup("?");
	free(text);
	return out;
}

static void terminal_name(int tty, char *out, size_t size)
{
	unsigned number = minor((unsigned)tty);

	switch (major((unsigned)tty)) {
	case 4:
		snprintf(out, size, number >= 64 ? "ttyS%u" : "tty%u", number % 64);
		break;
	case 136:
		snprintf(out, size, "pts/%u", number);
		break;
	case 5:
		snprintf(out, size, "console");
		break;
	default:
		snprintf(out, size, "?");
	}
}

static int compare_pids(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x - *y;
}

int *process_list(size_t *count)
{
	DIR *dir = opendir("/proc");
	int *pids = NULL;

	*count = 0;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (!isdigit(*e->d_name))
			continue;
		pids = xrealloc(pids, (*count + 1) * sizeof(*pids));
		pids[(*count)++] = atoi(e->d_name);
	}
	if (dir)
		closedir(dir);
	if (*count)
		qsort(pids, *count, sizeof(*pids), compare_pids);
	return pids;
}

int ps_main(int argc, char **argv)
{
	bool longer = false;
	struct winsize size;
	size_t count;

	tool_help(
		argc, argv, "[-l]",
		"Lists the processes.\n\n  -l  with parent, group, session, threads and memory\n");
	for (int i = 1; i < argc; i++) {
		// The usual options of other systems all mean "all processes" here.
		const char *word = argv[i] + (*argv[i] == '-');

		if (strspn(word, "aefluwxA") != strlen(word))
			return tool_usage(argv, "[-l]");
		longer |= strchr(word, 'l') || strchr(word, 'f') || strchr(word, 'u');
	}
	int *pids = process_list(&count);

	if (!pids)
		return tool_error(argv, "/proc");
	int width = isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
										 : 1000;

	if (longer)
		puts("S   UID   PID  PPID  PGRP   SID THR    VSZ    RSS TTY        TIME COMMAND");
	else
		puts("  PID TTY      S     TIME COMMAND");
	for (size_t i = 0; i < count; i++) {
		struct process_info p;
		char tty[16];

		if (!process_read(pids[i], &p))
			continue;
		char *command = process_command(p.pid);
		u64 seconds = (p.user_ticks + p.system_ticks) / 100;

		terminal_name(p.tty, tty, sizeof(tty));
		if (longer)
			printf("%c %5u %5d %5d %5d %5d %3d %6lu %6ld %-8s %02lu:%02lu %.*s\n",
			       p.state, p.uid, p.pid, p.ppid, p.group, p.session, p.threads,
			       p.vsize / KIB, p.rss * 4, tty, seconds / 60, seconds % 60,
			       MAX(width - 70, 10), command);
		else
			printf("%5d %-8s %c %02lu:%02lu:%02lu %.*s\n", p.pid, tty, p.state,
			       seconds / 3600, seconds / 60 % 60, seconds % 60, MAX(width - 26, 10),
			       command);
		free(command);
	}
	free(pids);
	return 0;
}
