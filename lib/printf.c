// The formatting engine. See printf.h.
//
// A conversion goes in three steps: take the specification apart, turn the argument into digits or
// find its text, and emit that with sign, prefix, zeros and padding. Nothing is buffered here
// except the digits of one number.
#include <lib/ctype.h>
#include <lib/printf.h>
#include <uapi/errno.h>

#ifdef LIB_HOST
#define vsnprintf lib_vsnprintf
#define snprintf  lib_snprintf
#endif

#define INT_LIMIT   0x7fffffff
#define DIGITS_MAX  64  // a u64 in base 2
#define POINTER_MAX 160 // text of one %p hook

void format_emit(struct format_out *out, const char *s, size_t n)
{
	if (n)
		out->emit(out->ctx, s, n);
	out->total += n;
}

void format_repeat(struct format_out *out, char c, size_t n)
{
	char chunk[32];

	if (!n)
		return;
	memset(chunk, c, sizeof(chunk));
	while (n) {
		size_t part = MIN(n, sizeof(chunk));

		format_emit(out, chunk, part);
		n -= part;
	}
}

void format_padded(struct format_out *out, const struct format_spec *spec, const char *s, size_t n)
{
	size_t pad = (size_t)spec->width > n ? (size_t)spec->width - n : 0;

	if (!(spec->flags & FORMAT_LEFT))
		format_repeat(out, ' ', pad);
	format_emit(out, s, n);
	if (spec->flags & FORMAT_LEFT)
		format_repeat(out, ' ', pad);
}

char *decimal_digits(char *end, u64 value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return end;
}

// Writes the digits so that they end at `end`. Returns where they begin; none for 0.
static char *put_digits(char *end, u64 value, unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	if (base == 10)
		return value ? decimal_digits(end, value) : end;
	unsigned shift = base == 16 ? 4 : base == 8 ? 3 : 1;

	for (; value; value >>= shift)
		*--end = digits[value & (base - 1)];
	return end;
}

// The usual number: the buffer has room for all that stands before the digits, so that it is emitted
// in one piece, which costs a fraction of many.
static void put_front(struct format_out *out, char *at, const char *end, size_t zeros,
		      const char *prefix, size_t prefix_len, size_t pad)
{
	while (zeros--)
		*--at = '0';
	while (prefix_len)
		*--at = prefix[--prefix_len];
	while (pad--)
		*--at = ' ';
	format_emit(out, at, (size_t)(end - at));
}

// Emits a number: padding, sign or prefix, zeros, digits, padding.
static void put_number(struct format_out *out, const struct format_spec *spec, const char *prefix,
		       u64 value, unsigned base)
{
	char buf[DIGITS_MAX];
	char *end = buf + sizeof(buf);
	char *digits = put_digits(end, value, base, spec->conversion == 'X');
	size_t count = (size_t)(end - digits);
	size_t prefix_len = strlen(prefix);
	size_t zeros = 0, pad = 0;

	if (spec->precision >= 0)
		zeros = (size_t)spec->precision > count ? (size_t)spec->precision - count : 0;
	else if (!count)
		zeros = 1;
	if (base == 8 && (spec->flags & FORMAT_ALT) && !zeros && !(count && *digits == '0'))
		zeros = 1;
	size_t length = prefix_len + zeros + count;

	if ((size_t)spec->width > length)
		pad = (size_t)spec->width - length;
	if ((spec->flags & FORMAT_ZERO) && !(spec->flags & FORMAT_LEFT) && spec->precision < 0) {
		zeros += pad;
		pad = 0;
	}
	if (!(spec->flags & FORMAT_LEFT) && pad + prefix_len + zeros + count <= sizeof(buf)) {
		put_front(out, digits, end, zeros, prefix, prefix_len, pad);
		return;
	}
	if (!(spec->flags & FORMAT_LEFT))
		format_repeat(out, ' ', pad);
	format_emit(out, prefix, prefix_len);
	format_repeat(out, '0', zeros);
	format_emit(out, digits, count);
	if (spec->flags & FORMAT_LEFT)
		format_repeat(out, ' ', pad);
}

static u64 take_unsigned(struct format_args *args, enum format_length length)
{
	switch (length) {
	case LENGTH_CHAR:
		return (unsigned char)va_arg(args->ap, unsigned);
	case LENGTH_SHORT:
		return (unsigned short)va_arg(args->ap, unsigned);
	case LENGTH_INT:
		return va_arg(args->ap, unsigned);
	default:
		return va_arg(args->ap, u64); // all the others have 64 bits
	}
}

static s64 take_signed(struct format_args *args, enum format_length length)
{
	switch (length) {
	case LENGTH_CHAR:
		return (signed char)va_arg(args->ap, int);
	case LENGTH_SHORT:
		return (short)va_arg(args->ap, int);
	case LENGTH_INT:
		return va_arg(args->ap, int);
	default:
		return va_arg(args->ap, s64);
	}
}

static void put_signed(struct format_out *out, const struct format_spec *spec,
		       struct format_args *args)
{
	s64 value = take_signed(args, spec->length);
	const char *sign = "";

	if (value < 0)
		sign = "-";
	else if (spec->flags & FORMAT_PLUS)
		sign = "+";
	else if (spec->flags & FORMAT_SPACE)
		sign = " ";
	put_number(out, spec, sign, value < 0 ? -(u64)value : (u64)value, 10);
}

static void put_unsigned(struct format_out *out, const struct format_spec *spec,
			 struct format_args *args)
{
	u64 value = take_unsigned(args, spec->length);
	bool prefix = (spec->flags & FORMAT_ALT) && value;

	switch (spec->conversion) {
	case 'x':
		put_number(out, spec, prefix ? "0x" : "", value, 16);
		break;
	case 'X':
		put_number(out, spec, prefix ? "0X" : "", value, 16);
		break;
	case 'b':
		put_number(out, spec, prefix ? "0b" : "", value, 2);
		break;
	case 'o':
		put_number(out, spec, "", value, 8);
		break;
	default:
		put_number(out, spec, "", value, 10);
	}
}

static void put_string(struct format_out *out, const struct format_spec *spec,
		       struct format_args *args)
{
	const char *s = va_arg(args->ap, const char *);

	if (!s)
		s = "(null)";
	format_padded(out, spec, s,
		      spec->precision < 0 ? strlen(s) : strnlen(s, (size_t)spec->precision));
}

// %p, and %p with a letter of the hooks. Returns the number of letters used: 0 or 1.
static size_t put_pointer(struct format_out *out, const struct format_spec *spec,
			  struct format_args *args, const struct format_hooks *hooks, char letter)
{
	const void *p = va_arg(args->ap, const void *);

	if (letter && hooks && hooks->pointer_letters && strchr(hooks->pointer_letters, letter)) {
		char text[POINTER_MAX];

		format_padded(out, spec, text, hooks->pointer(text, sizeof(text), letter, p));
		return 1;
	}
	put_number(out, spec, "0x", (u64)p, 16);
	return 0;
}

// Reads a decimal number; -EOVERFLOW beyond INT_MAX.
static int take_number(const char **fmt)
{
	u64 n = 0;

	for (; char_is_digit(**fmt); (*fmt)++) {
		n = n * 10 + (u64)(**fmt - '0');
		if (n > INT_LIMIT)
			return -EOVERFLOW;
	}
	return (int)n;
}

static u32 take_flags(const char **fmt)
{
	u32 flags = 0;

	for (;; (*fmt)++) {
		switch (**fmt) {
		case '-':
			flags |= FORMAT_LEFT;
			break;
		case '+':
			flags |= FORMAT_PLUS;
			break;
		case ' ':
			flags |= FORMAT_SPACE;
			break;
		case '#':
			flags |= FORMAT_ALT;
			break;
		case '0':
			flags |= FORMAT_ZERO;
			break;
		default:
			return flags;
		}
	}
}

static enum format_length take_length(const char **fmt)
{
	switch (*(*fmt)++) {
	case 'h':
		if (**fmt != 'h')
			return LENGTH_SHORT;
		(*fmt)++;
		return LENGTH_CHAR;
	case 'l':
		if (**fmt != 'l')
			return LENGTH_LONG;
		(*fmt)++;
		return LENGTH_LONG_LONG;
	case 'z':
		return LENGTH_SIZE;
	case 't':
		return LENGTH_PTRDIFF;
	case 'j':
		return LENGTH_INTMAX;
	case 'L':
		return LENGTH_LONG_DOUBLE;
	default:
		(*fmt)--;
		return LENGTH_INT;
	}
}

// Takes a specification apart; *fmt stands behind the '%', and behind the conversion afterwards.
static int take_spec(const char **fmt, struct format_spec *spec, struct format_args *args)
{
	spec->flags = take_flags(fmt);
	spec->precision = -1;
	if (**fmt == '*') {
		(*fmt)++;
		spec->width = va_arg(args->ap, int);
		if (spec->width < 0) {
			spec->flags |= FORMAT_LEFT;
			if (__builtin_sub_overflow(0, spec->width, &spec->width))
				return -EOVERFLOW;
		}
	} else {
		spec->width = take_number(fmt);
		if (spec->width < 0)
			return spec->width;
	}
	if (**fmt == '.') {
		(*fmt)++;
		if (**fmt == '*') {
			(*fmt)++;
			spec->precision = MAX(va_arg(args->ap, int), -1);
		} else {
			spec->precision = take_number(fmt);
			if (spec->precision < -1)
				return spec->precision;
		}
	}
	spec->length = take_length(fmt);
	spec->conversion = **fmt;
	if (**fmt)
		(*fmt)++;
	return 0;
}

// Emits one conversion. `start` is its '%', for those that nobody knows.
static void put_conversion(struct format_out *out, const struct format_spec *spec,
			   struct format_args *args, const struct format_hooks *hooks,
			   const char *start, const char **fmt)
{
	char c;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		put_signed(out, spec, args);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
	case 'b':
		put_unsigned(out, spec, args);
		break;
	case 'c':
		c = (char)va_arg(args->ap, int);
		format_padded(out, spec, &c, 1);
		break;
	case 's':
		put_string(out, spec, args);
		break;
	case 'p':
		*fmt += put_pointer(out, spec, args, hooks, **fmt);
		break;
	case '%':
		format_emit(out, "%", 1);
		break;
	default:
		if (!hooks || !hooks->convert || !hooks->convert(out, spec, args))
			format_emit(out, start, (size_t)(*fmt - start));
	}
}

int vformat_hooked(const struct format_hooks *hooks,
		   void (*emit)(void *ctx, const char *s, size_t n), void *ctx, const char *fmt,
		   va_list ap)
{
	struct format_out out = {.emit = emit, .ctx = ctx};
	struct format_args args;
	int error = 0;

	va_copy(args.ap, ap);
	while (*fmt) {
		const char *start = fmt;
		struct format_spec spec;

		while (*fmt && *fmt != '%')
			fmt++;
		format_emit(&out, start, (size_t)(fmt - start));
		if (!*fmt)
			break;
		start = fmt++;
		error = take_spec(&fmt, &spec, &args);
		if (!error && out.total + (size_t)MAX(spec.width, spec.precision) > INT_LIMIT &&
		    (size_t)MAX(spec.width, spec.precision) < SIZE_MAX / 2)
			error = -EOVERFLOW;
		if (error)
			break;
		put_conversion(&out, &spec, &args, hooks, start, &fmt);
	}
	va_end(args.ap);
	if (!error && out.total > INT_LIMIT)
		error = -EOVERFLOW;
	return error ? error : (int)out.total;
}

int vformat(void (*emit)(void *ctx, const char *s, size_t n), void *ctx, const char *fmt,
	    va_list args)
{
	return vformat_hooked(NULL, emit, ctx, fmt, args);
}

// The target of snprintf: as much as fits.
struct buffer {
	char *next;
	size_t room; // without the NUL
};

static void buffer_emit(void *ctx, const char *s, size_t n)
{
	struct buffer *b = ctx;

	n = MIN(n, b->room);
	memcpy(b->next, s, n);
	b->next += n;
	b->room -= n;
}

int vsnprintf_hooked(const struct format_hooks *hooks, char *buf, size_t size, const char *fmt,
		     va_list args)
{
	char none;
	struct buffer b = {.next = size ? buf : &none, .room = size ? size - 1 : 0};
	int n = vformat_hooked(hooks, buffer_emit, &b, fmt, args);

	if (size)
		*b.next = '\0';
	return n;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	return vsnprintf_hooked(NULL, buf, size, fmt, args);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(buf, size, fmt, args);

	va_end(args);
	return n;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int n = vsnprintf(buf, size, fmt, args);

	if (n < 0)
		return size ? (int)strlen(buf) : 0;
	return (size_t)n < size ? n : size ? (int)(size - 1) : 0;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vscnprintf(buf, size, fmt, args);

	va_end(args);
	return n;
}
