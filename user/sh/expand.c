// Expansion of words. The result is built as characters with a kind for each: whether it stood
// there, was quoted, or came out of an expansion; from that follow the splitting into fields, the
// patterns for path names, and the removal of quotes.

#include <ctype.h>
#include <lib/glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <unistd.h>

#include "sh.h"

enum char_kind {
	CHAR_PLAIN,    // stood there: may be a wildcard
	CHAR_QUOTED,   // stands for itself
	CHAR_EXPANDED, // is split and may be a wildcard
	CHAR_EMPTY,    // no character, but the field exists: ""
	CHAR_BREAK,    // no character: the next of "$@" begins
};

struct expander {
	struct arena *arena;
	struct buffer text, kinds;
	int depth;
	bool failed;
};

static void expand_part(struct expander *e, const char *s, const char *end, bool quoted);

static void put(struct expander *e, const char *s, size_t n, enum char_kind kind)
{
	buffer_put(&e->text, s, n);
	for (size_t i = 0; i < n; i++)
		buffer_putc(&e->kinds, (char)kind);
}

static void put_mark(struct expander *e, enum char_kind kind)
{
	put(e, "x", 1, kind);
}

static void put_value(struct expander *e, const char *s, bool quoted)
{
	put(e, s, strlen(s), quoted ? CHAR_QUOTED : CHAR_EXPANDED);
}

static void fail(struct expander *e)
{
	e->failed = true;
}

// --- Finding ends; the parser has made sure that they are there ---

static const char *skip_until(const char *s, char close)
{
	while (*s && *s != close) {
		if (*s == '\\' && s[1]) {
			s += 2;
			continue;
		}
		const char *behind = close == '"' && *s == '\'' ? NULL : skip_quoted(s);

		s = behind ? behind : s + 1;
	}
	return *s ? s + 1 : s;
}

// Behind a list of commands in parentheses: as the parser sees it, so that ) in a case is no end.
static const char *skip_commands(const char *s)
{
	struct source source = {.name = sh.name, .fd = -1, .ended = true};
	struct parser p = {.source = &source, .arena = arena_new()};

	buffer_puts(&source.text, s);
	parse_substitution(&p);
	s += source.at;
	free(source.text.text);
	arena_put(p.arena);
	return s;
}

// Behind $((...)), or NULL if it is none.
static const char *skip_arithmetic(const char *s)
{
	int depth = 0;

	for (s += 3; *s;) {
		const char *behind = *s == '$' || *s == '`' ? skip_quoted(s) : NULL;

		if (behind) {
			s = behind;
			continue;
		}
		if (*s == ')' && !depth)
			return s[1] == ')' ? s + 2 : NULL;
		depth += (*s == '(') - (*s == ')');
		s++;
	}
	return NULL;
}

const char *skip_quoted(const char *s)
{
	const char *end;

	switch (*s) {
	case '\'':
		end = strchr(s + 1, '\'');
		return end ? end + 1 : NULL;
	case '"':
		return skip_until(s + 1, '"');
	case '`':
		for (s++; *s && *s != '`'; s++)
			s += *s == '\\' && s[1];
		return *s ? s + 1 : s;
	case '$':
		if (s[1] == '{')
			return skip_until(s + 2, '}');
		if (s[1] != '(')
			return NULL;
		end = s[2] == '(' ? skip_arithmetic(s) : NULL;
		return end ? end : skip_commands(s + 2);
	default:
		return NULL;
	}
}

// --- Parameters ---

static const char *number_text(long n)
{
	static char text[24];

	snprintf(text, sizeof(text), "%ld", n);
	return text;
}

static long random_number(void)
{
	u16 number = 0;

	syscall(SYS_getrandom, &number, sizeof(number), 0);
	return number & 0x7fff;
}

static const char *options_text(void)
{
	static char text[16];
	const struct {
		bool on;
		char letter;
	} options[] = {{sh.all_export, 'a'},  {sh.error_exit, 'e'},  {sh.no_glob, 'f'},
		       {sh.interactive, 'i'}, {sh.job_control, 'm'}, {sh.no_exec, 'n'},
		       {sh.no_unset, 'u'},    {sh.verbose, 'v'},     {sh.trace, 'x'}};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i].on)
			text[n++] = options[i].letter;
	}
	text[n] = '\0';
	return text;
}

// The value of a parameter but $@ and $*; NULL if it is unset.
static const char *parameter(const char *name)
{
	if (isdigit(*name)) {
		long n = strtol(name, NULL, 10);

		return n == 0 ? sh.name : n <= sh.arg_count ? sh.args[n - 1] : NULL;
	}
	switch (*name) {
	case '?':
		return number_text(sh.status);
	case '$':
		return number_text(sh.pid);
	case '#':
		return number_text(sh.arg_count);
	case '!':
		return sh.last_background ? number_text(sh.last_background) : NULL;
	case '-':
		return options_text();
	default:
		if (!strcmp(name, "LINENO"))
			return number_text(sh.line);
		if (!strcmp(name, "RANDOM"))
			return number_text(random_number());
		return var_get(name);
	}
}

// $@ and $*.
static void put_args(struct expander *e, char which, bool quoted)
{
	const char *ifs = var_get("IFS");
	char separator[2] = {ifs ? *ifs : ' ', '\0'};

	for (int i = 0; i < sh.arg_count; i++) {
		if (i && quoted && which == '*')
			put_value(e, separator, true);
		else if (i)
			put_mark(e, CHAR_BREAK);
		if (quoted && which == '@')
			put_mark(e, CHAR_EMPTY);
		put_value(e, sh.args[i], quoted);
	}
}

// Length of the name of a parameter at s, 0 if there is none.
static size_t parameter_length(const char *s, bool braces)
{
	size_t n = 0;

	if (*s && strchr("@*#?-$!", *s))
		return 1;
	if (isdigit(*s)) {
		while (isdigit(s[n]) && (braces || !n))
			n++;
		return n;
	}
	while (isalnum(s[n]) || s[n] == '_')
		n++;
	return n;
}

static void trim(struct expander *e, const char *value, const char *word, char side, bool longest,
		 bool quoted)
{
	char *pattern = expand_pattern(word, e->arena);
	size_t n = strlen(value);
	char *part = arena_copy(e->arena, value, n);

	if (!pattern) {
		fail(e);
		return;
	}
	// The candidates from the shortest to the longest, or the other way round.
	for (size_t i = 0; i <= n; i++) {
		size_t length = longest ? n - i : i;
		bool match;

		if (side == '%') {
			match = glob_match(pattern, value + n - length, 0);
			part[n - length] = match ? '\0' : part[n - length];
		} else {
			char kept = part[length];

			part[length] = '\0';
			match = glob_match(pattern, part, 0);
			part[length] = kept;
		}
		if (match) {
			put_value(e, side == '%' ? part : value + length, quoted);
			return;
		}
	}
	put_value(e, value, quoted);
}

// ${name/pattern/text} and ${name//pattern/text}.
static void replace(struct expander *e, const char *value, const char *word, bool quoted)
{
	bool all = *word == '/';
	const char *slash = word + all, *text = "";

	while (*slash && *slash != '/') {
		const char *behind = *slash == '\\' && slash[1] ? slash + 2 : skip_quoted(slash);

		slash = behind ? behind : slash + 1;
	}
	char *pattern = expand_pattern(
		arena_copy(e->arena, word + all, (size_t)(slash - word) - all), e->arena);

	if (*slash)
		text = expand_string(slash + 1, e->arena);
	if (!pattern || !text) {
		fail(e);
		return;
	}
	bool done = !*pattern;

	while (*value) {
		size_t n = done ? 0 : strlen(value);

		for (; n; n--) {
			if (glob_match(pattern, arena_copy(e->arena, value, n), 0))
				break;
		}
		if (n) {
			put_value(e, text, quoted);
			value += n;
			done = !all;
		} else {
			put(e, value++, 1, quoted ? CHAR_QUOTED : CHAR_EXPANDED);
		}
	}
}

static void bad_substitution(struct expander *e, const char *s, const char *end)
{
	shell_fail("${%.*s: bad substitution", (int)(end - s), s);
	fail(e);
}

// The operators with a word of its own: ${name:-word} and kin.
static void put_default(struct expander *e, const char *name, const char *value, char op,
			const char *word, const char *end, bool colon, bool quoted)
{
	bool set = value && (!colon || *value);
	char *text;

	switch (op) {
	case '+':
		if (set)
			expand_part(e, word, end, quoted);
		return;
	case '-':
		if (set)
			put_value(e, value, quoted);
		else
			expand_part(e, word, end, quoted);
		return;
	case '=':
		if (set) {
			put_value(e, value, quoted);
			return;
		}
		text = expand_string(arena_copy(e->arena, word, (size_t)(end - word)), e->arena);
		if (!text || !var_set(name, text, 0))
			fail(e);
		else
			put_value(e, text, quoted);
		return;
	default:
		if (set) {
			put_value(e, value, quoted);
			return;
		}
		text = expand_string(arena_copy(e->arena, word, (size_t)(end - word)), e->arena);
		shell_fail("%s: %s", name, text && *text ? text : "parameter is not set");
		fail(e);
	}
}

static bool check_set(struct expander *e, const char *name, const char *value)
{
	if (value || !sh.no_unset)
		return true;
	shell_fail("%s: parameter is not set", name);
	fail(e);
	return false;
}

// The inside of ${...}: from s to end, where the } is.
static void expand_braces(struct expander *e, const char *s, const char *end, bool quoted)
{
	const char *start = s;
	bool length = *s == '#' && s + 1 < end && parameter_length(s + 1, true) &&
		      s + 1 + parameter_length(s + 1, true) == end;

	s += length;
	size_t n = parameter_length(s, true);
	char *name = arena_copy(e->arena, s, n);
	const char *value = parameter(name), *word = s + n;
	bool all = n == 1 && (*name == '@' || *name == '*');

	if (!n || word > end) {
		bad_substitution(e, start, end);
		return;
	}
	if (length) {
		if (all)
			put_value(e, number_text(sh.arg_count), quoted);
		else if (check_set(e, name, value))
			put_value(e, number_text(value ? (long)strlen(value) : 0), quoted);
		return;
	}
	if (value)
		value = arena_copy(e->arena, value, strlen(value));
	if (word == end) {
		if (all)
			put_args(e, *name, quoted);
		else if (check_set(e, name, value) && value)
			put_value(e, value, quoted);
		return;
	}
	bool colon = *word == ':';
	char op = word[colon];
	char *rest = arena_copy(e->arena, word, (size_t)(end - word));

	if (strchr("-=?+", op)) {
		if (all && (op == '+') == (sh.arg_count == 0))
			value = NULL;
		else if (all)
			value = "x";
		if (all && op != '+' && value)
			put_args(e, *name, quoted);
		else
			put_default(e, name, value, op, word + colon + 1, end, colon, quoted);
	} else if (!colon && (op == '#' || op == '%')) {
		if (check_set(e, name, value))
			trim(e, value ? value : "", rest + 1 + (rest[1] == op), op, rest[1] == op,
			     quoted);
	} else if (!colon && op == '/') {
		if (check_set(e, name, value))
			replace(e, value ? value : "", rest + 1, quoted);
	} else {
		bad_substitution(e, start, end);
	}
}

// --- Substitutions ---

static void put_substitution(struct expander *e, const char *s, const char *end, bool quoted)
{
	struct buffer out = {0};
	char *text = arena_copy(e->arena, s, (size_t)(end - s));

	run_substitution(text, &out);
	if (out.text)
		put_value(e, out.text, quoted);
	free(out.text);
	if (sh.unwind)
		fail(e);
}

static void put_backquoted(struct expander *e, const char *s, const char *end, bool quoted)
{
	char *text = arena_alloc(e->arena, (size_t)(end - s) + 1), *to = text;

	for (; s < end; s++) {
		if (*s == '\\' && (strchr("$`\\", s[1]) || (quoted && s[1] == '"')))
			s++;
		*to++ = *s;
	}
	put_substitution(e, text, to, quoted);
}

static void put_arithmetic(struct expander *e, const char *s, const char *end, bool quoted)
{
	struct expander inner = {.arena = e->arena, .depth = e->depth + 1};
	s64 value;

	expand_part(&inner, s, end, true);
	buffer_put(&inner.text, "", 0);
	if (inner.failed || !arith_eval(inner.text.text, &value)) {
		fail(e);
	} else {
		put_value(e, number_text(value), quoted);
	}
	free(inner.text.text);
	free(inner.kinds.text);
}

// At a '$'; returns behind it.
static const char *expand_dollar(struct expander *e, const char *s, const char *end, bool quoted)
{
	const char *behind = skip_quoted(s);

	if (behind && s[1] == '{') {
		expand_braces(e, s + 2, behind - 1, quoted);
		return behind;
	}
	if (behind) {
		if (s[2] == '(' && skip_arithmetic(s) == behind)
			put_arithmetic(e, s + 3, behind - 2, quoted);
		else
			put_substitution(e, s + 2, behind - 1, quoted);
		return behind;
	}
	size_t n = s + 1 < end ? parameter_length(s + 1, false) : 0;

	if (!n) {
		put(e, s, 1, quoted ? CHAR_QUOTED : CHAR_PLAIN);
		return s + 1;
	}
	if (s[1] == '@' || s[1] == '*') {
		put_args(e, s[1], quoted);
	} else {
		char *name = arena_copy(e->arena, s + 1, n);
		const char *value = parameter(name);

		if (check_set(e, name, value) && value)
			put_value(e, value, quoted);
	}
	return s + 1 + n;
}

static const char *expand_double(struct expander *e, const char *s)
{
	const char *behind = skip_quoted(s);

	// "$@" alone makes no field when there are no arguments.
	if (strncmp(s, "\"$@\"", 4) && strncmp(s, "\"${@}\"", 6))
		put_mark(e, CHAR_EMPTY);
	expand_part(e, s + 1, behind - 1, true);
	return behind;
}

static const char *expand_backslash(struct expander *e, const char *s, const char *end, bool quoted)
{
	if (s + 1 >= end) {
		put(e, s, 1, CHAR_QUOTED);
		return s + 1;
	}
	if (s[1] == '\n')
		return s + 2;
	if (quoted && !strchr("$`\"\\", s[1]))
		put(e, s, 1, CHAR_QUOTED);
	put(e, s + 1, 1, CHAR_QUOTED);
	return s + 2;
}

// From s to end; `quoted`: inside double quotes.
static void expand_part(struct expander *e, const char *s, const char *end, bool quoted)
{
	const char *behind;

	if (e->depth > 100) {
		shell_fail("expansions are nested too deeply");
		fail(e);
	}
	e->depth++;
	while (s < end && !e->failed) {
		switch (*s) {
		case '\\':
			s = expand_backslash(e, s, end, quoted);
			break;
		case '$':
			s = expand_dollar(e, s, end, quoted);
			break;
		case '`':
			behind = skip_quoted(s);
			put_backquoted(e, s + 1, behind - 1, quoted);
			s = behind;
			break;
		case '\'':
			behind = quoted ? NULL : skip_quoted(s);
			if (behind) {
				put_mark(e, CHAR_EMPTY);
				put(e, s + 1, (size_t)(behind - s) - 2, CHAR_QUOTED);
			} else {
				put(e, s, 1, CHAR_QUOTED);
			}
			s = behind ? behind : s + 1;
			break;
		case '"':
			// Within "${x:-"y"}" the inner quotes change nothing.
			if (quoted)
				s++;
			else
				s = expand_double(e, s);
			break;
		default:
			put(e, s, 1, quoted ? CHAR_QUOTED : CHAR_PLAIN);
			s++;
		}
	}
	e->depth--;
}

// ~ and ~/... at the start of a word.
static const char *expand_tilde(struct expander *e, const char *s)
{
	const char *home = var_get("HOME");

	if (*s != '~' || (s[1] && s[1] != '/') || !home)
		return s;
	put_value(e, home, true);
	return s + 1;
}

static void expander_begin(struct expander *e, const char *text, struct arena *arena)
{
	*e = (struct expander){.arena = arena};
	text = expand_tilde(e, text);
	expand_part(e, text, text + strlen(text), false);
	buffer_put(&e->text, "", 0);
}

static void expander_end(struct expander *e)
{
	free(e->text.text);
	free(e->kinds.text);
}

// --- Fields ---

struct fields {
	struct arena *arena;
	char **list;
	int count, room;
};

static void field_add(struct fields *f, const char *text, size_t n)
{
	if (f->count + 2 > f->room) {
		int room = MAX(2 * f->room, 8);
		char **list = arena_alloc(f->arena, (size_t)room * sizeof(*list));

		if (f->count)
			memcpy(list, f->list, (size_t)f->count * sizeof(*list));
		f->list = list;
		f->room = room;
	}
	f->list[f->count++] = arena_copy(f->arena, text, n);
	f->list[f->count] = NULL;
}

static void path_found(void *ctx, const char *path)
{
	field_add(ctx, path, strlen(path));
}

// One field: characters from..to. Without quotes it is a pattern for path names first.
static void field_finish(struct fields *f, struct expander *e, size_t from, size_t to)
{
	struct buffer plain = {0}, pattern = {0};
	bool wild = false;

	for (size_t i = from; i < to; i++) {
		char c = e->text.text[i];
		u8 kind = (u8)e->kinds.text[i];

		if (kind == CHAR_EMPTY || kind == CHAR_BREAK)
			continue;
		buffer_putc(&plain, c);
		if (kind == CHAR_QUOTED && strchr("*?[]\\-!^", c))
			buffer_putc(&pattern, '\\');
		else if (kind != CHAR_QUOTED && c == '\\')
			buffer_putc(&pattern, '\\');
		else
			wild |= kind != CHAR_QUOTED && strchr("*?[", c);
		buffer_putc(&pattern, c);
	}
	buffer_put(&plain, "", 0);
	if (!wild || sh.no_glob || !glob_paths(pattern.text, path_found, f))
		field_add(f, plain.text, plain.length);
	free(plain.text);
	free(pattern.text);
}

// Splits what came out of expansions at the characters of IFS. Blanks among them count as one
// separator together, others each.
static void fields_split(struct fields *f, struct expander *e)
{
	const char *ifs = var_get("IFS");
	size_t start = 0, n = e->text.length;
	bool any = false; // the field has something, be it empty quotes

	if (!ifs)
		ifs = " \t\n";
	for (size_t i = 0; i < n; i++) {
		char c = e->text.text[i];
		u8 kind = (u8)e->kinds.text[i];

		if (kind == CHAR_BREAK) {
			if (any)
				field_finish(f, e, start, i);
			start = i + 1;
			any = false;
			continue;
		}
		if (kind != CHAR_EXPANDED || !strchr(ifs, c)) {
			any = true;
			continue;
		}
		bool hard = !isspace(c);

		if (any || hard)
			field_finish(f, e, start, i);
		// Blanks behind, and one other separator if this was a blank, belong to it.
		while (i + 1 < n && e->kinds.text[i + 1] == CHAR_EXPANDED &&
		       strchr(ifs, e->text.text[i + 1]) &&
		       (isspace(e->text.text[i + 1]) || (!hard && any))) {
			i++;
			hard |= !isspace(e->text.text[i]);
		}
		start = i + 1;
		any = false;
	}
	if (any)
		field_finish(f, e, start, n);
}

char **expand_words(struct word *words, struct arena *arena, int *count)
{
	struct fields f = {.arena = arena, .list = arena_alloc(arena, sizeof(char *))};
	bool failed = false;

	for (; words && !failed; words = words->next) {
		struct expander e;

		expander_begin(&e, words->text, arena);
		failed = e.failed;
		if (!failed)
			fields_split(&f, &e);
		expander_end(&e);
	}
	*count = f.count;
	return failed ? NULL : f.list;
}

// All in one string; with `pattern`, what is quoted gets a backslash.
static char *join(struct expander *e, bool pattern)
{
	struct buffer out = {0};

	for (size_t i = 0; i < e->text.length; i++) {
		u8 kind = (u8)e->kinds.text[i];
		char c = e->text.text[i];

		if (kind == CHAR_EMPTY)
			continue;
		if (kind == CHAR_BREAK)
			c = ' ';
		else if (pattern && kind == CHAR_QUOTED && !isalnum(c))
			buffer_putc(&out, '\\');
		buffer_putc(&out, c);
	}
	char *text = e->failed ? NULL : arena_copy(e->arena, out.text ? out.text : "", out.length);

	free(out.text);
	return text;
}

char *expand_string(const char *text, struct arena *arena)
{
	struct expander e;

	expander_begin(&e, text, arena);
	char *result = join(&e, false);

	expander_end(&e);
	return result;
}

char *expand_pattern(const char *text, struct arena *arena)
{
	struct expander e;

	expander_begin(&e, text, arena);
	char *result = join(&e, true);

	expander_end(&e);
	return result;
}

char *expand_here(const char *text, struct arena *arena)
{
	struct expander e = {.arena = arena};
	const char *end = text + strlen(text);

	// As in double quotes, but " itself is an ordinary character.
	for (const char *s = text; s < end && !e.failed;) {
		size_t n = strcspn(s, "\"");

		expand_part(&e, s, s + n, true);
		if (s[n] == '"')
			put(&e, "\"", 1, CHAR_QUOTED);
		s += n + (s[n] == '"');
	}
	char *result = join(&e, false);

	expander_end(&e);
	return result;
}
