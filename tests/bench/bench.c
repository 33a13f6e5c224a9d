// Benchmarks: one static program, the same on Cloven and on Linux, that runs as init.
//
// Under QEMU's -icount shift=0,sleep=off a nanosecond of guest time is one instruction. The clock
// ticks at 10 MHz, so a tick is 100 instructions: each operation is repeated until some 200,000 have
// passed. What cannot run (a call that the kernel lacks) says so, and the rest go on.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KIB       1024ul
#define MIB       (1024 * KIB)
#define ENOUGH_NS 200000

extern char **environ;
static const char *self = "/init";
static int zero_fd, pipes[4], event_fds[2];
static size_t resident;

static unsigned long now(void)
{
	unsigned long ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks * 100;
}

// Each benchmark makes its call once and gives 0, or -1 with errno.
static long null_call(void)
{
	return syscall(SYS_getppid) < 0 ? -1 : 0;
}

static long read_zero(void)
{
	char byte;

	return read(zero_fd, &byte, 1) == 1 ? 0 : -1;
}

static long write_null(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_WRONLY);
	return write(fd, "x", 1) == 1 ? 0 : -1;
}

static long stat_file(void)
{
	struct stat st;

	return stat("/init", &st);
}

static long open_close(void)
{
	int fd = open("/init", O_RDONLY);

	return fd < 0 ? -1 : close(fd);
}

static long create_unlink(void)
{
	int fd = open("/tmp/bench", O_CREAT | O_RDWR, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return -1;
	close(fd);
	return unlink("/tmp/bench");
}

static long map_unmap(void)
{
	void *p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 64 * KIB);
}

static long map_touch_unmap(void)
{
	char *p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	p[0] = 1;
	return munmap(p, 64 * KIB);
}

static long protect_pair(void)
{
	static char *p;

	if (!p) {
		p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		p[4096] = 1;
	}
	return mprotect(p + 4096, 4096, PROT_READ) |
	       mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE);
}

static long reap(pid_t pid)
{
	int status;

	return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : 0;
}

static long fork_exit_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static long vfork_exit_wait(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static long exec_wait(int with_fork)
{
	char *const argv[] = {(char *)self, "exit", NULL};
	pid_t pid = with_fork ? fork() : vfork();

	if (pid == 0) {
		execve(self, argv, environ);
		_exit(1);
	}
	return reap(pid);
}

static long fork_exec_wait(void)
{
	return exec_wait(1);
}

static long vfork_exec_wait(void)
{
	return exec_wait(0);
}

static long spawn_wait(void)
{
	char *const argv[] = {(char *)self, "exit", NULL};
	pid_t pid;

	errno = posix_spawn(&pid, self, NULL, NULL, argv, environ);
	return errno ? -1 : reap(pid);
}

static void *thread_main(void *unused)
{
	return unused;
}

static long thread_create_join(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, thread_main, NULL);
	return errno ? -1 : pthread_join(thread, NULL);
}

static void no_handler(int signal)
{
	(void)signal;
}

static long sigaction_call(void)
{
	return sigaction(SIGUSR2, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static long sigaction_raw(void)
{
	struct {
		void *handler;
		unsigned long flags, mask;
	} action = {.handler = SIG_IGN};

	return syscall(SYS_rt_sigaction, SIGUSR2, &action, NULL, 8);
}

static long kill_self(void)
{
	return kill(getpid(), SIGUSR1);
}

static long clock_read(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t);
}

static long pipe_pong(void)
{
	char byte = 0;

	return write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1 ? 0 : -1;
}

static long event_pong(void)
{
	unsigned long value = 1;

	return write(event_fds[0], &value, 8) == 8 && read(event_fds[1], &value, 8) == 8 ? 0 : -1;
}

static int turn;

static void futex_hand_over(int to, int from)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != from)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, to, NULL, NULL, 0);
}

static void *futex_partner(void *unused)
{
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 1)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	for (;;)
		futex_hand_over(0, 1);
	return unused;
}

static long futex_pong(void)
{
	futex_hand_over(1, 0);
	return 0;
}

static long unshare_flag(int flag)
{
	return unshare(flag);
}

static void report(const char *name, long value)
{
	printf("BENCH %s %ld\n", name, value);
	fflush(stdout);
}

static void missing(const char *name)
{
	printf("BENCH %s missing %s\n", name,
	       strerrorname_np(errno) ? strerrorname_np(errno) : "?");
	fflush(stdout);
}

static int wanted(const char *name)
{
	const char *only = getenv("only");

	return !only || strncmp(name, only, strlen(only)) == 0;
}

// What a profile is to be of lies between these two; scripts/profile finds them by name.
__attribute__((noinline)) static void profile_begin(void)
{
	__asm__ volatile("# not the same code as below, or the compiler makes them one");
}

__attribute__((noinline)) static void profile_end(void)
{
	__asm__ volatile("");
}

// Repeats a call until enough time has passed and reports what one costs.
static void measure(const char *name, long (*call)(void))
{
	unsigned long start, end;
	long count = 0;

	if (!wanted(name))
		return;
	for (int warm = 0; warm < 8; warm++) {
		errno = 0;
		if (call() < 0) {
			missing(name);
			return;
		}
	}
	profile_begin();
	start = now();
	do {
		for (int i = 0; i < 16; i++)
			call();
		count += 16;
		end = now();
	} while (end - start < ENOUGH_NS * 10);
	profile_end();
	report(name, (end - start) / count);
}

// unshare in a child each time: a namespace nests, and the cost should be of the first one.
static void measure_unshare(const char *name, int flag)
{
	unsigned long *cost = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);
	long total = 0;

	if (!wanted(name))
		return;
	for (int i = 0; i < 24; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			unsigned long start = now();
			long error = unshare_flag(flag);
			cost[0] = now() - start;
			cost[1] = error ? errno : 0;
			_exit(0);
		}
		if (reap(pid) || cost[1]) {
			errno = cost[1];
			missing(name);
			return;
		}
		if (i >= 8)
			total += cost[0];
	}
	report(name, total / 16);
}

static char *touched(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return p;
}

static void measure_faults(void)
{
	size_t size = 2 * MIB;

	if (!wanted("fault"))
		return;
	touched(size);
	unsigned long start = now();
	char *p = touched(size);
	if (!p)
		return;
	report("fault_first_touch", (now() - start) / (size / 4096));
	pid_t pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < 16; i++)
			p[i * 4096] = 2;
		start = now();
		for (size_t i = 16; i < size / 4096; i++)
			p[i * 4096] = 2;
		report("fault_cow", (now() - start) / (size / 4096 - 16));
		_exit(0);
	}
	reap(pid);
	munmap(p, size);
}

// fork() alone, and fork+exit+wait, with so many MiB touched.
static void measure_fork_of(size_t mib)
{
	char name[64];
	unsigned long call = 0, whole = 0;
	char *p;

	snprintf(name, sizeof(name), "fork_call_%zuM", mib);
	if (!wanted("fork_call"))
		return;
	p = touched(mib * MIB);
	if (!p) {
		missing(name);
		return;
	}
	for (int i = 0; i < 6; i++) {
		unsigned long start = now();
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		unsigned long middle = now();
		if (reap(pid)) {
			missing(name);
			return;
		}
		if (i >= 2) {
			call += middle - start;
			whole += now() - start;
		}
	}
	report(name, call / 4);
	snprintf(name, sizeof(name), "fork_exit_wait_%zuM", mib);
	report(name, whole / 4);
	munmap(p, mib * MIB);
}

static void start_partners(void)
{
	pthread_t thread;

	pipe(pipes);
	pipe(pipes + 2);
	event_fds[0] = eventfd(0, 0);
	event_fds[1] = eventfd(0, 0);
	if (fork() == 0) {
		char byte;
		while (read(pipes[0], &byte, 1) == 1)
			write(pipes[3], &byte, 1);
		_exit(0);
	}
	measure("pipe_ping_pong", pipe_pong);
	if (event_fds[0] >= 0 && event_fds[1] >= 0) {
		if (fork() == 0) {
			unsigned long value;
			while (read(event_fds[0], &value, 8) == 8)
				write(event_fds[1], &value, 8);
			_exit(0);
		}
		measure("eventfd_ping_pong", event_pong);
	} else {
		missing("eventfd_ping_pong");
	}
	if (pthread_create(&thread, NULL, futex_partner, NULL) == 0)
		measure("futex_ping_pong", futex_pong);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 0;
	unsigned long boot = now();
	mkdir("/tmp", 0777);
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	report("boot_to_init_time", boot);
	zero_fd = open("/dev/zero", O_RDONLY);
	// What Linux still does after the start of init is not to be counted.
	usleep(1500000);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = no_handler}, NULL);
	measure("null_call", null_call);
	measure("read_zero", read_zero);
	measure("write_null", write_null);
	measure("stat", stat_file);
	measure("open_close", open_close);
	measure("create_write_unlink", create_unlink);
	measure("mmap_munmap", map_unmap);
	measure("mmap_touch_munmap", map_touch_unmap);
	measure("mprotect_pair", protect_pair);
	measure_faults();
	measure("sigaction", sigaction_call);
	measure("sigaction_raw", sigaction_raw);
	measure("kill_handler_return", kill_self);
	measure("clock_gettime", clock_read);
	measure("fork_exit_wait", fork_exit_wait);
	measure("vfork_exit_wait", vfork_exit_wait);
	measure("fork_exec_exit_wait", fork_exec_wait);
	measure("vfork_exec_exit_wait", vfork_exec_wait);
	measure("posix_spawn_wait", spawn_wait);
	measure("thread_create_join", thread_create_join);
	start_partners();
	measure_unshare("unshare_uts", CLONE_NEWUTS);
	measure_unshare("unshare_ipc", CLONE_NEWIPC);
	measure_unshare("unshare_ns", CLONE_NEWNS);
	measure_unshare("unshare_pid", CLONE_NEWPID);
	measure_unshare("unshare_user", CLONE_NEWUSER);
	resident = sysconf(_SC_PHYS_PAGES) * 4096ul;
	for (size_t mib = 1; mib <= 4096 && mib * MIB < resident / 10 * 9; mib *= 4)
		measure_fork_of(mib);
	printf("BENCH end 0\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
