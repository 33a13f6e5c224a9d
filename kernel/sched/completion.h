// "It is done": one side waits, the other completes, in either order.
#pragma once

#include <sched/wait.h>

#define COMPLETION_ALL 0x7fffffffu // completed for everybody and for ever

struct completion {
	u32 done; // [wq.lock] how many waiters may still pass
	struct wait_queue wq;
};

// clang-format off
#define COMPLETION_INIT(c) { .done = 0, .wq = WAIT_QUEUE_INIT((c).wq) }
// clang-format on

void completion_init(struct completion *c);
void complete(struct completion *c);     // lets one waiter pass. Any context
void complete_all(struct completion *c); // lets all pass, now and later

void wait_for_completion(struct completion *c);
int wait_for_completion_killable(struct completion *c);                 // 0 or -EINTR
int wait_for_completion_interruptible(struct completion *c);            // 0 or -ERESTARTSYS
int wait_for_completion_timeout(struct completion *c, u64 deadline_ns); // 0 or -ETIME
bool try_wait_for_completion(struct completion *c);
