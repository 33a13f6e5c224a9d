// The kernel command line. One copy is kept whole, another is cut into words in place; a parallel
// array remembers which words somebody in the kernel has asked for, the others are init's.

#include <core/cmdline.h>
#include <core/printk.h>
#include <lib/parse.h>
#include <lib/string.h>

#define WORDS_MAX 128

extern const struct kernel_param param_start[], param_end[];

static char text[CMDLINE_MAX], words_buffer[CMDLINE_MAX];
static struct {
	char *word;
	bool claimed, after;
} words[WORDS_MAX];
static unsigned word_count;

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

// Cuts the next word off *at; quotes keep spaces and disappear.
static char *next_word(char **at)
{
	char *from = *at, *to, *start;
	bool quoted = false;

	while (is_space(*from))
		from++;
	if (!*from)
		return NULL;
	for (start = to = from; *from && (quoted || !is_space(*from)); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	if (*from)
		from++;
	*to = '\0';
	*at = from;
	return start;
}

// The value if `word` is `name` or `name=value`, else NULL.
static const char *match(const char *word, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(word, name, n))
		return NULL;
	return word[n] == '=' ? word + n + 1 : word[n] ? NULL : "";
}

static void call_params(unsigned i)
{
	for (const struct kernel_param *param = param_start; param < param_end; param++) {
		const char *value = match(words[i].word, param->name);

		if (!value)
			continue;
		words[i].claimed = true;
		if (param->fn(value))
			pr_warn("command line: bad value: %s\n", words[i].word);
	}
}

void cmdline_parse(const char *line)
{
	char *at = words_buffer, *word;
	bool after = false;

	strscpy(text, line, sizeof(text));
	strscpy(words_buffer, line, sizeof(words_buffer));
	while ((word = next_word(&at)) && word_count < WORDS_MAX) {
		if (!after && !strcmp(word, "--")) {
			after = true;
			continue;
		}
		words[word_count].word = word;
		words[word_count].after = after;
		word_count++;
		if (!after)
			call_params(word_count - 1);
	}
}

const char *cmdline_text(void)
{
	return text;
}

const char *cmdline_get(const char *name)
{
	const char *found = NULL;

	for (unsigned i = 0; i < word_count; i++) {
		const char *value = words[i].after ? NULL : match(words[i].word, name);

		if (value) {
			words[i].claimed = true;
			found = value;
		}
	}
	return found;
}

u64 cmdline_get_u64(const char *name, u64 absent)
{
	const char *value = cmdline_get(name);
	u64 number;

	if (!value || parse_size(value, NULL, &number))
		return absent;
	return number;
}

void cmdline_for_init(void (*fn)(const char *word, bool after, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < word_count; i++) {
		if (!words[i].claimed)
			fn(words[i].word, words[i].after, ctx);
	}
}
