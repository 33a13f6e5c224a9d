// Mounts, signals, and the machine's power: mount umount kill poweroff reboot halt.

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/system.h>
#include <unistd.h>

#include "tool.h"

static const struct mount_option {
	const char *name;
	unsigned long set, clear;
} mount_options[] = {
	{"ro", MS_RDONLY, 0},
	{"rw", 0, MS_RDONLY},
	{"nosuid", MS_NOSUID, 0},
	{"suid", 0, MS_NOSUID},
	{"nodev", MS_NODEV, 0},
	{"dev", 0, MS_NODEV},
	{"noexec", MS_NOEXEC, 0},
	{"exec", 0, MS_NOEXEC},
	{"noatime", MS_NOATIME, 0},
	{"nodiratime", MS_NODIRATIME, 0},
	{"relatime", MS_RELATIME, 0},
	{"sync", MS_SYNCHRONOUS, 0},
	{"remount", MS_REMOUNT, 0},
	{"bind", MS_BIND, 0},
	{"rbind", MS_BIND | MS_REC, 0},
	{"move", MS_MOVE, 0},
	{"private", MS_PRIVATE, 0},
	{"rprivate", MS_PRIVATE | MS_REC, 0},
	{"shared", MS_SHARED, 0},
	{"rshared", MS_SHARED | MS_REC, 0},
	{"slave", MS_SLAVE, 0},
	{"rslave", MS_SLAVE | MS_REC, 0},
	{"unbindable", MS_UNBINDABLE, 0},
	{"runbindable", MS_UNBINDABLE | MS_REC, 0},
	{"defaults", 0, 0},
};

static bool mount_word(const char *word, unsigned long *flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_options); i++) {
		if (strcmp(mount_options[i].name, word))
			continue;
		*flags = (*flags & ~mount_options[i].clear) | mount_options[i].set;
		return true;
	}
	return false;
}

// Splits "ro,size=4M": what mount(2) has flags for, and the rest for the file system.
static void parse_options(char *text, unsigned long *flags, char *data, size_t size)
{
	char *word;

	while ((word = strsep(&text, ","))) {
		size_t n = strlen(data);

		if (*word && !mount_word(word, flags))
			snprintf(data + n, size - n, "%s%s", n ? "," : "", word);
	}
}

static int show_mounts(char **argv)
{
	char *text = file_read("/proc/mounts", NULL), *rest = text, *line;

	if (!text)
		return tool_error(argv, "/proc/mounts");
	while ((line = strsep(&rest, "\n"))) {
		char *source = strsep(&line, " "), *target = strsep(&line, " ");
		char *type = strsep(&line, " "), *options = strsep(&line, " ");

		if (options)
			printf("%s on %s type %s (%s)\n", source, target, type, options);
	}
	free(text);
	return 0;
}

int mount_main(int argc, char **argv)
{
	static const char synopsis[] = "[-t TYPE] [-o OPTIONS] [--bind] SOURCE DIRECTORY";
	static const struct option words[] = {
		{"bind", 0, NULL, 'B'},
		{"rbind", 0, NULL, 'R'},
		{"move", 0, NULL, 'M'},
		{"make-private", 0, NULL, 'p'},
		{"make-shared", 0, NULL, 's'},
		{"make-rprivate", 0, NULL, 'P'},
		{"make-slave", 0, NULL, 'v'},
		{"make-rshared", 0, NULL, 'S'},
		{"make-rslave", 0, NULL, 'V'},
		{"make-unbindable", 0, NULL, 'u'},
		{0},
	};
	static const struct {
		char option;
		const char *word;
	} meanings[] = {{'B', "bind"},   {'R', "rbind"},      {'M', "move"},  {'p', "private"},
			{'s', "shared"}, {'P', "rprivate"},   {'v', "slave"}, {'S', "rshared"},
			{'V', "rslave"}, {'u', "unbindable"}, {'r', "ro"},    {'w', "rw"}};
	const char *type = NULL;
	unsigned long flags = 0;
	char data[256] = "";
	int c;

	tool_help(
		argc, argv, synopsis,
		"Attaches a file system. Without arguments, lists what is mounted.\n\n"
		"  -t TYPE     proc, tmpfs, devtmpfs, ... (/proc/filesystems lists them)\n"
		"  -o OPTIONS  ro, nosuid, nodev, noexec, remount, bind, private, shared, slave,\n"
		"              and options of the file system, such as size=4M\n"
		"  --bind, --rbind, --move, --make-private, --make-rprivate, --make-shared, ...\n");
	while ((c = getopt_long(argc, argv, "t:o:rw", words, NULL)) != -1) {
		if (c == '?')
			return 2;
		if (c == 't')
			type = optarg;
		if (c == 'o')
			parse_options(optarg, &flags, data, sizeof(data));
		for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
			if (meanings[i].option == c)
				mount_word(meanings[i].word, &flags);
		}
	}
	if (optind == argc && !flags && !type)
		return show_mounts(argv);
	bool one = flags & (MS_REMOUNT | MS_PRIVATE | MS_SHARED | MS_SLAVE | MS_UNBINDABLE);

	if (argc - optind != 2 && !(one && argc - optind == 1))
		return tool_usage(argv, synopsis);
	const char *source = argv[optind], *target = argv[argc - 1];

	if (mount(source, target, type, flags, *data ? data : NULL) == 0)
		return 0;
	return tool_error(argv, target);
}

int umount_main(int argc, char **argv)
{
	static const char synopsis[] = "[-fl] DIRECTORY...";
	int c, flags = 0, status = 0;

	tool_help(argc, argv, synopsis,
		  "Takes file systems away.\n\n  -l  even in use: it goes when nobody uses it\n"
		  "  -f  by force\n");
	while ((c = getopt_long(argc, argv, "fl", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		flags |= c == 'f' ? MNT_FORCE : MNT_DETACH;
	}
	if (optind == argc)
		return tool_usage(argv, synopsis);
	for (; optind < argc; optind++) {
		if (umount2(argv[optind], flags) < 0)
			status = tool_error(argv, argv[optind]);
	}
	return status;
}

static int list_signals(void)
{
	for (int i = 1; i < 32; i++)
		printf("%2d %-8s%s", i, signal_name(i), i % 8 == 0 || i == 31 ? "\n" : "");
	return 0;
}

int kill_main(int argc, char **argv)
{
	static const char synopsis[] = "[-SIGNAL | -s SIGNAL] PID... | -l [NUMBER]";
	int number = SIGTERM, status = 0, i = 1;
	char *end;

	tool_help(argc, argv, synopsis,
		  "Sends a signal (TERM by default) to processes. A negative PID is a group; 0 "
		  "sends\n"
		  "nothing and tells whether the process is there. -l lists the signals.\n");
	if (argc > 1 && !strcmp(argv[1], "-l")) {
		if (argc == 2)
			return list_signals();
		number = atoi(argv[2]);
		number = number > 128 ? number - 128 : number;
		if (!signal_name(number))
			return tool_complain(argv, "%s: is no signal", argv[2]);
		puts(signal_name(number));
		return 0;
	}
	if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--")) {
		bool separate = !strcmp(argv[1], "-s") || !strcmp(argv[1], "-n");
		const char *name = separate ? (argc > 2 ? argv[2] : "") : argv[1] + 1;

		number = signal_number(name);
		if (number < 0)
			return tool_complain(argv, "%s: is no signal", name);
		i += 1 + separate;
	}
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	if (i >= argc)
		return tool_usage(argv, synopsis);
	for (; i < argc; i++) {
		long pid = strtol(argv[i], &end, 10);

		if (*end || end == argv[i])
			status = tool_complain(argv, "%s: is no process", argv[i]);
		else if (kill((pid_t)pid, number) < 0)
			status = tool_error(argv, argv[i]);
	}
	return status;
}

// Tells init, which ends all processes first; -f does it at once.
static int end_machine(int argc, char **argv, int number, unsigned command, const char *what)
{
	bool force = argc > 1 && !strcmp(argv[1], "-f");

	if (argc > 2 || (argc == 2 && !force))
		return tool_usage(argv, "[-f]");
	if (force) {
		sync();
		reboot((int)command);
		return tool_error(argv, what);
	}
	if (kill(1, number) < 0)
		return tool_error(argv, "init");
	// The shell's prompt would only be in the way of what init says.
	for (int i = 0; i < 3; i++)
		sleep(1);
	return 0;
}

int poweroff_main(int argc, char **argv)
{
	tool_help(argc, argv, "[-f]",
		  "Ends all processes and switches the machine off.\n\n  -f  at once\n");
	return end_machine(argc, argv, SIGUSR2, LINUX_REBOOT_CMD_POWER_OFF, "power-off");
}

int reboot_main(int argc, char **argv)
{
	tool_help(argc, argv, "[-f]",
		  "Ends all processes and starts the machine again.\n\n  -f  at once\n");
	return end_machine(argc, argv, SIGTERM, LINUX_REBOOT_CMD_RESTART, "restart");
}

int halt_main(int argc, char **argv)
{
	tool_help(argc, argv, "[-f]",
		  "Ends all processes and stops the machine.\n\n  -f  at once\n");
	return end_machine(argc, argv, SIGUSR1, LINUX_REBOOT_CMD_HALT, "halt");
}
