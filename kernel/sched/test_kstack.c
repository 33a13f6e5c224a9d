// What becomes of a kernel stack that is too small: these two end in a panic; the boot tests name them,
// and look for its text. And how deep the stacks of others went.

#include <arch/current.h>
#include <arch/mmu.h>
#include <core/selftest.h>
#include <core/timer.h>
#include <lib/string.h>
#include <sched/sched.h>
#include <sched/stack_mark.h>
#include <sched/task.h>

static NOINLINE u64 go_deeper(u64 depth)
{
	volatile u64 room[32];

	room[depth % 32] = depth;
	if (!depth)
		return 0;
	return go_deeper(depth - 1) + room[depth % 32];
}

static void test_overflow(struct selftest_run *t)
{
	CHECK(t, !go_deeper(1000)); // 250 KiB; the guard page comes first
}
SELFTEST_FATAL(overflow, test_overflow);

static NOINLINE void run_over(volatile u8 *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer[i] = 0xa5;
}

static NOINLINE void hold_buffer(void)
{
	u8 buffer[16];

	run_over(buffer, sizeof(buffer) + 16);
}

static void test_stack_canary(struct selftest_run *t)
{
	if (!CONFIG_STACK_CANARY) {
		SKIP(t, "built without canaries");
		return;
	}
	hold_buffer();
	CHECK(t, !"the return was noticed");
}
SELFTEST_FATAL(stack_canary, test_stack_canary);

static void test_stack_end(struct selftest_run *t)
{
	if (!CONFIG_DEBUG) {
		SKIP(t, "only debug builds check");
		return;
	}
	*(u64 *)current->kstack = 0;
	schedule();
	CHECK(t, !"schedule() noticed");
}
SELFTEST_FATAL(stack_end, test_stack_end);

static void nap(u64 ms)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(clock_monotonic_ns() + ms * NSEC_PER_MSEC);
}

static int dive(void *bytes)
{
	return go_deeper((u64)bytes / 300); // a frame is at least that large
}

static void test_stack_mark(struct selftest_run *t)
{
	struct task *thread;
	char name[16];

	if (!CONFIG_DEBUG) {
		SKIP(t, "only debug builds check");
		return;
	}
	u32 before = stack_mark_deepest(name), wanted = before + 1500;
	if (!CHECK(t, wanted < KSTACK_SIZE - 2000))
		return;
	if (!CHECK(t, kthread_run(dive, (void *)(u64)wanted, &thread, "diver") == 0))
		return;
	kthread_stop(thread);
	// It has told that it ends, and is looked at when it has left its stack.
	for (int i = 0; i < 1000 && stack_mark_deepest(name) == before; i++)
		nap(1);
	CHECK(t, stack_mark_deepest(name) > before && !strcmp(name, "diver"));
	before = stack_mark_deepest(name);
	// A shallow one changes nothing.
	if (CHECK(t, kthread_run(dive, NULL, &thread, "wader") == 0))
		kthread_stop(thread);
	nap(10);
	CHECK(t, stack_mark_deepest(name) == before);
}
SELFTEST(stack_mark, test_stack_mark);
