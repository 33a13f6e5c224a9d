// What to do when the kernel finds itself wrong.
//
//	WARN_ON(c)   reports with a backtrace and goes on; value is c
//	BUG_ON(c)    the task cannot go on: an oops; the task dies, or in an interrupt the machine
//	ASSERT(c)    BUG_ON in debug builds, nothing in release builds
//	panic()      the machine cannot go on
#pragma once

#include <lib/base.h>

struct trapframe;

// Prints the message, registers and a backtrace, stops the other harts, flushes the log, and ends
// the machine: power-off with failure at once, or reboot after `panic=` seconds (`panic=-1`: at
// once; default: power off with failure). Never returns. Any context.
NORETURN void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// An oops: message, registers of the trap (NULL: of the caller), backtrace. Then kills the current
// task through the registered hook, or panics: in interrupts, in the idle task, in init, or when
// `oops=panic` was given. Never returns.
NORETURN void oops(struct trapframe *tf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

// Registered by process/: ends the current task as if killed. If NULL or if it may not, panic.
extern NORETURN void (*oops_kill_task)(void);
extern bool (*oops_may_kill_task)(void);

// Registered by the machine: prints registers.
extern void (*panic_show_registers)(struct trapframe *tf);

// True from the first moment of a panic: do not take locks, do not wait.
extern bool panicking;
unsigned oops_count(void);
unsigned warn_count(void);

// A check has found the kernel wrong, and it goes on (a report of locks, slabs, memory, a warning):
// the machine's power-off then tells of failure.
void kernel_fault_noted(void);
bool kernel_was_faulty(void);

void warn_report(const char *file, int line, const char *what);
NORETURN void bug_report(const char *file, int line, const char *what);

// Prints a backtrace of the current context to the log.
void dump_stack(void);
struct task;
void dump_task_stack(struct task *task);

// A self-test that provokes a warning takes it here: counted, not printed, while non-NULL.
extern unsigned *warn_capture;

#define WARN_ON(c)                                           \
	({                                                   \
		bool warn_cond = (c);                        \
		if (unlikely(warn_cond))                     \
			warn_report(__FILE__, __LINE__, #c); \
		unlikely(warn_cond);                         \
	})

#define WARN_ON_ONCE(c)                                      \
	({                                                   \
		static bool warn_done;                       \
		bool warn_cond = (c);                        \
		if (unlikely(warn_cond && !warn_done)) {     \
			warn_done = true;                    \
			warn_report(__FILE__, __LINE__, #c); \
		}                                            \
		unlikely(warn_cond);                         \
	})

#define BUG_ON(c)                                           \
	do {                                                \
		if (unlikely(c))                            \
			bug_report(__FILE__, __LINE__, #c); \
	} while (0)
#define BUG() bug_report(__FILE__, __LINE__, "reached")

#define ASSERT(c)                     \
	do {                          \
		if (CONFIG_DEBUG)     \
			BUG_ON(!(c)); \
	} while (0)
