// Text that is made on demand.

#include <fs/seq.h>
#include <lib/printf.h>
#include <lib/string.h>

void seq_printf(struct seq *seq, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(seq->buffer + seq->count, seq->size - seq->count, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= seq->size - seq->count)
		seq->full = true;
	else
		seq->count += n;
}

void seq_puts(struct seq *seq, const char *text)
{
	seq_printf(seq, "%s", text);
}

void seq_putc(struct seq *seq, char c)
{
	seq_printf(seq, "%c", c);
}
