// Text that is made on demand, for /proc.
#pragma once

#include <lib/base.h>

struct pid_namespace;

struct seq {
	struct pid_namespace *pid_ns; // by whose numbers processes are named
	void *bound;                  // what the file was bound to when it was opened
	bool thread;                  // of /proc: of one thread, not of its whole process
	char *buffer;
	size_t size, count;
	bool full; // something did not fit: the buffer grows, and it is made again
};

void seq_printf(struct seq *seq, const char *fmt, ...) PRINTF_LIKE(2, 3);
void seq_puts(struct seq *seq, const char *text);
void seq_putc(struct seq *seq, char c);
// A line as /proc has thousands of, "%-15s %8lu kB\n", for a fraction of what formatting costs. The name
// has at most 24 characters.
void seq_put_kib(struct seq *seq, const char *name, u64 kib);
