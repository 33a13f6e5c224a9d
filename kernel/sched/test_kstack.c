// What becomes of a kernel stack that is too small. Both end in a panic; the boot tests name them, and
// look for its text.

#include <arch/current.h>
#include <core/selftest.h>
#include <sched/sched.h>
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
