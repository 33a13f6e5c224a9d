// Deferred work: functions that run in kernel threads, where they may sleep.
//
// One pool serves all: workers sleep on one queue; whenever a worker takes the last idle one's
// place, another is made (up to WORKERS_MAX), so that work that sleeps does not block other work.
#pragma once

#include <core/timer.h>
#include <lib/list.h>

#define WORKERS_MAX 32

struct work {
	struct list_head link; // [pool]
	void (*fn)(struct work *);
	bool queued; // [pool]
};

struct delayed_work {
	struct work work;
	struct timer timer;
};

// clang-format off
#define WORK_INIT(w, function) { .link = LIST_HEAD_INIT((w).link), .fn = (function) }
// clang-format on

void work_init(struct work *w, void (*fn)(struct work *));

// Queues it unless it is queued already (returns false then). Before fn is called it is off the
// queue: it may be queued again while it runs, and fn may free it. Any context.
bool work_schedule(struct work *w);

// Takes it off if it is still queued; returns whether. It may be running: work_flush() waits for
// that. Sleeping context.
bool work_cancel(struct work *w);
bool work_cancel_sync(struct work *w);
void work_flush(struct work *w);

void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *));
bool delayed_work_schedule(struct delayed_work *d, u64 delay_ns);
bool delayed_work_cancel_sync(struct delayed_work *d);
