// Signals: sending, and what the other floors need to know of them. The theory is in signal.c.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <sched/process.h>
#include <sched/task.h>
#include <uapi/signal.h>

struct user_counts;

#define SIGNAL_BIT(sig) (1ul << ((sig) - 1))

// The actions of a process, shared by CLONE_SIGHAND. The lock guards all [sig] fields of the
// tasks that share it, and of their process. Irq-safe. Rank LOCK_SIGHAND.
struct sighand {
	struct spinlock lock;
	struct refcount refs;
	struct wait_queue signalfd_wait;
	struct kernel_sigaction action[64]; // [lock] action of signal n is n-1
	struct rcu_head rcu;                // typesafe: readers may find a recycled one
};

// A siginfo as the kernel keeps it: user form, filled in by the sender.
// Special senders instead of an info:
#define SIGINFO_NOINFO ((const struct siginfo *)0) // SI_USER from current
#define SIGINFO_PRIV   ((const struct siginfo *)1) // SI_KERNEL

// Sends to one task (tkill) or to its whole group. info is copied. Takes sighand->lock; may be
// called with tasklist_lock read-held and from interrupts. Permission is not checked.
// Errors: -ESRCH the task is gone, -EAGAIN queue limit (real-time signals with info only).
int signal_send_task(struct task *task, int sig, const struct siginfo *info);
int signal_send_process(struct task *task, int sig, const struct siginfo *info);
// To each process of a group. tasklist_lock read-held for the _locked form. -ESRCH if empty.
int signal_send_pgrp(struct pid *pgrp, int sig, const struct siginfo *info);
int signal_send_pgrp_locked(struct pid *pgrp, int sig, const struct siginfo *info);
// To the process with that pid, kernel's own purposes.
int signal_send_pid(struct pid *pid, int sig, const struct siginfo *info);

// To current, for a fault at `addr` (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP): cannot be blocked
// or ignored: then the default action is forced.
void signal_force_fault(int sig, int code, u64 addr);
// To current, forced, without address. SIGKILL included.
void signal_force(int sig);

// Whether current may signal `task` (same uid rules as kill(2), or CAP_KILL).
int signal_check_permission(int sig, struct task *task, const struct siginfo *info);

// Recomputes WORK_SIGNAL of current or of another task. sighand->lock held.
void signal_recalc_locked(struct task *task);
// Changes current's blocked mask.
void signal_set_blocked(u64 mask);
// Whether the signal is ignored by default or by choice, for background tty rules.
bool signal_is_ignored(struct task *task, int sig);
bool signal_is_blocked(struct task *task, int sig);

// Locks task's sighand, or returns NULL if the task has none any more.
struct sighand *sighand_lock(struct task *task, unsigned long *flags);
void sighand_unlock(struct sighand *sighand, unsigned long flags);

// Takes the next deliverable signal of current out of its queues; 0 if there is none.
// Used by delivery, sigtimedwait and signalfd. sighand->lock held.
int signal_dequeue_locked(u64 blocked, struct siginfo *info);

// Delivers what is pending to current before it returns to user mode: sets up a frame, stops,
// dumps or exits. Called with irqs on, no locks.
struct trapframe;
void signal_deliver(struct trapframe *tf);
