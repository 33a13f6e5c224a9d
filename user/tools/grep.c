// grep: lines that match an expression.

#include <dirent.h>
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool.h"

static struct {
	bool invert, count, quiet, names, numbers, list, fixed, word, line, only, recursive, silent,
		fold;
	const char *text;
	regex_t re;
	bool found;
} grep;

// The next match at or behind *from; false when there is none.
static bool next_match(const char *line, size_t from, regmatch_t *m)
{
	if (grep.fixed) {
		size_t n = strlen(grep.text);

		for (const char *s = line + from;; s++) {
			if (!(grep.fold ? strncasecmp : strncmp)(s, grep.text, n)) {
				*m = (regmatch_t){s - line, s - line + (ssize_t)n};
				return true;
			}
			if (!*s)
				return false;
		}
	}
	if (regexec(&grep.re, line + from, 1, m, from ? REG_NOTBOL : 0))
		return false;
	m->rm_so += (ssize_t)from;
	m->rm_eo += (ssize_t)from;
	return true;
}

static bool is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool line_matches(const char *line, size_t from, regmatch_t *m)
{
	for (; next_match(line, from, m); from = (size_t)m->rm_so + 1) {
		bool whole = !m->rm_so && !line[m->rm_eo];
		bool word = (!m->rm_so || !is_word(line[m->rm_so - 1])) && !is_word(line[m->rm_eo]);

		if ((!grep.line || whole) && (!grep.word || word))
			return true;
		if (!line[m->rm_so])
			break;
	}
	return false;
}

static void put_where(const char *name, u64 number)
{
	if (grep.names)
		printf("%s:", name);
	if (grep.numbers)
		printf("%lu:", number);
}

static void put_only(const char *name, u64 number, const char *line)
{
	regmatch_t m;

	for (size_t from = 0; line_matches(line, from, &m);) {
		if (m.rm_eo > m.rm_so) {
			put_where(name, number);
			printf("%.*s\n", (int)(m.rm_eo - m.rm_so), line + m.rm_so);
		}
		from = (size_t)(m.rm_eo > m.rm_so ? m.rm_eo : m.rm_eo + 1);
		if (from > strlen(line))
			break;
	}
}

static void grep_stream(FILE *in, const char *name)
{
	char *line = NULL;
	size_t room = 0;
	u64 number = 0, count = 0;
	ssize_t n;

	while ((n = getline(&line, &room, in)) >= 0) {
		regmatch_t m;

		number++;
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line_matches(line, 0, &m) == grep.invert)
			continue;
		count++;
		grep.found = true;
		if (grep.quiet || grep.list)
			break;
		if (grep.count)
			continue;
		if (grep.only && !grep.invert) {
			put_only(name, number, line);
			continue;
		}
		put_where(name, number);
		puts(line);
	}
	if (grep.list && count)
		puts(name);
	else if (grep.count && !grep.quiet) {
		if (grep.names)
			printf("%s:", name);
		printf("%lu\n", count);
	}
	free(line);
}

static int grep_path(char **argv, const char *path)
{
	struct stat st;
	int status = 0;

	if (grep.recursive && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		DIR *dir = opendir(path);

		for (struct dirent *e; dir && (e = readdir(dir));) {
			if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
				continue;
			char *below = path_join(path, e->d_name);

			status |= grep_path(argv, below);
			free(below);
		}
		if (dir)
			closedir(dir);
		return dir ? status : tool_error(argv, path);
	}
	FILE *in = strcmp(path, "-") ? fopen(path, "r") : stdin;

	if (!in)
		return grep.silent ? 1 : tool_error(argv, path);
	grep_stream(in, in == stdin ? "(standard input)" : path);
	if (ferror(in) && !grep.silent)
		status = tool_error(argv, path);
	if (in != stdin)
		fclose(in);
	return status;
}

static const char help[] =
	"Prints the lines of files that match a regular expression. Ends with 0 if there were\n"
	"any, 1 if not, 2 after an error.\n\n"
	"  -E  extended expression   -F  a plain text        -i  letters in either case\n"
	"  -v  lines without match   -w  whole words         -x  whole lines\n"
	"  -c  only their number     -l  only files' names   -n  with line numbers\n"
	"  -o  only what matched     -q  prints nothing      -s  no messages about files\n"
	"  -r  all files below       -H, -h  with, without the files' names\n";

int grep_main(int argc, char **argv)
{
	static const char synopsis[] = "[-EFivwxclnoqsrHh] [-e] EXPRESSION [FILE...]";
	int c, flags = 0, names = -1, status = 0;

	tool_help(argc, argv, synopsis, help);
	while ((c = getopt_long(argc, argv, "EFivwxclnoqsrHhe:G", NULL, NULL)) != -1) {
		bool *const bits[] = {
			['F'] = &grep.fixed,   ['v'] = &grep.invert,    ['w'] = &grep.word,
			['x'] = &grep.line,    ['c'] = &grep.count,     ['l'] = &grep.list,
			['n'] = &grep.numbers, ['o'] = &grep.only,      ['q'] = &grep.quiet,
			['s'] = &grep.silent,  ['r'] = &grep.recursive, ['i'] = &grep.fold};

		if (c == '?')
			return 2;
		if ((size_t)c < ARRAY_SIZE(bits) && bits[c])
			*bits[c] = true;
		flags |= c == 'E' ? REG_EXTENDED : c == 'i' ? REG_ICASE : 0;
		names = c == 'H' ? 1 : c == 'h' ? 0 : names;
		if (c == 'e')
			grep.text = optarg;
	}
	if (!grep.text && optind < argc)
		grep.text = argv[optind++];
	if (!grep.text)
		return tool_usage(argv, synopsis);
	int error = grep.fixed ? 0 : regcomp(&grep.re, grep.text, flags);

	if (error) {
		tool_complain(argv, "%s: %s", grep.text, regex_error(error));
		return 2;
	}
	grep.names = names >= 0 ? names : argc - optind > 1 || grep.recursive;
	if (optind == argc)
		status = grep_path(argv, grep.recursive ? "." : "-");
	for (; optind < argc; optind++)
		status |= grep_path(argv, argv[optind]);
	return grep.found && (grep.quiet || !status) ? 0 : status ? 2 : 1;
}
