// The timers of timer_create(2). Times are in nanoseconds of the timer's clock.
#pragma once

#include <lib/base.h>

struct posix_timer;
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
