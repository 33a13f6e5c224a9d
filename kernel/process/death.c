// What signals, sessions and pid namespaces ask of the end of a process.

#include <arch/trapframe.h>
#include <core/init.h>
#include <core/printk.h>
#include <fs/pipe.h>
#include <ns/pid_ns.h>
#include <process/exit.h>
#include <process/process.h>
#include <process/wait.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <sched/session.h>
#include <signal/delivery.h>
#include <signal/signal.h>

#include "internal.h"
#include <uapi/errno.h>
#include <uapi/wait.h>

void session_leave_tty(struct task *task)
{
	if (task->process->leader_of_session && session_ops)
		session_ops->leader_exit(task);
}

static NORETURN void exit_by_signal(int status)
{
	current->flags |= TF_SIGNALED;
	process_exit(status);
}

static bool dump_core(struct trapframe *tf, const struct siginfo *info)
{
	printk_ratelimited(LOG_INFO, "%s[%d]: signal %d at pc %lx, address %lx\n", current->name,
			   task_pid_nr(current), info->si_signo, arch_user_pc(tf), info->si_addr);
	return coredump_write(info);
}

static bool group_is_orphaned(void)
{
	return pgrp_is_orphaned(task_pgrp(current));
}

static const struct signal_death_ops death_ops = {
	.exit_process = exit_by_signal,
	.dump_core = dump_core,
	.group_is_orphaned = group_is_orphaned,
};

static void file_too_large(void)
{
	signal_send_process(current, SIGXFSZ, SIGINFO_NOINFO);
}

static const struct pgrp_ops process_pgrp_ops = {.is_orphaned = pgrp_is_orphaned};

static void pipe_broken(void)
{
	signal_send_process(current, SIGPIPE, SIGINFO_NOINFO);
}

// --- The end of a pid namespace ---

// Its init is going: nobody may come any more, and everybody goes. Waits until they are gone.
void pid_ns_zap(struct pid_namespace *ns)
{
	struct wait_request request = {.options = WEXITED | __WALL};
	u32 own_pids = thread_group_leader(current) ? 1 : 2; // the leader's outlives it
	struct sighand *sighand = current->sighand;
	struct task *leader;

	// Children that end from now on need no reaping.
	spin_lock_irq(&sighand->lock);
	sighand->action[SIGCHLD - 1].handler = SIG_IGN_ADDRESS;
	spin_unlock_irq(&sighand->lock);
	pid_namespace_close(ns);
	read_lock(&tasklist_lock);
	list_for_each_entry (leader, &all_processes, all_node) {
		if (leader->process != current->process && task_nr_ns(leader, PIDTYPE_TGID, ns))
			signal_send_process(leader, SIGKILL, SIGINFO_PRIV);
	}
	read_unlock(&tasklist_lock);
	// Those that ended before do.
	do {
		atomic_fetch_and(&current->work, ~(WORK_SIGNAL | WORK_KILL));
	} while (wait_for_child(&request) != -ECHILD);
	ns->zapper = current;
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(ns->allocated) <= own_pids)
			break;
		schedule();
	}
	set_current_running();
	ns->zapper = NULL;
}

NORETURN void pid_ns_reboot(struct pid_namespace *ns, int sig)
{
	read_lock(&tasklist_lock);
	WRITE_ONCE(ns->reboot_code, sig);
	if (ns->reaper)
		signal_send_process(ns->reaper, SIGKILL, SIGINFO_PRIV);
	read_unlock(&tasklist_lock);
	task_exit(0);
}

static int death_init(void)
{
	signal_death_ops = &death_ops;
	pgrp_ops = &process_pgrp_ops;
	pipe_broken_hook = pipe_broken;
	file_limit_hook = file_too_large;
	return 0;
}
INITCALL(CORE, death_init);
