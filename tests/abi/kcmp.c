// kcmp, and membarrier: its registrations and errors.

#include "abi.h"
#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <sched.h>

static long kcmp(pid_t a, pid_t b, int type, unsigned long x, unsigned long y)
{
	long result = syscall(SYS_kcmp, a, b, type, x, y);

	return result > 0 ? 1 : result; // which of the two comes first is chance
}

static int child_main(void *unused)
{
	pause();
	return 0;
}

static void compare_with_child(const char *name, unsigned long flags)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t me = getpid(),
	      child = clone(child_main, stack + sizeof(stack), flags | SIGCHLD, NULL);

	printf("%s:", name);
	for (int type = KCMP_VM; type <= KCMP_SIGHAND; type++)
		printf(" %ld", kcmp(me, child, type, 0, 0));
	printf(" sem %ld file %ld\n", kcmp(me, child, KCMP_SYSVSEM, 0, 0),
	       kcmp(me, child, KCMP_FILE, 1, 1));
	kill(child, SIGKILL);
	abi_reap(child);
}

ABI_TEST(kcmp, tasks)
{
	compare_with_child("nothing", 0);
	compare_with_child("vm", CLONE_VM);
	compare_with_child("fs", CLONE_FS);
	compare_with_child("files", CLONE_FILES);
	compare_with_child("vm and sighand", CLONE_VM | CLONE_SIGHAND);
	compare_with_child("sysvsem", CLONE_SYSVSEM);
}

ABI_TEST(kcmp, files)
{
	pid_t me = getpid();
	int copy = dup(0), other = open("/dev/null", O_RDONLY);

	R(kcmp(me, me, KCMP_FILE, 0, 0));
	R(kcmp(me, me, KCMP_FILE, 0, copy));
	R(kcmp(me, me, KCMP_FILE, 0, other < 0 ? 1 : other));
	R(kcmp(me, me, KCMP_FILE, 0, 900));
	R(kcmp(me, me, KCMP_FILE, 900, 0));
}

ABI_TEST(kcmp, kcmp_errors)
{
	pid_t me = getpid();

	R(kcmp(me, me, 99, 0, 0));
	R(kcmp(me, me, -1, 0, 0));
	R(kcmp(0, me, KCMP_VM, 0, 0));
	R(kcmp(me, 3999999, KCMP_VM, 0, 0));
	R(kcmp(-1, 3999999, 99, 0, 0));
	if (!setresuid(1000, 1000, 1000)) {
		R(kcmp(1, 1, KCMP_VM, 0, 0));
		R(kcmp(1, 1, 99, 0, 0));
	}
}

static long membarrier(int command, unsigned flags)
{
	return syscall(SYS_membarrier, command, flags, 0);
}

ABI_TEST(kcmp, membarrier_calls)
{
	long all = membarrier(MEMBARRIER_CMD_QUERY, 0);

	printf("%lx\n", all & 0x27f); // the RSEQ commands are for another test
	R(membarrier(MEMBARRIER_CMD_QUERY, 1));
	R(membarrier(MEMBARRIER_CMD_GLOBAL, 1));
	R(membarrier(MEMBARRIER_CMD_GLOBAL, 0));
	R(membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0));
	R(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	R(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(membarrier(0x200, 0));
	R(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	R(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	R(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(membarrier(0x200, 0));
	R(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	R(membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
	R(membarrier(0x200, 0));
	R(membarrier(1 << 20, 0));
	R(membarrier(-1, 0));
	R(membarrier(3, 0));
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		R(membarrier(0x200, 0));
		R(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(child);
}
