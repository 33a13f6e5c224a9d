// Job control: whose terminal it is, which process group is in the foreground, and what happens to
// the others when they use it.
//
// A process's terminal (process->tty, under its sighand->lock) is not counted: all who have it are
// of the session that the terminal belongs to, and a terminal that goes away clears them first.

#include <core/init.h>
#include <fs/chrdev.h>
#include <fs/tty/tty.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/session.h>
#include <signal/signal.h>
#include <uapi/errno.h>

#include "internal.h"

// --- The fields ---

static struct pid *pgrp_get(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&tty->ctrl);
	struct pid *pgrp = pid_get(tty->pgrp);

	spin_unlock_irqrestore(&tty->ctrl, flags);
	return pgrp;
}

static struct pid *session_get(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&tty->ctrl);
	struct pid *session = pid_get(tty->session);

	spin_unlock_irqrestore(&tty->ctrl, flags);
	return session;
}

// Takes the references.
static void owners_set(struct tty *tty, struct pid *session, struct pid *pgrp)
{
	unsigned long flags = spin_lock_irqsave(&tty->ctrl);
	struct pid *old_session = tty->session, *old_pgrp = tty->pgrp;

	tty->session = session;
	tty->pgrp = pgrp;
	spin_unlock_irqrestore(&tty->ctrl, flags);
	pid_put(old_session);
	pid_put(old_pgrp);
}

static bool is_controlling(const struct tty *tty)
{
	return READ_ONCE(current->process->tty) == tty;
}

struct tty *job_controlling_tty(void)
{
	struct sighand *sighand = current->sighand;

	spin_lock_irq(&sighand->lock);
	struct tty *tty = current->process->tty;
	if (tty)
		tty_get(tty);
	spin_unlock_irq(&sighand->lock);
	return tty;
}

static void process_set_tty(struct process *process, struct sighand *sighand, struct tty *tty,
			    struct pid *old_pgrp)
{
	unsigned long flags = spin_lock_irqsave(&sighand->lock);
	struct pid *before = process->tty_old_pgrp;

	process->tty = tty;
	process->tty_old_pgrp = old_pgrp;
	spin_unlock_irqrestore(&sighand->lock, flags);
	pid_put(before);
}

// --- Background ---

int job_check(struct tty *tty, int sig)
{
	if (!is_controlling(tty))
		return 0;
	read_lock(&tasklist_lock);
	struct pid *own = pid_get(task_pgrp(current));
	read_unlock(&tasklist_lock);
	struct pid *pgrp = pgrp_get(tty);
	int error = 0;

	if (!pgrp || own == pgrp) {
		;
	} else if (signal_is_ignored(current, sig) || signal_is_blocked(current, sig)) {
		error = sig == SIGTTIN ? -EIO : 0;
	} else if (pgrp_ops->is_orphaned(own)) {
		error = -EIO;
	} else {
		signal_send_pgrp(own, sig, SIGINFO_PRIV);
		error = -ERESTARTSYS;
	}
	pid_put(pgrp);
	pid_put(own);
	return error;
}

void job_signal_foreground(struct tty *tty, int sig)
{
	struct pid *pgrp = pgrp_get(tty);

	if (pgrp)
		signal_send_pgrp(pgrp, sig, SIGINFO_PRIV);
	pid_put(pgrp);
}

// --- Becoming somebody's ---

// tty_mutex held.
static void become_controlling(struct tty *tty)
{
	read_lock(&tasklist_lock);
	struct pid *session = pid_get(task_session(current)), *pgrp = pid_get(task_pgrp(current));
	read_unlock(&tasklist_lock);
	owners_set(tty, session, pgrp);
	process_set_tty(current->process, current->sighand, tty, NULL);
}

void job_open(struct tty *tty, struct file *file, bool noctty)
{
	if (noctty || !(file->flags & FILE_READ) || !current->process->leader_of_session ||
	    current->process->tty || tty->session)
		return;
	become_controlling(tty);
}

// Nobody of the session has this terminal any more.
static void session_clear(struct pid *session, struct tty *tty)
{
	struct task *task;

	read_lock(&tasklist_lock);
	pid_for_each_task (task, session, PIDTYPE_SID) {
		unsigned long flags;
		struct sighand *sighand = sighand_lock(task, &flags);

		if (!sighand)
			continue;
		if (task->process->tty == tty)
			task->process->tty = NULL;
		sighand_unlock(sighand, flags);
	}
	read_unlock(&tasklist_lock);
}

void job_clear_session(struct tty *tty)
{
	struct pid *session = session_get(tty);

	if (session)
		session_clear(session, tty);
	pid_put(session);
	owners_set(tty, NULL, NULL);
}

// TIOCSCTTY. tty_mutex held.
static long take_terminal(struct tty *tty, struct file *file, u64 argument)
{
	struct process *process = current->process;

	if (process->leader_of_session && is_controlling(tty) &&
	    tty->session == task_session(current))
		return 0;
	if (!process->leader_of_session || process->tty)
		return -EPERM;
	if (tty->session) {
		if (argument != 1 || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		job_clear_session(tty); // stolen
	}
	if (!(file->flags & FILE_READ) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	become_controlling(tty);
	return 0;
}

// --- Hang-up and the end of a session ---

// The leader hears of it, and so, when it exits, does the group that was in the foreground.
static void signal_leader(struct pid *session, struct tty *tty, struct pid *pgrp)
{
	struct task *task;

	read_lock(&tasklist_lock);
	pid_for_each_task (task, session, PIDTYPE_SID) {
		unsigned long flags;

		if (!task->process->leader_of_session || task->process->tty != tty)
			continue;
		signal_send_process(task, SIGHUP, SIGINFO_PRIV);
		signal_send_process(task, SIGCONT, SIGINFO_PRIV);
		struct sighand *sighand = sighand_lock(task, &flags);
		if (!sighand)
			continue;
		if (!task->process->tty_old_pgrp)
			task->process->tty_old_pgrp = pid_get(pgrp);
		sighand_unlock(sighand, flags);
	}
	read_unlock(&tasklist_lock);
}

void job_hangup(struct tty *tty, bool exiting)
{
	struct pid *session = session_get(tty), *pgrp = pgrp_get(tty);

	if (session) {
		signal_leader(session, tty, pgrp);
		session_clear(session, tty);
	}
	if (exiting && pgrp)
		signal_send_pgrp(pgrp, SIGHUP, SIGINFO_PRIV);
	owners_set(tty, NULL, NULL);
	pid_put(session);
	pid_put(pgrp);
}

// The leader gives its terminal up, by exit or by TIOCNOTTY.
static void leader_leaves(struct tty *tty, bool exiting)
{
	struct pid *pgrp = pgrp_get(tty);

	if (exiting && !tty->is_pty) {
		tty_hangup(tty, true);
	} else {
		if (pgrp)
			signal_send_pgrp(pgrp, SIGHUP, SIGINFO_PRIV);
		if (pgrp && !exiting)
			signal_send_pgrp(pgrp, SIGCONT, SIGINFO_PRIV);
		mutex_lock(&tty_mutex);
		job_clear_session(tty);
		mutex_unlock(&tty_mutex);
	}
	pid_put(pgrp);
}

static void leader_exit(struct task *task)
{
	struct tty *tty = job_controlling_tty();

	if (tty) {
		leader_leaves(tty, true);
		tty_put(tty);
	} else if (task->process->tty_old_pgrp) {
		signal_send_pgrp(task->process->tty_old_pgrp, SIGHUP, SIGINFO_PRIV);
		signal_send_pgrp(task->process->tty_old_pgrp, SIGCONT, SIGINFO_PRIV);
	}
	process_set_tty(task->process, task->sighand, NULL, NULL);
}

static long give_up_terminal(struct tty *tty)
{
	if (!is_controlling(tty))
		return -ENOTTY;
	if (current->process->leader_of_session)
		leader_leaves(tty, false);
	process_set_tty(current->process, current->sighand, NULL, NULL);
	return 0;
}

// --- ioctl ---

static long set_foreground(struct tty *tty, u64 argument)
{
	u32 nr;
	int error = job_check(tty, SIGTTOU);

	if (error)
		return error == -EIO ? -ENOTTY : error;
	if (!is_controlling(tty) || tty->session != task_session(current))
		return -ENOTTY;
	if (get_user_u32(argument, &nr))
		return -EFAULT;
	if ((s32)nr < 0)
		return -EINVAL;
	struct pid *pgrp = pid_find_get(nr);
	if (!pgrp)
		return -ESRCH;
	read_lock(&tasklist_lock);
	struct task *member = pid_task(pgrp, PIDTYPE_PGID);
	error = !member || task_session(member) != task_session(current) ? -EPERM : 0;
	read_unlock(&tasklist_lock);
	if (error) {
		pid_put(pgrp);
		return error;
	}
	unsigned long flags = spin_lock_irqsave(&tty->ctrl);
	struct pid *old = tty->pgrp;
	tty->pgrp = pgrp;
	spin_unlock_irqrestore(&tty->ctrl, flags);
	pid_put(old);
	return 0;
}

static long give_pid(struct pid *pid, u64 argument)
{
	long error = put_user_u32(argument, pid ? pid_vnr(pid) : 0);

	pid_put(pid);
	return error;
}

long job_ioctl(struct tty *tty, struct file *file, u32 command, u64 argument, bool from_master)
{
	struct pid *session;
	long error;

	switch (command) {
	case TIOCGPGRP:
		if (!from_master && !is_controlling(tty))
			return -ENOTTY;
		return give_pid(pgrp_get(tty), argument);
	case TIOCSPGRP:
		return set_foreground(tty, argument);
	case TIOCGSID:
		if (!from_master && !is_controlling(tty))
			return -ENOTTY;
		session = session_get(tty);
		return session ? give_pid(session, argument) : -ENOTTY;
	case TIOCSCTTY:
		mutex_lock(&tty_mutex);
		error = take_terminal(tty, file, argument);
		mutex_unlock(&tty_mutex);
		return error;
	case TIOCNOTTY:
		return give_up_terminal(tty);
	}
	return -ENOIOCTLCMD;
}

// --- For /proc ---

void tty_of_process(struct task *task, u64 *device, struct pid **pgrp)
{
	unsigned long flags;
	struct sighand *sighand = sighand_lock(task, &flags);

	*device = 0;
	*pgrp = NULL;
	if (!sighand)
		return;
	struct tty *tty = task->process->tty;
	if (tty)
		tty_get(tty);
	sighand_unlock(sighand, flags);
	if (!tty)
		return;
	*device = dev_to_user(tty->device);
	*pgrp = pgrp_get(tty);
	tty_put(tty);
}

void tty_vhangup(void)
{
	struct tty *tty = job_controlling_tty();

	if (!tty)
		return;
	tty_hangup(tty, false);
	tty_put(tty);
}

static const struct session_ops tty_session_ops = {.leader_exit = leader_exit};

static int job_init(void)
{
	session_ops = &tty_session_ops;
	return 0;
}
INITCALL(DEVICE, job_init);

// --- Signals about input ---

struct async_list *job_async(struct file *file, bool on)
{
	struct tty *tty = ((struct tty_file *)file->private)->tty;

	if (on) {
		spin_lock(&tty->ctrl);
		struct pid *pid = tty->pgrp ? pid_get(tty->pgrp) : NULL;
		spin_unlock(&tty->ctrl);
		if (pid)
			file_owner_default(file, pid, PIDTYPE_PGID);
		else
			file_owner_default(file, pid_get(current->process->pids[PIDTYPE_TGID]),
					   PIDTYPE_TGID);
	}
	return &tty->async;
}
