// Numbers, lists of numbers and options in text. See parse.h.

#include <lib/bitmap.h>
#include <lib/ctype.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <uapi/errno.h>

static const char *skip_prefix(const char *s, int *base)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && char_digit_value(s[2]) < 16;

	if (*base == 0)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return hex && *base == 16 ? s + 2 : s;
}

static int check_end(const char *at, const char **end)
{
	if (end) {
		*end = at;
		return 0;
	}
	if (*at == '\n')
		at++;
	return *at ? -EINVAL : 0;
}

int parse_u64(const char *s, const char **end, int base, u64 *out)
{
	u64 value = 0;
	const char *at = skip_prefix(s, &base), *first = at;

	for (; (int)char_digit_value(*at) < base; at++) {
		if (__builtin_mul_overflow(value, (u64)base, &value) ||
		    __builtin_add_overflow(value, (u64)char_digit_value(*at), &value))
			return -ERANGE;
	}
	if (at == first)
		return -EINVAL;
	*out = value;
	return check_end(at, end);
}

int parse_s64(const char *s, const char **end, int base, s64 *out)
{
	bool negative = *s == '-';
	u64 value;
	int error = parse_u64(s + (*s == '-' || *s == '+'), end, base, &value);

	if (error)
		return error;
	if (value > (u64)INT64_MAX + negative)
		return -ERANGE;
	*out = negative ? -value : value;
	return 0;
}

int parse_size(const char *s, const char **end, u64 *out)
{
	const char *at;
	int shift = 0, error = parse_u64(s, &at, 0, out);

	if (error)
		return error;
	switch (*at | 0x20) {
	case 't':
		shift += 10;
		FALLTHROUGH;
	case 'g':
		shift += 10;
		FALLTHROUGH;
	case 'm':
		shift += 10;
		FALLTHROUGH;
	case 'k':
		shift += 10;
		at++;
	}
	if (*out << shift >> shift != *out)
		return -ERANGE;
	*out <<= shift;
	return check_end(at, end);
}

// --- Lists of numbers ---

// One "a", "a-b" or "a-b:used/group" at *s.
static int parse_range(const char **s, unsigned long *map, size_t bits)
{
	u64 first, last, used = 1, group = 1;
	int error = parse_u64(*s, s, 10, &first);

	last = first;
	if (!error && **s == '-') {
		error = parse_u64(*s + 1, s, 10, &last);
		if (!error && **s == ':') {
			error = parse_u64(*s + 1, s, 10, &used);
			if (!error && **s != '/')
				return -EINVAL;
			if (!error)
				error = parse_u64(*s + 1, s, 10, &group);
		}
	}
	if (error)
		return error;
	if (first > last || !group || used > group)
		return -EINVAL;
	if (last >= bits)
		return -ERANGE;
	for (u64 i = first; i <= last; i++)
		if ((i - first) % group < used)
			bitmap_set(map, i);
	return 0;
}

int parse_cpulist(const char *s, unsigned long *map, size_t bits)
{
	bitmap_zero(map, bits);
	for (;;) {
		while (char_is_space(*s) || *s == ',')
			s++;
		if (!*s)
			return 0;
		int error = parse_range(&s, map, bits);

		if (error)
			return error;
		if (*s && *s != ',' && !char_is_space(*s))
			return -EINVAL;
	}
}

size_t format_cpulist(char *buf, size_t size, const unsigned long *map, size_t bits)
{
	size_t total = 0, end;

	if (size)
		*buf = '\0';
	for (size_t i = bitmap_find_next_set(map, bits, 0); i < bits;
	     i = bitmap_find_next_set(map, bits, end)) {
		char text[48];
		int n;

		end = bitmap_find_next_zero(map, bits, i);
		n = scnprintf(text, sizeof(text), end - i > 1 ? "%s%zu-%zu" : "%s%zu",
			      total ? "," : "", i, end - 1);
		if (total < size)
			strscpy(buf + total, text, size - total);
		total += (size_t)n;
	}
	return total;
}

// --- Options ---

bool parse_next_option(char **cursor, char **key, char **value)
{
	char *in = *cursor, *out;
	bool quoted = false;

	while (*in && char_is_space(*in))
		in++;
	*cursor = in;
	if (!*in)
		return false;
	*key = out = in;
	*value = NULL;
	for (; *in && (quoted || !char_is_space(*in)); in++) {
		if (*in == '"') {
			quoted = !quoted;
		} else if (*in == '=' && !*value) {
			*out++ = '\0';
			*value = out;
		} else {
			*out++ = *in;
		}
	}
	*cursor = *in ? in + 1 : in;
	*out = '\0';
	return true;
}

bool parse_next_mount_option(char **cursor, char **key, char **value)
{
	while (**cursor) {
		char *option = *cursor, *comma = strchr(option, ',');

		*cursor = comma ? comma + 1 : option + strlen(option);
		if (comma)
			*comma = '\0';
		if (!*option || *option == '=')
			continue;
		*key = option;
		*value = strchr(option, '=');
		if (*value)
			*(*value)++ = '\0';
		return true;
	}
	return false;
}
