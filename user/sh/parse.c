// From tokens to a tree: the grammar of POSIX's shell, by recursive descent.

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

#define DEPTH_MAX 200

static struct node *parse_list(struct parser *p, bool lines);

void parse_error(struct parser *p, const char *fmt, ...)
{
	va_list args;

	if (p->failed)
		return;
	p->failed = true;
	if (p->source->cancelled)
		return;
	fprintf(stderr, "%s: ", p->source->name);
	if (!p->source->terminal)
		fprintf(stderr, "line %d: ", p->source->line);
	fputs("syntax error: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("\n", stderr);
}

static void unexpected(struct parser *p)
{
	if (p->token == TOKEN_END)
		parse_error(p, "the command is not complete");
	else if (p->token == TOKEN_NEWLINE)
		parse_error(p, "unexpected end of the line");
	else
		parse_error(p, "unexpected \"%s\"", token_text(p));
}

static struct node *node_new(struct parser *p, enum node_kind kind)
{
	struct node *node = arena_alloc(p->arena, sizeof(*node));

	node->kind = kind;
	node->line = p->source->line;
	return node;
}

static const char *const reserved[] = {"!",    "{",  "}",   "case", "do", "done", "elif",  "else",
				       "esac", "fi", "for", "if",   "in", "then", "until", "while"};

static bool is_reserved(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (!strcmp(reserved[i], word))
			return true;
	}
	return false;
}

static bool at_word(struct parser *p, const char *word)
{
	return p->token == TOKEN_WORD && !strcmp(p->word, word);
}

static void expect_word(struct parser *p, const char *word)
{
	if (at_word(p, word))
		token_next(p);
	else if (p->token == TOKEN_END || p->token == TOKEN_NEWLINE)
		parse_error(p, "\"%s\" is missing", word);
	else
		parse_error(p, "\"%s\" expected in front of \"%s\"", word, token_text(p));
}

static void skip_newlines(struct parser *p)
{
	while (p->token == TOKEN_NEWLINE)
		token_next(p);
}

static struct word *word_new(struct parser *p)
{
	struct word *word = arena_alloc(p->arena, sizeof(*word));

	word->text = p->word;
	return word;
}

// --- Redirections ---

static bool at_redirect(struct parser *p)
{
	return p->token == TOKEN_IO_NUMBER ||
	       (p->token >= TOKEN_LESS && p->token <= TOKEN_DLESSDASH);
}

// The delimiter of a here-document without its quotes, a '-' or '+' in front (see take_heres).
static void here_begin(struct parser *p, struct redirect *r, bool tabs)
{
	struct source *s = p->source;
	size_t n = strlen(p->word);
	char *plain = arena_alloc(p->arena, n + 2), *to = plain + 1;

	plain[0] = tabs ? '-' : '+';
	for (const char *c = p->word; *c; c++) {
		if (*c == '\'' || *c == '"' || *c == '\\') {
			r->quoted = true;
			if (*c == '\\' && c[1])
				*to++ = *++c;
			continue;
		}
		*to++ = *c;
	}
	r->word = plain;
	if (!s->heres)
		s->here_end = &s->heres;
	*s->here_end = r;
	s->here_end = &r->next_here;
}

static void parse_redirect(struct parser *p, struct redirect ***end)
{
	static const struct {
		enum token token;
		enum redirect_kind kind;
		int fd;
	} kinds[] = {
		{TOKEN_LESS, REDIRECT_IN, 0},          {TOKEN_GREAT, REDIRECT_OUT, 1},
		{TOKEN_DGREAT, REDIRECT_APPEND, 1},    {TOKEN_CLOBBER, REDIRECT_CLOBBER, 1},
		{TOKEN_LESSGREAT, REDIRECT_BOTH, 0},   {TOKEN_LESSAND, REDIRECT_DUP_IN, 0},
		{TOKEN_GREATAND, REDIRECT_DUP_OUT, 1}, {TOKEN_DLESS, REDIRECT_HERE, 0},
		{TOKEN_DLESSDASH, REDIRECT_HERE, 0},
	};
	struct redirect *r = arena_alloc(p->arena, sizeof(*r));
	int fd = -1;

	if (p->token == TOKEN_IO_NUMBER) {
		fd = atoi(p->word);
		token_next(p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].token == p->token) {
			r->kind = kinds[i].kind;
			r->fd = fd >= 0 ? fd : kinds[i].fd;
		}
	}
	bool tabs = p->token == TOKEN_DLESSDASH;

	token_next(p);
	if (p->token != TOKEN_WORD && p->token != TOKEN_IO_NUMBER) {
		unexpected(p);
		return;
	}
	r->word = p->word;
	if (r->kind == REDIRECT_HERE)
		here_begin(p, r, tabs);
	**end = r;
	*end = &r->next;
	token_next(p);
}

static void parse_redirects(struct parser *p, struct node *node)
{
	struct redirect **end = &node->redirects;

	while (at_redirect(p))
		parse_redirect(p, &end);
}

// --- Commands ---

static bool is_assignment(const char *word)
{
	const char *equal = strchr(word, '=');

	return equal && name_is_valid(word, (size_t)(equal - word));
}

static struct node *parse_command_part(struct parser *p);

static struct node *parse_function(struct parser *p, const char *name)
{
	struct node *node = node_new(p, NODE_FUNCTION);

	node->name = name;
	token_next(p);
	if (p->token != TOKEN_CLOSE) {
		unexpected(p);
		return node;
	}
	token_next(p);
	skip_newlines(p);
	node->left = parse_command_part(p);
	return node;
}

static struct node *parse_simple(struct parser *p)
{
	struct node *node = node_new(p, NODE_SIMPLE);
	struct redirect **redirects = &node->redirects;
	struct word **words = &node->words, **assigns = &node->assigns;

	for (;;) {
		if (at_redirect(p)) {
			parse_redirect(p, &redirects);
		} else if (p->token == TOKEN_WORD && !node->words && is_assignment(p->word)) {
			*assigns = word_new(p);
			assigns = &(*assigns)->next;
			token_next(p);
		} else if (p->token == TOKEN_WORD) {
			const char *name = p->word;

			*words = word_new(p);
			words = &(*words)->next;
			token_next(p);
			if (p->token != TOKEN_OPEN)
				continue;
			if (node->words->next || node->assigns || node->redirects ||
			    !name_is_valid(name, strlen(name))) {
				unexpected(p);
				return node;
			}
			return parse_function(p, name);
		} else {
			break;
		}
	}
	if (!node->words && !node->assigns && !node->redirects)
		unexpected(p);
	return node;
}

static struct node *parse_do(struct parser *p)
{
	struct node *body;

	expect_word(p, "do");
	body = parse_list(p, true);
	expect_word(p, "done");
	return body;
}

static struct node *parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *node = node_new(p, kind);

	token_next(p);
	node->condition = parse_list(p, true);
	node->left = parse_do(p);
	return node;
}

static struct node *parse_if(struct parser *p)
{
	struct node *node = node_new(p, NODE_IF);

	token_next(p);
	node->condition = parse_list(p, true);
	expect_word(p, "then");
	node->left = parse_list(p, true);
	if (at_word(p, "elif")) {
		node->right = parse_if(p); // takes the "fi" as well
		return node;
	}
	if (at_word(p, "else")) {
		token_next(p);
		node->right = parse_list(p, true);
	}
	expect_word(p, "fi");
	return node;
}

static struct node *parse_for(struct parser *p)
{
	struct node *node = node_new(p, NODE_FOR);
	struct word **words = &node->words;

	token_next(p);
	if (p->token != TOKEN_WORD || !name_is_valid(p->word, strlen(p->word))) {
		parse_error(p, "\"for\" needs the name of a variable");
		return node;
	}
	node->name = p->word;
	token_next(p);
	skip_newlines(p);
	if (at_word(p, "in")) {
		node->in_words = true;
		for (token_next(p); p->token == TOKEN_WORD; token_next(p)) {
			*words = word_new(p);
			words = &(*words)->next;
		}
		if (p->token != TOKEN_SEMI && p->token != TOKEN_NEWLINE)
			unexpected(p);
	}
	if (p->token == TOKEN_SEMI)
		token_next(p);
	skip_newlines(p);
	node->left = parse_do(p);
	return node;
}

static struct case_item *parse_case_item(struct parser *p)
{
	struct case_item *item = arena_alloc(p->arena, sizeof(*item));
	struct word **patterns = &item->patterns;

	if (p->token == TOKEN_OPEN)
		token_next(p);
	for (;;) {
		if (p->token != TOKEN_WORD) {
			unexpected(p);
			return item;
		}
		*patterns = word_new(p);
		patterns = &(*patterns)->next;
		token_next(p);
		if (p->token != TOKEN_PIPE)
			break;
		token_next(p);
	}
	if (p->token != TOKEN_CLOSE) {
		unexpected(p);
		return item;
	}
	token_next(p);
	item->body = parse_list(p, true);
	item->fall_through = p->token == TOKEN_SEMI_AND;
	if (p->token == TOKEN_DSEMI || p->token == TOKEN_SEMI_AND)
		token_next(p);
	else if (!at_word(p, "esac"))
		unexpected(p);
	skip_newlines(p);
	return item;
}

static struct node *parse_case(struct parser *p)
{
	struct node *node = node_new(p, NODE_CASE);
	struct case_item **items = &node->items;

	token_next(p);
	if (p->token != TOKEN_WORD) {
		unexpected(p);
		return node;
	}
	node->words = word_new(p);
	token_next(p);
	skip_newlines(p);
	expect_word(p, "in");
	skip_newlines(p);
	while (!p->failed && !at_word(p, "esac")) {
		*items = parse_case_item(p);
		items = &(*items)->next;
	}
	expect_word(p, "esac");
	return node;
}

static struct node *parse_enclosed(struct parser *p, enum node_kind kind)
{
	struct node *node = node_new(p, kind);

	token_next(p);
	node->left = parse_list(p, true);
	if (kind == NODE_GROUP) {
		expect_word(p, "}");
	} else if (p->token != TOKEN_CLOSE) {
		unexpected(p);
	} else {
		token_next(p);
	}
	if (!node->left && !p->failed)
		parse_error(p, "a list of commands is empty");
	return node;
}

// One command: simple or compound, with its redirections.
static struct node *parse_command_part(struct parser *p)
{
	struct node *node;

	if (++p->depth > DEPTH_MAX)
		parse_error(p, "commands are nested too deeply");
	if (p->failed)
		return NULL;
	if (p->token == TOKEN_OPEN)
		node = parse_enclosed(p, NODE_SUBSHELL);
	else if (at_word(p, "{"))
		node = parse_enclosed(p, NODE_GROUP);
	else if (at_word(p, "if"))
		node = parse_if(p);
	else if (at_word(p, "while"))
		node = parse_loop(p, NODE_WHILE);
	else if (at_word(p, "until"))
		node = parse_loop(p, NODE_UNTIL);
	else if (at_word(p, "for"))
		node = parse_for(p);
	else if (at_word(p, "case"))
		node = parse_case(p);
	else if (p->token == TOKEN_WORD && is_reserved(p->word)) {
		unexpected(p);
		return NULL;
	} else {
		p->depth--;
		return parse_simple(p);
	}
	p->depth--;
	parse_redirects(p, node);
	return node;
}

static const char *text_since(struct parser *p, size_t start)
{
	const char *text = p->source->text.text;
	size_t end = MIN(p->behind, p->source->text.length);

	while (end > start && isspace(text[end - 1]))
		end--;
	return arena_copy(p->arena, text + start, end > start ? end - start : 0);
}

static struct node *parse_pipeline(struct parser *p)
{
	size_t start = p->start;
	bool negate = at_word(p, "!");

	if (negate)
		token_next(p);
	struct node *first = parse_command_part(p), *node = first;

	if (first && p->token == TOKEN_PIPE) {
		struct node *last = first;

		node = node_new(p, NODE_PIPE);
		node->left = first;
		while (last && p->token == TOKEN_PIPE) {
			token_next(p);
			skip_newlines(p);
			last->next = parse_command_part(p);
			last = last->next;
		}
	}
	if (node && !p->failed)
		node->text = text_since(p, start);
	if (negate) {
		struct node *not = node_new(p, NODE_NOT);

		not ->left = node;
		return not ;
	}
	return node;
}

static struct node *parse_and_or(struct parser *p)
{
	size_t start = p->start;
	struct node *node = parse_pipeline(p);

	while (!p->failed && (p->token == TOKEN_AND_IF || p->token == TOKEN_OR_IF)) {
		struct node *both = node_new(p, p->token == TOKEN_AND_IF ? NODE_AND : NODE_OR);

		token_next(p);
		skip_newlines(p);
		both->left = node;
		both->right = parse_pipeline(p);
		both->text = p->failed ? "" : text_since(p, start);
		node = both;
	}
	return node;
}

static bool ends_list(struct parser *p)
{
	static const char *const ends[] = {"}", "do", "done", "elif", "else", "esac", "fi", "then"};

	if (p->token == TOKEN_END || p->token == TOKEN_CLOSE || p->token == TOKEN_DSEMI ||
	    p->token == TOKEN_SEMI_AND)
		return true;
	for (size_t i = 0; p->token == TOKEN_WORD && i < ARRAY_SIZE(ends); i++) {
		if (!strcmp(p->word, ends[i]))
			return true;
	}
	return false;
}

// Commands with ; and & between them; with `lines`, over several lines until something that ends
// a list. NULL when there are none.
static struct node *parse_list(struct parser *p, bool lines)
{
	struct node *list = NULL;

	if (lines)
		skip_newlines(p);
	while (!p->failed && !ends_list(p) && (lines || p->token != TOKEN_NEWLINE)) {
		struct node *node = parse_and_or(p);

		if (p->token == TOKEN_AND) {
			struct node *background = node_new(p, NODE_BACKGROUND);

			background->left = node;
			node = background;
		}
		if (list) {
			struct node *sequence = node_new(p, NODE_SEQUENCE);

			sequence->left = list;
			sequence->right = node;
			list = sequence;
		} else {
			list = node;
		}
		if (p->token == TOKEN_AND || p->token == TOKEN_SEMI)
			token_next(p);
		else if (p->token != TOKEN_NEWLINE)
			break;
		if (lines)
			skip_newlines(p);
	}
	return list;
}

void parse_substitution(struct parser *p)
{
	struct parser inner = {.source = p->source, .arena = p->arena, .depth = p->depth + 1};

	if (inner.depth > DEPTH_MAX) {
		parse_error(p, "commands are nested too deeply");
		return;
	}
	token_next(&inner);
	parse_list(&inner, true);
	if (!inner.failed && inner.token != TOKEN_CLOSE)
		unexpected(&inner);
	p->failed |= inner.failed;
}

bool parse_command(struct source *s, struct arena *arena, struct node **out, bool *failed)
{
	struct parser p = {.source = s, .arena = arena};

	// What has been run is forgotten.
	if (s->at && s->at == s->text.length)
		s->at = s->text.length = 0;
	*out = NULL;
	s->continued = s->cancelled = false;
	s->heres = NULL;
	token_next(&p);
	s->continued = true;
	if (p.token == TOKEN_END) {
		*failed = p.failed;
		return p.failed;
	}
	if (p.token != TOKEN_NEWLINE)
		*out = parse_list(&p, false);
	if (!p.failed && p.token != TOKEN_NEWLINE && p.token != TOKEN_END)
		unexpected(&p);
	if (!p.failed && s->heres) // the last line had no newline
		parse_error(&p, "a here-document has no text");
	*failed = p.failed || s->cancelled;
	if (*failed) {
		*out = NULL;
		s->at = s->text.length; // the rest of the line is worth nothing
	}
	return true;
}
