// Signals: how they are sent and queued.
//
// A signal is pending for one task (task.pending) or for a whole process (shared_pending). A set
// of bits says which; a queue has a struct queued_signal for each instance that carries
// information: standard signals are queued at most once, real-time ones as often as they were sent
// while RLIMIT_SIGPENDING allows. Everything is guarded by sighand->lock of the receiver, which
// is irq-safe, for timers and terminals send from interrupts.
//
// Sending wakes a receiver: signal_wake() sets WORK_SIGNAL (and WORK_KILL if it is fatal) and ends
// sleeps that signals may end. The receiver looks again under the lock when it goes back to user
// mode (deliver.c), so a bit too many does no harm; a bit too few would be a lost signal, and so
// every path that unblocks, queues or dequeues ends in signal_recalc_locked().
//
// See it with gdb: "cloven-signals TASK".

#include <core/init.h>
#include <core/atomic.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/queue.h>
#include <signal/signal.h>
#include <signal/stop.h>
#include <signal/timers.h>
#include <uapi/errno.h>
#include <uapi/poll.h>

static struct slab_cache *queued_cache;
static struct slab_cache *sighand_cache;

// --- struct sighand ---

static void sighand_construct(void *object)
{
	struct sighand *sighand = object;

	// The memory is recycled under rcu: whoever follows a stale pointer finds a valid lock.
	spin_init(&sighand->lock, LOCK_SIGHAND);
}

struct sighand *sighand_alloc(void)
{
	struct sighand *sighand = slab_alloc(sighand_cache, GFP_KERNEL);

	if (sighand) {
		refcount_init(&sighand->refs, 1);
		sighand->signalfds = NULL;
	}
	return sighand;
}

void sighand_put(struct sighand *sighand)
{
	if (!sighand || !refcount_put(&sighand->refs))
		return;
	if (sighand->signalfds)
		signal_waiters_put(sighand->signalfds);
	slab_free(sighand_cache, sighand);
}

struct signal_waiters *signal_waiters_get(void)
{
	struct sighand *sighand = current->sighand;
	struct signal_waiters *made = NULL;

	if (!READ_ONCE(sighand->signalfds)) {
		made = kmalloc(sizeof(*made), GFP_KERNEL);
		if (!made)
			return NULL;
		refcount_init(&made->refs, 1);
		wait_queue_init(&made->queue);
	}
	spin_lock_irq(&sighand->lock);
	if (!sighand->signalfds) {
		sighand->signalfds = made;
		made = NULL;
	}
	struct signal_waiters *waiters = sighand->signalfds;
	refcount_get(&waiters->refs);
	spin_unlock_irq(&sighand->lock);
	kfree(made); // another thread was faster
	return waiters;
}

void signal_waiters_put(struct signal_waiters *waiters)
{
	if (refcount_put(&waiters->refs))
		kfree(waiters);
}

// Something is pending: whoever reads or polls a signalfd looks. sighand->lock held.
void signal_notify_signalfds_locked(struct sighand *sighand)
{
	if (unlikely(sighand->signalfds))
		wake_up_all_key(&sighand->signalfds->queue, POLLIN | POLLRDNORM);
}

// --- Queue entries ---

// Counts against the receiver's user, as Linux does. `force`: the kernel's own, never refused for
// the limit.
struct queued_signal *queued_signal_alloc(struct task *task, bool force, u32 gfp)
{
	rcu_read_lock();
	struct user_counts *counts = user_counts_grab(rcu_dereference(task->real_cred)->counts);
	rcu_read_unlock();
	u64 limit = READ_ONCE(task->process->rlimits[RLIMIT_SIGPENDING].rlim_cur);
	struct queued_signal *entry = NULL;

	if ((u64)atomic64_add_return(&counts->pending_signals, 1) <= limit || force)
		entry = slab_alloc(queued_cache, gfp);
	if (!entry) {
		atomic64_sub(&counts->pending_signals, 1);
		user_counts_put(counts);
		return NULL;
	}
	list_init(&entry->link);
	entry->counts = counts;
	entry->timer = NULL;
	return entry;
}

void queued_signal_free(struct queued_signal *entry)
{
	if (entry->timer) { // which may send it again
		posix_timer_signal_dropped(entry);
		return;
	}
	atomic64_sub(&entry->counts->pending_signals, 1);
	user_counts_put(entry->counts);
	slab_free(queued_cache, entry);
}

void signal_flush_locked(struct signal_pending *pending)
{
	struct queued_signal *entry, *next;

	pending->set = 0;
	list_for_each_entry_safe (entry, next, &pending->queue, link) {
		list_del_init(&entry->link);
		queued_signal_free(entry);
	}
}

// Takes all signals of `mask` out of a queue.
void signal_remove_locked(struct signal_pending *pending, u64 mask)
{
	struct queued_signal *entry, *next;

	if (!(pending->set & mask))
		return;
	pending->set &= ~mask;
	list_for_each_entry_safe (entry, next, &pending->queue, link) {
		if (SIGNAL_BIT(entry->info.si_signo) & mask) {
			list_del_init(&entry->link);
			queued_signal_free(entry);
		}
	}
}

void signal_remove_timers_locked(struct signal_pending *pending)
{
	struct queued_signal *entry, *next;
	u64 removed = 0;

	list_for_each_entry_safe (entry, next, &pending->queue, link) {
		if (!entry->timer)
			continue;
		removed |= SIGNAL_BIT(entry->info.si_signo);
		list_del_init(&entry->link);
		queued_signal_free(entry);
	}
	pending->set &= ~removed;
	list_for_each_entry (entry, &pending->queue, link)
		pending->set |= SIGNAL_BIT(entry->info.si_signo);
}

// --- Is it ignored? ---

static u64 action_handler(const struct task *task, int sig)
{
	return task->sighand->action[sig - 1].handler;
}

static bool handler_ignores(u64 handler, int sig)
{
	return handler == SIG_IGN_ADDRESS ||
	       (handler == SIG_DFL_ADDRESS && (SIGNAL_BIT(sig) & SIGNALS_IGNORED_BY_DEFAULT));
}

// Init of a pid namespace does not even see what it has no handler for, unless it comes from an
// ancestor namespace (`force`) and is SIGKILL or SIGSTOP.
static bool task_ignores(const struct task *task, int sig, bool force)
{
	u64 handler = action_handler(task, sig);

	if ((task->process->flags & PROCESS_UNKILLABLE) && handler == SIG_DFL_ADDRESS &&
	    !(force && (sig == SIGKILL || sig == SIGSTOP)))
		return true;
	if ((task->flags & TF_KTHREAD) && handler == SIG_DFL_ADDRESS && !force)
		return true;
	return handler_ignores(handler, sig);
}

// Whether the signal need not be queued at all. A blocked one is kept, for its action may change
// before it is unblocked; a tracer sees all.
static bool is_ignored(const struct task *task, int sig, bool force)
{
	if ((task->blocked | task->real_blocked) & SIGNAL_BIT(sig))
		return false;
	if (task->ptrace && sig != SIGKILL)
		return false;
	return task_ignores(task, sig, force);
}

bool signal_is_ignored(struct task *task, int sig)
{
	return handler_ignores(READ_ONCE(task->sighand->action[sig - 1].handler), sig);
}

bool signal_is_blocked(struct task *task, int sig)
{
	return READ_ONCE(task->blocked) & SIGNAL_BIT(sig);
}

// --- Waking the receiver ---

void signal_wake(struct task *task, u32 extra_states)
{
	u32 work = WORK_SIGNAL | ((extra_states & TASK_WAKEKILL) ? WORK_KILL : 0);

	if (task == current && READ_ONCE(task->state) == TASK_RUNNING) { // kill() to oneself
		atomic_fetch_or(&task->work, work);
		return;
	}
	task_set_work(task, work);
	task_wake(task, TASK_INTERRUPTIBLE | extra_states);
}

static bool has_deliverable(const struct task *task)
{
	return (task->pending.set | task->process->shared_pending.set) & ~task->blocked;
}

void signal_recalc_locked(struct task *task)
{
	if (has_deliverable(task) || (task->job_control & (JOB_CONTROL_PENDING | JOB_FREEZE)))
		atomic_fetch_or(&task->work, WORK_SIGNAL);
	else if (task == current)
		atomic_fetch_and(&task->work, ~WORK_SIGNAL);
	// Another's bit is never cleared here: it may be about to look.
}

void signal_set_blocked(u64 mask)
{
	struct sighand *sighand = current->sighand;

	mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (mask == current->blocked)
		return;
	spin_lock_irq(&sighand->lock);
	u64 newly = mask & ~current->blocked;
	// A group signal that was meant for us must find another thread.
	if ((atomic_read(&current->work) & WORK_SIGNAL) && !thread_group_empty(current))
		signal_retarget_locked(current, newly);
	current->blocked = mask;
	signal_recalc_locked(current);
	spin_unlock_irq(&sighand->lock);
}

// Whether the thread is one that could take the signal now.
static bool wants_signal(int sig, const struct task *task)
{
	if ((task->blocked & SIGNAL_BIT(sig)) || (task->flags & TF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (task->state & (TASK_STOPPED_BIT | TASK_TRACED_BIT))
		return false;
	return task_running(task) || !(atomic_read(&task->work) & WORK_SIGNAL);
}

// Gives our share of group signals in `mask` to threads that do not block them.
void signal_retarget_locked(struct task *leaving, u64 mask)
{
	struct task *thread;
	u64 wanted = leaving->process->shared_pending.set & mask;

	if (!wanted)
		return;
	list_for_each_entry (thread, &leaving->process->threads, thread_node) {
		u64 here = wanted & ~thread->blocked;

		if (thread == leaving || (thread->flags & TF_EXITING) || !here)
			continue;
		wanted &= ~here;
		if (!(atomic_read(&thread->work) & WORK_SIGNAL))
			signal_wake(thread, 0);
		if (!wanted)
			return;
	}
}

// The thread that will take a signal for the group: the one it was sent to if that wants it, else
// the next that does, in turn.
static struct task *choose_target(int sig, struct task *task, bool group)
{
	struct process *process = task->process;

	if (wants_signal(sig, task))
		return task;
	if (!group || thread_group_empty(task))
		return NULL;
	struct task *first = process->next_target, *thread = first;
	do {
		if (wants_signal(sig, thread)) {
			process->next_target = thread;
			return thread;
		}
		thread = thread_next(thread);
	} while (thread != first);
	return NULL;
}

static bool is_fatal(int sig, const struct task *task)
{
	return !(SIGNAL_BIT(sig) & (SIGNALS_IGNORED_BY_DEFAULT | SIGNALS_STOP)) &&
	       action_handler(task, sig) == SIG_DFL_ADDRESS;
}

// The signal is pending; wakes who will take it. A fatal one without a core dump kills the whole
// group at once, so that no thread runs on until another gets to it.
static void complete_signal(int sig, struct task *task, bool group)
{
	struct process *process = task->process;
	struct task *target = choose_target(sig, task, group);

	if (!target)
		return;
	if (is_fatal(sig, target) && (process->core || !(process->flags & PROCESS_GROUP_EXIT)) &&
	    !((process->flags & PROCESS_UNKILLABLE) && sig != SIGKILL) &&
	    !(target->real_blocked & SIGNAL_BIT(sig)) && (sig == SIGKILL || !target->ptrace) &&
	    !(SIGNAL_BIT(sig) & SIGNALS_CORE)) {
		process->flags |= PROCESS_GROUP_EXIT;
		process->group_exit_code = sig;
		process->group_stop_count = 0;
		signal_kill_threads_locked(process, NULL);
		return;
	}
	signal_wake(target, sig == SIGKILL ? TASK_WAKEKILL : 0);
}

// --- Queueing ---

// An uid that current's user namespace knows, as the receiver's does.
static u32 uid_seen_by(struct task *task, u32 uid)
{
	struct user_ns *own = current_cred()->user_ns;

	rcu_read_lock();
	struct user_ns *ns = rcu_dereference(task->cred)->user_ns;
	if (ns != own)
		uid = uid_to_user_munged(ns, uid_from_user(own, uid));
	rcu_read_unlock();
	return uid;
}

static void fill_info(struct siginfo *info, int sig, const struct siginfo *from, struct task *task,
		      bool from_ancestor)
{
	if (from == SIGINFO_NOINFO) {
		*info = (struct siginfo){.si_signo = sig, .si_code = SI_USER};
		info->si_pid = task_nr_ns(current, PIDTYPE_TGID, task_active_pid_ns(task));
		info->si_uid = uid_seen_by(
			task, uid_to_user_munged(current_cred()->user_ns, current_cred()->uid));
	} else if (from == SIGINFO_PRIV) {
		*info = (struct siginfo){.si_signo = sig, .si_code = SI_KERNEL};
	} else {
		*info = *from;
		// Who tells of an end says it as the parent sees it.
		bool of_end = info->si_signo == SIGCHLD && info->si_code >= CLD_EXITED &&
			      info->si_code <= CLD_DUMPED;
		if (siginfo_names_sender(info) && !of_end) {
			info->si_uid = uid_seen_by(task, info->si_uid);
			if (from_ancestor)
				info->si_pid = 0; // no number for it there
		}
	}
}

// Notes a signal to several processes for forks that are under way; see process/clone.c.
static void note_for_forks(struct process *process, int sig)
{
	struct pending_fork *fork;

	list_for_each_entry (fork, &process->ongoing_forks, link) {
		if (sig == SIGCONT)
			fork->delayed &= ~SIGNALS_STOP;
		else if (SIGNAL_BIT(sig) & SIGNALS_STOP)
			fork->delayed &= ~SIGNAL_BIT(SIGCONT);
		fork->delayed |= SIGNAL_BIT(sig);
	}
}

// Whether the sender lives in a namespace above the receiver's.
static bool from_ancestor_ns(struct task *task, const struct siginfo *info)
{
	if (info == SIGINFO_PRIV)
		return true;
	if (info != SIGINFO_NOINFO && info->si_code > 0)
		return false;
	if (task->process == current->process)
		return false;
	return !task_nr_ns(current, PIDTYPE_PID, task_active_pid_ns(task));
}

static int queue_locked(struct task *task, struct signal_pending *pending, int sig,
			const struct siginfo *info, bool from_ancestor)
{
	bool has_info = info != SIGINFO_NOINFO && info != SIGINFO_PRIV;
	bool force = sig < SIGRTMIN && (!has_info || info->si_code >= 0);
	// rt_sigqueueinfo() must not lose what it carries; for all others the signal itself is enough,
	// and nobody could be told.
	bool may_fail = sig >= SIGRTMIN && has_info && info->si_code != SI_USER;

	// A kill from the kernel or SIGKILL needs no information.
	if (sig != SIGKILL && !(task->flags & TF_KTHREAD)) {
		struct queued_signal *entry = queued_signal_alloc(
			task, force, may_fail ? GFP_ATOMIC : GFP_ATOMIC | GFP_NOINJECT);
		if (entry) {
			fill_info(&entry->info, sig, info, task, from_ancestor);
			list_add_tail(&entry->link, &pending->queue);
		} else if (may_fail) {
			return -EAGAIN;
		}
	}
	pending->set |= SIGNAL_BIT(sig);
	return 0;
}

static int send_locked(struct task *task, int sig, const struct siginfo *info, bool group,
		       bool several)
{
	bool force = from_ancestor_ns(task, info);
	struct signal_pending *pending = group ? &task->process->shared_pending : &task->pending;

	assert_spin_held(&task->sighand->lock);
	if (!signal_prepare_locked(task, sig))
		return 0;
	if (is_ignored(task, sig, force))
		return 0;
	if (sig < SIGRTMIN && (pending->set & SIGNAL_BIT(sig)))
		return 0;
	int error = queue_locked(task, pending, sig, info, force);
	if (error)
		return error;
	signal_notify_signalfds_locked(task->sighand);
	if (several)
		note_for_forks(task->process, sig);
	complete_signal(sig, task, group);
	return 0;
}

bool signal_send_entry(struct task *task, struct queued_signal *entry, bool group)
{
	unsigned long flags;
	struct sighand *sighand = sighand_lock(task, &flags);
	int sig = entry->info.si_signo;
	bool queued = false;

	if (!sighand)
		return false;
	struct signal_pending *pending = group ? &task->process->shared_pending : &task->pending;
	if (signal_prepare_locked(task, sig) && !is_ignored(task, sig, false) &&
	    list_empty(&entry->link)) {
		list_add_tail(&entry->link, &pending->queue);
		pending->set |= SIGNAL_BIT(sig);
		signal_notify_signalfds_locked(sighand);
		complete_signal(sig, task, group);
		queued = true;
	}
	sighand_unlock(sighand, flags);
	return queued;
}

int signal_send_process_locked(struct task *task, int sig, const struct siginfo *info)
{
	return send_locked(task, sig, info, true, false);
}

// --- Sending ---

struct sighand *sighand_lock(struct task *task, unsigned long *flags)
{
	struct sighand *sighand;

	rcu_read_lock();
	for (;;) {
		sighand = rcu_dereference(task->sighand);
		if (!sighand)
			break;
		*flags = spin_lock_irqsave(&sighand->lock);
		// exec may have given it another one, and release taken it away.
		if (likely(sighand == READ_ONCE(task->sighand)))
			break;
		spin_unlock_irqrestore(&sighand->lock, *flags);
	}
	rcu_read_unlock();
	return sighand;
}

void sighand_unlock(struct sighand *sighand, unsigned long flags)
{
	spin_unlock_irqrestore(&sighand->lock, flags);
}

int signal_send(struct task *task, int sig, const struct siginfo *info, enum pid_type scope)
{
	unsigned long flags;
	int error = -ESRCH;
	struct sighand *sighand = sighand_lock(task, &flags);

	if (sighand) {
		error = send_locked(task, sig, info, scope != PIDTYPE_PID, scope > PIDTYPE_TGID);
		sighand_unlock(sighand, flags);
	}
	return error;
}

int signal_send_task(struct task *task, int sig, const struct siginfo *info)
{
	return signal_send(task, sig, info, PIDTYPE_PID);
}

int signal_send_process(struct task *task, int sig, const struct siginfo *info)
{
	return signal_send(task, sig, info, PIDTYPE_TGID);
}

int signal_send_pgrp_locked(struct pid *pgrp, int sig, const struct siginfo *info)
{
	int result = -ESRCH;
	struct task *task;

	pid_for_each_task (task, pgrp, PIDTYPE_PGID) {
		int error = signal_send(task, sig, info, PIDTYPE_PGID);
		if (result == -ESRCH || !error)
			result = error;
	}
	return result;
}

int signal_send_pgrp(struct pid *pgrp, int sig, const struct siginfo *info)
{
	unsigned long flags = read_lock_irqsave(&tasklist_lock);
	int error = signal_send_pgrp_locked(pgrp, sig, info);

	read_unlock_irqrestore(&tasklist_lock, flags);
	return error;
}

int signal_send_pid(struct pid *pid, int sig, const struct siginfo *info)
{
	int error = -ESRCH;

	rcu_read_lock();
	struct task *task = pid_task(pid, PIDTYPE_TGID);
	if (task)
		error = signal_send_process(task, sig, info);
	rcu_read_unlock();
	return error;
}

// --- Forced on current by a fault ---

static void force_locked(int sig, const struct siginfo *info)
{
	struct task *task = current;
	struct kernel_sigaction *action = &task->sighand->action[sig - 1];
	bool blocked = task->blocked & SIGNAL_BIT(sig);

	// One who blocks or ignores a fault would run into it again and again.
	if (blocked || action->handler == SIG_IGN_ADDRESS) {
		action->handler = SIG_DFL_ADDRESS;
		task->blocked &= ~SIGNAL_BIT(sig);
	}
	if (action->handler == SIG_DFL_ADDRESS)
		task->process->flags &= ~PROCESS_UNKILLABLE; // init dies of its own faults
	send_locked(task, sig, info, false, false);
	signal_recalc_locked(task);
}

void signal_force_fault(int sig, int code, u64 addr)
{
	struct siginfo info = {.si_signo = sig, .si_code = code};

	info.si_addr = addr;
	spin_lock_irq(&current->sighand->lock);
	force_locked(sig, &info);
	spin_unlock_irq(&current->sighand->lock);
}

void signal_force(int sig)
{
	spin_lock_irq(&current->sighand->lock);
	force_locked(sig, SIGINFO_PRIV);
	spin_unlock_irq(&current->sighand->lock);
}

// --- Taking one out ---

// Lowest signal first, but faults before all others, for they concern the current instruction.
static int next_signal(u64 set)
{
	if (set & SIGNALS_SYNCHRONOUS)
		set &= SIGNALS_SYNCHRONOUS;
	return bits_first(set) + 1;
}

static void collect(struct signal_pending *pending, int sig, struct siginfo *info,
		    struct queued_signal **timer_entry)
{
	struct queued_signal *entry, *found = NULL;
	bool more = false;

	list_for_each_entry (entry, &pending->queue, link) {
		if (entry->info.si_signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = entry;
	}
	if (!more)
		pending->set &= ~SIGNAL_BIT(sig);
	if (!found) {
		// There was no room for its information.
		*info = (struct siginfo){.si_signo = sig, .si_code = SI_USER};
		return;
	}
	*info = found->info;
	list_del_init(&found->link);
	if (found->timer)
		*timer_entry = found;
	else
		queued_signal_free(found);
}

static int dequeue_one_locked(u64 blocked, struct siginfo *info, struct queued_signal **timer_entry)
{
	struct process *process = current->process;
	struct signal_pending *pending = &current->pending;

	if (!(pending->set & ~blocked))
		pending = &process->shared_pending;
	u64 ready = pending->set & ~blocked;
	if (!ready) {
		signal_recalc_locked(current); // a continuation has woken us for nothing more
		return 0;
	}
	int sig = next_signal(ready);
	collect(pending, sig, info, timer_entry);
	signal_recalc_locked(current);
	if (SIGNAL_BIT(sig) & SIGNALS_STOP)
		current->job_control |= JOB_STOP_DEQUEUED;
	if (sig == SIGALRM && pending == &process->shared_pending)
		real_timer_taken_locked(process);
	return sig;
}

int signal_dequeue_locked(u64 blocked, struct siginfo *info)
{
	for (;;) {
		struct queued_signal *entry = NULL;
		int sig = dequeue_one_locked(blocked, info, &entry);

		if (!entry)
			return sig;
		spin_unlock_irq(&current->sighand->lock);
		bool valid = posix_timer_signal_taken(entry, info);
		spin_lock_irq(&current->sighand->lock);
		if (valid)
			return sig;
	}
}

void signal_init(void)
{
	queued_cache = slab_cache_create("queued_signal", sizeof(struct queued_signal), 0,
					 SLAB_PANIC | SLAB_HWALIGN | SLAB_ACCOUNT, NULL);
	sighand_cache = slab_cache_create(
		"sighand", sizeof(struct sighand), 0,
		SLAB_HWALIGN | SLAB_PANIC | SLAB_TYPESAFE_RCU | SLAB_ACCOUNT, sighand_construct);
}

static int signal_module_init(void)
{
	signal_init();
	return 0;
}
INITCALL(EARLY, signal_module_init);
