// The rules of clone's flags, over all combinations of 25 flags, against a second statement of
// them: a list of what is forbidden.
#include "check.h"
#include <kernel/process/clone_flags.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/sched.h>

// Forbidden: all of `with` set and none of `without`, in the circumstances `when`.
enum when {
	ALWAYS,
	CLONE3,
	CLONE3_SIGNAL,
	INIT,
	PID_NS,
	ONE_ADDRESS
};
static const struct {
	u64 with, without;
	enum when when;
} forbidden[] = {
	{CLONE_THREAD, CLONE_SIGHAND, ALWAYS},
	{CLONE_SIGHAND, CLONE_VM, ALWAYS},
	{CLONE_NEWNS | CLONE_FS, 0, ALWAYS},
	{CLONE_NEWUSER | CLONE_FS, 0, ALWAYS},
	{CLONE_THREAD | CLONE_NEWUSER, 0, ALWAYS},
	{CLONE_THREAD | CLONE_NEWPID, 0, ALWAYS},
	{CLONE_PIDFD | CLONE_DETACHED, 0, ALWAYS},
	{CLONE_PARENT, 0, INIT},
	{CLONE_THREAD, 0, PID_NS},
	{CLONE_PIDFD | CLONE_PARENT_SETTID, 0, ONE_ADDRESS},
	{CLONE_DETACHED, 0, CLONE3},
	{CLONE_SIGHAND | CLONE_CLEAR_SIGHAND, 0, CLONE3},
	{CLONE_THREAD, 0, CLONE3_SIGNAL},
	{CLONE_PARENT, 0, CLONE3_SIGNAL},
};

static bool holds(enum when when, const struct clone_facts *facts)
{
	switch (when) {
	case CLONE3:
		return facts->clone3;
	case CLONE3_SIGNAL:
		return facts->clone3 && facts->exit_signal;
	case INIT:
		return facts->caller_is_init;
	case PID_NS:
		return facts->pid_ns_for_children_differs;
	case ONE_ADDRESS:
		return facts->one_tid_address;
	default:
		return true;
	}
}

// The 24 flags above the signal number, and CLEAR_SIGHAND where clone3 can say it.
static void check_all(const struct clone_facts *facts)
{
	size_t wrong = 0, rules = 0;
	u64 with[ARRAY_SIZE(forbidden)], without[ARRAY_SIZE(forbidden)];

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		if (holds(forbidden[i].when, facts)) {
			with[rules] = forbidden[i].with;
			without[rules++] = forbidden[i].without;
		}
	}
	for (u64 bits = 0; bits < 1ul << 25; bits++) {
		u64 flags = bits << 8;
		bool bad = !facts->clone3 && (flags & CLONE_CLEAR_SIGHAND);

		if (bad)
			break; // clone(2) has 32 bits
		for (size_t i = 0; i < rules && !bad; i++)
			bad = (flags & with[i]) == with[i] && !(flags & without[i]);
		wrong += clone_flags_check(flags, facts) != (bad ? -EINVAL : 0);
	}
	CHECK_EQ(wrong, 0);
}

static void test_combinations(void)
{
	check_all(&(struct clone_facts){.one_tid_address = true, .exit_signal = 17});
	check_all(&(struct clone_facts){.one_tid_address = true,
					.caller_is_init = true,
					.pid_ns_for_children_differs = true});
	check_all(&(struct clone_facts){.clone3 = true});
	check_all(&(struct clone_facts){.clone3 = true, .exit_signal = 17});
}

static void test_clone3_words(void)
{
	struct clone_facts facts = {.clone3 = true};

	for (int bit = 0; bit < 64; bit++) {
		u64 flag = 1ul << bit;
		bool good = flag == CLONE_NEWTIME ||
			    (bit >= 8 && bit <= 37 && flag != CLONE_PIDFD_AUTOKILL &&
			     flag != CLONE_DETACHED && flag != CLONE_THREAD &&
			     flag != CLONE_SIGHAND);
		CHECK_EQ(clone_flags_check(flag, &facts), good ? 0 : -EINVAL);
	}
}

// The newer words of clone3, with and without what they need or exclude.
static void test_newer_words(void)
{
	const u64 new[] = {CLONE_AUTOREAP, CLONE_NNP, CLONE_PIDFD_AUTOKILL, CLONE_EMPTY_MNTNS};
	const u64 old[] = {CLONE_PIDFD, CLONE_PARENT, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM};

	for (unsigned i = 0; i < 128 * 2; i++) {
		struct clone_facts facts = {.clone3 = true, .exit_signal = i & 128 ? 17 : 0};
		u64 flags = 0;

		for (unsigned bit = 0; bit < 7; bit++)
			flags |= i >> bit & 1 ? (bit < 4 ? new[bit] : old[bit - 4]) : 0;
		bool family = flags & (CLONE_PARENT | CLONE_THREAD);
		bool bad = (family && facts.exit_signal) ||
			   ((flags & CLONE_AUTOREAP) && (family || facts.exit_signal)) ||
			   ((flags & CLONE_NNP) && (flags & CLONE_THREAD)) ||
			   ((flags & CLONE_PIDFD_AUTOKILL) &&
			    (!(flags & CLONE_AUTOREAP) || !(flags & CLONE_PIDFD)));
		CHECK_EQ(clone_flags_check(flags, &facts), bad ? -EINVAL : 0);
	}
	CHECK_EQ(clone_flags_expand(CLONE_EMPTY_MNTNS), CLONE_EMPTY_MNTNS | CLONE_NEWNS);
	CHECK_EQ(clone_flags_expand(CLONE_NNP | CLONE_FS), CLONE_NNP | CLONE_FS);
}

static void test_unshare(void)
{
	CHECK_EQ(unshare_flags_expand(0), 0);
	CHECK_EQ(unshare_flags_expand(CLONE_NEWUSER), CLONE_NEWUSER | CLONE_THREAD | CLONE_FS);
	CHECK_EQ(unshare_flags_expand(CLONE_VM), CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
	CHECK_EQ(unshare_flags_expand(CLONE_NEWNS), CLONE_NEWNS | CLONE_FS);
	CHECK_EQ(unshare_flags_expand(UNSHARE_EMPTY_MNTNS),
		 CLONE_EMPTY_MNTNS | CLONE_NEWNS | CLONE_FS);
}

int main(void)
{
	static const struct test tests[] = {
		{"combinations", test_combinations},
		{"clone3_words", test_clone3_words},
		{"newer_words", test_newer_words},
		{"unshare", test_unshare},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
