// lib/printf against the host's snprintf, with random specifications, and what is only ours.
#include "check.h"
#include <lib/printf.h>
#include <limits.h>
#include <uapi/errno.h>

static void add_width(char **at)
{
	if (random_below(2))
		*at += sprintf(*at, "%d", (int)random_below(30));
}

static void add_precision(char **at)
{
	if (random_below(3))
		return;
	*(*at)++ = '.';
	if (random_below(5))
		*at += sprintf(*at, "%d", (int)random_below(30));
}

static void add_flags(char **at, const char *flags)
{
	for (; *flags; flags++)
		if (!random_below(3))
			*(*at)++ = *flags;
}

static void test_integers(void)
{
	static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "t", "j"};

	for (int i = 0; i < 100000; i++) {
		char fmt[80] = "<%", *at = fmt + 2, got[400], want[400];
		char conversion = "diuxXo"[random_below(6)];
		const char *length = lengths[random_below(ARRAY_SIZE(lengths))];
		u64 value = random_u64();
		bool is_signed = conversion == 'd' || conversion == 'i';

		add_flags(&at, is_signed ? "-+ 0" : conversion == 'u' ? "-0" : "-#0");
		add_width(&at);
		add_precision(&at);
		sprintf(at, "%s%c>", length, conversion);
		int n = snprintf(want, sizeof(want), fmt, value);

		if (!CHECK_EQ(lib_snprintf(got, sizeof(got), fmt, value), n) ||
		    !CHECK_STR(got, want))
			printf("\tformat %s, value 0x%lx\n", fmt, value);
	}
}

static void test_decimal(void)
{
	u64 value = ~0ul;

	for (int i = 0; i < 10000; i++) {
		char got[24], want[24];
		size_t n = (size_t)sprintf(want, "%lu", value);
		char *digits = decimal_digits(got + 20, value);

		got[20] = '\0';
		CHECK_EQ(got + 20 - digits, n);
		CHECK_STR(digits, want);
		value = i == 0 ? 0 : random_u64() >> random_below(64);
	}
}

static void test_text(void)
{
	for (int i = 0; i < 30000; i++) {
		char fmt[80] = "a%%b%", *at = fmt + 5, got[400], want[400], text[20];
		size_t n = random_below(sizeof(text));

		memset(text, 'x', n);
		text[n] = '\0';
		add_flags(&at, "-");
		add_width(&at);
		if (random_below(2)) {
			add_precision(&at);
			strcpy(at, "s|");
			CHECK_EQ(lib_snprintf(got, sizeof(got), fmt, text),
				 snprintf(want, sizeof(want), fmt, text));
		} else {
			strcpy(at, "c|");
			CHECK_EQ(lib_snprintf(got, sizeof(got), fmt, 'q'),
				 snprintf(want, sizeof(want), fmt, 'q'));
		}
		CHECK_STR(got, want);
	}
	// An unterminated string is not read beyond the precision.
	char *four = malloc(4), got[10];

	memcpy(four, "abcd", 4);
	lib_snprintf(got, sizeof(got), "%.4s", four);
	CHECK_STR(got, "abcd");
	free(four);
}

static void test_stars(void)
{
	for (int i = 0; i < 20000; i++) {
		char got[200], want[200];
		int width = (int)random_below(60) - 30, precision = (int)random_below(30) - 5;
		int value = (int)random_u64();

		CHECK_EQ(lib_snprintf(got, sizeof(got), "%*.*d %d", width, precision, value, i),
			 snprintf(want, sizeof(want), "%*.*d %d", width, precision, value, i));
		CHECK_STR(got, want);
	}
}

static void test_cut(void)
{
	for (size_t size = 0; size < 20; size++) {
		char *got = malloc(size + 1), *want = malloc(size + 1);

		got[size] = want[size] = '!';
		CHECK_EQ(lib_snprintf(got, size, "%s-%5d", "abc", 42),
			 snprintf(want, size, "%s-%5d", "abc", 42));
		CHECK(memcmp(got, want, size + 1) == 0 || size == 0);
		int n = scnprintf(got, size, "%s-%5d", "abc", 42);

		CHECK_EQ(n, size == 0 ? 0 : MIN(size - 1, 9ul));
		CHECK_EQ(got[size], '!');
		free(got), free(want);
	}
	CHECK_EQ(lib_snprintf(NULL, 0, "%d", 12345), 5);
}

static int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = lib_vsnprintf(buf, size, fmt, args);

	va_end(args);
	return n;
}

static void test_own(void)
{
	char got[200];

	format(got, sizeof(got), "%p %p", (void *)0x1234abcd, NULL);
	CHECK_STR(got, "0x1234abcd 0x0");
	format(got, sizeof(got), "%20p|%-20p|", (void *)0x12, (void *)0x34);
	CHECK_STR(got, "                0x12|0x34                |");
	format(got, sizeof(got), "%b %#b %08b %b", 5, 5, 5, 0);
	CHECK_STR(got, "101 0b101 00000101 0");
	format(got, sizeof(got), "%lb", ~0ul);
	CHECK_EQ(strlen(got), 64);
	format(got, sizeof(got), "%s %.3s", (char *)NULL, (char *)NULL);
	CHECK_STR(got, "(null) (nu");
	format(got, sizeof(got), "%y %d", 7);
	CHECK_STR(got, "%y 7");
	format(got, sizeof(got), "100%");
	CHECK_STR(got, "100%");
	format(got, sizeof(got), "%pS", (void *)0x10); // no hook: not special
	CHECK_STR(got, "0x10S");
}

static void test_overflow(void)
{
	char got[20];

	CHECK_EQ(format(got, sizeof(got), "%2147483648d", 1), -EOVERFLOW);
	CHECK_EQ(format(got, sizeof(got), "%.99999999999999999999d", 1), -EOVERFLOW);
	CHECK_EQ(format(got, sizeof(got), "%*d", INT_MIN, 1), -EOVERFLOW);
	CHECK_EQ(format(got, sizeof(got), "ab%2147483647d", 1), -EOVERFLOW);
	CHECK_STR(got, "ab");
}

static size_t hook_pointer(char *buf, size_t size, char letter, const void *p)
{
	return (size_t)snprintf(buf, size, "<%c:%lx>", letter, (unsigned long)p);
}

static bool hook_convert(struct format_out *out, const struct format_spec *spec,
			 struct format_args *args)
{
	char text[40];

	if (spec->conversion != 'f')
		return false;
	int n = snprintf(text, sizeof(text), "%.*f", spec->precision, va_arg(args->ap, double));

	format_padded(out, spec, text, (size_t)n);
	return true;
}

static int format_hooks(char *buf, size_t size, const char *fmt, ...)
{
	static const struct format_hooks hooks = {"SB", hook_pointer, hook_convert};
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf_hooked(&hooks, buf, size, fmt, args);

	va_end(args);
	return n;
}

static void test_hooks(void)
{
	char got[100];

	format_hooks(got, sizeof(got), "%pS|%-10pB|%pX %d", (void *)16, (void *)1, (void *)2, 3);
	CHECK_STR(got, "<S:10>|<B:1>     |0x2X 3");
	format_hooks(got, sizeof(got), "%8.2f|%d|%y", 3.14159, 7);
	CHECK_STR(got, "    3.14|7|%y");
}

int main(void)
{
	static const struct test tests[] = {
		{"integers", test_integers}, {"decimal", test_decimal}, {"text", test_text},
		{"stars", test_stars},       {"cut", test_cut},         {"own", test_own},
		{"overflow", test_overflow}, {"hooks", test_hooks},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
