// Arithmetic: $((...)). Integers of 64 bits with C's operators, by precedence climbing.

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

#define DEPTH_MAX 100

struct arith {
	const char *at;
	int depth;
	bool failed;
	bool skip; // the operand does not count: no assignments, no division by zero
};

// An operand; `name` when it can be assigned to.
struct value {
	s64 n;
	char name[64];
};

static struct value parse_expression(struct arith *a);
static struct value parse_binary(struct arith *a, int lowest);

static struct value number(s64 n)
{
	return (struct value){.n = n};
}

static struct value bad(struct arith *a, const char *text)
{
	if (!a->failed)
		shell_fail("arithmetic: %s", text);
	a->failed = true;
	return number(0);
}

static bool take(struct arith *a, const char *op)
{
	size_t n = strlen(op);

	a->at = str_skip_blanks(a->at);
	if (strncmp(a->at, op, n))
		return false;
	a->at += n;
	return true;
}

// A variable's value is an expression of its own.
static s64 variable(struct arith *a, const char *name)
{
	const char *text = var_get(name);
	s64 n = 0;

	if (!text || !*text)
		return 0;
	struct arith inner = {.at = text, .depth = a->depth + 1, .skip = a->skip};

	if (inner.depth > DEPTH_MAX) {
		bad(a, "variables refer to each other");
		return 0;
	}
	n = parse_expression(&inner).n;
	if (!inner.failed && *str_skip_blanks(inner.at))
		bad(a, "a variable is no number");
	a->failed |= inner.failed;
	return n;
}

static struct value parse_primary(struct arith *a)
{
	struct value v = {0};
	char *end;

	a->at = str_skip_blanks(a->at);
	if (take(a, "(")) {
		v = parse_expression(a);
		if (!a->failed && !take(a, ")"))
			return bad(a, "a ) is missing");
		v.name[0] = '\0';
	} else if (isdigit(*a->at)) {
		v.n = (s64)strtoul(a->at, &end, 0);
		if (isalnum(*end) || *end == '_')
			return bad(a, "not a number");
		a->at = end;
	} else if (isalpha(*a->at) || *a->at == '_') {
		size_t n = 0;

		while (isalnum(a->at[n]) || a->at[n] == '_')
			n++;
		if (n >= sizeof(v.name))
			return bad(a, "the name is too long");
		memcpy(v.name, a->at, n);
		a->at += n;
		v.n = variable(a, v.name);
	} else {
		return bad(a, *a->at ? "unexpected character" : "an operand is missing");
	}
	return v;
}

static void assign(struct arith *a, const struct value *to, s64 n)
{
	char text[24];

	if (!to->name[0]) {
		bad(a, "only a variable can be assigned to");
		return;
	}
	snprintf(text, sizeof(text), "%ld", n);
	if (!a->skip && !a->failed && !var_set(to->name, text, 0))
		a->failed = true;
}

static struct value parse_unary(struct arith *a)
{
	if (++a->depth > DEPTH_MAX)
		return bad(a, "nested too deeply");
	struct value v;

	if (take(a, "++") || take(a, "--")) {
		s64 by = a->at[-1] == '+' ? 1 : -1;

		v = parse_unary(a);
		v.n = (s64)((u64)v.n + (u64)by);
		assign(a, &v, v.n);
		v = number(v.n);
	} else if (take(a, "-")) {
		v = number((s64) - (u64)parse_unary(a).n);
	} else if (take(a, "+")) {
		v = number(parse_unary(a).n);
	} else if (take(a, "!")) {
		v = number(!parse_unary(a).n);
	} else if (take(a, "~")) {
		v = number(~parse_unary(a).n);
	} else {
		v = parse_primary(a);
		if (v.name[0] && (take(a, "++") || take(a, "--"))) {
			assign(a, &v, (s64)((u64)v.n + (a->at[-1] == '+' ? 1ul : -1ul)));
			v.name[0] = '\0';
		}
	}
	a->depth--;
	return v;
}

// Longer spellings first. The index tells the operator.
static const struct {
	char text[3];
	int level;
} operators[] = {
	{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7}, {">=", 7},
	{"<<", 8}, {">>", 8}, {"|", 3},  {"^", 4},  {"&", 5},  {"<", 7},
	{">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10},
};

static s64 compute(struct arith *a, const char *op, s64 x, s64 y)
{
	u64 ux = (u64)x, uy = (u64)y;

	switch (op[0]) {
	case '|':
		return op[1] ? x || y : x | y;
	case '&':
		return op[1] ? x && y : (x & y);
	case '=':
		return x == y;
	case '!':
		return x != y;
	case '<':
		return op[1] == '=' ? x <= y : op[1] ? (s64)(ux << (uy & 63)) : x < y;
	case '>':
		return op[1] == '=' ? x >= y : op[1] ? x >> (uy & 63) : x > y;
	case '^':
		return x ^ y;
	case '+':
		return (s64)(ux + uy);
	case '-':
		return (s64)(ux - uy);
	case '*':
		return (s64)(ux * uy);
	default:
		if (a->skip)
			return 0;
		if (!y) {
			bad(a, "division by zero");
			return 0;
		}
		if (y == -1)
			return op[0] == '/' ? (s64)-ux : 0;
		return op[0] == '/' ? x / y : x % y;
	}
}

// The operator at the cursor, unless it belongs to an assignment; -1 for none.
static int operator_at(struct arith *a)
{
	a->at = str_skip_blanks(a->at);
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t n = strlen(operators[i].text);

		if (strncmp(a->at, operators[i].text, n))
			continue;
		bool compares = strchr("=!", operators[i].text[0]) || operators[i].level == 7;

		return a->at[n] == '=' && a->at[n + 1] != '=' && !compares ? -1 : (int)i;
	}
	return -1;
}

static struct value parse_binary(struct arith *a, int lowest)
{
	struct value left = parse_unary(a);
	int op;

	while (!a->failed && (op = operator_at(a)) >= 0 && operators[op].level >= lowest) {
		const char *text = operators[op].text;
		bool skip = a->skip;

		a->at += strlen(text);
		// The right side of && and || may not count.
		if (operators[op].level <= 2)
			a->skip |= (operators[op].level == 2) == !left.n;
		struct value right = parse_binary(a, operators[op].level + 1);

		left = number(compute(a, text, left.n, right.n));
		a->skip = skip;
	}
	return left;
}

static struct value parse_choice(struct arith *a, struct value condition)
{
	bool skip = a->skip;

	a->skip = skip || !condition.n;
	struct value yes = parse_expression(a);

	if (!take(a, ":"))
		return bad(a, "a : is missing");
	a->skip = skip || condition.n;
	struct value no = parse_expression(a);

	a->skip = skip;
	return number(condition.n ? yes.n : no.n);
}

static struct value parse_expression(struct arith *a)
{
	struct value left = parse_binary(a, 1);

	if (a->failed)
		return left;
	if (take(a, "?"))
		return parse_choice(a, left);
	a->at = str_skip_blanks(a->at);
	size_t n = strcspn(a->at, "=");

	if (n > 2 || !a->at[n] || a->at[n + 1] == '=' || strspn(a->at, "+-*/%<>&^|") < n)
		return left;
	char op[3] = {0};

	memcpy(op, a->at, n);
	a->at += n + 1;
	s64 right = parse_expression(a).n;

	left.n = n ? compute(a, op, left.n, right) : right;
	assign(a, &left, left.n);
	return number(left.n);
}

bool arith_eval(const char *text, s64 *out)
{
	struct arith a = {.at = text};

	if (!*str_skip_blanks(text)) {
		*out = 0;
		return true;
	}
	*out = parse_expression(&a).n;
	while (!a.failed && take(&a, ","))
		*out = parse_expression(&a).n;
	if (!a.failed && *str_skip_blanks(a.at))
		bad(&a, "something is left over");
	return !a.failed;
}
