// unshare and clone with each kind of namespace.

#include <signal.h>

#include "bench.h"

static unsigned long *shared;

static const struct {
	const char *name;
	unsigned long flag;
} kinds[] = {
	{"uts", CLONE_NEWUTS},
	{"ipc", CLONE_NEWIPC},
	{"ns", CLONE_NEWNS},
	{"pid", CLONE_NEWPID},
	{"user", CLONE_NEWUSER},
	{"cgroup", CLONE_NEWCGROUP},
	{"time", CLONE_NEWTIME},
	{"net", CLONE_NEWNET},
	{"all4", CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC},
};

// In a child each time: a namespace nests, and the cost should be of the first one.
static void measure_unshare(const char *kind, int flag)
{
	char name[32];
	long total = 0;

	snprintf(name, sizeof(name), "unshare_%s", kind);
	if (!wanted(name))
		return;
	for (int i = 0; i < 24; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			unsigned long start = now();
			long error = unshare(flag);
			shared[0] = now() - start;
			shared[1] = error ? errno : 0;
			_exit(0);
		}
		if (reap(pid) || shared[1]) {
			errno = shared[1];
			missing(name);
			return;
		}
		if (i >= 8)
			total += shared[0];
	}
	report(name, total / 16);
}

static unsigned long clone_flag;

static long clone_exit_wait(void)
{
	pid_t pid = syscall(SYS_clone, clone_flag | SIGCHLD, 0, NULL, 0, NULL);

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

void measure_namespaces(void)
{
	char name[32];

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		measure_unshare(kinds[i].name, kinds[i].flag);
		clone_flag = kinds[i].flag;
		snprintf(name, sizeof(name), "clone_%s_exit_wait", kinds[i].name);
		// That bit means a part of the exit signal to clone().
		if (clone_flag != CLONE_NEWTIME)
			measure(name, clone_exit_wait);
	}
}
