// What tasks and processes have used.
#pragma once

#include <lib/base.h>
#include <sched/process.h>

struct mm;

#define USER_HZ           100
#define NSEC_PER_USERTICK (1000000000ul / USER_HZ)

static inline u64 ns_to_clock_ticks(u64 ns)
{
	return ns / NSEC_PER_USERTICK;
}

// Sums a process: threads that are gone and those alive, times split so that they add up to the
// exact time on the harts. Takes locks of its own; the process must stay (rcu or a reference).
void usage_of_process(struct process *process, struct usage *usage);
// The same for one thread.
void usage_of_thread(struct task *task, struct usage *usage);
// A zombie child with all that it waited for: what wait4 reports. tasklist_lock read.
void usage_of_process_tree(struct task *child, struct usage *usage);

// Remembers the peak of the memory that goes (max_rss of self).
void usage_note_rss(struct process *process, struct mm *mm);

// The real uid of `task` in the user namespace of `viewer`.
u32 task_uid_seen_by(struct task *task, struct task *viewer);
