// Faults in what makes processes: clone with each thing shared or copied, threads, clone3, unshare.

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
	{"clone(NEWCGROUP)", SIGCHLD | CLONE_NEWCGROUP},
	{"clone(FILES|FS|SYSVSEM|IO)", SIGCHLD | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_IO},
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

// --- Threads ---

static int thread_word;
static char thread_stack[16384] __attribute__((aligned(16)));

// The child ends at once, by the kernel's exit: it must not touch what the C library knows of its parent.
__attribute__((noinline)) static long thread_call(void *arg)
{
	register long a0 asm("a0") = *(long *)arg;
	register long a1 asm("a1") = (long)(thread_stack + sizeof(thread_stack));
	register long a2 asm("a2") = (long)&thread_word;
	register long a3 asm("a3") = 0;
	register long a4 asm("a4") = (long)&thread_word;
	register long a7 asm("a7") = SYS_clone;

	asm volatile("ecall\n"
		     "bnez a0, 1f\n"
		     "li a7, %[exit]\n"
		     "ecall\n"
		     "ebreak\n"
		     "1:"
		     : "+r"(a0)
		     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7), [exit] "i"(SYS_exit)
		     : "memory");
	errno = a0 < 0 ? -a0 : 0;
	return a0;
}

static void thread_undo(void *arg, long tid)
{
	(void)arg;
	while (!syscall(SYS_tgkill, getpid(), tid, 0))
		sched_yield();
}

FAULT_TEST(process, clone_thread)
{
	static long thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			     CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	static long alone = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_PARENT_SETTID |
			    CLONE_CHILD_CLEARTID;
	static long spaces = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNS | CLONE_NEWUTS |
			     CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_IO;
	struct fault_call call = {
		.call = thread_call, .undo = thread_undo, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	memset(thread_stack, 1, sizeof(thread_stack));
	fault_replay("clone(a thread)", &call, &thread);
	fault_replay("clone(a thread with files and directories of its own)", &call, &alone);
	fault_replay("clone(a thread in namespaces of its own)", &call, &spaces);
}

// --- clone with much, clone3 ---

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

// The child gets two numbers that are asked for, one in each namespace that it is in.
FAULT_TEST(process, clone3_set_tid)
{
	static struct clone3_state state;
	static pid_t wanted[2];
	struct fault_call call = {.call = clone3_call,
				  .undo = clone3_undo,
				  .errors = FAULT_ERRORS(ENOMEM, EAGAIN, EFAULT)};

	wanted[0] = 1;
	wanted[1] = 20000;
	state.args.flags = CLONE_PIDFD | CLONE_NEWPID;
	state.args.exit_signal = SIGCHLD;
	state.args.pidfd = (unsigned long)&state.pidfd;
	state.args.set_tid = (unsigned long)wanted;
	state.args.set_tid_size = 2;
	fault_replay("clone3(PIDFD|NEWPID, set_tid)", &call, &state);
	wanted[0] = 20000;
	state.args.flags = CLONE_PIDFD;
	state.args.set_tid_size = 1;
	fault_replay("clone3(PIDFD, set_tid)", &call, &state);
	state.args.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_FILES | CLONE_FS;
	fault_replay("clone3(PIDFD|CLEAR_SIGHAND|FILES|FS, set_tid)", &call, &state);
	state.args.flags = CLONE_PIDFD | 1ull << 35 | 1ull << 37;
	fault_replay("clone3(PIDFD|NNP|EMPTY_MNTNS, set_tid)", &call, &state);
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
		raise(SIGSTOP);
	waitpid(partner, NULL, WUNTRACED); // so that it has all the pages that it will have
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
