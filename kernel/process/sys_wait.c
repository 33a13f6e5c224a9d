// exit(2), exit_group(2), wait4(2), waitid(2): arguments and results.

#include <lib/string.h>
#include <mm/uaccess.h>
#include <process/accounting.h>
#include <process/exit.h>
#include <process/pidfd.h>
#include <process/rusage.h>
#include <process/wait.h>
#include <sched/pid.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/signal.h>
#include <uapi/wait.h>

SYSCALL1(exit, int, code)
{
	task_exit((code & 0xff) << 8);
}

SYSCALL1(exit_group, int, code)
{
	process_exit((code & 0xff) << 8);
}

// --- wait4 ---

// pid > 0: that process; 0: our group; -1: any; < -1: the group -pid.
static int wait4_target(int pid, struct wait_request *request)
{
	request->type = PIDTYPE_PGID;
	if (pid == -2147483647 - 1)
		return -ESRCH;
	if (pid == -1)
		return 0;
	if (pid > 0) {
		request->type = PIDTYPE_PID;
		request->pid = pid_find_get(pid);
	} else if (pid == 0) {
		rcu_read_lock();
		request->pid = pid_get(task_pgrp(current));
		rcu_read_unlock();
	} else {
		request->pid = pid_find_get(-pid);
	}
	request->pid_missing = !request->pid;
	return 0;
}

static int wait4_status(const struct wait_request *request)
{
	if (request->code == CLD_STOPPED || request->code == CLD_TRAPPED)
		return (request->status << 8) | 0x7f;
	if (request->code == CLD_CONTINUED)
		return 0xffff;
	return request->status;
}

SYSCALL4(wait4, int, pid, u64, status_at, int, options, u64, rusage_at)
{
	struct usage usage;
	struct wait_request request = {.usage = rusage_at ? &usage : NULL};

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	request.options = options | WEXITED;
	int error = wait4_target(pid, &request);
	if (error)
		return error;
	long found = wait_for_child(&request);
	pid_put(request.pid);
	if (found <= 0)
		return found;
	if (status_at && put_user_u32(status_at, wait4_status(&request)))
		return -EFAULT;
	if (rusage_at && rusage_to_user(rusage_at, &usage))
		return -EFAULT;
	return found;
}

// --- waitid ---

static int waitid_by_pidfd(int fd, struct wait_request *request)
{
	bool nonblocking;

	request->type = PIDTYPE_PID;
	int error = pidfd_get_pid(fd, &request->pid, &nonblocking);
	if (error)
		return error;
	if (nonblocking)
		request->options |= WNOHANG;
	return nonblocking;
}

static int waitid_target(int which, int id, struct wait_request *request)
{
	switch (which) {
	case P_ALL:
		return 0;
	case P_PID:
		if (id <= 0)
			return -EINVAL;
		request->type = PIDTYPE_PID;
		request->pid = pid_find_get(id);
		break;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		request->type = PIDTYPE_PGID;
		if (id) {
			request->pid = pid_find_get(id);
		} else {
			rcu_read_lock();
			request->pid = pid_get(task_pgrp(current));
			rcu_read_unlock();
		}
		break;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		return waitid_by_pidfd(id, request);
	default:
		return -EINVAL;
	}
	request->pid_missing = !request->pid;
	return 0;
}

// Only six fields are stored, and they are zero when nothing was found.
static int waitid_info(u64 info_at, const struct wait_request *request, long found)
{
	struct siginfo info = {0};

	if (found > 0) {
		info.si_signo = SIGCHLD;
		info.si_code = request->code;
		info.si_pid = request->found_pid;
		info.si_uid = request->found_uid;
		info.si_status = request->code == CLD_EXITED ? request->status >> 8
							     : request->status & 0x7f;
	}
	// The first three stand together, and so do the others; what is between is left alone.
	if (!user_range_ok(info_at, sizeof(info)) || copy_to_user(info_at, &info, 12) ||
	    copy_to_user(info_at + offsetof(struct siginfo, si_pid), &info.si_pid, 12))
		return -EFAULT;
	return 0;
}

SYSCALL5(waitid, int, which, int, id, u64, info_at, int, options, u64, rusage_at)
{
	struct usage usage;
	struct wait_request request = {.options = options, .usage = rusage_at ? &usage : NULL};

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	int nonblocking = waitid_target(which, id, &request);
	if (nonblocking < 0)
		return nonblocking;
	long found = wait_for_child(&request);
	pid_put(request.pid);
	if (!found && nonblocking && !(options & WNOHANG))
		found = -EAGAIN;
	if (found > 0 && rusage_at && rusage_to_user(rusage_at, &usage))
		return -EFAULT;
	if (info_at && waitid_info(info_at, &request, found))
		return -EFAULT;
	return MIN(found, 0l);
}
