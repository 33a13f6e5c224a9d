// Signals: sending, and what the other floors need to know of them. The theory is in signal.c.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <sched/process.h>
#include <sched/task.h>
#include <uapi/signal.h>

struct user_counts;

// Where those wait who read or poll a signalfd of a process. It outlives the sighand, for an epoll
// may still be registered.
struct signal_waiters {
	struct refcount refs;
	struct wait_queue queue;
};

#define SIGNAL_BIT(sig) (1ul << ((sig)-1))

// The actions of a process, shared by CLONE_SIGHAND. The lock guards all [sig] fields of the
// tasks that share it, and of their process. Irq-safe. Rank LOCK_SIGHAND.
struct sighand {
	struct spinlock lock;
	struct refcount refs;
	struct signal_waiters *signalfds;   // [lock to set, rcu to read] NULL: none was ever polled
	struct kernel_sigaction action[64]; // [lock] action of signal n is n-1
	struct rcu_head rcu;                // typesafe: readers may find a recycled one
};

#define SIG_DFL_ADDRESS 0ul
#define SIG_IGN_ADDRESS 1ul

struct sighand *sighand_alloc(void); // one reference, actions unset; NULL: no memory
void sighand_put(struct sighand *sighand);
// Where current's signalfds wait, with a reference; NULL: no memory.
struct signal_waiters *signal_waiters_get(void);
void signal_waiters_put(struct signal_waiters *waiters);
// Wakes them: something is pending, or they wait for something else. sighand->lock held.
void signal_notify_signalfds_locked(struct sighand *sighand);

// A siginfo as the kernel keeps it: user form, filled in by the sender.
// Special senders instead of an info:
#define SIGINFO_NOINFO ((const struct siginfo *)0) // SI_USER from current
#define SIGINFO_PRIV   ((const struct siginfo *)1) // SI_KERNEL

// Sends to one task (tkill) or to its whole group. info is copied. Takes sighand->lock; may be
// called with tasklist_lock read-held and from interrupts. Permission is not checked.
// Errors: -ESRCH the task is gone, -EAGAIN queue limit (real-time signals with info only).
int signal_send_task(struct task *task, int sig, const struct siginfo *info);
int signal_send_process(struct task *task, int sig, const struct siginfo *info);
// The same with the scope as a pid type: PID one task, TGID its process, PGID a signal that goes
// to several processes, of which this is one.
int signal_send(struct task *task, int sig, const struct siginfo *info, enum pid_type scope);
// To a process, with its sighand->lock held.
int signal_send_process_locked(struct task *task, int sig, const struct siginfo *info);
// As a user's kill: with the permission checked; sig 0 only checks. Within rcu.
int signal_send_permitted(struct task *task, int sig, const struct siginfo *info,
			  enum pid_type scope);
// To whom `pid` stands for in that role, checked.
int signal_send_checked(struct pid *pid, enum pid_type scope, int sig, const struct siginfo *info);
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

// Blocks `mask` instead until user mode is reached or a handler runs (sigsuspend, ppoll...); and
// takes that back if nothing was delivered.
void signal_mask_temporarily(u64 mask);
void signal_mask_restore(void);

// Locks task's sighand, or returns NULL if the task has none any more.
struct sighand *sighand_lock(struct task *task, unsigned long *flags);
void sighand_unlock(struct sighand *sighand, unsigned long flags);

// Whether `sp` lies on an alternate stack that is in use.
static inline bool signal_stack_holds(const stack_t *stack, u64 sp)
{
	return !(stack->ss_flags & SS_AUTODISARM) && sp > (u64)stack->ss_sp &&
	       sp - (u64)stack->ss_sp <= stack->ss_size;
}
// sigaltstack(2) for current, which runs on `sp`. -EPERM, -EINVAL, -ENOMEM.
int signal_stack_set(const stack_t *new, u64 sp);

// Takes the next deliverable signal of current out of its queues; 0 if there is none.
// Used by delivery, sigtimedwait and signalfd. sighand->lock held; dropped and taken again for the
// signal of a timer.
int signal_dequeue_locked(u64 blocked, struct siginfo *info);

// Delivers what is pending to current before it returns to user mode: sets up a frame, stops,
// dumps or exits. Called with irqs on, no locks.
struct trapframe;
void signal_deliver(struct trapframe *tf);

// --- For the life of a task (process/) ---

// Under sighand->lock: all threads but current are killed; everything pending is thrown away; a
// child that was just published joins a stop that is under way.
void signal_kill_other_threads_locked(struct process *process);
void signal_flush_locked(struct signal_pending *pending);
void signal_recalc_new_child_locked(struct task *child);

// Marks a task as exiting (TF_EXITING); what is pending for its process goes to other threads.
void signal_exit(struct task *task);

// All actions to the default, those that are ignored only if told so. No lock is taken.
void signal_actions_reset(struct sighand *sighand, bool ignored_too);
void signal_actions_exec(void);
// sigaction(2) on current; either may be NULL.
void signal_action_set(int sig, const struct kernel_sigaction *new, struct kernel_sigaction *old);
// Gives current a sighand of its own (exec). -ENOMEM.
int process_unshare_sighand(void);
// Copies a siginfo of user space for signal `sig` (0: what it says). -EFAULT; -E2BIG: it is of a kind that is not known
// and says more than is kept.
int siginfo_from_user(int sig, u64 address, struct siginfo *info);
int siginfo_to_user(u64 address, const struct siginfo *info); // -EFAULT
// Which members of the union mean something.
enum siginfo_layout {
	SIGINFO_KILL, // pid, uid
	SIGINFO_QUEUE,
	SIGINFO_CHILD,
	SIGINFO_TIMER,
	SIGINFO_POLL,
	SIGINFO_FAULT,
	SIGINFO_SYSCALL,
};
enum siginfo_layout siginfo_layout(const struct siginfo *info);
// Whether the signal has codes of its own, which mean something else with other signals.
bool signal_has_codes(int sig);
// Whether it has si_pid and si_uid.
bool siginfo_names_sender(const struct siginfo *info);
