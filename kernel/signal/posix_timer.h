// The timers of timer_create(2). Times are in nanoseconds of the timer's clock.
#pragma once

#include <lib/base.h>

struct pid;
struct posix_timer;
struct process;
struct sigevent;

// Makes a timer of current, with a reference for the caller. `event` NULL: SIGALRM with the id as
// value. -EINVAL, -EOPNOTSUPP, -EPERM, -EAGAIN (no memory, or RLIMIT_SIGPENDING).
int posix_timer_create(int clock, const struct sigevent *event, struct posix_timer **out);
// A timer of current with a reference, or NULL.
struct posix_timer *posix_timer_find(int id);
void posix_timer_put(struct posix_timer *timer);
int posix_timer_id(const struct posix_timer *timer);
// times: what is left (0: off), the interval. -ESRCH: the clock's owner is gone.
int posix_timer_set(struct posix_timer *timer, bool absolute, u64 value, u64 interval, u64 old[2]);
void posix_timer_get_time(struct posix_timer *timer, u64 times[2]);
int posix_timer_overrun(struct posix_timer *timer);
// Out of the table and off. -EINVAL: another thread was faster.
int posix_timer_delete(struct posix_timer *timer);

// What /proc tells about a timer.
struct posix_timer_about {
	int id, clock;
	int notify; // SIGEV_...
	int sig;
	u64 value;
	struct pid *target; // counted
};
// The newest timer of a process whose id is below `id` (an s64, so that all ids can be below), with
// a reference to its target. Whether there is one.
bool posix_timer_before(struct process *process, s64 id, struct posix_timer_about *out);
