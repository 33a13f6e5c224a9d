// POSIX regular expressions, basic and extended, by backtracking: for short programs' needs, with a
// bound on the work for one line so that no pattern hangs.
#pragma once

#include <lib/base.h>

#define REG_EXTENDED 1
#define REG_ICASE    2
#define REG_NOSUB    4
#define REG_NEWLINE  8
#define REG_NOTBOL   1

#define REG_NOMATCH 1
#define REG_BADPAT  2
#define REG_EBRACK  7
#define REG_EPAREN  8
#define REG_BADBR   10
#define REG_BADRPT  13
#define REG_ESPACE  12
#define REG_ESUBREG 6
#define REG_EESCAPE 5

typedef ssize_t regoff_t;

typedef struct {
	regoff_t rm_so, rm_eo;
} regmatch_t;

typedef struct {
	size_t re_nsub;
	struct regex_program *program;
} regex_t;

int regcomp(regex_t *re, const char *pattern, int flags);
int regexec(const regex_t *re, const char *text, size_t n, regmatch_t *matches, int flags);
void regfree(regex_t *re);
const char *regex_error(int error);
