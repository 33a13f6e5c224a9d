// sched_setattr(2) flag by flag, what its structure may be, and odd masks of harts. Not here: what Cloven
// refuses by intent and Debian's Linux has (SCHED_DEADLINE, SCHED_EXT, clamped utilization).

#include "abi.h"
#include <sched.h>
#include <sys/resource.h>

struct attr {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
	unsigned util_min, util_max;
};

static void show(void)
{
	struct attr attr;

	memset(&attr, 0x55, sizeof(attr));
	syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	printf("    size %u policy %u flags %lx nice %d priority %u\n", attr.size, attr.policy,
	       attr.flags, attr.nice, attr.priority);
}

static void set(const char *what, struct attr attr)
{
	attr.size = attr.size ?: 48;
	printf("%s: ", what);
	R(syscall(SYS_sched_setattr, 0, &attr, 0));
	show();
}

ABI_TEST(sched_attr, each_flag)
{
	for (int bit = 0; bit < 64; bit++) {
		char name[32];

		snprintf(name, sizeof(name), "flag %d", bit);
		set(name, (struct attr){.flags = 1ul << bit, .nice = 3});
		set("  back", (struct attr){.flags = 0});
	}
}

ABI_TEST(sched_attr, kept)
{
	set("a policy", (struct attr){.policy = SCHED_FIFO, .priority = 9, .flags = 1});
	set("policy kept, no priority", (struct attr){.policy = SCHED_BATCH, .flags = 8});
	set("policy kept", (struct attr){.policy = SCHED_BATCH, .priority = 4, .flags = 8});
	set("parameters kept", (struct attr){.policy = SCHED_RR, .flags = 16});
	set("parameters kept", (struct attr){.policy = SCHED_OTHER, .nice = 7, .flags = 16});
	set("both kept", (struct attr){.policy = 77, .priority = 77, .flags = 24});
	set("both kept, reset", (struct attr){.policy = 77, .priority = 77, .flags = 25});
	set("policy -1", (struct attr){.policy = -1});
	set("policy -1 kept", (struct attr){.policy = -1, .flags = 24});
	set("ordinary", (struct attr){.nice = 5});
	set("too nice", (struct attr){.nice = 50});
	set("not nice", (struct attr){.nice = -50});
	set("with a priority", (struct attr){.nice = 5, .priority = 1});
	set("idle", (struct attr){.policy = SCHED_IDLE, .nice = 5});
	set("nice kept", (struct attr){.policy = SCHED_BATCH, .nice = 9, .flags = 16});
	set("real time with a nice", (struct attr){.policy = SCHED_RR, .priority = 3, .nice = 9});
	set("ordinary again", (struct attr){.policy = SCHED_OTHER, .flags = 16});
	set("with a runtime", (struct attr){.policy = SCHED_OTHER, .runtime = 5000000});
	show();
	printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
}

ABI_TEST(sched_attr, deadline_refused)
{
	set("nothing", (struct attr){.policy = 6});
	set("runtime only", (struct attr){.policy = 6, .runtime = 1000000});
	set("beyond the deadline",
	    (struct attr){.policy = 6, .runtime = 9000000, .deadline = 8000000});
	set("with a priority",
	    (struct attr){.policy = 6, .priority = 1, .runtime = 1000000, .deadline = 8000000});
}

ABI_TEST(sched_attr, sizes)
{
	static const unsigned sizes[] = {0, 47, 48, 55, 56, 57, 64, 128, 4096, 4097};
	unsigned char room[8192];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(room, 0, sizeof(room));
		memcpy(room, &sizes[i], 4);
		printf("%u: ", sizes[i]);
		R(syscall(SYS_sched_setattr, 0, room, 0));
		printf("  %u\n", *(unsigned *)room);
		memset(room, 0x55, sizeof(room));
		R(syscall(SYS_sched_getattr, 0, room, sizes[i], 0));
		printf("  %u, %x\n", *(unsigned *)room, room[60]);
		memset(room, 0, sizeof(room));
		memcpy(room, &sizes[i], 4);
		if (sizes[i] > 56 && sizes[i] <= 4096) {
			room[sizes[i] - 1] = 1; // what is unknown must be zero
			R(syscall(SYS_sched_setattr, 0, room, 0));
			printf("  %u\n", *(unsigned *)room);
		}
	}
}

ABI_TEST(sched_attr, forked)
{
	static const struct attr kinds[] = {{.flags = 1, .nice = -5},
					    {.flags = 1, .nice = 5},
					    {.nice = -5},
					    {.policy = SCHED_BATCH, .flags = 1, .nice = -3},
					    {.policy = SCHED_IDLE, .flags = 1, .nice = 3},
					    {.policy = SCHED_RR, .priority = 4, .flags = 1},
					    {.policy = SCHED_RR, .priority = 4}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		set("parent", kinds[i]);
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			show();
			printf("    nice %d\n", getpriority(PRIO_PROCESS, 0));
			fflush(stdout);
			_exit(0);
		}
		abi_reap(pid);
	}
}
