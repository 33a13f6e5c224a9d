// Inside of the signal code: queue entries and the sets of signals by default action.
#pragma once

#include <lib/list.h>
#include <signal/signal.h>

struct posix_timer;

// One queued instance of a signal. Guarded by the receiver's sighand->lock.
struct queued_signal {
	struct list_head link;
	struct siginfo info;
	struct user_counts *counts; // whose pending signals it counts on; counted
	struct posix_timer *timer;  // it belongs to this timer, or NULL
	u32 timer_setting;          // see posix_timer.c
};

#define SIGNALS_STOP \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_IGNORED_BY_DEFAULT \
	(SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGURG))
#define SIGNALS_CORE                                                                            \
	(SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) | \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGSYS) |   \
	 SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ))
#define SIGNALS_SYNCHRONOUS                                                                    \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

struct queued_signal *queued_signal_alloc(struct task *task, bool force, u32 gfp);
void queued_signal_free(struct queued_signal *entry);
void signal_remove_locked(struct signal_pending *pending, u64 mask);
void signal_retarget_locked(struct task *leaving, u64 mask);

// Sets WORK_SIGNAL and ends interruptible sleeps, and those in `extra_states` (TASK_WAKEKILL: it
// is being killed). sighand->lock held.
void signal_wake(struct task *task, u32 extra_states);

// Sends a timer's entry, unless it is queued already. Whether it was queued now.
bool signal_send_entry(struct task *task, struct queued_signal *entry, bool group);
// Takes all entries of timers out of a queue.
void signal_remove_timers_locked(struct signal_pending *pending);

static inline struct task *thread_next(struct task *thread)
{
	struct list_head *next = thread->thread_node.next;

	if (next == &thread->process->threads)
		next = next->next;
	return container_of(next, struct task, thread_node);
}

void signal_init(void);
