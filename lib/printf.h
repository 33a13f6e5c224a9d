// Formatted output: the engine behind printk and our libc's printf.
//
// Conversions d i u o x X b c s p %, with flags "-+ #0", width, precision (also by *), and lengths
// hh h l ll z t j. An unknown conversion is written as it stands. The C and POSIX rules hold. The
// rest comes from hooks: symbol names in the kernel, floating point in the libc.
#pragma once

#include <lib/base.h>
#include <lib/string.h>
#include <stdarg.h>

enum format_flags {
	FORMAT_LEFT = 1 << 0,  // '-'
	FORMAT_PLUS = 1 << 1,  // '+'
	FORMAT_SPACE = 1 << 2, // ' '
	FORMAT_ALT = 1 << 3,   // '#'
	FORMAT_ZERO = 1 << 4,  // '0'
};

enum format_length {
	LENGTH_INT,
	LENGTH_CHAR,
	LENGTH_SHORT,
	LENGTH_LONG,
	LENGTH_LONG_LONG,
	LENGTH_SIZE,
	LENGTH_PTRDIFF,
	LENGTH_INTMAX,
	LENGTH_LONG_DOUBLE, // 'L'
};

// One conversion, taken apart.
struct format_spec {
	u32 flags; // enum format_flags
	int width;
	int precision; // -1: none
	enum format_length length;
	char conversion;
};

struct format_args {
	va_list ap;
};

// Where the text goes.
struct format_out {
	void (*emit)(void *ctx, const char *s, size_t n);
	void *ctx;
	size_t total; // bytes emitted so far
};

struct format_hooks {
	// %p followed by one of the letters in pointer_letters: writes at most `size` bytes of text
	// for the pointer to buf, and returns their number.
	const char *pointer_letters;
	size_t (*pointer)(char *buf, size_t size, char letter, const void *p);
	// Any conversion that the engine does not know (e f g a n ...): takes its argument from
	// args and emits the text, padding included; or returns false having touched neither.
	bool (*convert)(struct format_out *out, const struct format_spec *spec,
			struct format_args *args);
};

// For hooks: emit text; emit a character n times; emit text padded to the spec's width.
void format_emit(struct format_out *out, const char *s, size_t n);
void format_repeat(struct format_out *out, char c, size_t n);
void format_padded(struct format_out *out, const struct format_spec *spec, const char *s, size_t n);

// Writes a number's decimal digits, at most 20, so that they end at `end`. Returns where they begin; 0 has
// one digit.
char *decimal_digits(char *end, u64 value);

// Calls emit with one piece of text after the other (never empty). Returns the number of bytes, or
// -EOVERFLOW if that, a width or a precision exceeds INT_MAX.
int vformat(void (*emit)(void *ctx, const char *s, size_t n), void *ctx, const char *fmt,
	    va_list args);
int vformat_hooked(const struct format_hooks *hooks,
		   void (*emit)(void *ctx, const char *s, size_t n), void *ctx, const char *fmt,
		   va_list args);

// Writes at most size - 1 bytes and a NUL to buf (nothing if size is 0). Returns the length that
// the whole text has, so the text was cut if that is >= size; or -EOVERFLOW.
int LIB_STD(vsnprintf)(char *buf, size_t size, const char *fmt, va_list args);
int LIB_STD(snprintf)(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
int vsnprintf_hooked(const struct format_hooks *hooks, char *buf, size_t size, const char *fmt,
		     va_list args);

// As snprintf, but returns the number of bytes in buf, without the NUL: for appending piecewise.
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args);
int scnprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
