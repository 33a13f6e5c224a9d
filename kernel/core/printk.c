// The kernel log: a ring of records, each a header and its text, and the consoles that show it.
//
// A message is formatted on the stack of its writer, then copied into the ring under log_lock.
// Whoever finds the console lock free then writes out what is not yet shown, also for others; who
// finds it taken leaves, for the holder looks again before it goes. So nobody waits for a console
// while holding locks, and lines of several harts never mix.

#include <arch/console.h>
#include <core/cmdline.h>
#include <core/panic.h>
#include <core/printk.h>
#include <core/spinlock.h>
#include <core/symbols.h>
#include <core/timer.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <uapi/errno.h>

u64 dmesg_restrict;

#define LOG_SIZE (128 * KIB) // power of two

struct record {
	u64 seq, time_ns;
	u16 length; // of the text
	u8 level, facility;
	u32 size; // of the whole record; multiple of 8
};

static char log_ring[LOG_SIZE] ALIGNED(8);
static struct spinlock log_lock = SPINLOCK_INIT(LOCK_LOG);
static struct spinlock console_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static u64 first_seq, next_seq;  // [log_lock]
static u64 first_at, next_at;    // [log_lock] ever-growing offsets
static u64 shown_seq, shown_at;  // [console_lock]
static struct console *consoles; // [console_lock]
static int loglevel = 7;
static bool panic_mode;
static void (*notify)(void);

static struct record *record_at(u64 at)
{
	return (struct record *)&log_ring[at % LOG_SIZE];
}

// A record never wraps: if it does not fit before the end, the rest of the ring is skipped by a
// record without text.
static void ring_make_room(u32 size)
{
	while (next_at + size - first_at > LOG_SIZE) {
		struct record *oldest = record_at(first_at);

		if (oldest->facility != 0xff)
			first_seq++;
		first_at += oldest->size;
	}
}

static struct record *ring_append(u32 size)
{
	u64 left = LOG_SIZE - next_at % LOG_SIZE;

	if (left < size) {
		ring_make_room(left);
		*record_at(next_at) = (struct record){.size = left, .facility = 0xff};
		next_at += left;
	}
	ring_make_room(size);
	struct record *record = record_at(next_at);
	next_at += size;
	return record;
}

static void log_store(u32 facility, u32 level, const char *text, size_t length)
{
	u32 size = ALIGN_UP(sizeof(struct record) + length, 32);
	unsigned long flags = arch_irq_save();

	if (!panic_mode)
		spin_lock(&log_lock);
	struct record *record = ring_append(size);
	*record = (struct record){.seq = next_seq++,
				  .time_ns = clock_has_started() ? clock_monotonic_ns() : 0,
				  .length = length,
				  .level = level,
				  .facility = facility,
				  .size = size};
	memcpy(record + 1, text, length);
	if (!panic_mode)
		spin_unlock(&log_lock);
	arch_irq_restore(flags);
}

// --- Showing ---

// Copies the record after *at that was not shown. Whether there was one.
static bool take_next(u64 *seq, u64 *at, struct record *record, char *text)
{
	unsigned long flags = arch_irq_save();
	bool found = false;

	if (!panic_mode)
		spin_lock(&log_lock);
	if (*at < first_at)
		*at = first_at;
	while (*at < next_at && !found) {
		struct record *next = record_at(*at);

		*at += next->size;
		if (next->facility == 0xff)
			continue;
		*record = *next;
		memcpy(text, next + 1, next->length);
		*seq = next->seq + 1;
		found = true;
	}
	if (!panic_mode)
		spin_unlock(&log_lock);
	arch_irq_restore(flags);
	return found;
}

static void write_consoles(const char *text, size_t n)
{
	bool written = false;

	for (struct console *console = consoles; console; console = console->next) {
		console->write(console, text, n);
		written = true;
	}
	if (!written)
		arch_early_puts(text, n);
}

static void show(const struct record *record, const char *text)
{
	char line[LOG_LINE_MAX + 32];
	u64 us = record->time_ns / NSEC_PER_USEC;
	size_t n = scnprintf(line, sizeof(line), "[%5lu.%06lu] ", us / 1000000, us % 1000000);

	n += scnprintf(line + n, sizeof(line) - n, "%.*s\n", record->length, text);
	write_consoles(line, n);
}

static void flush_locked(void)
{
	char text[LOG_LINE_MAX];
	struct record record;

	while (take_next(&shown_seq, &shown_at, &record, text)) {
		if (record.level < loglevel && record.facility == 0)
			show(&record, text);
	}
}

static void flush(void)
{
	unsigned long flags;

	if (panic_mode) {
		flush_locked();
		return;
	}
	do {
		if (!spin_trylock_irqsave(&console_lock, &flags))
			return;
		flush_locked();
		spin_unlock_irqrestore(&console_lock, flags);
	} while (READ_ONCE(shown_at) < READ_ONCE(next_at));
}

// --- The interface ---

static size_t format_symbol(char *buf, size_t size, char letter, const void *pointer)
{
	(void)letter;
	return symbol_format(buf, size, (u64)pointer);
}

int printk_format(char *buf, size_t size, const char *fmt, va_list args)
{
	static const struct format_hooks hooks = {.pointer_letters = "S", .pointer = format_symbol};

	return vsnprintf_hooked(&hooks, buf, size, fmt, args);
}

int vprintk(enum log_level level, const char *fmt, va_list args)
{
	char text[LOG_LINE_MAX];
	int n = printk_format(text, sizeof(text), fmt, args);

	n = CLAMP(n, 0, (int)sizeof(text) - 1);

	if (n && text[n - 1] == '\n')
		n--;
	log_store(0, level, text, n);
	flush();
	if (notify)
		notify();
	return n;
}

int printk(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vprintk(level, fmt, args);
	va_end(args);
	return n;
}

void log_write_user(u32 facility, enum log_level level, const char *text, size_t n)
{
	log_store(facility, level, text, MIN(n, (size_t)LOG_LINE_MAX));
	if (notify)
		notify();
}

bool ratelimit_ok(struct ratelimit *r)
{
	u64 now = clock_monotonic_ns();

	if (!r->begin_ns || now - r->begin_ns > 5 * NSEC_PER_SEC) {
		u32 missed = r->missed;

		*r = (struct ratelimit){.begin_ns = now | 1};
		if (missed)
			pr_warn("printk: %u messages were dropped\n", missed);
	}
	if (r->printed++ < 10)
		return true;
	r->missed++;
	return false;
}

void console_register(struct console *console)
{
	unsigned long flags = spin_lock_irqsave(&console_lock);

	if (!(console->flags & CONSOLE_EARLY)) {
		struct console **at = &consoles;

		while (*at) {
			if ((*at)->flags & CONSOLE_EARLY)
				*at = (*at)->next;
			else
				at = &(*at)->next;
		}
	}
	console->next = consoles;
	consoles = console;
	if (console->flags & CONSOLE_REPLAY)
		shown_at = 0;
	spin_unlock_irqrestore(&console_lock, flags);
	flush();
}

void console_unregister(struct console *console)
{
	unsigned long flags = spin_lock_irqsave(&console_lock);

	for (struct console **at = &consoles; *at; at = &(*at)->next) {
		if (*at == console) {
			*at = console->next;
			break;
		}
	}
	spin_unlock_irqrestore(&console_lock, flags);
}

int console_loglevel(void)
{
	return loglevel;
}

void console_set_loglevel(int level)
{
	loglevel = level;
}

void printk_panic_mode(void)
{
	panic_mode = true;
	flush_locked();
}

// --- Reading ---

u64 log_first(void)
{
	return READ_ONCE(first_seq);
}

u64 log_next(void)
{
	return READ_ONCE(next_seq);
}

int log_read(u64 seq, struct log_entry *entry, char *buf, size_t size)
{
	int error = -EAGAIN;
	unsigned long flags = spin_lock_irqsave(&log_lock);

	for (u64 at = first_at; at < next_at; at += record_at(at)->size) {
		struct record *record = record_at(at);

		if (record->facility == 0xff || record->seq < seq)
			continue;
		*entry = (struct log_entry){record->seq, record->time_ns, record->level,
					    record->facility, record->length};
		memcpy(buf, record + 1, MIN((size_t)record->length, size));
		error = 0;
		break;
	}
	spin_unlock_irqrestore(&log_lock, flags);
	return error;
}

void log_set_notify(void (*fn)(void))
{
	notify = fn;
}

u32 log_buffer_size(void)
{
	return LOG_SIZE;
}

static int param_loglevel(const char *value)
{
	u64 level;
	int error = parse_u64(value, NULL, 10, &level);

	if (!error)
		loglevel = MIN(level, 8ul);
	return error;
}
KERNEL_PARAM("loglevel", param_loglevel);

static int param_quiet(const char *value)
{
	(void)value;
	loglevel = LOG_WARNING;
	return 0;
}
KERNEL_PARAM("quiet", param_quiet);
