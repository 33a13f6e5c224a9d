// Clocks and timers. All times are u64 nanoseconds; 2^64 ns are 584 years, so sums are not checked
// but where user input comes in (use timer_deadline_after()).
//
// Each hart has a queue of timers, ordered by deadline; the hardware timer is set to the earliest
// and to nothing else: no periodic tick but the scheduler's own, while a hart is busy.
#pragma once

#include <core/spinlock.h>
#include <lib/base.h>
#include <lib/list.h>
#include <lib/rbtree.h>

#define NSEC_PER_SEC  1000000000ul
#define NSEC_PER_MSEC 1000000ul
#define NSEC_PER_USEC 1000ul
#define TIME_NEVER    (~0ul)

// Time since boot (does not step, does not stop).
u64 clock_monotonic_ns(void);
// Time since boot including sleep of the machine: the same, for this kernel never suspends.
u64 clock_boottime_ns(void);
// Time since 1970 (UTC). Steps when set.
u64 clock_realtime_ns(void);
// What to add to monotonic time to get real time; changes when the clock is set.
u64 clock_realtime_offset_ns(void);
// Sets the real-time clock. Callers check privilege and range.
void clock_settime(u64 realtime_ns);
// Called after each step of the real-time clock (timerfd, posix timers); register once each.
struct clock_listener {
	void (*fn)(void);
	struct clock_listener *next;
};
void clock_listen(struct clock_listener *listener);
// A monotonic time on the scale that the machine contract (arch_timer_set) and the vDSO count in.
u64 clock_to_machine(u64 monotonic_ns);
// Resolution: nanoseconds of one tick of the hardware clock, at least 1.
u64 clock_resolution_ns(void);

struct timer_queue;

// Owner: whoever embeds it. Fields belong to the timer code.
struct timer {
	struct rb_node node;
	u64 deadline_ns; // monotonic
	void (*fn)(struct timer *);
	struct timer_queue *queue; // that of the hart it was last started on; NULL = never started
	bool pending;
};

// fn runs on the hart where the timer was started, in interrupt context, interrupts off, no lock
// held, the timer not pending any more: fn may start it again, or free it.
void timer_init(struct timer *t, void (*fn)(struct timer *));

// Arms the timer (again) for an absolute monotonic time, on this hart. A time that has passed
// fires at once, not from within this call. Any context.
void timer_start(struct timer *t, u64 deadline_ns);

// Takes it off. Returns whether it was pending. fn may still be running on another hart: _sync
// waits for that (never from fn itself, nor with a lock held that fn takes).
bool timer_cancel(struct timer *t);
bool timer_cancel_sync(struct timer *t);

// A timer for a point of real time: it follows when that clock is set. fn as a timer's; the timer
// is off the list by then, and may be started again.
struct realtime_timer {
	struct timer timer;
	struct list_head link; // on the list of all that wait; empty: not started
	u64 expires_ns;        // real time
	void (*fn)(struct realtime_timer *);
};
void realtime_timer_init(struct realtime_timer *t, void (*fn)(struct realtime_timer *));
void realtime_timer_start(struct realtime_timer *t, u64 realtime_ns);
void realtime_timer_cancel(struct realtime_timer *t);
void realtime_timer_cancel_sync(struct realtime_timer *t); // waits for fn, as timer_cancel_sync()

static inline bool timer_pending(const struct timer *t)
{
	return READ_ONCE(t->pending);
}

// now + delta, at most TIME_NEVER - 1.
u64 timer_deadline_after(u64 delta_ns);

// The scheduler's own deadline of this hart (slice, tick): cheaper than a struct timer. fn is set
// once. TIME_NEVER = none. Interrupts off.
void timer_set_tick(u64 deadline_ns);
extern void (*timer_tick_hook)(u64 now_ns, bool from_user);

// Called by the machine's timer-interrupt handler, interrupts off.
void timer_interrupt(bool from_user);

// The next deadline of this hart (TIME_NEVER = none), for /proc and tests.
u64 timer_next_deadline(void);

// At boot: reads the time base; then for each hart, on it.
void clock_init(void);
// Whether the time base is known yet. Before that the clocks below mean nothing.
bool clock_has_started(void);
void timer_init_hart(void);

// Timers that wait, over all harts (/proc/timer_list, tests).
u32 timer_count(void);
