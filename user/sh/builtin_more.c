// The longer builtins: read, getopts, ulimit, umask, help.

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <unistd.h>

#include "../tools/tool.h"
#include "builtin.h"
#include "sh.h"

// A line byte by byte: what follows is for others. kinds: a byte for each, 1 if it was escaped.
static bool read_line(bool raw, struct buffer *line, struct buffer *kinds)
{
	char c;

	for (;;) {
		ssize_t n = read(0, &c, 1);

		if (n < 0 && errno == EINTR && !sh.interrupted)
			continue;
		if (n <= 0)
			return false;
		if (c == '\n')
			return true;
		bool escaped = c == '\\' && !raw;

		if (escaped) {
			if (read(0, &c, 1) <= 0)
				return false;
			if (c == '\n')
				continue;
		}
		buffer_putc(line, c);
		buffer_putc(kinds, escaped);
	}
}

int builtin_read(int argc, char **argv)
{
	const char *ifs = var_get("IFS") ? var_get("IFS") : " \t\n", *prompt = NULL;
	struct buffer line = {0}, kinds = {0};
	bool raw = false, whole;
	int i = 1;

	for (; i < argc && *argv[i] == '-'; i++) {
		if (!strcmp(argv[i], "-r")) {
			raw = true;
		} else if (!strcmp(argv[i], "-p") && i + 1 < argc) {
			prompt = argv[++i];
		} else {
			shell_error("read: usage: read [-r] [-p PROMPT] [NAME...]");
			return 2;
		}
	}
	if (prompt && isatty(0))
		fputs(prompt, stderr);
	fflush(NULL);
	whole = read_line(raw, &line, &kinds);
	buffer_put(&line, "", 0);
	size_t at = 0, n = line.length;
#define IS_BLANK(k)     (!kinds.text[k] && isspace(line.text[k]) && strchr(ifs, line.text[k]))
#define IS_SEPARATOR(k) (!kinds.text[k] && strchr(ifs, line.text[k]))
	for (; i < argc || argc == i; i++) {
		const char *name = i < argc ? argv[i] : "REPLY";
		bool last = i + 1 >= argc;

		while (at < n && IS_BLANK(at))
			at++;
		size_t start = at, end;

		if (last) {
			end = at = n;
			while (end > start && IS_BLANK(end - 1))
				end--;
		} else {
			while (at < n && !IS_SEPARATOR(at))
				at++;
			end = at;
			while (at < n && IS_BLANK(at))
				at++;
			if (at < n && IS_SEPARATOR(at) && (at > end || !IS_BLANK(end)))
				at++;
		}
		char *value = strndup(line.text + start, end - start);

		if (!value || !var_set(name, value, 0))
			whole = false;
		free(value);
		if (last)
			break;
	}
	free(line.text);
	free(kinds.text);
	return whole ? 0 : 1;
}

// An option that is wrong or lacks its argument: says so, or with a silent set tells OPTARG.
static char getopts_complain(bool silent, const char *letter, const char *what, char silent_letter)
{
	if (silent) {
		var_set("OPTARG", letter, 0);
		return silent_letter;
	}
	shell_error("%s: %s -%s", sh.name, what, letter);
	return '?';
}

// getopts OPTIONS NAME [WORD...]: OPTIND is the word to look at next, `within` our place in it.
int builtin_getopts(int argc, char **argv)
{
	static int within, last_index;
	char **words = argc > 3 ? argv + 3 : sh.args;
	int count = argc > 3 ? argc - 3 : sh.arg_count, status = 0;
	const char *at = var_get("OPTIND");
	int index = at ? atoi(at) : 1;
	char letter[2] = "?", text[16];

	if (argc < 3) {
		shell_error("getopts: usage: getopts OPTIONS NAME [WORD...]");
		return 2;
	}
	if (index != last_index)
		within = 0;
	const char *word = index >= 1 && index <= count ? words[index - 1] : NULL;
	const char *options = argv[1];
	bool silent = *options == ':';

	var_unset("OPTARG");
	if (!within && (!word || *word != '-' || !word[1] || !strcmp(word, "--"))) {
		index += word && !strcmp(word, "--");
		status = 1;
	} else {
		letter[0] = word[within ? within : 1];
		within = (within ? within : 1) + 1;
		const char *found = *letter == ':' ? NULL : strchr(options, *letter);
		const char *rest = word + within, *value = *rest ? rest : NULL;
		bool takes_value = found && found[1] == ':';

		if (!*rest || takes_value) {
			index++;
			within = 0;
		}
		if (takes_value && !value && index <= count)
			value = words[index++ - 1];
		if (!found)
			letter[0] = getopts_complain(silent, letter, "invalid option", '?');
		else if (takes_value && !value)
			letter[0] = getopts_complain(silent, letter, "no argument for option", ':');
		else if (takes_value)
			var_set("OPTARG", value, 0);
	}
	last_index = index;
	snprintf(text, sizeof(text), "%d", index);
	var_set("OPTIND", text, 0);
	return var_set(argv[2], letter, 0) ? status : 2;
}

static const struct limit {
	char letter;
	int resource;
	u64 unit;
	const char *text;
} limits[] = {
	{'c', RLIMIT_CORE, 512, "core file (blocks)"},
	{'d', RLIMIT_DATA, KIB, "data (KiB)"},
	{'f', RLIMIT_FSIZE, 512, "file size (blocks)"},
	{'i', RLIMIT_SIGPENDING, 1, "pending signals"},
	{'l', RLIMIT_MEMLOCK, KIB, "locked memory (KiB)"},
	{'m', RLIMIT_RSS, KIB, "resident memory (KiB)"},
	{'n', RLIMIT_NOFILE, 1, "open files"},
	{'q', RLIMIT_MSGQUEUE, 1, "message queues (bytes)"},
	{'s', RLIMIT_STACK, KIB, "stack (KiB)"},
	{'t', RLIMIT_CPU, 1, "processor time (seconds)"},
	{'u', RLIMIT_NPROC, 1, "processes"},
	{'v', RLIMIT_AS, KIB, "address space (KiB)"},
};

static void show_limit(const struct limit *l, bool hard, bool named)
{
	struct rlimit r;

	getrlimit(l->resource, &r);
	u64 value = hard ? r.rlim_max : r.rlim_cur;

	if (named)
		printf("%-28s -%c  ", l->text, l->letter);
	if (value == RLIM_INFINITY)
		puts("unlimited");
	else
		printf("%lu\n", value / l->unit);
}

static int set_limit(const struct limit *l, const char *text, bool soft, bool hard)
{
	struct rlimit r;
	char *end;
	u64 value = RLIM_INFINITY;

	if (strcmp(text, "unlimited")) {
		value = strtoul(text, &end, 10) * l->unit;
		if (!isdigit(*text) || *end) {
			shell_error("ulimit: %s: is no number", text);
			return 1;
		}
	}
	getrlimit(l->resource, &r);
	if (soft || !hard)
		r.rlim_cur = value;
	if (hard || !soft)
		r.rlim_max = value;
	if (setrlimit(l->resource, &r) == 0)
		return 0;
	shell_error("ulimit: %s: %s", text, strerror(errno));
	return 1;
}

int builtin_ulimit(int argc, char **argv)
{
	const struct limit *wanted = &limits[2];
	bool soft = false, hard = false, all = false;
	int i = 1;

	for (; i < argc && *argv[i] == '-'; i++) {
		for (const char *c = argv[i] + 1; *c; c++) {
			const struct limit *found = NULL;

			for (size_t l = 0; l < ARRAY_SIZE(limits); l++)
				found = limits[l].letter == *c ? &limits[l] : found;
			soft |= *c == 'S';
			hard |= *c == 'H';
			all |= *c == 'a';
			if (found) {
				wanted = found;
			} else if (!strchr("SHa", *c)) {
				shell_error("ulimit: -%c: there is no such limit", *c);
				return 2;
			}
		}
	}
	if (all) {
		for (size_t l = 0; l < ARRAY_SIZE(limits); l++)
			show_limit(&limits[l], hard, true);
		return 0;
	}
	if (i < argc)
		return set_limit(wanted, argv[i], soft, hard);
	show_limit(wanted, hard, false);
	return 0;
}

int builtin_umask(int argc, char **argv)
{
	unsigned mask = umask(0);

	umask(mask);
	if (argc > 1 && !strcmp(argv[1], "-S")) {
		for (int shift = 6; shift >= 0; shift -= 3) {
			unsigned allowed = ~mask >> shift & 7;

			printf("%c=%s%s%s%c",
			       shift == 6   ? 'u'
			       : shift == 3 ? 'g'
					    : 'o',
			       allowed & 4 ? "r" : "", allowed & 2 ? "w" : "",
			       allowed & 1 ? "x" : "", shift ? ',' : '\n');
		}
		return 0;
	}
	if (argc < 2) {
		printf("%04o\n", mask);
		return 0;
	}
	// Symbolic masks name what is allowed.
	long mode = isdigit(*argv[1]) ? mode_parse(argv[1], 0, false)
				      : mode_parse(argv[1], ~mask & 0777, false);

	if (mode < 0) {
		shell_error("umask: %s: is no mask", argv[1]);
		return 1;
	}
	umask(isdigit(*argv[1]) ? (unsigned)mode : ~(unsigned)mode & 0777);
	return 0;
}

int builtin_help(int argc, char **argv)
{
	puts("Builtins of the shell:");
	builtins_list();
	puts("\nPrograms (each tells more with --help):");
	for (size_t i = 0; i < tool_count; i++)
		printf("%s%s", tools[i].name, i + 1 < tool_count ? " " : "\n");
	return 0;
}
