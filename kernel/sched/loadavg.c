// Load averages: how many tasks run, want to run, or sleep so that no signal wakes them, as a mean
// over 1, 5 and 15 minutes that fades exponentially. See proc(5), getloadavg(3).
//
// Every five seconds the sum over all harts is taken, and each mean moves towards it by a constant share:
// mean = mean * e + now * (1 - e), with e = exp(-5 s / period), all with 11 fractional bits. A sleeper is
// counted on the hart that it fell asleep on and discounted on the one that it wakes on, so a single
// hart's count may be negative; the sum is right.

#include <core/init.h>
#include <core/timer.h>
#include <sched/run_queue.h>

#define LOAD_PERIOD_NS (5 * NSEC_PER_SEC)
#define ONE            (1ul << LOADAVG_SHIFT)

static const u64 fade[3] = {1884, 2014, 2037}; // exp(-5/60), exp(-5/300), exp(-5/900)
static u64 averages[3];                        // [a] written by the timer only
static struct timer timer;

u32 sched_nr_running(void)
{
	u32 running = 0;

	for_each_online_hart (hart)
		running += READ_ONCE(run_queues[hart->index].runnable);
	return running;
}

static u32 nr_uninterruptible(void)
{
	s32 sleeping = 0;

	for_each_online_hart (hart)
		sleeping += READ_ONCE(run_queues[hart->index].uninterruptible);
	return MAX(sleeping, 0);
}

void sched_loadavg(u64 avg[3])
{
	for (int i = 0; i < 3; i++)
		avg[i] = READ_ONCE(averages[i]);
}

static void sample(struct timer *t)
{
	u64 now = (u64)(sched_nr_running() + nr_uninterruptible()) << LOADAVG_SHIFT;

	for (int i = 0; i < 3; i++) {
		u64 old = averages[i], sum = old * fade[i] + now * (ONE - fade[i]);

		// Rounded up while it rises, so that it gets there.
		WRITE_ONCE(averages[i], (sum + (now >= old ? ONE - 1 : 0)) >> LOADAVG_SHIFT);
	}
	timer_start(t, clock_monotonic_ns() + LOAD_PERIOD_NS);
}

static int loadavg_init(void)
{
	timer_init(&timer, sample);
	timer_start(&timer, clock_monotonic_ns() + LOAD_PERIOD_NS);
	return 0;
}
INITCALL(SUBSYS, loadavg_init);
