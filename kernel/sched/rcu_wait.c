// How RCU sleeps: the scheduler's part of synchronize_rcu() and rcu_barrier().

#include <core/init.h>
#include <core/rcu.h>
#include <sched/wait.h>

#define AGAIN_NS (10 * NSEC_PER_MSEC)

static struct wait_queue rcu_waiters = WAIT_QUEUE_INIT(rcu_waiters);

static void waiter_sleep(u32 *count, void (*again)(void))
{
	while (wait_event_timeout(&rcu_waiters, !__atomic_load_n(count, __ATOMIC_ACQUIRE),
				  clock_monotonic_ns() + AGAIN_NS))
		again();
}

static void waiter_wake(u32 *count)
{
	__atomic_fetch_sub(count, 1, __ATOMIC_ACQ_REL);
	wake_up_all(&rcu_waiters);
}

static void yield(void)
{
	schedule();
}

static int rcu_wait_init(void)
{
	rcu_waiter_sleep = waiter_sleep;
	rcu_waiter_wake = waiter_wake;
	rcu_yield = yield;
	return 0;
}
INITCALL(EARLY, rcu_wait_init);
