// /proc/PID/stat, status and io, in Linux's formats: proc_pid_stat(5) and so on.

#include <arch/trapframe.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/procfs/procfs.h>
#include <fs/tty/tty.h>
#include <mm/mm.h>
#include <ns/cred.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <process/ptrace_access.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <sched/run_queue.h>
#include <signal/signal.h>
#include <uapi/errno.h>
#include "memory.h"

static char state_letter(const struct task *task)
{
	u32 state = READ_ONCE(task->state);

	if (task->exit_state == EXIT_ZOMBIE)
		return 'Z';
	if (task->exit_state || state == TASK_DEAD)
		return 'X';
	if (state & TASK_STOPPED_BIT)
		return 'T';
	if (state & TASK_TRACED_BIT)
		return 't';
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if ((state & TASK_IDLE) == TASK_IDLE)
		return 'I';
	if (state & TASK_UNINTERRUPTIBLE)
		return 'D';
	return 'R';
}

static int parent_nr(struct task *task, struct pid_namespace *ns)
{
	rcu_read_lock();
	int nr = task_nr_ns(READ_ONCE(task->real_parent), PIDTYPE_TGID, ns);
	rcu_read_unlock();
	return nr;
}

// --- Signals ---

struct signal_sets {
	u64 pending, shared, blocked, ignored, caught;
	u64 sp, pc; // of one whose process dumps core, else 0
};

// All zero for one that is dead.
static void collect_signals(struct task *task, struct signal_sets *sets)
{
	unsigned long flags;
	struct sighand *sighand = sighand_lock(task, &flags);

	*sets = (struct signal_sets){0};
	if (!sighand)
		return;
	sets->pending = task->pending.set;
	sets->shared = task->process->shared_pending.set;
	sets->blocked = task->blocked;
	for (int sig = 1; sig <= 64; sig++) {
		u64 handler = sighand->action[sig - 1].handler;

		if (handler == SIG_IGN_ADDRESS)
			sets->ignored |= SIGNAL_BIT(sig);
		else if (handler != SIG_DFL_ADDRESS)
			sets->caught |= SIGNAL_BIT(sig);
	}
	// It waits until the dump is over, which takes the lock: its stack stays.
	if (task->process->core && !(task->flags & TF_EXITING)) {
		sets->sp = task_trapframe(task)->sp;
		sets->pc = task_trapframe(task)->pc;
	}
	sighand_unlock(sighand, flags);
}

// --- stat ---

// Linux's bits in the field of flags, those of them that say something of us.
enum {
	PF_IDLE = 0x2,
	PF_EXITING = 0x4,
	PF_POSTCOREDUMP = 0x8, // it is too late for a core dump
	PF_FORKNOEXEC = 0x40,
	PF_MCE_PROCESS = 0x80,
	PF_SUPERPRIV = 0x100,
	PF_DUMPCORE = 0x200,
	PF_SIGNALED = 0x400,
	PF_MEMALLOC = 0x800,
	PF_NPROC_EXCEEDED = 0x1000,
	PF_NOFREEZE = 0x8000,
	PF_MEMALLOC_NOIO = 0x80000,
	PF_LOCAL_THROTTLE = 0x100000,
	PF_KTHREAD = 0x200000,
	PF_RANDOMIZE = 0x400000,
	PF_MCE_EARLY = 0x8000000,
};

static u32 linux_flags(const struct task *task)
{
	static const struct {
		u32 ours, theirs;
	} bits[] = {
		{TF_IDLE, PF_IDLE},
		{TF_EXITING, PF_EXITING | PF_POSTCOREDUMP},
		{TF_FORKNOEXEC, PF_FORKNOEXEC},
		{TF_SUPERPRIV, PF_SUPERPRIV},
		{TF_DUMPCORE, PF_DUMPCORE},
		{TF_SIGNALED, PF_SIGNALED},
		{TF_MEMALLOC, PF_MEMALLOC},
		{TF_KTHREAD, PF_KTHREAD},
		{TF_RANDOMIZE, PF_RANDOMIZE},
	};
	u32 flags = READ_ONCE(task->flags), result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		result |= flags & bits[i].ours ? bits[i].theirs : 0;
	if (task->mce_kill)
		result |= PF_MCE_PROCESS;
	if (task->mce_kill == MCE_KILL_EARLY)
		result |= PF_MCE_EARLY;
	if (task->io_flusher)
		result |= PF_MEMALLOC_NOIO | PF_LOCAL_THROTTLE;
	if (task->nproc_exceeded)
		result |= PF_NPROC_EXCEEDED;
	if (task->exit_state)
		result |= PF_NOFREEZE; // a freezer need not wait for it
	return result;
}

// The wait status to come, of a thread or of its process.
static int exit_code_of(const struct seq *seq, const struct task *task)
{
	const struct process *process = task->process;

	if (seq->thread)
		return task->exit_code;
	return process->flags & (PROCESS_GROUP_EXIT | PROCESS_STOP_STOPPED)
		       ? process->group_exit_code
		       : 0;
}

// Where the program is, in the middle of a line. Who may not know of a task's memory reads ones and
// zeroes; stack pointer and program counter are told only of one that dumps core.
static void show_code(struct seq *seq, const struct signal_sets *sets, const struct mm *mm,
		      bool permitted)
{
	if (!mm)
		seq_puts(seq, "0 0 0 0 0 ");
	else if (!permitted)
		seq_puts(seq, "1 1 0 0 0 ");
	else
		seq_printf(seq, "%lu %lu %lu %lu %lu ", mm->layout.start_code, mm->layout.end_code,
			   mm->layout.start_stack, sets->sp, sets->pc);
}

// Where its data is, at the end of the line.
static void show_data(struct seq *seq, const struct mm *mm, bool permitted, int exit_code)
{
	static const struct mm_layout nowhere;
	const struct mm_layout *l = mm && permitted ? &mm->layout : &nowhere;

	seq_printf(seq, "%lu %lu %lu %lu %lu %lu %lu %d\n", l->start_data, l->end_data,
		   mm && permitted ? mm->start_brk : 0, l->arg_start, l->arg_end, l->env_start,
		   l->env_end, permitted ? exit_code : 0);
}

static void show_stat_ids(struct seq *seq, struct task *task)
{
	struct pid_namespace *ns = seq->pid_ns;
	struct pid *foreground;
	u64 terminal;

	tty_of_process(task, &terminal, &foreground);
	seq_printf(seq, "%d (%s) %c %d %d %d %d %d %u ", task_nr_ns(task, PIDTYPE_PID, ns),
		   task->name, state_letter(task), parent_nr(task, ns),
		   task_nr_ns(task, PIDTYPE_PGID, ns), task_nr_ns(task, PIDTYPE_SID, ns),
		   (int)terminal, foreground ? pid_nr_ns(foreground, ns) : -1, linux_flags(task));
	pid_put(foreground);
}

static void show_stat_usage(struct seq *seq, struct task *task)
{
	struct usage *children = &task->process->children;
	struct usage usage;

	if (seq->thread)
		usage_of_thread(task, &usage);
	else
		usage_of_process(task->process, &usage);
	seq_printf(seq, "%lu %lu %lu %lu %lu %lu %lu %lu ", usage.minor_faults,
		   children->minor_faults, usage.major_faults, children->major_faults,
		   ns_to_clock_ticks(usage.utime_ns), ns_to_clock_ticks(usage.stime_ns),
		   ns_to_clock_ticks(children->utime_ns), ns_to_clock_ticks(children->stime_ns));
}

int proc_show_stat(struct seq *seq, struct task *task)
{
	bool permitted = ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS);
	int threads = task->process->thread_count;
	struct mm *mm = proc_mm_get(task);
	struct signal_sets sets;

	collect_signals(task, &sets);
	show_stat_ids(seq, task);
	show_stat_usage(seq, task);
	seq_printf(seq, "%d %d %d 0 %lu %lu %lu %lu ", task_stat_priority(task), task->se.nice,
		   threads,
		   ns_to_clock_ticks(task->start_boottime_ns + time_ns_offset(CLOCK_BOOTTIME)),
		   mm ? mm->total_pages * PAGE_SIZE : 0, mm ? mm_rss(mm) : 0,
		   READ_ONCE(task->process->rlimits[RLIMIT_RSS].rlim_cur));
	show_code(seq, &sets, mm, permitted);
	seq_printf(seq, "%lu %lu %lu %lu ", sets.pending & 0x7fffffff, sets.blocked & 0x7fffffff,
		   sets.ignored & 0x7fffffff, sets.caught & 0x7fffffff);
	bool sleeps = permitted && (seq->thread || threads < 2) && state_letter(task) != 'R';
	seq_printf(seq, "%d 0 0 %d %u %u %u 0 0 0 ", sleeps, task->exit_signal, task->hart->index,
		   task->se.rt_priority, task->se.policy);
	show_data(seq, mm, permitted, exit_code_of(seq, task));
	if (mm)
		mm_put(mm);
	return 0;
}

// --- status ---

static const char *state_word(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'I':
		return "I (idle)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	}
	return "X (dead)";
}

// The numbers of a task in each namespace from the viewer's down to its own.
static void show_nested_ids(struct seq *seq, struct task *task)
{
	static const struct {
		const char *name;
		enum pid_type type;
	} rows[] = {{"NStgid", PIDTYPE_TGID},
		    {"NSpid", PIDTYPE_PID},
		    {"NSpgid", PIDTYPE_PGID},
		    {"NSsid", PIDTYPE_SID}};

	rcu_read_lock();
	struct pid *pid = READ_ONCE(task->pid);
	for (size_t i = 0; pid && i < ARRAY_SIZE(rows); i++) {
		seq_printf(seq, "%s:", rows[i].name);
		for (u32 level = seq->pid_ns->level; level <= pid->level; level++)
			seq_printf(seq, "\t%d",
				   task_nr_ns(task, rows[i].type, pid->numbers[level].ns));
		seq_putc(seq, '\n');
	}
	rcu_read_unlock();
}

// A name with what would break the line written as in C.
static void show_name(struct seq *seq, const char *name)
{
	for (; *name; name++) {
		if (*name == '\n')
			seq_puts(seq, "\\n");
		else if (*name == '\\')
			seq_puts(seq, "\\\\");
		else
			seq_putc(seq, *name);
	}
}

static void show_ids(struct seq *seq, const struct cred *cred)
{
	struct user_ns *users = current_cred()->user_ns;

	seq_printf(seq, "Uid:\t%u\t%u\t%u\t%u\n", uid_to_user_munged(users, cred->uid),
		   uid_to_user_munged(users, cred->euid), uid_to_user_munged(users, cred->suid),
		   uid_to_user_munged(users, cred->fsuid));
	seq_printf(seq, "Gid:\t%u\t%u\t%u\t%u\n", gid_to_user_munged(users, cred->gid),
		   gid_to_user_munged(users, cred->egid), gid_to_user_munged(users, cred->sgid),
		   gid_to_user_munged(users, cred->fsgid));
}

// Room for descriptors in its table; 0 without one.
static u32 fd_table_size(struct task *task)
{
	u32 size = 0;

	spin_lock(&task->alloc_lock);
	if (task->files) {
		rcu_read_lock();
		size = rcu_dereference(task->files->table)->size;
		rcu_read_unlock();
	}
	spin_unlock(&task->alloc_lock);
	return size;
}

static void show_groups(struct seq *seq, const struct cred *cred)
{
	const struct groups *groups = cred->groups;

	seq_puts(seq, "Groups:\t");
	for (u32 i = 0; groups && i < groups->count; i++)
		seq_printf(seq, "%s%u", i ? " " : "",
			   gid_to_user_munged(current_cred()->user_ns, groups->gid[i]));
	seq_puts(seq, " \n");
}

static void show_signals(struct seq *seq, struct task *task, const struct cred *cred)
{
	struct signal_sets sets;

	collect_signals(task, &sets);
	seq_printf(seq, "SigQ:\t%ld/%lu\n", (long)atomic64_read(&cred->counts->pending_signals),
		   READ_ONCE(task->process->rlimits[RLIMIT_SIGPENDING].rlim_cur));
	seq_printf(seq, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", sets.pending,
		   sets.shared, sets.blocked);
	seq_printf(seq, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", sets.ignored, sets.caught);
}

static void show_privileges(struct seq *seq, const struct task *task, const struct cred *cred)
{
	seq_printf(seq, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
		   cred->cap_inheritable, cred->cap_permitted, cred->cap_effective,
		   cred->cap_bounding);
	seq_printf(seq, "CapAmb:\t%016lx\nNoNewPrivs:\t%d\n", cred->cap_ambient,
		   task->no_new_privs);
	// There are no filters of system calls, and nothing is known of the processor's speculation.
	seq_puts(seq, "Seccomp:\t0\nSeccomp_filters:\t0\n");
	seq_puts(seq, "Speculation_Store_Bypass:\tunknown\n"
		      "SpeculationIndirectBranch:\tunsupported\n");
}

// A set as a number in hex: a digit for each four harts that the machine has, in groups of 32.
static void show_mask(struct seq *seq, const struct hartmask *mask)
{
	unsigned low = MIN(hart_count, 32u), high = hart_count - low;

	if (high)
		seq_printf(seq, "%0*lx,", (int)DIV_ROUND_UP(high, 4), mask->bits >> 32);
	seq_printf(seq, "%0*lx\n", (int)DIV_ROUND_UP(low, 4), mask->bits & 0xffffffff);
}

// The same as ranges: "0-2,5".
static void show_mask_list(struct seq *seq, const struct hartmask *mask)
{
	const char *comma = "";

	for (u32 i = 0; i < hart_count; i++) {
		u32 first = i;

		if (!hartmask_test(mask, i))
			continue;
		while (i + 1 < hart_count && hartmask_test(mask, i + 1))
			i++;
		seq_printf(seq, "%s%u", comma, first);
		if (i > first)
			seq_printf(seq, "-%u", i);
		comma = ",";
	}
	seq_putc(seq, '\n');
}

static void show_places(struct seq *seq, struct task *task)
{
	struct hartmask mask;

	sched_get_affinity(task, &mask);
	seq_puts(seq, "Cpus_allowed:\t");
	show_mask(seq, &mask);
	seq_puts(seq, "Cpus_allowed_list:\t");
	show_mask_list(seq, &mask);
	seq_puts(seq, "Mems_allowed:\t1\nMems_allowed_list:\t0\n"); // all memory is one node
}

static void show_umask(struct seq *seq, struct task *task)
{
	spin_lock(&task->alloc_lock);
	struct fs_context *fs = task->fs ? fs_context_get(task->fs) : NULL;
	spin_unlock(&task->alloc_lock);
	if (fs) {
		seq_printf(seq, "Umask:\t%04o\n", fs->umask);
		fs_context_put(fs);
	}
}

int proc_show_status(struct seq *seq, struct task *task)
{
	struct pid_namespace *ns = seq->pid_ns;
	const struct cred *cred = task_cred_get(task);
	struct mm *mm = proc_mm_get(task);

	seq_puts(seq, "Name:\t");
	show_name(seq, task->name);
	seq_putc(seq, '\n');
	show_umask(seq, task);
	seq_printf(seq, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n",
		   state_word(state_letter(task)), task_nr_ns(task, PIDTYPE_TGID, ns),
		   task_nr_ns(task, PIDTYPE_PID, ns));
	seq_printf(seq, "PPid:\t%d\nTracerPid:\t0\n", parent_nr(task, ns));
	show_ids(seq, cred);
	seq_printf(seq, "FDSize:\t%u\n", fd_table_size(task));
	show_groups(seq, cred);
	show_nested_ids(seq, task);
	seq_printf(seq, "Kthread:\t%d\n", task->flags & TF_KTHREAD ? 1 : 0);
	if (mm) {
		proc_show_status_memory(seq, mm, READ_ONCE(task->process->core));
		mm_put(mm);
	}
	seq_printf(seq, "Threads:\t%d\n", task->process->thread_count);
	show_signals(seq, task, cred);
	show_privileges(seq, task, cred);
	show_places(seq, task);
	seq_printf(seq, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		   task->switches_voluntary, task->switches_forced);
	cred_put(cred);
	return 0;
}

// --- io ---

// A process has what its children had that it waited for. Nothing goes to devices that hold blocks.
int proc_show_io(struct seq *seq, struct task *task)
{
	static const struct usage none;
	const struct usage *children = seq->thread ? &none : &task->process->children;
	struct usage usage;

	if (!ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS))
		return -EACCES;
	if (seq->thread)
		usage_of_thread(task, &usage);
	else
		usage_of_process(task->process, &usage);
	seq_printf(
		seq, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n",
		usage.read_chars + children->read_chars, usage.write_chars + children->write_chars,
		usage.read_calls + children->read_calls, usage.write_calls + children->write_calls);
	seq_puts(seq, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
	return 0;
}
