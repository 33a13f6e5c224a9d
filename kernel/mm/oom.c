// The OOM killer. The page allocator calls it when there is no page left and the shrinkers have found
// nothing: it chooses the process whose end frees most (oom_badness), kills it and all that share
// its memory, and says so in the log. The allocation is then tried again until the victim has gone;
// a task that is being killed may use the reserves, so that it can go.
//
// One victim at a time: while the last one's memory still exists, callers wait for it. What is
// remembered of a victim is the address of its mm, which is only compared and never followed: so it
// holds nothing, and the mm, when it has been emptied, takes it away. The machine's init
// and kernel threads are never chosen. When there is nobody to choose, the allocation fails: a call
// gives its error, a page fault becomes SIGBUS. (Linux stops the machine.)

#include <arch/barrier.h>
#include <arch/irq.h>
#include <core/init.h>
#include <core/printk.h>
#include <core/rcu.h>
#include <core/timer.h>
#include <mm/buddy.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <ns/cred.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <signal/signal.h>

#define ORDER_MAX 3 // larger blocks are not worth a life
#define WAIT_NS   (10 * NSEC_PER_MSEC)
#define PATIENCE  200 // waits of that length for one victim, then another is chosen

static struct atomic busy;         // somebody is choosing
static struct atomic64 victim;     // [a] the mm of the last that was chosen; set by [busy]
static struct atomic64 kill_count; // [a]
static int waits;                  // [busy]

u64 oom_kill_count(void)
{
	return atomic64_read(&kill_count);
}

bool oom_gave_up(void)
{
	bool gave_up = current->flags & TF_OOM;

	current->flags &= ~TF_OOM;
	return gave_up;
}

static struct mm *memory_of(struct task *task)
{
	spin_lock(&task->alloc_lock);
	struct mm *mm = task->mm;
	if (mm)
		mm_grab(mm); // within rcu the last user's work must not be ours
	spin_unlock(&task->alloc_lock);
	return mm;
}

// A leader may have ended before its threads.
static struct mm *memory_of_process(struct process *process)
{
	struct mm *mm = NULL;
	struct task *thread;

	thread_group_for_each (thread, process) {
		mm = memory_of(thread);
		if (mm)
			break;
	}
	return mm;
}

// The inits of other pid namespaces are processes as any.
static bool is_init(const struct task *leader)
{
	return task_tgid_nr(leader) == 1;
}

static s64 badness_of(const struct task *leader, const struct mm *mm)
{
	s64 adjust = leader->process->oom_score_adj;

	if (adjust == OOM_SCORE_ADJ_MIN || is_init(leader))
		return -1;
	s64 points = mm_rss(mm) + mm->table_pages;
	points += adjust * (s64)(total_pages_count() / 1000);
	return MAX(points, 0);
}

s64 oom_badness(struct task *leader)
{
	struct mm *mm = memory_of_process(leader->process);
	s64 points = mm ? badness_of(leader, mm) : -1;

	if (mm)
		mm_drop(mm);
	return points;
}

static struct task *choose(void)
{
	struct task *leader, *chosen = NULL;
	s64 most = -1;

	rcu_read_lock();
	list_for_each_entry_rcu (leader, &all_processes, all_node) {
		s64 points = oom_badness(leader);

		if (points > most) {
			most = points;
			chosen = leader;
		}
	}
	if (chosen)
		task_get(chosen);
	rcu_read_unlock();
	return chosen;
}

// Who there was to choose from, the most bad of them being chosen; those who may not be have -1.
static void report_candidates(void)
{
	struct task *leader;

	pr_info("Out of memory: badness, pages in memory and of tables, oom_score_adj of each:\n");
	rcu_read_lock();
	list_for_each_entry_rcu (leader, &all_processes, all_node) {
		struct mm *mm = memory_of_process(leader->process);

		if (!mm)
			continue;
		pr_info("Out of memory: %d (%s): %ld, %ld, %lu, %d\n", task_tgid_nr(leader),
			leader->name, badness_of(leader, mm), (s64)mm_rss(mm), mm->table_pages,
			leader->process->oom_score_adj);
		mm_drop(mm);
	}
	rcu_read_unlock();
}

static void report(struct task *leader, const struct mm *mm)
{
	const struct cred *cred = task_cred_get(leader);

	pr_err("Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, "
	       "file-rss:%lukB, shmem-rss:%lukB, UID:%u pgtables:%lukB oom_score_adj:%d\n",
	       task_tgid_nr(leader), leader->name, mm->total_pages * 4, mm->counters[MM_ANON] * 4,
	       mm->counters[MM_FILE] * 4, mm->counters[MM_SHMEM] * 4, cred->uid,
	       mm->table_pages * 4, leader->process->oom_score_adj);
	cred_put(cred);
}

void oom_mm_emptied(const struct mm *mm)
{
	smp_mb(); // the last user has gone, see victim_set()
	if (unlikely(atomic64_read(&victim) == (s64)mm))
		atomic64_cmpxchg(&victim, (s64)mm, 0);
}

// Either the last user of the mm sees the new victim when it has emptied it, or we see that there is
// no user any more.
static void victim_set(const struct mm *mm)
{
	atomic64_set(&victim, (s64)mm);
	smp_mb();
	if (!refcount_read(&mm->users))
		oom_mm_emptied(mm);
}

// The process, and others that have the same memory: it is freed only when all have gone.
static void kill(struct task *chosen)
{
	struct mm *mm = memory_of_process(chosen->process), *other;
	struct task *leader;

	if (!mm)
		return;
	report_candidates();
	report(chosen, mm);
	rcu_read_lock();
	list_for_each_entry_rcu (leader, &all_processes, all_node) {
		other = memory_of_process(leader->process);
		if (other == mm && !is_init(leader))
			signal_send_process(leader, SIGKILL, SIGINFO_PRIV);
		if (other)
			mm_drop(other);
	}
	rcu_read_unlock();
	victim_set(mm);
	mm_drop(mm);
	atomic64_inc(&kill_count);
}

static bool victim_has_memory(void)
{
	return atomic64_read(&victim) && waits++ < PATIENCE;
}

static bool oom_handle(u32 gfp, unsigned order)
{
	bool again = true;

	(void)gfp;
	if (order > ORDER_MAX || !arch_irqs_enabled() || task_kill_pending(current))
		return false;
	if (atomic_cmpxchg(&busy, 0, 1) == 0) {
		if (!victim_has_memory()) {
			struct task *chosen = choose();

			waits = 0;
			again = chosen;
			if (chosen) {
				kill(chosen);
				task_put(chosen);
			} else {
				printk_ratelimited(
					LOG_ERR, "Out of memory: nobody to kill, %s goes without\n",
					current->name);
			}
		}
		atomic_set_release(&busy, 0);
	}
	if (!again)
		current->flags |= TF_OOM;
	if (again && !task_kill_pending(current))
		sleep_until(clock_monotonic_ns() + WAIT_NS);
	return again;
}

static int oom_init(void)
{
	oom_hook = oom_handle;
	return 0;
}
INITCALL(CORE, oom_init);
