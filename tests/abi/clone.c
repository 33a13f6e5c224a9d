// clone3's argument checks, odd exit signals, execs that race, who inherits children.

#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup, more[8];
};

// Makes a clone3 call; a child that comes of it exits, and is waited for.
static void try_clone3(const char *what, const struct args *args, size_t size)
{
	long pid = syscall(SYS_clone3, args, size);

	if (pid == 0)
		_exit(0);
	printf("%s: ", what);
	abi_show("clone3", pid > 0 ? 1 : pid);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
}

ABI_TEST(clone, sizes)
{
	struct args args = {.exit_signal = SIGCHLD};
	size_t sizes[] = {0, 1, 63, 64, 65, 72, 79, 80, 87, 88, 89, 96, 128, 4096, 4097, 1 << 20};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(page, 0, 8192);
		memcpy(page, &args, sizeof(args));
		printf("%zu ", sizes[i]);
		try_clone3("zeroes", (void *)page, sizes[i]);
		page[100] = 1;
		printf("%zu ", sizes[i]);
		try_clone3("tail", (void *)page, sizes[i]);
	}
	munmap(page + 4096, 4096);
	memset(page, 0, 4096);
	try_clone3("straddles", (void *)(page + 4096 - 40), 64);
	memcpy(page + 4096 - 88, &args, 88);
	try_clone3("hole after", (void *)(page + 4096 - 88), 96);
	try_clone3("kernel", (void *)-4096l, 88);
	try_clone3("wraps", (void *)-8l, 88);
}

ABI_TEST(clone, stacks)
{
	static char stack[65536] __attribute__((aligned(16)));
	uint64_t pairs[][2] = {{0, 16},         {(uint64_t)stack, 0}, {1ul << 63, 4096},
			       {-4096ul, 8192}, {-16ul, 16},          {8, ~0ul},
			       {1ul << 47, 16}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct args args = {
			.exit_signal = SIGCHLD, .stack = pairs[i][0], .stack_size = pairs[i][1]};
		try_clone3("stack", &args, 88);
	}
}

ABI_TEST(clone, exit_signals)
{
	uint64_t signals[] = {0, 1, SIGUSR1, 63, 64, 65, 100, 255, 256, 1ul << 32 | SIGCHLD};

	signal(SIGUSR1, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(63, SIG_IGN);
	signal(64, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct args args = {.exit_signal = signals[i]};
		printf("%lx ", (unsigned long)signals[i]);
		try_clone3("signal", &args, 88);
		args.flags = CLONE_PARENT;
		try_clone3("signal and parent", &args, 88);
	}
	for (int i = 0; i < 256; i += 5) {
		pid_t pid = syscall(SYS_clone, i, 0, 0, 0, 0);
		if (pid == 0)
			_exit(0);
		printf("%d %d %d %d\n", i, pid > 0, waitpid(pid, NULL, 0) == pid,
		       waitpid(pid, NULL, __WCLONE) == pid);
	}
}

ABI_TEST(clone, chosen_numbers)
{
	int lists[][3] = {{0}, {-1}, {1}, {1 << 30}, {32768}, {4194304}, {0x80000000}, {12345}};

	for (int drop = 0; drop < 2; drop++) {
		for (size_t i = 0; i < 8; i++) {
			struct args args = {.exit_signal = SIGCHLD,
					    .set_tid = (uint64_t)lists[i],
					    .set_tid_size = 1};
			if (i == 4 || i == 5)
				continue; // depends on pid_max
			try_clone3("number", &args, 88);
		}
		struct args args = {.exit_signal = SIGCHLD, .set_tid = 8, .set_tid_size = 1};
		try_clone3("bad address", &args, 88);
		args.set_tid = (uint64_t)lists[7];
		for (int n = 0; n < 40; n += 3) {
			args.set_tid_size = n;
			if (n != 1)
				try_clone3("count", &args, 88);
		}
		args.set_tid = 0;
		args.set_tid_size = 1;
		try_clone3("no list", &args, 88);
		if (!drop)
			R(setresuid(1000, 1000, 1000));
	}
}

ABI_TEST(clone, flags_of_clone3)
{
	uint64_t flags[] = {CLONE_DETACHED,
			    CSIGNAL,
			    1,
			    0x40,
			    1ul << 63,
			    1ul << 40,
			    CLONE_SIGHAND | CLONE_VM | 0x100000000ul,
			    CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
			    CLONE_PARENT};
	int fd = -1, tid = -1;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		struct args args = {.flags = flags[i], .exit_signal = SIGCHLD};
		try_clone3("flags", &args, 88);
	}
	struct args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
			    .exit_signal = SIGCHLD,
			    .pidfd = (uint64_t)&fd,
			    .parent_tid = (uint64_t)&fd};
	try_clone3("same place", &args, 88);
	args.parent_tid = (uint64_t)&tid;
	try_clone3("two places", &args, 88);
	printf("fd %d tid %d\n", fd >= 0, tid > 0);
	args.parent_tid = 8;
	try_clone3("bad parent tid", &args, 88);
	args.pidfd = 8;
	try_clone3("bad pidfd", &args, 88);
	R(fcntl(fd + 2, F_GETFD));
	args = (struct args){.flags = 0x200000000ul, .cgroup = 99, .exit_signal = SIGCHLD};
	try_clone3("short for a cgroup", &args, 80);
	args.cgroup = 1ul << 32;
	try_clone3("cgroup too high", &args, 88);
}

static int own_program = -1; // /proc/self/exe is gone when the leader has ended

static void *exec_self(void *late)
{
	char *argv[] = {"x", "clone/after_exec", NULL};

	if (late)
		usleep(100000);
	if (own_program < 0)
		execv("/proc/self/exe", argv);
	syscall(SYS_execveat, own_program, "", argv, argv + 2, AT_EMPTY_PATH);
	return NULL;
}

static void *sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return NULL;
}

ABI_TEST(clone, after_exec)
{
	printf("leader %d\n", gettid() == getpid());
	R(unshare(CLONE_THREAD)); // EINVAL if another thread were left
}

ABI_TEST(clone, exec_of_another_thread)
{
	pthread_t threads[6];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, sleep_for_ever, NULL);
	pthread_create(&threads[4], NULL, exec_self, NULL);
	pause();
}

ABI_TEST(clone, exec_after_the_leader_ended)
{
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_for_ever, NULL);
	own_program = open("/proc/self/exe", O_RDONLY);
	pthread_create(&thread, NULL, exec_self, "late");
	syscall(SYS_exit, 0);
}

ABI_TEST(clone, execs_at_once)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, exec_self, NULL);
	exec_self(NULL);
}

static void *fork_and_end(void *signal_wanted)
{
	if (fork() == 0) {
		sigset_t set;
		int sig = 0;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		write((long)signal_wanted, "r", 1);
		sigwait(&set, &sig);
		printf("got %d parent kept %d\n", sig, getppid() != 1);
		fflush(stdout);
		_exit(3);
	}
	usleep(100000);
	return NULL;
}

ABI_TEST(clone, pdeathsig_of_a_thread)
{
	pthread_t thread;
	int pipes[2];
	char byte;

	pipe(pipes);
	pthread_create(&thread, NULL, fork_and_end, (void *)(long)pipes[1]);
	R(read(pipes[0], &byte, 1));
	pthread_join(thread, NULL);
	int status;
	R(wait(&status) > 0);
	printf("%d\n", WEXITSTATUS(status));
	R(prctl(PR_SET_PDEATHSIG, 65));
	R(prctl(PR_SET_PDEATHSIG, -1));
	R(prctl(PR_GET_PDEATHSIG, 8));
}

ABI_TEST(clone, subreaper)
{
	int pipes[2];
	char byte;

	pipe(pipes);
	pid_t first = fork();
	if (first == 0) { // the future subreaper; its grandchild exists already
		pid_t me = getpid();
		int inner[2];
		pipe(inner);
		pid_t middle = fork();
		if (middle == 0) {
			if (fork() == 0) {
				read(inner[0], &byte, 1);
				while (getppid() == middle)
					usleep(1000);
				usleep(50000);
				printf("adopted by the subreaper %d\n", getppid() == me);
				fflush(stdout);
				_exit(7);
			}
			usleep(20000);
			_exit(0);
		}
		R(prctl(PR_SET_CHILD_SUBREAPER, 1));
		write(inner[1], "g", 1);
		abi_reap(middle);
		int status = 0;
		R(wait(&status) > 0);
		printf("%d\n", WEXITSTATUS(status));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(first);
}

ABI_TEST(clone, waitid_stores)
{
	unsigned char info[128];
	int filled = 0;

	memset(info, 0x55, sizeof(info));
	R(waitid(P_ALL, 0, (void *)info, WEXITED));
	for (int i = 0; i < 128; i++)
		filled += info[i] == 0x55;
	printf("untouched %d first %d\n", filled, info[0]);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(50000);
		_exit(0);
	}
	memset(info, 0x55, sizeof(info));
	R(waitid(P_PID, pid, (void *)info, WEXITED | WNOHANG));
	for (int i = filled = 0; i < 128; i++)
		filled += info[i] == 0x55;
	printf("untouched %d first %d\n", filled, info[0]);
	R(waitid(P_PID, pid, (void *)info, WEXITED | WNOHANG | 0x100));
	R(waitid(P_PID, pid, BAD, WEXITED | WNOWAIT));
	R(syscall(SYS_waitid, P_PID, pid, info, WEXITED | WNOWAIT, BAD));
	int fd = syscall(SYS_pidfd_open, pid, O_NONBLOCK);
	R(waitid(P_PIDFD, fd, (void *)info, WEXITED));
	pid = fork();
	if (pid == 0) {
		usleep(100000);
		_exit(0);
	}
	fd = syscall(SYS_pidfd_open, pid, O_NONBLOCK);
	R(waitid(P_PIDFD, fd, (void *)info, WEXITED));
	R(waitid(P_PIDFD, fd, (void *)info, WEXITED | WNOHANG));
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	R(poll(&wanted, 1, 5000));
	printf("%x\n", wanted.revents);
	abi_reap(pid);
	R(poll(&wanted, 1, 5000));
	printf("%x\n", wanted.revents);
	R(syscall(SYS_waitid, P_PIDFD, 0, info, WEXITED, 0));
	R(syscall(SYS_waitid, P_PIDFD, -1, info, WEXITED, 0));
}

ABI_TEST(clone, personality_over_exec)
{
	if (getenv("AGAIN")) {
		printf("%x\n", personality(0xffffffff));
		return;
	}
	R(personality(ADDR_NO_RANDOMIZE));
	setenv("AGAIN", "1", 1);
	char *argv[] = {"x", "clone/personality_over_exec", NULL};
	execv("/proc/self/exe", argv);
}

ABI_TEST(clone, signal_of_a_stranger)
{
	sigset_t set;

	// The parent execs: it did not ask for SIGUSR1 and gets SIGCHLD.
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (getenv("AGAIN")) {
		siginfo_t info;
		R(sigwaitinfo(&set, &info));
		R(waitpid(-1, NULL, __WALL) > 0);
		return;
	}
	pid_t pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (pid == 0) {
		usleep(200000);
		_exit(0);
	}
	setenv("AGAIN", "1", 1);
	char *argv[] = {"x", "clone/signal_of_a_stranger", NULL};
	execv("/proc/self/exe", argv);
}
