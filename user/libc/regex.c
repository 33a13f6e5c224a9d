// Regular expressions. A pattern becomes a tree of nodes, which are matched by backtracking with
// continuations: each node is asked to match and then to go on with what follows it. Alternatives
// and repetitions are tried longest first, which gives POSIX's leftmost-longest in the usual cases.

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 10
#define STEPS_MAX  (1 << 20) // for one line; then it does not match
#define REPEAT_MAX 255

enum node_kind {
	NODE_CHAR,
	NODE_ANY,
	NODE_SET,
	NODE_START,
	NODE_END,
	NODE_GROUP,
	NODE_BACK,
	NODE_WORD, // \< \> \b: c says which
};

struct node {
	enum node_kind kind;
	u8 c;          // the character; the number of the group
	int low, high; // how often; high -1: no end
	u8 *set;       // 32 bytes of bits
	struct branch *branches;
	struct node *next;
};

// An alternative: a sequence of nodes.
struct branch {
	struct node *first;
	struct branch *next;
};

struct regex_program {
	struct branch *root;
	int flags;
};

struct parser {
	const char *at;
	int flags, groups, depth, error;
};

static struct branch *parse_branches(struct parser *p, bool inside);

static void branches_free(struct branch *b)
{
	while (b) {
		struct branch *next_branch = b->next;

		while (b->first) {
			struct node *next = b->first->next;

			free(b->first->set);
			branches_free(b->first->branches);
			free(b->first);
			b->first = next;
		}
		free(b);
		b = next_branch;
	}
}

static void set_add(u8 *set, int c, int flags)
{
	set[c / 8] |= (u8)(1 << c % 8);
	if (flags & REG_ICASE) {
		int other = isupper(c) ? tolower(c) : toupper(c);

		set[other / 8] |= (u8)(1 << other % 8);
	}
}

static bool set_add_class(u8 *set, const char *name, size_t n)
{
	static const char *const names[] = {"alpha", "digit", "alnum", "upper", "lower",  "space",
					    "blank", "punct", "print", "cntrl", "xdigit", "graph"};
	size_t which = 0;

	while (which < ARRAY_SIZE(names) &&
	       (strlen(names[which]) != n || strncmp(names[which], name, n)))
		which++;
	if (which == ARRAY_SIZE(names))
		return false;
	for (int c = 0; c < 256; c++) {
		bool in[] = {isalpha(c), isdigit(c), isalnum(c),  isupper(c),
			     islower(c), isspace(c), isblank(c),  ispunct(c),
			     isprint(c), iscntrl(c), isxdigit(c), isprint(c) && c != ' '};

		if (in[which])
			set_add(set, c, 0);
	}
	return true;
}

// Behind the '['.
static u8 *parse_set(struct parser *p)
{
	u8 *set = calloc(1, 32);
	bool negate = *p->at == '^';

	if (!set) {
		p->error = REG_ESPACE;
		return NULL;
	}
	p->at += negate;
	for (const char *first = p->at; *p->at != ']' || p->at == first;) {
		const char *end;

		if (!*p->at) {
			p->error = REG_EBRACK;
			return set;
		}
		if (p->at[0] == '[' && p->at[1] == ':' && (end = strstr(p->at, ":]"))) {
			if (!set_add_class(set, p->at + 2, (size_t)(end - p->at) - 2))
				p->error = REG_EBRACK;
			p->at = end + 2;
			continue;
		}
		int low = (u8)*p->at++, high = low;

		if (p->at[0] == '-' && p->at[1] && p->at[1] != ']') {
			high = (u8)p->at[1];
			p->at += 2;
		}
		for (int c = low; c <= high; c++)
			set_add(set, c, p->flags);
	}
	p->at++;
	for (int i = 0; negate && i < 32; i++)
		set[i] = (u8)~set[i];
	if (negate)
		set[0] &= (u8)~1;
	return set;
}

// `word` stands here as an operator: bare in extended expressions, with a backslash in basic ones.
static bool at_operator(struct parser *p, char c)
{
	if (p->flags & REG_EXTENDED)
		return p->at[0] == c;
	return p->at[0] == '\\' && p->at[1] == c;
}

static void take_operator(struct parser *p)
{
	p->at += p->flags & REG_EXTENDED ? 1 : 2;
}

static void parse_bounds(struct parser *p, struct node *node)
{
	char *end;

	take_operator(p);
	node->low = (int)strtol(p->at, &end, 10);
	node->high = node->low;
	p->at = end;
	if (*p->at == ',') {
		p->at++;
		node->high = at_operator(p, '}') ? -1 : (int)strtol(p->at, &end, 10);
		if (node->high != -1)
			p->at = end;
	}
	if (!at_operator(p, '}') || node->low > REPEAT_MAX || node->high > REPEAT_MAX ||
	    (node->high >= 0 && node->high < node->low)) {
		p->error = REG_BADBR;
		return;
	}
	take_operator(p);
}

static void parse_repeat(struct parser *p, struct node *node)
{
	node->low = node->high = 1;
	for (;;) {
		if (*p->at == '*')
			node->low = 0, node->high = -1, p->at++;
		else if (at_operator(p, '+'))
			node->high = -1, take_operator(p);
		else if (at_operator(p, '?'))
			node->low = 0, take_operator(p);
		else if (at_operator(p, '{'))
			parse_bounds(p, node);
		else
			return;
		if (p->error)
			return;
	}
}

static void parse_escape(struct parser *p, struct node *node)
{
	char c = p->at[1];

	p->at += 2;
	if (c >= '1' && c <= '9') {
		node->kind = NODE_BACK;
		node->c = (u8)(c - '0');
		if (node->c > p->groups)
			p->error = REG_ESUBREG;
	} else if (c == '<' || c == '>' || c == 'b') {
		node->kind = NODE_WORD;
		node->c = (u8)c;
	} else if (c == 'w' || c == 'W' || c == 's' || c == 'S') {
		node->kind = NODE_SET;
		node->set = calloc(1, 32);
		if (!node->set) {
			p->error = REG_ESPACE;
			return;
		}
		for (int i = 1; i < 256; i++) {
			bool in = (c | 32) == 'w' ? isalnum(i) || i == '_' : isspace(i);

			if (in == islower(c))
				set_add(node->set, i, 0);
		}
	} else {
		node->kind = NODE_CHAR;
		node->c = (u8)c;
	}
}

// One element with its repetition; `start`: the first of its sequence.
static void parse_node(struct parser *p, struct node *node, bool start)
{
	bool extended = p->flags & REG_EXTENDED;
	char c = *p->at;

	if (at_operator(p, '(')) {
		take_operator(p);
		node->kind = NODE_GROUP;
		node->c = (u8)++p->groups;
		if (p->groups >= 100 || ++p->depth > 50) {
			p->error = REG_ESPACE;
			return;
		}
		node->branches = parse_branches(p, true);
		p->depth--;
		if (!p->error && !at_operator(p, ')'))
			p->error = REG_EPAREN;
		if (p->error)
			return;
		take_operator(p);
	} else if (c == '\\') {
		if (!p->at[1])
			p->error = REG_EESCAPE;
		else
			parse_escape(p, node);
	} else if (c == '[') {
		p->at++;
		node->kind = NODE_SET;
		node->set = parse_set(p);
	} else {
		p->at++;
		if (c == '.')
			node->kind = NODE_ANY;
		else if (c == '^' && (extended || start))
			node->kind = NODE_START;
		else if (c == '$' &&
			 (extended || !*p->at || at_operator(p, ')') || at_operator(p, '|')))
			node->kind = NODE_END;
		else if (extended && strchr("*+?{", c) && start)
			p->error = REG_BADRPT;
		node->c = (u8)c;
		if (node->kind == NODE_START && !extended) {
			node->low = node->high = 1;
			// A star behind the anchor is an ordinary character in basic expressions.
			return;
		}
	}
	if (!p->error)
		parse_repeat(p, node);
}

static struct branch *parse_branches(struct parser *p, bool inside)
{
	struct branch *first = calloc(1, sizeof(*first)), *b = first;
	struct node **at = first ? &first->first : NULL;

	while (b && *p->at && !p->error && !(inside && at_operator(p, ')'))) {
		if (at_operator(p, '|')) {
			take_operator(p);
			b = b->next = calloc(1, sizeof(*b));
			at = b ? &b->first : NULL;
			continue;
		}
		struct node *node = calloc(1, sizeof(*node));

		if (!node) {
			p->error = REG_ESPACE;
			break;
		}
		bool start = at == &b->first || b->first->kind == NODE_START;
		*at = node;
		at = &node->next;
		if (start && *p->at == '*' && !(p->flags & REG_EXTENDED)) {
			node->c = '*';
			p->at++;
			parse_repeat(p, node);
		} else {
			parse_node(p, node, start);
		}
	}
	if (!b)
		p->error = REG_ESPACE;
	return first;
}

int regcomp(regex_t *re, const char *pattern, int flags)
{
	struct parser p = {.at = pattern, .flags = flags};

	re->program = calloc(1, sizeof(*re->program));
	if (!re->program)
		return REG_ESPACE;
	re->program->flags = flags;
	re->program->root = parse_branches(&p, false);
	re->re_nsub = (size_t)p.groups;
	if (!p.error && *p.at)
		p.error = REG_EPAREN;
	if (p.error)
		regfree(re);
	return p.error;
}

void regfree(regex_t *re)
{
	if (re->program)
		branches_free(re->program->root);
	free(re->program);
	re->program = NULL;
}

const char *regex_error(int error)
{
	switch (error) {
	case REG_EBRACK:
		return "unmatched [";
	case REG_EPAREN:
		return "unmatched ( or )";
	case REG_BADBR:
		return "bad number in braces";
	case REG_BADRPT:
		return "nothing to repeat";
	case REG_ESPACE:
		return "expression too large";
	case REG_ESUBREG:
		return "no such group";
	case REG_EESCAPE:
		return "trailing backslash";
	default:
		return "invalid expression";
	}
}

// --- Matching ---

struct matcher {
	const char *text;
	int flags, exec_flags;
	long steps;
	regmatch_t groups[GROUPS_MAX];
	const char *best_end;
	regmatch_t best[GROUPS_MAX];
};

// What is to be matched behind a sequence: more of a repetition of `node`, whose group began at
// `start`, then the rest.
struct rest {
	const struct node *node;
	const char *start;
	int count;
	const struct rest *up;
};

static bool match_sequence(struct matcher *m, const struct node *node, const char *s,
			   const struct rest *rest);
static bool match_repeat(struct matcher *m, const struct node *node, const char *s, int count,
			 const struct rest *rest);

static bool is_word(int c)
{
	return isalnum(c) || c == '_';
}

static bool match_anchor(struct matcher *m, const struct node *node, const char *s)
{
	bool before = s > m->text && is_word((u8)s[-1]), after = is_word((u8)*s);

	if (node->kind == NODE_START)
		return s == m->text && !(m->exec_flags & REG_NOTBOL);
	if (node->kind == NODE_END)
		return !*s;
	return node->c == '<'   ? !before && after
	       : node->c == '>' ? before && !after
				: before != after;
}

// Matches a node of one character; returns the length, or -1.
static int match_single(struct matcher *m, const struct node *node, const char *s)
{
	int c = (u8)*s;

	switch (node->kind) {
	case NODE_CHAR:
		if (c == node->c && c)
			return 1;
		return m->flags & REG_ICASE && c && tolower(c) == tolower(node->c) ? 1 : -1;
	case NODE_ANY:
		return c ? 1 : -1;
	case NODE_SET:
		return c && node->set[c / 8] >> c % 8 & 1 ? 1 : -1;
	case NODE_BACK: {
		regmatch_t *g = &m->groups[node->c];
		size_t n = (size_t)(g->rm_eo - g->rm_so);

		if (g->rm_so < 0)
			return -1;
		if (m->flags & REG_ICASE)
			return strncasecmp(s, m->text + g->rm_so, n) ? -1 : (int)n;
		return strncmp(s, m->text + g->rm_so, n) ? -1 : (int)n;
	}
	default:
		return match_anchor(m, node, s) ? 0 : -1;
	}
}

// The end of a sequence: close the group that it belongs to, and go on there.
static bool match_rest(struct matcher *m, const char *s, const struct rest *rest)
{
	if (!rest) {
		// The longest of all matches from this start wins.
		if (!m->best_end || s > m->best_end) {
			m->best_end = s;
			memcpy(m->best, m->groups, sizeof(m->best));
		}
		return false;
	}
	const struct node *node = rest->node;
	regmatch_t old = {-1, -1};

	if (s == rest->start && rest->count > node->low)
		return false; // an empty turn leads nowhere
	if (node->c < GROUPS_MAX) {
		old = m->groups[node->c];
		m->groups[node->c] = (regmatch_t){rest->start - m->text, s - m->text};
	}
	bool done = match_repeat(m, node, s, rest->count, rest->up);

	if (!done && node->c < GROUPS_MAX)
		m->groups[node->c] = old;
	return done;
}

static bool match_repeat(struct matcher *m, const struct node *node, const char *s, int count,
			 const struct rest *rest)
{
	if (++m->steps > STEPS_MAX)
		return true; // gives up
	if (node->kind == NODE_GROUP) {
		if (node->high < 0 || count < node->high) {
			struct rest inner = {node, s, count + 1, rest};

			for (struct branch *b = node->branches; b; b = b->next) {
				if (match_sequence(m, b->first, s, &inner))
					return true;
			}
		}
		return count >= node->low && match_sequence(m, node->next, s, rest);
	}
	// Of one character as many as there are, then back step by step.
	const char *from = s;
	int n = 0, length = 0;

	while ((node->high < 0 || n < node->high) && (length = match_single(m, node, s)) >= 0) {
		n++;
		s += length;
		if (!length) {
			n = MAX(n, node->low);
			break;
		}
		m->steps++;
	}
	for (; n >= node->low; n--) {
		if (match_sequence(m, node->next, s, rest))
			return true;
		if (s == from)
			return false;
		s -= node->kind == NODE_BACK ? length > 0 ? length : (s - from) / n : 1;
	}
	return false;
}

static bool match_sequence(struct matcher *m, const struct node *node, const char *s,
			   const struct rest *rest)
{
	return node ? match_repeat(m, node, s, 0, rest) : match_rest(m, s, rest);
}

int regexec(const regex_t *re, const char *text, size_t n, regmatch_t *matches, int flags)
{
	struct matcher m = {.text = text, .flags = re->program->flags, .exec_flags = flags};

	for (const char *s = text;; s++) {
		memset(m.groups, -1, sizeof(m.groups));
		for (struct branch *b = re->program->root; b; b = b->next)
			match_sequence(&m, b->first, s, NULL);
		if (m.best_end) {
			for (size_t i = 0; i < n; i++)
				matches[i] = i < GROUPS_MAX ? m.best[i] : (regmatch_t){-1, -1};
			if (n)
				matches[0] = (regmatch_t){s - text, m.best_end - text};
			return 0;
		}
		if (!*s || m.steps > STEPS_MAX)
			return REG_NOMATCH;
	}
}
