// test and [: conditions on files, strings and numbers.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

struct test {
	char **words;
	int count, at;
	bool failed;
};

static bool parse_or(struct test *t);

static bool complain(struct test *t, const char *what, const char *word)
{
	if (!t->failed)
		fprintf(stderr, "test: %s%s%s\n", word ? word : "", word ? ": " : "", what);
	t->failed = true;
	return false;
}

static s64 number(struct test *t, const char *word)
{
	char *end;
	s64 n = strtol(word, &end, 10);

	if (end == word || *str_skip_blanks(end))
		complain(t, "is no number", word);
	return n;
}

static bool is_unary(const char *word)
{
	return word[0] == '-' && word[1] && !word[2] && strchr("bcdefghkLnOprsStuwxz", word[1]);
}

static bool test_file(char op, const char *path)
{
	struct stat st;

	if (op == 'r' || op == 'w' || op == 'x')
		return access(path, op == 'r' ? R_OK : op == 'w' ? W_OK : X_OK) == 0;
	if ((op == 'h' || op == 'L' ? lstat : stat)(path, &st) < 0)
		return false;
	switch (op) {
	case 'b':
		return S_ISBLK(st.st_mode);
	case 'c':
		return S_ISCHR(st.st_mode);
	case 'd':
		return S_ISDIR(st.st_mode);
	case 'f':
		return S_ISREG(st.st_mode);
	case 'h':
	case 'L':
		return S_ISLNK(st.st_mode);
	case 'p':
		return S_ISFIFO(st.st_mode);
	case 'S':
		return S_ISSOCK(st.st_mode);
	case 's':
		return st.st_size > 0;
	case 'u':
		return st.st_mode & S_ISUID;
	case 'g':
		return st.st_mode & S_ISGID;
	case 'k':
		return st.st_mode & S_ISVTX;
	case 'O':
		return st.st_uid == geteuid();
	default:
		return true;
	}
}

static bool test_unary(struct test *t, char op, const char *word)
{
	if (op == 'n')
		return *word;
	if (op == 'z')
		return !*word;
	if (op == 't')
		return isatty((int)number(t, word));
	return test_file(op, word);
}

// -1 when the word is no operator of two.
static int binary_kind(const char *word)
{
	static const char *const names[] = {"=",   "==",  "!=",  "<",   ">",   "-eq", "-ne",
					    "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], word))
			return (int)i;
	}
	return -1;
}

static bool test_times(int kind, const char *a, const char *b)
{
	struct stat x, y;
	bool have_x = stat(a, &x) == 0, have_y = stat(b, &y) == 0;

	if (kind == 13)
		return have_x && have_y && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	if (!have_x || !have_y)
		return kind == 11 ? have_x : have_y;
	bool newer = x.st_mtime_sec != y.st_mtime_sec ? x.st_mtime_sec > y.st_mtime_sec
						      : x.st_mtime_nsec > y.st_mtime_nsec;
	bool same = x.st_mtime_sec == y.st_mtime_sec && x.st_mtime_nsec == y.st_mtime_nsec;

	return kind == 11 ? newer : !newer && !same;
}

static bool test_binary(struct test *t, int kind, const char *a, const char *b)
{
	int order = strcmp(a, b);

	switch (kind) {
	case 0:
	case 1:
		return !order;
	case 2:
		return order;
	case 3:
		return order < 0;
	case 4:
		return order > 0;
	case 11:
	case 12:
	case 13:
		return test_times(kind, a, b);
	default:
		break;
	}
	s64 x = number(t, a), y = number(t, b);
	bool results[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};

	return results[kind - 5];
}

static bool parse_primary(struct test *t)
{
	char **w = t->words + t->at;
	int left = t->count - t->at;

	if (!left)
		return complain(t, "an argument is missing", NULL);
	if (left >= 3 && binary_kind(w[1]) >= 0) {
		t->at += 3;
		return test_binary(t, binary_kind(w[1]), w[0], w[2]);
	}
	if (!strcmp(w[0], "!") && left > 1) {
		t->at++;
		return !parse_primary(t);
	}
	if (!strcmp(w[0], "(") && left > 2) {
		t->at++;
		bool result = parse_or(t);

		if (t->at >= t->count || strcmp(t->words[t->at], ")"))
			return complain(t, "a ) is missing", NULL);
		t->at++;
		return result;
	}
	if (left >= 2 && is_unary(w[0])) {
		t->at += 2;
		return test_unary(t, w[0][1], w[1]);
	}
	t->at++;
	return *w[0];
}

static bool parse_and(struct test *t)
{
	bool result = parse_primary(t);

	while (t->at < t->count && !strcmp(t->words[t->at], "-a")) {
		t->at++;
		result &= parse_primary(t);
	}
	return result;
}

static bool parse_or(struct test *t)
{
	bool result = parse_and(t);

	while (t->at < t->count && !strcmp(t->words[t->at], "-o")) {
		t->at++;
		result |= parse_and(t);
	}
	return result;
}

int test_main(int argc, char **argv)
{
	struct test t = {.words = argv + 1, .count = argc - 1};

	if (!strcmp(path_base(argv[0]), "[")) {
		tool_help(argc, argv, "EXPRESSION ]", "As test, with a ] at the end.\n");
		if (strcmp(argv[argc - 1], "]") || argc < 2) {
			fputs("[: the ] is missing\n", stderr);
			return 2;
		}
		t.count--;
	}
	if (!t.count)
		return 1;
	bool result = parse_or(&t);

	if (!t.failed && t.at < t.count)
		complain(&t, "unexpected argument", t.words[t.at]);
	return t.failed ? 2 : !result;
}
