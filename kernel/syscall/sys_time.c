// System calls of clocks and sleeping. See clock_gettime(2), clock_nanosleep(2).

#include <core/errno.h>
#include <core/timer.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <process/accounting.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/time.h>

static struct timespec to_timespec(u64 ns)
{
	return (struct timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

int timespec_from_user(u64 address, u64 *ns)
{
	struct timespec ts;

	if (copy_from_user(&ts, address, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*ns = (u64)ts.tv_sec > TIME_NEVER / NSEC_PER_SEC / 4
		      ? TIME_NEVER / 4
		      : ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

int deadline_from_user(u64 address, u64 *deadline)
{
	u64 ns;
	int error = timespec_from_user(address, &ns);

	if (!error)
		*deadline = timer_deadline_after(ns);
	return error;
}

static int read_clock(int clock, u64 *ns)
{
	struct usage usage;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*ns = clock_monotonic_ns();
		return 0;
	case CLOCK_BOOTTIME:
		*ns = clock_boottime_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = task_sum_exec_ns(current);
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		usage_of_process(current->process, &usage);
		*ns = usage.utime_ns + usage.stime_ns;
		return 0;
	}
	return -EINVAL;
}

SYSCALL2(clock_gettime, int, clock, u64, address)
{
	u64 ns;
	int error = read_clock(clock, &ns);

	if (error)
		return error;
	struct timespec ts = to_timespec(ns);
	return copy_to_user(address, &ts, sizeof(ts));
}

SYSCALL2(clock_getres, int, clock, u64, address)
{
	u64 ns;
	int error = read_clock(clock, &ns);
	struct timespec ts = {0, 1};

	if (error || !address)
		return error;
	return copy_to_user(address, &ts, sizeof(ts));
}

SYSCALL2(clock_settime, int, clock, u64, address)
{
	u64 ns;
	int error = timespec_from_user(address, &ns);

	if (error)
		return error;
	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	clock_settime(ns);
	return 0;
}

SYSCALL2(gettimeofday, u64, tv_at, u64, tz_at)
{
	u64 now = clock_realtime_ns();
	struct timeval tv = {now / NSEC_PER_SEC, now % NSEC_PER_SEC / NSEC_PER_USEC};
	struct timezone tz = {0, 0};

	if (tv_at && copy_to_user(tv_at, &tv, sizeof(tv)))
		return -EFAULT;
	return tz_at ? copy_to_user(tz_at, &tz, sizeof(tz)) : 0;
}

// --- Sleeping ---

// Sleeps until a monotonic deadline. A signal: what is left goes to *left_at, if wanted.
static long sleep_interruptible(u64 deadline, u64 left_at)
{
	u64 left;

	do {
		set_current_state(TASK_INTERRUPTIBLE);
		left = schedule_timeout(deadline);
	} while (left && !task_signal_pending(current));
	set_current_running();
	if (!left)
		return 0;
	if (left_at) {
		struct timespec ts = to_timespec(left);
		if (copy_to_user(left_at, &ts, sizeof(ts)))
			return -EFAULT;
	}
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_again(struct task *task)
{
	return sleep_interruptible(task->restart.arg[1], task->restart.arg[2]);
}

static long sleep_relative(u64 ns, u64 left_at)
{
	u64 deadline = timer_deadline_after(ns);
	long result = sleep_interruptible(deadline, left_at);

	if (result == -ERESTART_RESTARTBLOCK) {
		current->restart.fn = sleep_again;
		current->restart.arg[1] = deadline;
		current->restart.arg[2] = left_at;
	}
	return result;
}

SYSCALL2(nanosleep, u64, request_at, u64, left_at)
{
	u64 ns;
	int error = timespec_from_user(request_at, &ns);

	return error ?: sleep_relative(ns, left_at);
}

SYSCALL4(clock_nanosleep, int, clock, int, flags, u64, request_at, u64, left_at)
{
	u64 ns, now = 0;
	int error = timespec_from_user(request_at, &ns);

	if (error)
		return error;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return clock == CLOCK_THREAD_CPUTIME_ID ? -EINVAL : -EOPNOTSUPP;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(ns, left_at);
	read_clock(clock, &now);
	if (ns <= now)
		return 0;
	long result = sleep_interruptible(timer_deadline_after(ns - now), 0);
	return result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}
