// Tokens. Operators are cut greedily; a word goes on over quotes, substitutions and ${...}, whose
// inside is not looked at here but for finding the end.

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

// The text at the cursor, with more lines if it has ended there; '\0' at the end of all.
static char peek(struct parser *p, size_t ahead)
{
	struct source *s = p->source;

	while (s->at + ahead >= s->text.length) {
		if (!source_more(s))
			return '\0';
	}
	return s->text.text[s->at + ahead];
}

static void skip_single(struct parser *p)
{
	for (p->source->at++; peek(p, 0) != '\''; p->source->at++) {
		if (!peek(p, 0)) {
			parse_error(p, "a ' is not closed");
			return;
		}
	}
	p->source->at++;
}

static void skip_dollar(struct parser *p);

static void skip_backquote(struct parser *p)
{
	for (p->source->at++; peek(p, 0) != '`'; p->source->at++) {
		if (peek(p, 0) == '\\')
			p->source->at++;
		if (!peek(p, 0)) {
			parse_error(p, "a ` is not closed");
			return;
		}
	}
	p->source->at++;
}

static void skip_double(struct parser *p)
{
	p->source->at++;
	while (!p->failed) {
		switch (peek(p, 0)) {
		case '\0':
			parse_error(p, "a \" is not closed");
			return;
		case '"':
			p->source->at++;
			return;
		case '\\':
			p->source->at++;
			if (peek(p, 0))
				p->source->at++;
			break;
		case '`':
			skip_backquote(p);
			break;
		case '$':
			skip_dollar(p);
			break;
		default:
			p->source->at++;
		}
	}
}

// ${...}: quotes and substitutions may be inside.
static void skip_braces(struct parser *p)
{
	p->source->at += 2;
	while (!p->failed) {
		switch (peek(p, 0)) {
		case '\0':
			parse_error(p, "a ${ is not closed");
			return;
		case '}':
			p->source->at++;
			return;
		case '\'':
			skip_single(p);
			break;
		case '"':
			skip_double(p);
			break;
		case '`':
			skip_backquote(p);
			break;
		case '$':
			skip_dollar(p);
			break;
		case '\\':
			p->source->at++;
			FALLTHROUGH;
		default:
			p->source->at++;
		}
	}
}

// $((...)) is arithmetic if its parentheses close side by side. Returns whether it was.
static bool skip_arithmetic(struct parser *p)
{
	size_t start = p->source->at;
	int depth = 0;

	p->source->at += 3;
	for (;;) {
		char c = peek(p, 0);

		if (!c) {
			parse_error(p, "a $(( is not closed");
			return true;
		}
		if (c == '$' || c == '`') {
			if (c == '$')
				skip_dollar(p);
			else
				skip_backquote(p);
			if (p->failed)
				return true;
			continue;
		}
		if (c == ')' && !depth) {
			if (peek(p, 1) == ')') {
				p->source->at += 2;
				return true;
			}
			p->source->at = start;
			return false;
		}
		depth += (c == '(') - (c == ')');
		p->source->at++;
	}
}

static void skip_dollar(struct parser *p)
{
	char next = peek(p, 1);

	if (next == '{') {
		skip_braces(p);
	} else if (next == '(') {
		if (peek(p, 2) == '(' && skip_arithmetic(p))
			return;
		p->source->at += 2;
		parse_substitution(p);
	} else {
		p->source->at++;
	}
}

static bool ends_word(char c)
{
	return !c || isspace(c) || strchr(";&|<>()", c);
}

static void take_word(struct parser *p)
{
	struct source *s = p->source;
	size_t start = s->at;
	bool digits = true;

	while (!p->failed && !ends_word(peek(p, 0))) {
		char c = peek(p, 0);

		digits &= isdigit(c);
		switch (c) {
		case '\'':
			skip_single(p);
			break;
		case '"':
			skip_double(p);
			break;
		case '`':
			skip_backquote(p);
			break;
		case '$':
			skip_dollar(p);
			break;
		case '\\':
			s->at++;
			FALLTHROUGH;
		default:
			if (peek(p, 0))
				s->at++;
		}
	}
	p->token = digits && (peek(p, 0) == '<' || peek(p, 0) == '>') ? TOKEN_IO_NUMBER
								      : TOKEN_WORD;
	p->word = p->failed ? "" : arena_copy(p->arena, s->text.text + start, s->at - start);
}

static const struct spelling {
	char text[4];
	enum token token;
} operators[] = {
	{"<<-", TOKEN_DLESSDASH}, {"&&", TOKEN_AND_IF},    {"||", TOKEN_OR_IF},
	{";;", TOKEN_DSEMI},      {";&", TOKEN_SEMI_AND},  {">>", TOKEN_DGREAT},
	{">|", TOKEN_CLOBBER},    {"<>", TOKEN_LESSGREAT}, {"<&", TOKEN_LESSAND},
	{">&", TOKEN_GREATAND},   {"<<", TOKEN_DLESS},     {"&", TOKEN_AND},
	{"|", TOKEN_PIPE},        {";", TOKEN_SEMI},       {"(", TOKEN_OPEN},
	{")", TOKEN_CLOSE},       {"<", TOKEN_LESS},       {">", TOKEN_GREAT},
};

static bool take_operator(struct parser *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t n = strlen(operators[i].text), j = 0;

		while (j < n && peek(p, j) == operators[i].text[j])
			j++;
		if (j < n)
			continue;
		p->source->at += n;
		p->token = operators[i].token;
		return true;
	}
	return false;
}

// One line of a here-document's text; false at the end of the input.
static bool here_line(struct parser *p, bool tabs, struct buffer *out)
{
	struct source *s = p->source;

	out->length = 0;
	if (!peek(p, 0))
		return false;
	while (tabs && peek(p, 0) == '\t')
		s->at++;
	for (char c; (c = peek(p, 0)) && c != '\n'; s->at++)
		buffer_putc(out, c);
	if (peek(p, 0) == '\n')
		s->at++;
	s->line++;
	buffer_put(out, "", 0);
	return true;
}

// Reads the texts of the here-documents that the line just ended has begun.
static void take_heres(struct parser *p)
{
	struct buffer line = {0}, text = {0};
	struct redirect *here = p->source->heres;

	p->source->heres = NULL;
	for (; here && !p->failed; here = here->next_here) {
		// The word is the delimiter, until now; in front of it, '-' tells to drop tabs.
		const char *delimiter = here->word + 1;

		text.length = 0;
		buffer_put(&text, "", 0);
		while (here_line(p, *here->word == '-', &line)) {
			if (!strcmp(line.text, delimiter))
				break;
			buffer_put(&text, line.text, line.length);
			buffer_putc(&text, '\n');
		}
		here->word = arena_copy(p->arena, text.text, text.length);
	}
	free(line.text);
	free(text.text);
}

void token_next(struct parser *p)
{
	struct source *s = p->source;

	p->behind = s->at;
	if (p->failed) {
		p->token = TOKEN_END;
		return;
	}
	for (;;) {
		char c = peek(p, 0);

		if (c == '\\' && peek(p, 1) == '\n') {
			s->at += 2;
			s->line++;
		} else if (isblank(c) || c == '\r') {
			s->at++;
		} else if (c == '#') {
			while (peek(p, 0) && peek(p, 0) != '\n')
				s->at++;
		} else {
			break;
		}
	}
	p->start = s->at;
	char c = peek(p, 0);

	if (!c) {
		p->token = TOKEN_END;
	} else if (c == '\n') {
		s->at++;
		s->line++;
		p->token = TOKEN_NEWLINE;
		if (s->heres)
			take_heres(p);
	} else if (!take_operator(p)) {
		take_word(p);
	}
}

const char *token_text(struct parser *p)
{
	if (p->token == TOKEN_WORD || p->token == TOKEN_IO_NUMBER)
		return p->word;
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (operators[i].token == p->token)
			return operators[i].text;
	}
	return p->token == TOKEN_NEWLINE ? "the end of the line" : "the end";
}
