// Options of programs, short and long. Words that are no options may stand between them.
#pragma once

#include <unistd.h>

#define no_argument       0
#define required_argument 1
#define optional_argument 2

struct option {
	const char *name;
	int has_arg;
	int *flag;
	int val;
};

// A leading '+' in `options` ends at the first word that is no option.
int getopt_long(int argc, char *const argv[], const char *options,
		const struct option *long_options, int *index);
