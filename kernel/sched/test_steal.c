// Real-time tasks do not wait behind each other while another hart has nothing urgent: two that never
// let go of their hart must come to run at the same time.

#include <core/hart.h>
#include <core/selftest.h>
#include <sched/sched.h>

#define PATIENCE_NS (2000 * NSEC_PER_MSEC)
#define NAP_NS      NSEC_PER_MSEC

static u32 arrived;

// Runs until the other one runs as well.
static int meet(void *unused)
{
	u64 end = clock_monotonic_ns() + PATIENCE_NS;

	(void)unused;
	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(arrived) < 2) {
		if (clock_monotonic_ns() > end)
			return 1;
	}
	while (!kthread_should_stop())
		sleep_until(clock_monotonic_ns() + NAP_NS);
	return 0;
}

static void test_rt_steal(struct selftest_run *t)
{
	struct sched_params params = {.policy = SCHED_FIFO, .priority = 5};
	struct hartmask first = {1}, all = hartmask_all(64), old;
	struct task *tasks[2];

	if (hartmask_weight(&harts_online) < 2) {
		SKIP(t, "one hart");
		return;
	}
	// We stay away from the hart that they begin on, and go on scheduling on another.
	sched_get_affinity(current, &old);
	CHECK(t, !sched_set_affinity(current, &(struct hartmask){~1ul & harts_online.bits}));
	sched_leave_hart();
	arrived = 0;
	for (int i = 0; i < 2; i++) {
		CHECK(t, !kthread_create(meet, NULL, &tasks[i], "meet/%d", i));
		CHECK(t, !sched_set_params(tasks[i], &params));
		CHECK(t, !sched_set_affinity(tasks[i], &first));
		sched_start(tasks[i]);
		CHECK(t, !sched_set_affinity(tasks[i], &all));
	}
	for (int naps = 0; naps < 100 && READ_ONCE(arrived) < 2; naps++)
		sleep_until(clock_monotonic_ns() + NAP_NS);
	CHECK(t, READ_ONCE(arrived) == 2);
	for (int i = 0; i < 2; i++)
		CHECK(t, kthread_stop(tasks[i]) == 0);
	CHECK(t, !sched_set_affinity(current, &old));
}
SELFTEST(rt_steal, test_rt_steal);
