// What several tools need, and the choice of the tool by name.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

const struct tool *tool_find(const char *name)
{
	size_t low = 0, high = tool_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, tools[middle].name);

		if (!order)
			return &tools[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *name = argc ? path_base(argv[0]) : "init";

	name += *name == '-'; // a login shell
	const struct tool *tool = tool_find(name);

	if (!tool) {
		fprintf(stderr, "%s: not a tool of this program\n", name);
		return 127;
	}
	int status = tool->main(argc, argv);

	// An output that could not be written is a failure: `cat file > /dev/full`.
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			tool_error(argv, "write error");
		return status ? status : 1;
	}
	return status;
}

void tool_help(int argc, char **argv, const char *synopsis, const char *text)
{
	if (argc < 2 || strcmp(argv[1], "--help"))
		return;
	printf("usage: %s %s\n\n%s", path_base(argv[0]), synopsis, text);
	exit(0);
}

int tool_usage(char **argv, const char *synopsis)
{
	fprintf(stderr, "usage: %s %s\n", path_base(argv[0]), synopsis);
	return 2;
}

int tool_error(char **argv, const char *what)
{
	int error = errno;

	fflush(stdout);
	fprintf(stderr, "%s: %s: %s\n", path_base(argv[0]), what, strerror(error));
	return 1;
}

int tool_complain(char **argv, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", path_base(argv[0]));
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("\n", stderr);
	return 1;
}

int copy_fd(int from, int to)
{
	static char buf[16384];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write_all(to, buf, (size_t)n) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

char *path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *path = xmalloc(n + strlen(name) + 2);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	memcpy(path, dir, n);
	stpcpy(stpcpy(path + n, n && dir[n - 1] != '/' ? "/" : ""), name);
	return path;
}

const char *path_base(const char *path)
{
	static char base[NAME_MAX + 1];
	const char *end = path + strlen(path), *start;

	while (end > path + 1 && end[-1] == '/')
		end--;
	for (start = end; start > path && start[-1] != '/';)
		start--;
	if (start == end)
		return path;
	if (!*end)
		return start;
	size_t n = MIN((size_t)(end - start), sizeof(base) - 1);

	memcpy(base, start, n);
	base[n] = '\0';
	return base;
}

char *file_read(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0, room = 1024;
	ssize_t part;

	if (fd < 0)
		return NULL;
	char *text = xmalloc(room);

	while ((part = read(fd, text + n, room - n - 1)) > 0) {
		n += (size_t)part;
		if (room - n < 512)
			text = xrealloc(text, room *= 2);
	}
	int error = errno;

	close(fd);
	if (part < 0) {
		free(text);
		errno = error;
		return NULL;
	}
	text[n] = '\0';
	if (size)
		*size = n;
	return text;
}

// The bits of rwxXst for those whom `who` (a mask of 0700, 0070, 0007) names.
static long mode_letters(const char **text, unsigned who, unsigned old, bool directory)
{
	unsigned bits = 0;

	for (;; (*text)++) {
		switch (**text) {
		case 'r':
			bits |= 0444 & who;
			break;
		case 'w':
			bits |= 0222 & who;
			break;
		case 'X':
			if (!directory && !(old & 0111))
				break;
			FALLTHROUGH;
		case 'x':
			bits |= 0111 & who;
			break;
		case 's':
			bits |= (who & 0700 ? S_ISUID : 0) | (who & 0070 ? S_ISGID : 0);
			break;
		case 't':
			bits |= S_ISVTX;
			break;
		default:
			return bits;
		}
	}
}

long mode_parse(const char *text, unsigned old, bool directory)
{
	unsigned mode = old & 07777;
	char *end;

	if (isdigit(*text)) {
		long octal = strtol(text, &end, 8);

		return *end || octal > 07777 ? -1 : octal;
	}
	for (;;) {
		unsigned who = 0, mask = ~0u;

		for (; *text && strchr("ugoa", *text); text++)
			who |= *text == 'u'   ? 0700
			       : *text == 'g' ? 0070
			       : *text == 'o' ? 0007
					      : 0777;
		if (!who) {
			who = 0777;
			mask = umask(0);
			umask(mask);
			mask = ~mask;
		}
		if (!*text || !strchr("+-=", *text))
			return -1;
		while (*text && strchr("+-=", *text)) {
			char op = *text++;
			unsigned bits = (unsigned)mode_letters(&text, who, mode, directory) & mask;

			if (op == '=')
				mode &= ~who;
			mode = op == '-' ? mode & ~bits : mode | bits;
		}
		if (!*text)
			return mode;
		if (*text++ != ',')
			return -1;
	}
}

void mode_format(unsigned mode, char *out)
{
	static const char types[] = "?pc?d?b?-?l?s???";

	out[0] = types[mode >> 12 & 15];
	for (int i = 0; i < 9; i++)
		out[i + 1] = mode & (0400u >> i) ? "rwx"[i % 3] : '-';
	if (mode & S_ISUID)
		out[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		out[6] = mode & 0010 ? 's' : 'S';
	if (mode & S_ISVTX)
		out[9] = mode & 0001 ? 't' : 'T';
	out[10] = '\0';
}

void size_format(u64 bytes, char *out, size_t size)
{
	static const char units[] = "BKMGTP";
	int unit = 0;
	u64 tenths = bytes * 10;

	for (; tenths >= 10240 && unit < 5; unit++)
		tenths = DIV_ROUND_UP(tenths, 1024);
	if (!unit)
		snprintf(out, size, "%lu", bytes);
	else if (tenths < 100)
		snprintf(out, size, "%lu.%lu%c", tenths / 10, tenths % 10, units[unit]);
	else
		snprintf(out, size, "%lu%c", DIV_ROUND_UP(tenths, 10), units[unit]);
}

bool duration_parse(const char *text, u64 *ns)
{
	u64 unit = 1000000000ul, scale;
	char *end;
	u64 whole = strtoul(text, &end, 10), fraction = 0;

	if (!isdigit(*text) && *text != '.')
		return false;
	scale = unit;
	if (*end == '.') {
		for (end++; isdigit(*end); end++) {
			scale /= 10;
			fraction += scale * (u64)(*end - '0');
		}
	}
	u64 factor = *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 1;

	if (*end && strchr("smhd", *end))
		end++;
	u64 limit = (u64)INT64_MAX / unit / factor;

	*ns = (MIN(whole, limit - 1) * unit + fraction) * factor;
	return !*end;
}
