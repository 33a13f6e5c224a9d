// Faults in what makes processes: clone with each thing shared or copied, clone3, unshare, execve.

#include "fault.h"
#include <linux/sched.h>
#include <sched.h>

static void reap(void *arg, long pid)
{
	(void)arg;
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

// --- clone ---

static long clone_call(void *arg)
{
	long pid = syscall(SYS_clone, *(unsigned long *)arg, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static const struct {
	const char *name;
	unsigned long flags;
} clones[] = {
	{"clone()", SIGCHLD},
	{"clone(FILES)", SIGCHLD | CLONE_FILES},
	{"clone(FS)", SIGCHLD | CLONE_FS},
	{"clone(VFORK|VM)", SIGCHLD | CLONE_VFORK | CLONE_VM},
	{"clone(SIGHAND|VM|VFORK)", SIGCHLD | CLONE_SIGHAND | CLONE_VM | CLONE_VFORK},
	{"clone(NEWUTS)", SIGCHLD | CLONE_NEWUTS},
	{"clone(NEWNS)", SIGCHLD | CLONE_NEWNS},
	{"clone(NEWUSER)", SIGCHLD | CLONE_NEWUSER},
	{"clone(NEWIPC)", SIGCHLD | CLONE_NEWIPC},
	{"clone(NEWPID)", SIGCHLD | CLONE_NEWPID},
	{"clone(SYSVSEM)", SIGCHLD | CLONE_SYSVSEM},
	{"clone(IO)", SIGCHLD | CLONE_IO},
	{"clone(every namespace)",
	 SIGCHLD | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWUSER},
};

FAULT_TEST(process, clone_each_resource)
{
	static const int errors[] = {ENOMEM, EAGAIN, 0};
	struct fault_call call = {.call = clone_call, .undo = reap, .errors = errors};

	syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3); // an I/O context to be copied
	for (size_t i = 0; i < sizeof(clones) / sizeof(clones[0]); i++)
		fault_replay(clones[i].name, &call, (void *)&clones[i].flags);
}

// Memory of every kind, so that copying the address space has something to do.
FAULT_TEST(process, clone_with_memory)
{
	static unsigned long flags = SIGCHLD;
	struct fault_call call = {
		.call = clone_call, .undo = reap, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};
	size_t size = 8 << 20;
	char *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *both = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (size_t at = 0; at < size; at += 4096)
		own[at] = both[at] = 1;
	for (size_t at = 0; at < size; at += 8 * 4096)
		mprotect(own + at, 4096, PROT_READ);
	fault_replay("clone with 260 areas", &call, &flags);
}

struct clone3_state {
	struct clone_args args;
	int pidfd;
};

static long clone3_call(void *arg)
{
	struct clone3_state *state = arg;

	state->pidfd = -1;
	long pid = syscall(SYS_clone3, &state->args, sizeof(state->args));
	if (pid == 0)
		_exit(0);
	return pid;
}

static void clone3_undo(void *arg, long pid)
{
	reap(arg, pid);
	close(((struct clone3_state *)arg)->pidfd);
}

FAULT_TEST(process, clone3_pidfd)
{
	static struct clone3_state state;
	struct fault_call call = {
		.call = clone3_call,
		.undo = clone3_undo, // EFAULT: no page for the copy of the one that gets the descriptor
		.errors = FAULT_ERRORS(ENOMEM, EAGAIN, EFAULT)};

	state.args.flags = CLONE_PIDFD;
	state.args.exit_signal = SIGCHLD;
	state.args.pidfd = (unsigned long)&state.pidfd;
	fault_replay("clone3(PIDFD)", &call, &state);
}

// --- unshare ---

// What was unshared cannot be shared again: each call undoes the last one, whose copies go.
static long unshare_call(void *arg)
{
	return unshare(*(int *)arg);
}

static pid_t partner;

// A task that shares what is to be unshared, or else there is nothing to copy; a new one for each call.
static void new_partner(void *arg)
{
	(void)arg;
	if (partner) {
		kill(partner, SIGKILL);
		reap(NULL, partner);
	}
	partner = syscall(SYS_clone, SIGCHLD | CLONE_FS | CLONE_FILES, 0, 0, 0, 0);
	for (; !partner;)
		pause();
}

FAULT_TEST(process, unshare)
{
	static const struct {
		const char *name;
		int flags;
	} cases[] = {
		{"unshare(FS)", CLONE_FS},
		{"unshare(FILES)", CLONE_FILES},
		{"unshare(NEWUTS)", CLONE_NEWUTS},
		{"unshare(NEWNS)", CLONE_NEWNS},
		{"unshare(NEWIPC)", CLONE_NEWIPC},
		{"unshare(VM|SIGHAND|THREAD)", CLONE_VM | CLONE_SIGHAND | CLONE_THREAD},
		{"unshare(FS|FILES|NEWUTS|NEWNS)",
		 CLONE_FS | CLONE_FILES | CLONE_NEWUTS | CLONE_NEWNS},
	};
	struct fault_call call = {
		.call = unshare_call, .tidy = new_partner, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	new_partner(NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fault_replay(cases[i].name, &call, (void *)&cases[i].flags);
	kill(partner, SIGKILL);
	reap(NULL, partner);
	partner = 0;
}

// --- execve: in a child of vfork, which has armed itself and tells by its status ---

FAULT_TEST(process, execve)
{
	static char before[CENSUS_MAX], stack[64 << 10];
	int done = 0;

	fault_census_same("", NULL);
	// The runs below 1 are without a fault, so that what a first run leaves is there.
	for (int nth = -3; nth < 500 && !done; nth++) {
		char text[32];
		int status = 0;

		snprintf(text, sizeof(text), "%d", nth > 0 ? nth : 0);
		fflush(stdout);
		if (nth < 1)
			fault_census(before);
		pid_t pid = fork();
		if (pid == 0) {
			char *argv[] = {"/init", "no-such-test", NULL}, *envp[] = {NULL};
			int file = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);

			memset(stack, 1, sizeof(stack));
			dup2(open("/dev/null", O_WRONLY), 1);
			pwrite(file, text, strlen(text), 0);
			execve("/init", argv, envp);
			_exit(errno);
		}
		waitpid(pid, &status, 0);
		if (WIFEXITED(status)) {
			int error = WEXITSTATUS(status);

			done = nth > 0 && error == 0;
			if (error && error != ENOMEM && error != EFAULT)
				fault_wrong("execve, fault %d: unexpected %s", nth,
					    strerrorname_np(error));
		} else if (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGSEGV) {
			fault_wrong("execve, fault %d: killed by %d", nth, WTERMSIG(status));
		}
		snprintf(text, sizeof(text), "execve, fault %d", nth);
		if (nth > 0 && !fault_census_same(text, before))
			fault_census(before);
	}
	if (!done)
		fault_wrong("execve never succeeded");
}
