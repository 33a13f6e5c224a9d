// The smallest tools: cat clear echo env false printf pwd sleep true yes.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

int true_main(int argc, char **argv)
{
	return 0;
}

int false_main(int argc, char **argv)
{
	return 1;
}

int clear_main(int argc, char **argv)
{
	tool_help(argc, argv, "", "Clears the terminal's screen.\n");
	fputs("\033[H\033[2J\033[3J", stdout);
	return 0;
}

int pwd_main(int argc, char **argv)
{
	char cwd[PATH_MAX];

	tool_help(argc, argv, "", "Prints the current directory.\n");
	if (!getcwd(cwd, sizeof(cwd)))
		return tool_error(argv, "current directory");
	puts(cwd);
	return 0;
}

int cat_main(int argc, char **argv)
{
	static const char synopsis[] = "[FILE...]";
	int status = 0, i = 1;

	tool_help(argc, argv, synopsis,
		  "Writes files, or the standard input (also for -), to the standard output.\n");
	if (argc > 1 && argv[1][0] == '-' && argv[1][1] && strcmp(argv[1], "--") &&
	    strcmp(argv[1], "-u"))
		return tool_usage(argv, synopsis);
	if (argc > 1 && argv[1][0] == '-' && argv[1][1])
		i++;
	for (int first = i; i < argc || i == first; i++) {
		const char *name = i < argc ? argv[i] : "-";
		int fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC) : 0;

		if (fd < 0 || copy_fd(fd, 1) < 0)
			status = tool_error(argv, name);
		if (fd > 0)
			close(fd);
	}
	return status;
}

// One escape of echo -e and printf behind the backslash; returns what follows, NULL for \c.
static const char *put_escape(const char *s, bool leading_zero)
{
	static const char letters[] = "abefnrtv\\", values[] = "\a\b\033\f\n\r\t\v\\";
	const char *found = *s ? strchr(letters, *s) : NULL;
	int value = 0, digits = 0;

	if (*s == 'c')
		return NULL;
	if (found) {
		putchar(values[found - letters]);
		return s + 1;
	}
	if (*s == 'x' && isxdigit(s[1])) {
		for (s++; digits < 2 && isxdigit(*s); digits++)
			value = value * 16 + (int)char_digit_value(*s++);
		putchar(value);
		return s;
	}
	if (*s >= '0' && *s <= '7') {
		s += leading_zero && *s == '0';
		for (; digits < 3 && *s >= '0' && *s <= '7'; digits++)
			value = value * 8 + *s++ - '0';
		putchar(value);
		return s;
	}
	putchar('\\');
	return s;
}

// False when \c has ended all output.
static bool put_escaped(const char *s, bool leading_zero)
{
	while (*s) {
		if (*s != '\\') {
			putchar(*s++);
			continue;
		}
		s = put_escape(s + 1, leading_zero);
		if (!s)
			return false;
	}
	return true;
}

int echo_main(int argc, char **argv)
{
	bool newline = true, escapes = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strspn(argv[i] + 1, "neE") != strlen(argv[i] + 1))
			break;
		for (const char *c = argv[i] + 1; *c; c++) {
			newline &= *c != 'n';
			escapes = *c == 'n' ? escapes : *c == 'e';
		}
	}
	for (; i < argc; i++) {
		if (!escapes)
			fputs(argv[i], stdout);
		else if (!put_escaped(argv[i], true))
			return 0;
		if (i + 1 < argc)
			putchar(' ');
	}
	if (newline)
		putchar('\n');
	return 0;
}

// A number for printf: 'c is the code of c.
static s64 number_argument(char **argv, const char *text, int *status)
{
	char *end;

	if (*text == '\'' || *text == '"')
		return (u8)text[1];
	s64 n = *text == '-' ? strtol(text, &end, 0) : (s64)strtoul(text, &end, 0);

	if (*text && (*end || end == text))
		*status = tool_complain(argv, "%s: is no number", text);
	return n;
}

// The warning about formats that are not constant does not fit here: they are the user's.
static void put_formatted(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stdout, fmt, args);
	va_end(args);
}

// One conversion at *fmt, behind the '%'. Returns the number of arguments used, -1 to stop.
static int put_conversion(char **argv, const char **fmt, char **args, int count, int *status)
{
	char spec[40] = "%";
	size_t n = 1;
	int used = 0;

	while (**fmt && strchr("-+ #0123456789.*", **fmt) && n < 24) {
		if (**fmt == '*') {
			s64 value = used < count ? number_argument(argv, args[used], status) : 0;

			used++;
			n += (size_t)snprintf(spec + n, 12, "%ld", value % 10000);
		} else {
			spec[n++] = **fmt;
		}
		(*fmt)++;
	}
	const char *text = used < count ? args[used] : "";
	char c = **fmt;

	if (c)
		(*fmt)++;
	if (c == '%') {
		putchar('%');
		return used;
	}
	used++;
	switch (c) {
	case 'b':
		return put_escaped(text, true) ? used : -1;
	case 'c':
		spec[n] = 's';
		spec[n + 1] = '\0';
		put_formatted(spec, (char[]){*text, '\0'});
		return used;
	case 's':
		spec[n] = 's';
		spec[n + 1] = '\0';
		put_formatted(spec, text);
		return used;
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		spec[n] = 'l';
		spec[n + 1] = c;
		spec[n + 2] = '\0';
		put_formatted(spec, number_argument(argv, text, status));
		return used;
	default:
		*status = tool_complain(argv, "%%%c: there is no such conversion", c);
		return -1;
	}
}

int printf_main(int argc, char **argv)
{
	int status = 0, at = 2, used;

	tool_help(argc, argv, "FORMAT [ARGUMENT...]",
		  "Prints arguments by a format: %s %b %c %d %i %u %x %X %o %%, and escapes as in\n"
		  "echo -e. The format is used again while there are arguments.\n");
	if (argc < 2)
		return tool_usage(argv, "FORMAT [ARGUMENT...]");
	do {
		int before = at;

		for (const char *f = argv[1]; *f;) {
			if (*f == '\\') {
				f = put_escape(f + 1, false);
				if (!f)
					return status;
			} else if (*f == '%') {
				f++;
				used = put_conversion(argv, &f, argv + MIN(at, argc),
						      MAX(argc - at, 0), &status);
				if (used < 0)
					return status;
				at += used;
			} else {
				putchar(*f++);
			}
		}
		if (at == before)
			break;
	} while (at < argc);
	return status;
}

int sleep_main(int argc, char **argv)
{
	u64 total = 0, ns;

	tool_help(argc, argv, "TIME...",
		  "Waits for the sum of the times: numbers, with a fraction, of seconds,\n"
		  "or with a suffix s, m, h or d.\n");
	if (argc < 2)
		return tool_usage(argv, "TIME...");
	for (int i = 1; i < argc; i++) {
		if (!duration_parse(argv[i], &ns))
			return tool_complain(argv, "%s: is no time", argv[i]);
		total += ns;
	}
	struct timespec time = {(time_t)(total / 1000000000), (long)(total % 1000000000)};

	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		;
	return 0;
}

int env_main(int argc, char **argv)
{
	static const char synopsis[] = "[-i] [-u NAME] [NAME=VALUE...] [COMMAND [ARGUMENT...]]";
	int c;

	tool_help(argc, argv, synopsis,
		  "Runs a command with a changed environment; without one, prints it.\n\n"
		  "  -i       begin with an empty environment\n"
		  "  -u NAME  take a variable away\n");
	while ((c = getopt(argc, argv, "iu:")) != -1) {
		if (c == 'i')
			clearenv();
		else if (c == 'u')
			unsetenv(optarg);
		else
			return tool_usage(argv, synopsis);
	}
	for (; optind < argc && strchr(argv[optind], '='); optind++) {
		char *equal = strchr(argv[optind], '=');

		*equal = '\0';
		if (setenv(argv[optind], equal + 1, 1) < 0)
			return tool_error(argv, argv[optind]);
	}
	if (optind == argc) {
		for (char **e = environ; *e; e++)
			puts(*e);
		return 0;
	}
	execvp(argv[optind], argv + optind);
	tool_error(argv, argv[optind]);
	return errno == ENOENT ? 127 : 126;
}
