// Options of programs. Words that are no options are moved behind those that are, unless the list
// of options begins with '+' or POSIXLY_CORRECT is set.

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *optarg;
int optind = 1, opterr = 1, optopt;

static int within; // in a cluster such as -la: the next letter's place; 0 between words

// Moves word `from` down to `to`; those between go up by one.
static void move_word(char **argv, int from, int to)
{
	char *word = argv[from];

	for (; from > to; from--)
		argv[from] = argv[from - 1];
	argv[to] = word;
}

static int complain(char *const argv[], const char *text, const char *what, int result)
{
	if (opterr)
		fprintf(stderr, "%s: %s '%s'\n", argv[0], text, what);
	return result;
}

static int take_short(int argc, char *const argv[], const char *options)
{
	const char *word = argv[optind];
	char c = word[within++];
	const char *found = c == ':' || c == '+' ? NULL : strchr(options, c);
	char shown[2] = {c, '\0'};

	if (!found) {
		if (!word[within])
			optind++, within = 0;
		optopt = c;
		return complain(argv, "invalid option --", shown, '?');
	}
	if (found[1] != ':') {
		if (!word[within])
			optind++, within = 0;
		return c;
	}
	optind++;
	if (word[within] || found[2] == ':')
		optarg = word[within] ? (char *)word + within : NULL;
	else if (optind < argc)
		optarg = argv[optind++];
	else
		c = '?';
	within = 0;
	if (c == '?') {
		optopt = shown[0];
		return complain(argv, "option requires an argument --", shown,
				*options == ':' ? ':' : '?');
	}
	return c;
}

static int take_long(int argc, char *const argv[], const struct option *list, int *index)
{
	const char *word = argv[optind++] + 2;
	size_t n = strcspn(word, "=");
	const struct option *found = NULL;

	for (const struct option *o = list; o && o->name; o++) {
		if (strncmp(o->name, word, n))
			continue;
		if (!o->name[n]) {
			found = o;
			break;
		}
		if (found)
			return complain(argv, "ambiguous option", argv[optind - 1], '?');
		found = o;
	}
	if (!found)
		return complain(argv, "unrecognized option", argv[optind - 1], '?');
	if (word[n] && found->has_arg == no_argument)
		return complain(argv, "option takes no argument:", argv[optind - 1], '?');
	if (word[n])
		optarg = (char *)word + n + 1;
	else if (found->has_arg == required_argument && optind < argc)
		optarg = argv[optind++];
	else if (found->has_arg == required_argument)
		return complain(argv, "option requires an argument:", argv[optind - 1], '?');
	if (index)
		*index = (int)(found - list);
	if (!found->flag)
		return found->val;
	*found->flag = found->val;
	return 0;
}

int getopt_long(int argc, char *const argv[], const char *options,
		const struct option *long_options, int *index)
{
	bool in_order = *options == '+';
	int first = optind;

	optarg = NULL;
	if (in_order)
		options++;
	if (within)
		return take_short(argc, argv, options);
	// Words that are no options are skipped, and moved behind the option that follows.
	while (!in_order && optind < argc && (argv[optind][0] != '-' || !argv[optind][1]))
		optind++;
	if (optind >= argc || argv[optind][0] != '-' || !argv[optind][1]) {
		optind = first;
		return -1;
	}
	int skipped = optind - first, result;

	if (!strcmp(argv[optind], "--")) {
		move_word((char **)argv, optind, first);
		optind = first + 1;
		return -1;
	}
	if (skipped) {
		const char *word = argv[optind];
		bool is_long = word[1] == '-';
		int used = 1;

		// The option's word, and the next one if that is its argument, go in front.
		if (!is_long) {
			for (const char *c = word + 1; *c; c++) {
				const char *found = strchr(options, *c);

				if (found && found[1] == ':') {
					used += !c[1] && found[2] != ':';
					break;
				}
			}
		} else if (!strchr(word, '=')) {
			for (const struct option *o = long_options; o && o->name; o++)
				used += !strncmp(o->name, word + 2, strlen(word + 2)) &&
					o->has_arg == required_argument && used == 1;
		}
		for (int i = 0; i < used && optind + i < argc; i++)
			move_word((char **)argv, optind + i, first + i);
		optind = first;
	}
	if (argv[optind][1] == '-') {
		result = take_long(argc, argv, long_options, index);
	} else {
		within = 1;
		result = take_short(argc, argv, options);
	}
	return result;
}

int getopt(int argc, char *const argv[], const char *options)
{
	char strict[64] = "+";

	strscpy(strict + 1, options, sizeof(strict) - 1);
	return getopt_long(argc, argv, strict, NULL, NULL);
}
