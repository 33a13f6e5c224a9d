// What tasks and processes have used: kept by each thread alone while it lives, added to its
// process when it goes, and to its parent's `children` when the process was waited for.

#include <lib/string.h>
#include <mm/mm.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <sched/sched.h>
#include <signal/signal.h>

#include "internal.h"

static void usage_add(struct usage *sum, const struct usage *more)
{
	sum->utime_ns += more->utime_ns;
	sum->stime_ns += more->stime_ns;
	sum->minor_faults += more->minor_faults;
	sum->major_faults += more->major_faults;
	sum->switches_voluntary += more->switches_voluntary;
	sum->switches_forced += more->switches_forced;
	sum->in_blocks += more->in_blocks;
	sum->out_blocks += more->out_blocks;
	sum->read_chars += more->read_chars;
	sum->write_chars += more->write_chars;
	sum->read_calls += more->read_calls;
	sum->write_calls += more->write_calls;
	sum->max_rss_pages = MAX(sum->max_rss_pages, more->max_rss_pages);
}

// Times are the samples of the tick, not yet scaled to the exact sum.
static void usage_sample_thread(const struct task *task, struct usage *usage)
{
	*usage = (struct usage){
		.utime_ns = READ_ONCE(task->utime_ns),
		.stime_ns = READ_ONCE(task->stime_ns),
		.minor_faults = READ_ONCE(task->minor_faults),
		.major_faults = READ_ONCE(task->major_faults),
		.switches_voluntary = READ_ONCE(task->switches_voluntary),
		.switches_forced = READ_ONCE(task->switches_forced),
		.in_blocks = READ_ONCE(task->io_read_bytes) / 512,
		.out_blocks = READ_ONCE(task->io_write_bytes) / 512,
		.read_chars = READ_ONCE(task->io_read_chars),
		.write_chars = READ_ONCE(task->io_write_chars),
		.read_calls = READ_ONCE(task->io_read_calls),
		.write_calls = READ_ONCE(task->io_write_calls),
	};
}

void usage_take_thread(struct process *process, struct task *task)
{
	struct usage usage;

	usage_sample_thread(task, &usage);
	spin_lock(&process->stats_lock);
	usage_add(&process->self_dead, &usage);
	process->sum_exec_dead_ns += task_sum_exec_ns(task);
	list_del_rcu(&task->thread_node); // who sums up holds the lock: it is counted here or there
	spin_unlock(&process->stats_lock);
}

void usage_of_thread(struct task *task, struct usage *usage)
{
	usage_sample_thread(task, usage);
	task_cputime(task, &usage->utime_ns, &usage->stime_ns);
	if (task->mm)
		usage->max_rss_pages = mm_peak_rss(task->mm);
}

void usage_of_process(struct process *process, struct usage *usage)
{
	struct task *thread;
	struct usage one;
	u64 sum_exec;

	rcu_read_lock();
	unsigned long flags = spin_lock_irqsave(&process->stats_lock);
	*usage = process->self_dead;
	sum_exec = process->sum_exec_dead_ns;
	thread_group_for_each (thread, process) {
		usage_sample_thread(thread, &one);
		usage_add(usage, &one);
		sum_exec += task_sum_exec_ns(thread);
	}
	cputime_adjust(sum_exec, usage->utime_ns, usage->stime_ns, &process->cputime_shown,
		       &usage->utime_ns, &usage->stime_ns);
	spin_unlock_irqrestore(&process->stats_lock, flags);
	struct task *leader = READ_ONCE(process->leader);
	struct mm *mm = leader ? READ_ONCE(leader->mm) : NULL;
	if (mm)
		usage->max_rss_pages = MAX(usage->max_rss_pages, mm_peak_rss(mm));
	rcu_read_unlock();
}

void usage_of_process_tree(struct task *child, struct usage *usage)
{
	struct process *process = child->process;

	usage_of_process(process, usage);
	unsigned long flags = spin_lock_irqsave(&process->stats_lock);
	usage_add(usage, &process->children);
	spin_unlock_irqrestore(&process->stats_lock, flags);
}

void usage_add_child(struct process *parent, struct process *child)
{
	struct usage usage;

	usage_of_process(child, &usage);
	unsigned long flags = spin_lock_irqsave(&child->stats_lock);
	usage_add(&usage, &child->children);
	spin_unlock_irqrestore(&child->stats_lock, flags);
	flags = spin_lock_irqsave(&parent->stats_lock);
	usage_add(&parent->children, &usage);
	spin_unlock_irqrestore(&parent->stats_lock, flags);
}

void usage_note_rss(struct process *process, struct mm *mm)
{
	u64 peak = mm_peak_rss(mm);
	unsigned long flags = spin_lock_irqsave(&process->stats_lock);

	process->self_dead.max_rss_pages = MAX(process->self_dead.max_rss_pages, peak);
	spin_unlock_irqrestore(&process->stats_lock, flags);
}

u32 task_uid_seen_by(struct task *task, struct task *viewer)
{
	rcu_read_lock();
	const struct cred *cred = rcu_dereference(task->real_cred);
	const struct cred *seen = rcu_dereference(viewer->real_cred);
	u32 uid = uid_to_user_munged(seen->user_ns, cred->uid);
	rcu_read_unlock();
	return uid;
}
