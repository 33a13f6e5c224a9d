// Text that is made on demand.

#include <fs/seq.h>
#include <lib/printf.h>
#include <lib/string.h>

void seq_printf(struct seq *seq, const char *fmt, ...)
{
	va_list args;

	if (seq->full)
		return;
	va_start(args, fmt);
	int n = vsnprintf(seq->buffer + seq->count, seq->size - seq->count, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= seq->size - seq->count)
		seq->full = true;
	else
		seq->count += n;
}

// One byte stays free, as it does behind formatted text.
static void add(struct seq *seq, const char *text, size_t n)
{
	if (seq->full || n >= seq->size - seq->count) {
		seq->full = true;
		return;
	}
	memcpy(seq->buffer + seq->count, text, n);
	seq->count += n;
}

void seq_puts(struct seq *seq, const char *text)
{
	add(seq, text, strlen(text));
}

void seq_putc(struct seq *seq, char c)
{
	add(seq, &c, 1);
}

void seq_put_kib(struct seq *seq, const char *name, u64 kib)
{
	char text[64], number[20], *end = number + sizeof(number);
	char *digits = decimal_digits(end, kib), *at = text;
	size_t count = (size_t)(end - digits), name_length = strlen(name);

	name_length = MIN(name_length, 24ul);
	memset(text, ' ', sizeof(text));
	memcpy(at, name, name_length);
	at += MAX(name_length, 15ul) + 1 + (count < 8 ? 8 - count : 0);
	memcpy(at, digits, count);
	memcpy(at + count, " kB\n", 4);
	add(seq, text, (size_t)(at - text) + count + 4);
}
