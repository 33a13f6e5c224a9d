// Kernel messages: each is formatted once, kept with its time stamp in a ring (dmesg, /dev/kmsg,
// syslog(2)), and written to the consoles if its level is below the console's. May be called from
// any context, with any lock held, and while panicking. Lines of several harts never mix.
#pragma once

#include <lib/base.h>
#include <stdarg.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

#define LOG_LINE_MAX 992 // bytes of text in one message; the rest is cut off

// One message; a trailing newline is optional, newlines inside are kept. Returns its length.
// Beyond C's formats: %pS prints an address as symbol+offset/size.
int printk(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int vprintk(enum log_level level, const char *fmt, va_list args);
// As vsnprintf, with these formats.
int printk_format(char *buf, size_t size, const char *fmt, va_list args);

#define pr_emerg(...)  printk(LOG_EMERG, __VA_ARGS__)
#define pr_crit(...)   printk(LOG_CRIT, __VA_ARGS__)
#define pr_err(...)    printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)   printk(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...)   printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...)  printk(LOG_DEBUG, __VA_ARGS__)

// At most `burst` messages in each interval of 5 s from one place; says how many were dropped.
struct ratelimit {
	u64 begin_ns;
	u32 printed;
	u32 missed;
};
bool ratelimit_ok(struct ratelimit *r);

#define printk_ratelimited(level, ...)                \
	do {                                          \
		static struct ratelimit printk_limit; \
		if (ratelimit_ok(&printk_limit))      \
			printk(level, __VA_ARGS__);   \
	} while (0)

#define printk_once(level, ...)                     \
	do {                                        \
		static bool printk_done;            \
		if (!printk_done) {                 \
			printk_done = true;         \
			printk(level, __VA_ARGS__); \
		}                                   \
	} while (0)

// Consoles. write() gets whole lines with "\n" ends (a serial driver adds "\r" itself), in any
// context, interrupts off or on, never twice at once; it must not sleep, take sleeping locks or
// print. In a panic it must not wait for locks that a stopped hart may hold.
struct console {
	const char *name;
	void (*write)(struct console *, const char *text, size_t n);
	u32 flags; // enum console_flags
	struct console *next;
};

enum console_flags {
	CONSOLE_EARLY = 1 << 0,  // goes when a real one registers
	CONSOLE_REPLAY = 1 << 1, // wants the messages from before it was registered
};

void console_register(struct console *console);
void console_unregister(struct console *console);

// Messages of a level below this number are written to the consoles (loglevel=, quiet, syslog(2)).
int console_loglevel(void);
void console_set_loglevel(int level);

// Writes out what is still in the ring, and from here on never waits for a lock. By panic().
void printk_panic_mode(void);

// Reading the ring. A message has a sequence number; the oldest that is still there is
// log_first(), the next to be written is log_next().
struct log_entry {
	u64 seq;
	u64 time_ns; // monotonic
	u32 level;
	u32 facility; // 0 = kernel; others came through /dev/kmsg
	u32 length;   // of the text
};

u64 log_first(void);
u64 log_next(void);

// Copies message `seq` (or, if it is gone, the oldest) into buf, cut at size (not terminated).
// Returns 0, or -EAGAIN when there is none yet. *entry tells which it was.
int log_read(u64 seq, struct log_entry *entry, char *buf, size_t size);

// Adds a message that user space wrote to /dev/kmsg, with its facility and level.
void log_write_user(u32 facility, enum log_level level, const char *text, size_t n);

// Called (from any context) after a message was added; set once by whoever wakes log readers.
void log_set_notify(void (*fn)(void));
u32 log_buffer_size(void);
extern u64 dmesg_restrict; // [a] kernel.dmesg_restrict: 1 if only CAP_SYSLOG may read the log
