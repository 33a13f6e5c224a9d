// Core dumps: who writes one, and when. The thread that dies of the signal kills all others and waits
// until each has come to its end, where it stays (coredump_join): so all registers are in their
// trapframes and the memory stands still. Then the file is written (core_elf.c), under the name
// that core_name.c makes, and the others may go.

#include <arch/context.h>
#include <core/init.h>
#include <fs/file.h>
#include <mm/mm.h>
#include <ns/cred.h>
#include <process/coredump.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <uapi/resource.h>

#include "core_internal.h"
#include "internal.h"

// Hangs on process.core while threads are waited for. Guarded by sighand->lock.
struct core_state {
	struct core_thread dumper;
	u32 missing; // threads that have yet to come
	u32 present;
};

void coredump_join(void)
{
	struct sighand *sighand = current->sighand;
	struct core_thread self = {.task = current};

	arch_fpu_save(); // it is read while we may still be on our way off the hart
	spin_lock_irq(&sighand->lock);
	current->flags |= TF_CORE_PASSED;
	struct core_state *core = current->process->core;
	if (core && core->dumper.task != current) {
		self.next = core->dumper.next;
		core->dumper.next = &self;
		core->present++;
		if (--core->missing == 0)
			task_wake(core->dumper.task, TASK_UNINTERRUPTIBLE);
		while (!self.released) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			spin_unlock_irq(&sighand->lock);
			schedule();
			spin_lock_irq(&sighand->lock);
		}
		set_current_running();
	}
	spin_unlock_irq(&sighand->lock);
}

// The process ends now, with current as the one that writes its core. False: it ends already, or
// becomes another program.
static bool core_begin(struct core_state *core, int sig)
{
	struct process *process = current->process;
	struct task *thread;

	spin_lock_irq(&current->sighand->lock);
	bool first = !(process->flags & PROCESS_GROUP_EXIT) && !process->group_exec_task;
	if (first) {
		process->flags |= PROCESS_GROUP_EXIT;
		process->group_exit_code = sig;
		process->core = core;
		current->flags |= TF_DUMPCORE;
		signal_kill_other_threads_locked(process);
		// What is pending matters no more; a SIGKILL from now on is to stop the dump.
		atomic_fetch_and(&current->work, ~(WORK_SIGNAL | WORK_KILL));
		list_for_each_entry (thread, &process->threads, thread_node) {
			if (thread != current && !(thread->flags & TF_CORE_PASSED))
				core->missing++;
		}
	}
	spin_unlock_irq(&current->sighand->lock);
	return first;
}

static void core_wait(struct core_state *core)
{
	struct sighand *sighand = current->sighand;

	spin_lock_irq(&sighand->lock);
	while (core->missing) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		spin_unlock_irq(&sighand->lock);
		schedule();
		spin_lock_irq(&sighand->lock);
	}
	set_current_running();
	spin_unlock_irq(&sighand->lock);
}

// The others go on to their ends.
static void core_end(struct core_state *core, bool written)
{
	struct process *process = current->process;
	struct core_thread *thread, *next;

	spin_lock_irq(&current->sighand->lock);
	process->core = NULL;
	if (written && !task_kill_pending(current))
		process->group_exit_code |= 0x80;
	for (thread = core->dumper.next; thread; thread = next) {
		struct task *task = thread->task;

		next = thread->next; // on a stack that may go from here on
		thread->released = true;
		task_wake(task, TASK_UNINTERRUPTIBLE);
	}
	spin_unlock_irq(&current->sighand->lock);
}

bool coredump_write(const struct siginfo *info)
{
	struct core_state state = {.dumper.task = current};
	struct core core = {.info = info, .limit = rlimit(RLIMIT_CORE), .threads = &state.dumper};
	u32 dumpable = READ_ONCE(current->mm->dumpable);
	bool written = false;

	if (dumpable == DUMPABLE_DISABLED || !core_begin(&state, info->si_signo))
		return false;
	core_wait(&state);
	core.thread_count = state.present + 1;
	if (core.limit >= PAGE_SIZE && core_collect(&core)) {
		core.file = core_open(info->si_signo, dumpable);
		if (core.file) {
			written = core_write(&core);
			file_put(core.file);
		}
	}
	core_free(&core);
	core_end(&state, written);
	return written;
}

// --- Who may look into whom ---

// Who changed identity does not leave a core behind that its old self can read.
static void dumpable_reset(struct task *task)
{
	if (task->mm)
		mm_set_dumpable(task->mm, READ_ONCE(suid_dumpable));
}

static int coredump_init(void)
{
	cred_dumpable_reset = dumpable_reset;
	return 0;
}
INITCALL(CORE, coredump_init);
