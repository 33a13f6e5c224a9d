// System calls of timers that send signals: setitimer(2), timer_create(2) and their kin.

#include <core/errno.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/sched.h>
#include <signal/posix_timer.h>
#include <signal/timers.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/signal.h>
#include <uapi/time.h>

// --- setitimer ---

static int give_itimerval(u64 at, const u64 times[2])
{
	struct itimerval out = {
		.it_interval = {times[1] / NSEC_PER_SEC, times[1] % NSEC_PER_SEC / NSEC_PER_USEC},
		.it_value = {times[0] / NSEC_PER_SEC, times[0] % NSEC_PER_SEC / NSEC_PER_USEC}};

	return copy_to_user(at, &out, sizeof(out));
}

static int timeval_check(const struct timeval *tv, u64 *ns)
{
	if (tv->tv_sec < 0 || (u64)tv->tv_usec >= 1000000)
		return -EINVAL;
	*ns = (u64)tv->tv_sec > TIME_NEVER / NSEC_PER_SEC / 4
		      ? TIME_NEVER / 4
		      : tv->tv_sec * NSEC_PER_SEC + tv->tv_usec * NSEC_PER_USEC;
	return 0;
}

SYSCALL3(setitimer, int, which, u64, new_at, u64, old_at)
{
	struct itimerval in = {{0, 0}, {0, 0}}; // Linux takes NULL as zero
	u64 new[2], old[2];

	if (new_at && copy_from_user(&in, new_at, sizeof(in)))
		return -EFAULT;
	if (timeval_check(&in.it_value, &new[0]) || timeval_check(&in.it_interval, &new[1]))
		return -EINVAL;
	int error = itimer_exchange(which, new, old);
	return !error && old_at ? give_itimerval(old_at, old) : error;
}

SYSCALL2(getitimer, int, which, u64, address)
{
	u64 old[2];
	int error = itimer_exchange(which, NULL, old);

	return error ?: give_itimerval(address, old);
}

// --- timer_create ---

SYSCALL3(timer_create, int, clock, u64, event_at, u64, id_at)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct posix_timer *timer;

	if (event_at && copy_from_user(&event, event_at, sizeof(event)))
		return -EFAULT;
	int error = posix_timer_create(clock, event_at ? &event : NULL, &timer);
	if (error)
		return error;
	error = put_user_u32(id_at, posix_timer_id(timer));
	if (error)
		posix_timer_delete(timer);
	posix_timer_put(timer);
	return error;
}

static int give_itimerspec(u64 at, const u64 times[2])
{
	struct itimerspec out = {
		.it_value = {times[0] / NSEC_PER_SEC, times[0] % NSEC_PER_SEC},
		.it_interval = {times[1] / NSEC_PER_SEC, times[1] % NSEC_PER_SEC},
	};

	return copy_to_user(at, &out, sizeof(out));
}

SYSCALL4(timer_settime, int, id, int, flags, u64, new_at, u64, old_at)
{
	u64 value, interval, old[2];

	if (!new_at)
		return -EINVAL;
	int error = timespec_from_user(new_at + offsetof(struct itimerspec, it_interval),
				       &interval);
	int error2 = timespec_from_user(new_at + offsetof(struct itimerspec, it_value), &value);
	if (error || error2)
		return error == -EFAULT ? error : error2 ?: error;
	struct posix_timer *timer = posix_timer_find(id);
	if (!timer)
		return -EINVAL;
	error = posix_timer_set(timer, flags & TIMER_ABSTIME, value, interval, old);
	posix_timer_put(timer);
	return !error && old_at ? give_itimerspec(old_at, old) : error;
}

SYSCALL2(timer_gettime, int, id, u64, address)
{
	struct posix_timer *timer = posix_timer_find(id);
	u64 times[2];

	if (!timer)
		return -EINVAL;
	posix_timer_get_time(timer, times);
	posix_timer_put(timer);
	return give_itimerspec(address, times);
}

SYSCALL1(timer_getoverrun, int, id)
{
	struct posix_timer *timer = posix_timer_find(id);

	if (!timer)
		return -EINVAL;
	int overrun = posix_timer_overrun(timer);
	posix_timer_put(timer);
	return overrun;
}

SYSCALL1(timer_delete, int, id)
{
	struct posix_timer *timer = posix_timer_find(id);

	if (!timer)
		return -EINVAL;
	int error = posix_timer_delete(timer);
	posix_timer_put(timer);
	return error;
}
