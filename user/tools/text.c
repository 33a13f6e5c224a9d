// Filters of text: cut head sort tail tee tr uniq wc.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

// Calls f for each file named, or for the standard input (also for "-").
static int each_file(int argc, char **argv, int (*f)(char **argv, FILE *in, const char *name))
{
	int status = 0;

	for (int i = optind; i < argc || i == optind; i++) {
		const char *name = i < argc ? argv[i] : "-";
		FILE *in = strcmp(name, "-") ? fopen(name, "r") : stdin;

		if (!in) {
			status = tool_error(argv, name);
			continue;
		}
		status |= f(argv, in, name);
		if (ferror(in))
			status = tool_error(argv, name);
		if (in != stdin)
			fclose(in);
	}
	return status;
}

// --- head and tail ---

static struct {
	s64 count;
	bool bytes, from_start, titles;
	int shown;
} ends = {.count = 10};

static void put_title(const char *name)
{
	if (ends.titles)
		printf("%s==> %s <==\n", ends.shown++ ? "\n" : "", name);
}

static int head_file(char **argv, FILE *in, const char *name)
{
	s64 left = ends.count;
	int c;

	put_title(name);
	while (left > 0 && (c = getc(in)) != EOF) {
		putchar(c);
		left -= ends.bytes || c == '\n';
	}
	fflush(in); // what was read ahead goes back
	return 0;
}

// Keeps all that was read, then finds where the last lines begin.
static int tail_file(char **argv, FILE *in, const char *name)
{
	char *text = NULL;
	size_t n = 0, room = 0, part, from = 0;
	s64 left = ends.count;

	put_title(name);
	do {
		if (room - n < BUFSIZ)
			text = xrealloc(text, room = MAX(2 * room, 2ul * BUFSIZ));
		part = fread(text + n, 1, BUFSIZ, in);
		n += part;
	} while (part);
	if (ends.from_start) {
		while (from < n && left > 1)
			left -= ends.bytes || text[from] == '\n', from++;
	} else {
		from = n;
		if (n && !ends.bytes && text[n - 1] == '\n' && left)
			from--;
		while (from && left) {
			left -= ends.bytes || text[from - 1] == '\n';
			if (left || ends.bytes)
				from--;
		}
		if (!ends.count)
			from = n;
	}
	fwrite(text + from, 1, n - from, stdout);
	free(text);
	return 0;
}

static bool ends_options(int argc, char **argv)
{
	char *end;
	int c;

	// The old form -20.
	if (argc > 1 && argv[1][0] == '-' && isdigit(argv[1][1])) {
		ends.count = strtol(argv[1] + 1, NULL, 10);
		optind = 2;
	}
	while ((c = getopt_long(argc, argv, "n:c:qv", NULL, NULL)) != -1) {
		if (c == '?')
			return false;
		if (c == 'q' || c == 'v')
			continue;
		ends.bytes = c == 'c';
		ends.from_start = *optarg == '+';
		ends.count = strtol(optarg + (*optarg == '+' || *optarg == '-'), &end, 10);
		if (*end || end == optarg) {
			tool_complain(argv, "%s: is no number", optarg);
			return false;
		}
	}
	ends.titles = argc - optind > 1;
	return true;
}

int head_main(int argc, char **argv)
{
	tool_help(argc, argv, "[-n LINES | -c BYTES] [FILE...]",
		  "Prints the first 10 lines of files.\n\n  -n LINES, -c BYTES  this much\n");
	return ends_options(argc, argv) ? each_file(argc, argv, head_file) : 2;
}

int tail_main(int argc, char **argv)
{
	tool_help(argc, argv, "[-n LINES | -c BYTES] [FILE...]",
		  "Prints the last 10 lines of files.\n\n"
		  "  -n LINES, -c BYTES  this much; with a +, from there to the end\n");
	return ends_options(argc, argv) ? each_file(argc, argv, tail_file) : 2;
}

// --- wc ---

static struct {
	bool lines, words, bytes;
	u64 total[3];
} wc;

static void put_counts(const u64 *counts, const char *name)
{
	bool wanted[] = {wc.lines, wc.words, wc.bytes};
	int shown = 0;
	bool single = wc.lines + wc.words + wc.bytes == 1;

	for (int i = 0; i < 3; i++) {
		if (wanted[i])
			printf(single ? "%s%lu" : "%s%7lu", shown++ ? " " : "", counts[i]);
	}
	printf("%s%s\n", *name ? " " : "", name);
}

static int wc_file(char **argv, FILE *in, const char *name)
{
	u64 counts[3] = {0};
	bool inside = false;
	int c;

	while ((c = getc(in)) != EOF) {
		counts[0] += c == '\n';
		counts[1] += !isspace(c) && !inside;
		counts[2]++;
		inside = !isspace(c);
	}
	for (int i = 0; i < 3; i++)
		wc.total[i] += counts[i];
	put_counts(counts, strcmp(name, "-") ? name : "");
	return 0;
}

int wc_main(int argc, char **argv)
{
	int c;

	tool_help(argc, argv, "[-lwc] [FILE...]",
		  "Counts.\n\n  -l  lines   -w  words   -c  bytes; by default all three\n");
	while ((c = getopt_long(argc, argv, "lwc", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		wc.lines |= c == 'l';
		wc.words |= c == 'w';
		wc.bytes |= c == 'c';
	}
	if (!wc.lines && !wc.words && !wc.bytes)
		wc.lines = wc.words = wc.bytes = true;
	int status = each_file(argc, argv, wc_file);

	if (argc - optind > 1)
		put_counts(wc.total, "total");
	return status;
}

// --- sort and uniq ---

static struct {
	char **lines;
	size_t count, room;
	bool numeric, reverse, unique, fold;
	int key, separator;
} sorting;

static void chomp(char *line)
{
	size_t n = strlen(line);

	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
}

// Where the key begins: field N, counted from 1.
static const char *sort_key(const char *line)
{
	for (int n = sorting.key; n > 1 && *line; n--) {
		if (sorting.separator) {
			line += strcspn(line, (char[]){(char)sorting.separator, '\0'});
			line += *line != '\0';
		} else {
			line = str_skip_blanks(line);
			while (*line && !isblank(*line))
				line++;
		}
	}
	return sorting.key > 1 && !sorting.separator ? str_skip_blanks(line) : line;
}

static int compare_keys(const char *a, const char *b)
{
	if (sorting.numeric) {
		s64 x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);

		return (x > y) - (x < y);
	}
	return sorting.fold ? strcasecmp(a, b) : strcmp(a, b);
}

static int compare_lines(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int order = compare_keys(sort_key(x), sort_key(y));

	if (!order && !sorting.unique)
		order = strcmp(x, y);
	return sorting.reverse ? -order : order;
}

static int sort_file(char **argv, FILE *in, const char *name)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, in) >= 0) {
		chomp(line);
		if (sorting.count == sorting.room) {
			sorting.room = sorting.room ? 2 * sorting.room : 64;
			sorting.lines = xrealloc(sorting.lines,
						 sorting.room * sizeof(*sorting.lines));
		}
		sorting.lines[sorting.count++] = xstrdup(line);
	}
	free(line);
	return 0;
}

int sort_main(int argc, char **argv)
{
	static const char synopsis[] = "[-nrufs] [-k FIELD] [-t CHARACTER] [-o FILE] [FILE...]";
	const char *output = NULL;
	int c;

	tool_help(
		argc, argv, synopsis,
		"Sorts lines.\n\n  -n  by number   -r  the other way round   -u  equal ones once\n"
		"  -f  letters in either case are the same\n"
		"  -k FIELD  by this field and what follows   -t C  fields end at C\n"
		"  -o FILE   writes to it\n");
	while ((c = getopt_long(argc, argv, "nrufsbk:t:o:", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		sorting.numeric |= c == 'n' || (c == 'k' && strchr(optarg, 'n'));
		sorting.reverse |= c == 'r' || (c == 'k' && strchr(optarg, 'r'));
		sorting.unique |= c == 'u';
		sorting.fold |= c == 'f';
		if (c == 'k')
			sorting.key = atoi(optarg);
		if (c == 't')
			sorting.separator = (u8)*optarg;
		if (c == 'o')
			output = optarg;
	}
	int status = each_file(argc, argv, sort_file);

	if (output) {
		int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

		if (fd < 0)
			return tool_error(argv, output);
		dup2(fd, 1);
		close(fd);
	}
	if (sorting.count)
		qsort(sorting.lines, sorting.count, sizeof(*sorting.lines), compare_lines);
	for (size_t i = 0; i < sorting.count; i++) {
		if (sorting.unique && i && !compare_lines(&sorting.lines[i - 1], &sorting.lines[i]))
			continue;
		puts(sorting.lines[i]);
	}
	return status;
}

int uniq_main(int argc, char **argv)
{
	bool count = false, repeated = false, single = false;
	char *line = NULL, *last = NULL;
	size_t room = 0;
	u64 times = 0;
	int c;

	tool_help(
		argc, argv, "[-cdu] [FILE]",
		"Prints lines that follow each other and are the same only once.\n\n"
		"  -c  with their number   -d  only those that come again   -u  only the others\n");
	while ((c = getopt_long(argc, argv, "cdu", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		count |= c == 'c';
		repeated |= c == 'd';
		single |= c == 'u';
	}
	FILE *in = optind < argc && strcmp(argv[optind], "-") ? fopen(argv[optind], "r") : stdin;

	if (!in)
		return tool_error(argv, argv[optind]);
	for (bool more = true; more;) {
		more = getline(&line, &room, in) >= 0;
		if (more)
			chomp(line);
		if (more && last && !strcmp(line, last)) {
			times++;
			continue;
		}
		if (last && !(repeated && times < 2) && !(single && times > 1)) {
			if (count)
				printf("%7lu ", times);
			puts(last);
		}
		free(last);
		last = more ? xstrdup(line) : NULL;
		times = 1;
	}
	free(line);
	return 0;
}

// --- cut ---

static struct {
	bool wanted[1024];
	int delimiter;
	bool fields, only;
} cutting = {.delimiter = '\t'};

static bool cut_list(char **argv, char *list)
{
	char *part;

	while ((part = strsep(&list, ","))) {
		char *end;
		long from = *part == '-' ? 1 : strtol(part, &end, 10);
		long to = from;

		if (*part == '-')
			end = part;
		if (*end == '-')
			to = end[1] ? strtol(end + 1, &end, 10) : 1023;
		if (from < 1 || to < from || to > 1023) {
			tool_complain(argv, "%s: is no list", part);
			return false;
		}
		for (; from <= to; from++)
			cutting.wanted[from] = true;
	}
	return true;
}

static int cut_file(char **argv, FILE *in, const char *name)
{
	char *line = NULL, between[2] = {(char)cutting.delimiter, '\0'};
	size_t room = 0;

	while (getline(&line, &room, in) >= 0) {
		chomp(line);
		if (!cutting.fields) {
			for (size_t i = 0; line[i]; i++) {
				if (cutting.wanted[MIN(i + 1, 1023ul)])
					putchar(line[i]);
			}
			putchar('\n');
			continue;
		}
		if (!strchr(line, cutting.delimiter)) {
			if (!cutting.only)
				puts(line);
			continue;
		}
		char *rest = line, *field;
		int shown = 0;

		for (int n = 1; (field = strsep(&rest, between)); n++) {
			if (cutting.wanted[MIN(n, 1023)])
				printf("%s%s", shown++ ? between : "", field);
		}
		putchar('\n');
	}
	free(line);
	return 0;
}

int cut_main(int argc, char **argv)
{
	static const char synopsis[] = "-f LIST [-d CHARACTER] [-s] | -c LIST [FILE...]";
	bool any = false;
	int c;

	tool_help(argc, argv, synopsis,
		  "Prints parts of lines. A LIST is numbers and ranges: 1,3-5,7-\n\n"
		  "  -f LIST  fields   -d C  which end at C (a tab by default)\n"
		  "  -s       no lines without C   -c LIST  characters\n");
	while ((c = getopt_long(argc, argv, "f:c:b:d:s", NULL, NULL)) != -1) {
		if (c == 'd') {
			cutting.delimiter = (u8)*optarg;
		} else if (c == 's') {
			cutting.only = true;
		} else if (c == '?' || !cut_list(argv, optarg)) {
			return 2;
		} else {
			cutting.fields |= c == 'f';
			any = true;
		}
	}
	return any ? each_file(argc, argv, cut_file) : tool_usage(argv, synopsis);
}

// --- tr and tee ---

// A set of tr to bytes: ranges, classes, escapes. Returns the number.
static int tr_set(const char *s, u8 *out)
{
	static const struct {
		const char *name, *from, *to;
	} classes[] = {{"[:upper:]", "A", "Z"}, {"[:lower:]", "a", "z"}, {"[:digit:]", "0", "9"}};
	int n = 0;

	while (*s && n < 512) {
		bool class = false;

		for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
			if (!str_starts_with(s, classes[i].name))
				continue;
			for (u8 c = (u8)*classes[i].from; c <= (u8)*classes[i].to; c++)
				out[n++] = c;
			s += strlen(classes[i].name);
			class = true;
		}
		if (str_starts_with(s, "[:space:]")) {
			memcpy(out + n, " \t\n\v\f\r", 6);
			n += 6;
			s += 9;
			class = true;
		} else if (str_starts_with(s, "[:alpha:]")) {
			n += tr_set("A-Za-z", out + n);
			s += 9;
			class = true;
		} else if (str_starts_with(s, "[:alnum:]")) {
			n += tr_set("0-9A-Za-z", out + n);
			s += 9;
			class = true;
		}
		if (class)
			continue;
		u8 c = (u8)*s++;

		if (c == '\\' && *s) {
			const char *letters = "nrt\\0abfv", *values = "\n\r\t\\\0\a\b\f\v";
			const char *found = strchr(letters, *s);

			c = found ? (u8)values[found - letters] : (u8)*s;
			if (isdigit(*s)) {
				c = 0;
				for (int i = 0; i < 3 && *s >= '0' && *s <= '7'; i++)
					c = (u8)(c * 8 + *s++ - '0');
			} else {
				s++;
			}
		}
		out[n++] = c;
		if (s[0] == '-' && s[1]) {
			for (int to = (u8)s[1]; c < to && n < 512;)
				out[n++] = ++c;
			s += 2;
		}
	}
	return n;
}

int tr_main(int argc, char **argv)
{
	static const char synopsis[] = "[-cds] SET1 [SET2]";
	static u8 from[1024], to[1024], map[256];
	bool complement = false, delete = false, squeeze = false;
	bool in_from[256] = {false}, in_to[256] = {false};
	int c, last = EOF;

	tool_help(argc, argv, synopsis,
		  "Turns characters of SET1 into those of SET2. Sets: a-z, [:upper:], \\n, ...\n\n"
		  "  -d  deletes SET1   -s  repeated ones become one   -c  all but SET1\n");
	while ((c = getopt(argc, argv, "cCds")) != -1) {
		if (c == '?')
			return 2;
		complement |= c == 'c' || c == 'C';
		delete |= c == 'd';
		squeeze |= c == 's';
	}
	int sets = argc - optind;

	if (sets < 1 || sets > 2 || (sets == 1 && !delete &&!squeeze))
		return tool_usage(argv, synopsis);
	int n = tr_set(argv[optind], from), m = sets > 1 ? tr_set(argv[optind + 1], to) : 0;

	for (int i = 0; i < n; i++)
		in_from[from[i]] = true;
	if (complement) {
		n = 0;
		for (int i = 0; i < 256; i++) {
			in_from[i] = !in_from[i];
			if (in_from[i])
				from[n++] = (u8)i;
		}
	}
	for (int i = 0; i < 256; i++)
		map[i] = (u8)i;
	for (int i = 0; i < n && m && !delete; i++)
		map[from[i]] = to[MIN(i, m - 1)];
	for (int i = 0; i < m; i++)
		in_to[to[i]] = true;
	while ((c = getchar()) != EOF) {
		if (delete &&in_from[c])
			continue;
		c = map[c];
		if (squeeze && c == last && (sets > 1 ? in_to[c] : in_from[c]))
			continue;
		putchar(c);
		last = c;
	}
	return 0;
}

int tee_main(int argc, char **argv)
{
	static char buf[4096];
	int c, status = 0, flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	ssize_t n;

	tool_help(argc, argv, "[-a] [FILE...]",
		  "Copies the standard input to the standard output and to files.\n\n"
		  "  -a  appends to them\n");
	while ((c = getopt_long(argc, argv, "a", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	}
	int *fds = xmalloc(((size_t)argc + 1) * sizeof(*fds)), count = 0;

	fds[count++] = 1;
	for (int i = optind; i < argc; i++) {
		int fd = open(argv[i], flags, 0666);

		if (fd < 0)
			status = tool_error(argv, argv[i]);
		else
			fds[count++] = fd;
	}
	while ((n = read(0, buf, sizeof(buf))) > 0) {
		for (int i = 0; i < count; i++) {
			if (write_all(fds[i], buf, (size_t)n) < 0)
				status = tool_error(argv,
						    i ? argv[optind + i - 1] : "standard output");
		}
	}
	free(fds);
	return status;
}
