// What a task is doing in the kernel: /proc/PID/wchan, syscall and stack; and personality, which is
// told under the same rule. The names of functions are this kernel's own.
//
// The stack of another task is looked at under the lock of its run queue, while it sleeps: it can
// neither run nor end meanwhile.

#include <arch/backtrace.h>
#include <arch/trapframe.h>
#include <core/symbols.h>
#include <fs/procfs/procfs.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <process/ptrace_access.h>
#include <sched/run_queue.h>
#include <uapi/errno.h>

#define FRAMES_MAX 48

struct sleeper {
	u64 frames[FRAMES_MAX]; // return addresses, innermost first
	unsigned count;
	bool in_syscall;
	u64 nr, args[6], sp, pc;
};

static bool add_frame(void *context, u64 pc)
{
	struct sleeper *sleeper = context;

	sleeper->frames[sleeper->count++] = pc;
	return sleeper->count < FRAMES_MAX;
}

static void take_registers(struct sleeper *sleeper, const struct task *task)
{
	const struct trapframe *frame = task_trapframe(task);

	sleeper->in_syscall = arch_in_syscall(frame);
	sleeper->nr = arch_syscall_nr(frame);
	for (int i = 0; i < 6; i++)
		sleeper->args[i] = arch_syscall_arg(frame, i);
	sleeper->sp = arch_user_sp(frame);
	sleeper->pc = frame->pc;
}

// Of current, or of one that sleeps; false for those that run. The dead have nothing left.
static bool look_at(struct task *task, struct sleeper *sleeper)
{
	unsigned long flags;

	sleeper->count = 0;
	if (task == current) {
		arch_backtrace(NULL, add_frame, sleeper);
		take_registers(sleeper, task);
		return true;
	}
	struct run_queue *rq = task_rq_lock(task, &flags);
	u32 state = READ_ONCE(task->state);
	bool dead = task->exit_state || (state & TASK_DEAD);
	bool asleep = state && !dead && !(state & TASK_NEW) && !task->on_hart &&
		      !task->se.on_queue && !(task->flags & TF_IDLE);
	if (asleep) {
		arch_backtrace(task, add_frame, sleeper);
		if (!(task->flags & TF_KTHREAD))
			take_registers(sleeper, task);
	}
	task_rq_unlock(rq, flags);
	return asleep || dead;
}

// -EPERM: current may not trace it.
static int may_trace(struct task *task)
{
	return ptrace_may_access(task, PTRACE_MODE_ATTACH_FSCREDS) ? 0 : -EPERM;
}

// --- wchan ---

// Whether a function is one of those by which others wait.
static bool is_waiting_function(const char *name)
{
	static const char *const names[] = {
		"schedule",    "schedule_timeout",    "switch_to",     "sleep_until",
		"wait_common", "wait_for_completion", "wait_granted",  "mutex_lock",
		"down_read",   "down_write",          "arch_switch_to"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

int proc_show_wchan(struct seq *seq, struct task *task)
{
	struct sleeper sleeper = {0};
	const char *name;
	u64 offset, size;

	if (task != current && ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS))
		look_at(task, &sleeper);
	for (unsigned i = 0; i < sleeper.count; i++) {
		// A return address may be the first behind its function.
		if (!symbol_lookup(sleeper.frames[i] - 1, &name, &offset, &size))
			break;
		if (is_waiting_function(name))
			continue;
		seq_puts(seq, name);
		return 0;
	}
	seq_putc(seq, '0');
	return 0;
}

// --- syscall ---

int proc_show_syscall(struct seq *seq, struct task *task)
{
	struct sleeper sleeper = {0};
	int error = may_trace(task);

	if (error)
		return error;
	if (!look_at(task, &sleeper)) {
		seq_puts(seq, "running\n");
		return 0;
	}
	if (!sleeper.in_syscall) {
		seq_printf(seq, "-1 0x%lx 0x%lx\n", sleeper.sp, sleeper.pc);
		return 0;
	}
	seq_printf(seq, "%lu", sleeper.nr);
	for (int i = 0; i < 6; i++)
		seq_printf(seq, " 0x%lx", sleeper.args[i]);
	seq_printf(seq, " 0x%lx 0x%lx\n", sleeper.sp, sleeper.pc);
	return 0;
}

// --- stack ---

int proc_bind_stack(struct proc_text *text, struct task *task)
{
	static char capable_opener;

	(void)task;
	text->bound = capable(CAP_SYS_ADMIN) ? &capable_opener : NULL;
	return 0;
}

void proc_unbind_stack(struct proc_text *text)
{
	text->bound = NULL;
}

int proc_show_stack(struct seq *seq, struct task *task)
{
	struct sleeper sleeper = {0};
	char where[80];

	if (!seq->bound) // who opened it was not privileged
		return -EACCES;
	int error = may_trace(task);
	if (error)
		return error;
	look_at(task, &sleeper);
	for (unsigned i = 0; i < sleeper.count; i++) {
		symbol_format(where, sizeof(where), sleeper.frames[i]);
		seq_printf(seq, "[<0>] %s\n", where);
	}
	return 0;
}

// --- personality ---

int proc_show_personality(struct seq *seq, struct task *task)
{
	int error = may_trace(task);

	if (!error)
		seq_printf(seq, "%08x\n", READ_ONCE(task->personality));
	return error;
}
