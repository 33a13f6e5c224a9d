// Process descriptors: a reference to a struct pid that can be polled, waited for and signalled,
// and never means another process that got the same number later. See pidfd_open(2).

#include <core/errno.h>
#include <fs/file.h>
#include <fs/files.h>
#include <fs/poll.h>
#include <fs/seq.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <process/pidfd.h>
#include <process/ptrace_access.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/poll.h>

#define PIDFD_NONBLOCK O_NONBLOCK
#define PIDFD_THREAD   O_EXCL
#define PIDFD_AUTOKILL O_TRUNC // in the flags of a file only

// Instead of a descriptor: the caller's own thread, its process.
#define PIDFD_SELF_THREAD       (-10000)
#define PIDFD_SELF_THREAD_GROUP (-10001)

#define PIDFD_SIGNAL_THREAD        (1u << 0)
#define PIDFD_SIGNAL_THREAD_GROUP  (1u << 1)
#define PIDFD_SIGNAL_PROCESS_GROUP (1u << 2)

struct pid *(*pidfd_of_proc_folder)(const struct file *file);

static int pidfd_release(struct file *file)
{
	struct task *task = (file->flags & PIDFD_AUTOKILL)
				    ? pid_task_get(file->private, PIDTYPE_TGID)
				    : NULL;

	if (task) {
		signal_send(task, SIGKILL, SIGINFO_PRIV, PIDTYPE_TGID);
		task_put(task);
	}
	pid_put(file->private);
	return 0;
}

// Readable once the task is a zombie; hung up once it has been reaped.
static u32 pidfd_poll(struct file *file, struct poll_table *table)
{
	struct pid *pid = file->private;
	bool thread = file->flags & PIDFD_THREAD;
	u32 events = 0;

	poll_wait(file, &pid->wait_pidfd, table);
	rcu_read_lock();
	struct task *task = pid_task(pid, PIDTYPE_PID);
	if (!task)
		events = POLLIN | POLLRDNORM | POLLHUP;
	else if (task->exit_state && (thread || thread_group_empty(task)))
		events = POLLIN | POLLRDNORM;
	rcu_read_unlock();
	return events;
}

static void pidfd_show(struct file *file, struct seq *seq)
{
	struct pid *pid = file->private;
	struct pid_namespace *viewer = seq->pid_ns;
	bool alive = pid_task(pid, PIDTYPE_PID) != NULL;
	int nr = alive ? pid_nr_ns(pid, viewer) : -1;

	seq_printf(seq, "Pid:\t%d\nNSpid:\t%d", nr, nr);
	if (nr > 0) {
		for (u32 level = viewer->level + 1; level <= pid->level; level++)
			seq_printf(seq, "\t%d", pid->numbers[level].nr);
	}
	seq_printf(seq, "\n");
}

static const struct file_ops pidfd_ops = {
	.release = pidfd_release,
	.poll = pidfd_poll,
	.show_fdinfo = pidfd_show,
	.ioctl = pidfd_ioctl,
};

int pidfd_prepare(struct pid *pid, bool thread, int *fd, struct file **file)
{
	int number = fd_alloc(O_CLOEXEC);

	if (number < 0)
		return number;
	int error = file_alloc_anon("[pidfd]", &pidfd_ops, pid,
				    O_RDWR | (thread ? PIDFD_THREAD : 0), file);
	if (error) {
		fd_release_unused(number);
		return error;
	}
	pid_get(pid);
	*fd = number;
	return 0;
}

void pidfd_file_kills(struct file *file)
{
	file->flags |= PIDFD_AUTOKILL;
}

struct pid *pidfd_file_pid(const struct file *file)
{
	return file->ops == &pidfd_ops ? file->private : NULL;
}

int pidfd_get_pid(int fd, struct pid **pid, bool *nonblocking)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	*pid = pid_get(pidfd_file_pid(file));
	*nonblocking = file->flags & O_NONBLOCK;
	file_put(file);
	return *pid ? 0 : -EBADF;
}

// pidfd_open(2)
SYSCALL2(pidfd_open, int, nr, unsigned, flags)
{
	struct file *file;
	int fd;

	if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) || nr <= 0)
		return -EINVAL;
	struct pid *pid = pid_find_get(nr);
	if (!pid)
		return -ESRCH;
	bool thread = flags & PIDFD_THREAD;
	int error = 0;
	// Without PIDFD_THREAD it must be a process: a thread that is none gets ENOENT.
	if (!pid_task(pid, thread ? PIDTYPE_PID : PIDTYPE_TGID))
		error = pid_task(pid, PIDTYPE_PID) ? -ENOENT : -ESRCH;
	if (!error)
		error = pidfd_prepare(pid, thread, &fd, &file);
	pid_put(pid);
	if (error)
		return error;
	file->flags |= flags & O_NONBLOCK;
	fd_install(fd, file);
	return fd;
}

// --- pidfd_send_signal(2) ---

// thread: the descriptor is of a thread.
static int signal_scope(bool thread, unsigned flags)
{
	if (flags & PIDFD_SIGNAL_PROCESS_GROUP)
		return PIDTYPE_PGID;
	if (flags & PIDFD_SIGNAL_THREAD)
		return PIDTYPE_PID;
	if (flags & PIDFD_SIGNAL_THREAD_GROUP)
		return PIDTYPE_TGID;
	return thread ? PIDTYPE_PID : PIDTYPE_TGID;
}

// The process of a thread, by its number; the number itself if the thread is gone. Counted.
static struct pid *process_of(struct pid *pid)
{
	read_lock(&tasklist_lock);
	struct task *task = pid_task(pid, PIDTYPE_PID);
	struct pid *found = pid_get(task ? task->group_leader->pid : pid);
	read_unlock(&tasklist_lock);
	return found;
}

static int send_to(struct pid *pid, int scope, int sig, u64 info_at)
{
	struct siginfo info;

	// Only a process that we could name may be signalled.
	if (!pid_namespace_within(pid->numbers[pid->level].ns, task_active_pid_ns(current)))
		return -EINVAL;
	if (info_at) {
		int error = siginfo_from_user(0, info_at, &info);
		if (error)
			return error;
		if (info.si_signo != sig)
			return -EINVAL;
		// Nobody may pretend to be the kernel or kill(), but to himself.
		if (pid != current->pid && (info.si_code >= 0 || info.si_code == SI_TKILL))
			return -EPERM;
	}
	if (scope != PIDTYPE_TGID)
		return signal_send_checked(pid, scope, sig, info_at ? &info : NULL);
	struct pid *process = process_of(pid);
	int error = signal_send_checked(process, scope, sig, info_at ? &info : NULL);
	pid_put(process);
	return error;
}

SYSCALL4(pidfd_send_signal, int, fd, int, sig, u64, info_at, unsigned, flags)
{
	unsigned known = PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP |
			 PIDFD_SIGNAL_PROCESS_GROUP;

	if ((flags & ~known) || (flags & (flags - 1)))
		return -EINVAL;
	if (fd == PIDFD_SELF_THREAD)
		return send_to(current->pid, signal_scope(true, flags), sig, info_at);
	if (fd == PIDFD_SELF_THREAD_GROUP)
		return send_to(current->group_leader->pid, signal_scope(false, flags), sig,
			       info_at);
	struct file *file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	struct pid *pid = pidfd_file_pid(file) ?: pidfd_of_proc_folder(file);
	long error = pid ? send_to(pid, signal_scope(file->flags & PIDFD_THREAD, flags), sig,
				   info_at)
			 : -EBADF;
	file_put(file);
	return error;
}

// --- pidfd_getfd(2) ---

static long getfd_from(struct task *task, int fd)
{
	struct file *file;

	if (!ptrace_may_access(task, PTRACE_MODE_ATTACH_REALCREDS))
		return -EPERM;
	int error = file_get_of_task(task, fd, &file);
	if (error)
		return (READ_ONCE(task->flags) & TF_EXITING) ? -ESRCH : error;
	int number = fd_alloc(O_CLOEXEC);
	if (number < 0) {
		file_put(file);
		return number;
	}
	fd_install(number, file);
	return number;
}

SYSCALL3(pidfd_getfd, int, pidfd, int, fd, unsigned, flags)
{
	bool nonblocking;
	struct pid *pid;

	if (flags)
		return -EINVAL;
	int error = pidfd_get_pid(pidfd, &pid, &nonblocking);
	if (error)
		return error;
	struct task *task = pid_task_get(pid, PIDTYPE_PID);
	long result = task ? getfd_from(task, fd) : -ESRCH;
	if (task)
		task_put(task);
	pid_put(pid);
	return result;
}
