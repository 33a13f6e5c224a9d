// I/O priorities, which are what CLONE_IO shares.

#include "abi.h"
#include <sched.h>
#include <sys/resource.h>

#define VALUE(class, level) ((class) << 13 | (level))
enum {
	NONE,
	RT,
	BE,
	IDLE
};
enum {
	PROCESS = 1,
	PGRP,
	USER
};

static long get(int which, int who)
{
	return syscall(SYS_ioprio_get, which, who);
}

static long set(int which, int who, int value)
{
	return syscall(SYS_ioprio_set, which, who, value);
}

ABI_TEST(ioprio, values)
{
	R(get(PROCESS, 0));
	for (int class = 0; class < 8; class ++) {
		for (int level = 0; level < 10; level += 3) {
			printf("class %d level %d: ", class, level);
			R(set(PROCESS, 0, VALUE(class, level)));
			R(get(PROCESS, 0));
		}
	}
	R(set(PROCESS, 0, VALUE(BE, 8)));
	R(set(PROCESS, 0, VALUE(BE, 0x1ff8)));
	R(get(PROCESS, 0));
	R(set(PROCESS, 0, VALUE(BE, 3) | 1 << 16));
	R(get(PROCESS, 0));
	R(set(PROCESS, 0, -1));
	R(set(PROCESS, 0, VALUE(NONE, 1)));
	R(set(PROCESS, 0, 0));
	R(get(PROCESS, 0));
}

ABI_TEST(ioprio, who)
{
	R(get(0, 0));
	R(get(4, 0));
	R(set(0, 0, VALUE(BE, 1)));
	R(set(4, 0, VALUE(BE, 1)));
	R(set(4, 0, -1));
	R(get(PROCESS, 999999));
	R(set(PROCESS, 999999, VALUE(BE, 1)));
	R(get(PROCESS, -1));
	R(get(PGRP, 999999));
	R(set(PGRP, 999999, VALUE(BE, 1)));
	R(get(USER, 4242));
	R(set(USER, 4242, VALUE(BE, 1)));
	R(set(PROCESS, getpid(), VALUE(BE, 2)));
	R(get(PROCESS, gettid()));
	setpgid(0, 0);
	R(set(PGRP, 0, VALUE(BE, 5)));
	R(get(PGRP, 0));
	R(get(PGRP, getpgrp()));
	pid_t pid = fork();
	if (!pid) {
		set(PROCESS, 0, VALUE(BE, 1));
		pause();
	}
	while (get(PROCESS, pid) != VALUE(BE, 1))
		sched_yield();
	R(get(PGRP, 0)); // the best of both
	R(get(PROCESS, 0));
	R(set(PGRP, 0, VALUE(BE, 6)));
	OK(get(PROCESS, pid));
	printf("the other's: %ld\n", get(PROCESS, pid));
	kill(pid, SIGKILL);
	abi_reap(pid);
}

// Without a priority of its own, a task has one by its policy and nice.
ABI_TEST(ioprio, by_nice)
{
	struct sched_param param = {.sched_priority = 1};

	for (int nice = -20; nice < 20; nice += 7) {
		setpriority(PRIO_PROCESS, 0, nice);
		printf("nice %d: ", nice);
		R(get(PGRP, 0));
	}
	setpriority(PRIO_PROCESS, 0, 0);
	sched_setscheduler(0, SCHED_FIFO, &param);
	R(get(PGRP, 0));
	param.sched_priority = 0;
	sched_setscheduler(0, SCHED_IDLE, &param);
	R(get(PGRP, 0));
	sched_setscheduler(0, SCHED_BATCH, &param);
	R(get(PGRP, 0));
}

ABI_TEST(ioprio, permissions)
{
	pid_t parent = getpid();

	set(PROCESS, 0, VALUE(BE, 4));
	pid_t pid = fork();
	if (!pid) {
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		R(set(PROCESS, parent, VALUE(BE, 6)));
		R(get(PROCESS, parent));
		R(set(PROCESS, 0, VALUE(RT, 4)));
		R(set(PROCESS, 0, VALUE(IDLE, 0)));
		R(set(PROCESS, 0, VALUE(BE, 0)));
		R(get(PROCESS, 0));
		R(get(USER, 1000));
		R(set(USER, 0, VALUE(BE, 2)));
		R(set(USER, 1000, VALUE(BE, 2)));
		R(get(PROCESS, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// --- Who shares it ---

static int child_main(void *value)
{
	long before = get(PROCESS, 0);

	set(PROCESS, 0, (long)value);
	return before & 7;
}

static void try_clone(const char *name, int flags)
{
	static char stack[16384] __attribute__((aligned(16)));
	int status = 0;

	set(PROCESS, 0, VALUE(BE, 3));
	pid_t pid = clone(child_main, stack + sizeof(stack), flags | SIGCHLD,
			  (void *)(long)VALUE(BE, 7));
	waitpid(pid, &status, 0);
	printf("%s: the child had %d; after it the parent has %ld\n", name, WEXITSTATUS(status),
	       get(PROCESS, 0) & 7);
}

ABI_TEST(ioprio, cloned)
{
	try_clone("fork", 0);
	try_clone("CLONE_IO", CLONE_IO);
	try_clone("CLONE_VM", CLONE_VM);
	try_clone("CLONE_VM and CLONE_IO", CLONE_VM | CLONE_IO);
}

// A parent that has none yet.
ABI_TEST(ioprio, clone_of_none)
{
	static char stack[16384] __attribute__((aligned(16)));
	int status = 0;

	for (int round = 0; round < 2; round++) {
		pid_t pid = clone(child_main, stack + sizeof(stack),
				  (round ? (int)CLONE_IO : 0) | SIGCHLD,
				  (void *)(long)VALUE(BE, 7));
		waitpid(pid, &status, 0);
		R(WEXITSTATUS(status));
		R(get(PROCESS, 0));
	}
}
