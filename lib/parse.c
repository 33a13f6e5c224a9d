// Numbers in text.

#include <lib/parse.h>
#include <uapi/errno.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

static const char *skip_prefix(const char *s, int *base)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16;

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

	for (; digit_value(*at) < base; at++) {
		if (__builtin_mul_overflow(value, (u64)base, &value) ||
		    __builtin_add_overflow(value, (u64)digit_value(*at), &value))
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
