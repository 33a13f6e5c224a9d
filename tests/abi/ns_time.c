// Time namespaces: who is in one, how its clocks are set, and every place where an absolute time of
// a clock is told or taken.

#include "abi.h"
#include <linux/futex.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static long seconds(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) ? -1 : t.tv_sec;
}

static long seconds_by_call(clockid_t clock)
{
	struct timespec t;

	return syscall(SYS_clock_gettime, clock, &t) ? -1 : t.tv_sec;
}

// In tens of thousands of seconds: the machine has run for less than one.
static void show_clocks(const char *who)
{
	printf("%s: monotonic %ld %ld raw %ld coarse %ld boottime %ld %ld\n", who,
	       seconds(CLOCK_MONOTONIC) / 10000, seconds_by_call(CLOCK_MONOTONIC) / 10000,
	       seconds(CLOCK_MONOTONIC_RAW) / 10000, seconds(CLOCK_MONOTONIC_COARSE) / 10000,
	       seconds(CLOCK_BOOTTIME) / 10000, seconds_by_call(CLOCK_BOOTTIME) / 10000);
}

static void show_file(const char *path)
{
	char text[512];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	printf("%s:\n%s", path, text);
	close(fd);
}

static long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return -1;
	long n = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return n;
}

#define OFFSETS "/proc/self/timens_offsets"

static int same_link(const char *a, const char *b)
{
	char x[64] = "", y[64] = "";

	readlink(a, x, 63);
	readlink(b, y, 63);
	return !strcmp(x, y);
}

static void done(void)
{
	fflush(stdout);
	_exit(0);
}

ABI_TEST(ns_time, offsets_file)
{
	show_file(OFFSETS);
	R(put(OFFSETS, "monotonic 10 0\n")); // the first namespace has its tasks
	R(unshare(CLONE_NEWTIME));
	show_file(OFFSETS);
	R(put(OFFSETS, "monotonic 86400 5\nboottime -1 0\n"));
	R(put(OFFSETS, "monotonic 86400 5\nboottime 99 500000000\n"));
	show_file(OFFSETS);
	R(put(OFFSETS, "1 20000 0\n"));
	R(put(OFFSETS, "7 30000 7"));
	show_file(OFFSETS);
	R(put(OFFSETS, "realtime 1 0\n"));
	R(put(OFFSETS, "0 1 0\n"));
	R(put(OFFSETS, "monotonic 1\n"));
	R(put(OFFSETS, "monotonic 1 1000000000\n"));
	R(put(OFFSETS, "monotonic 1 -1\n"));
	R(put(OFFSETS, "monotonic x 1\n"));
	R(put(OFFSETS, "\n"));
	R(put(OFFSETS, "monotonic 1 0\nboottime 2 0\nmonotonic 3 0\n"));
	show_file(OFFSETS);
	R(put(OFFSETS, "monotonic 1 0 and more\n"));
	R(put(OFFSETS, "  boottime\t5   6\n"));
	show_file(OFFSETS);
	R(put(OFFSETS, "monotonic 4611686018 0\n"));
	R(put(OFFSETS, "monotonic 4611680000 0\n"));
	R(put(OFFSETS, "monotonic 9223372036 0\n"));
	R(put(OFFSETS, "monotonic 9223372037 0\n"));
	R(put(OFFSETS, "monotonic -9223372037 0\n"));
	R(put(OFFSETS, "monotonic -100000 0\n"));
	R(put(OFFSETS, "monotonic 1 0\nboottime -100000 0\n"));
	show_file(OFFSETS);
	int fd = open(OFFSETS, O_WRONLY);
	R(lseek(fd, 1, SEEK_SET));
	R(write(fd, "boottime 1 0\n", 13));
	R(lseek(fd, 0, SEEK_SET));
	R(setresuid(1000, 1000, 1000));
	R(prctl(PR_SET_DUMPABLE, 1));
	R(put(OFFSETS, "monotonic 1 0\n"));
	R(write(fd, "monotonic 7 0\n", 14)); // opened with the capability
	close(fd);
}

ABI_TEST(ns_time, children_only)
{
	R(unshare(CLONE_NEWTIME));
	R(put(OFFSETS, "monotonic 100000 0\nboottime 200000 0\n"));
	printf("same %d\n", same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
	show_clocks("parent");
	int pid = fork();
	if (pid == 0) {
		show_clocks("child");
		printf("same %d\n",
		       same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
		show_file(OFFSETS);
		R(put(OFFSETS, "monotonic 1 0\n"));
		pid = fork();
		if (pid == 0) {
			show_clocks("grandchild");
			done();
		}
		abi_reap(pid);
		R(unshare(CLONE_NEWTIME)); // begins with the offsets of the old one
		show_file(OFFSETS);
		R(put(OFFSETS, "boottime 300000 0\n"));
		pid = fork();
		if (pid == 0) {
			show_clocks("nested");
			done();
		}
		abi_reap(pid);
		show_clocks("child still");
		done();
	}
	abi_reap(pid);
	show_clocks("parent still");
	R(put(OFFSETS, "monotonic 1 0\n")); // somebody has entered
}

static void on_thread(void (*fn)(void))
{
	pthread_t thread;

	pthread_create(&thread, NULL, (void *(*)(void *))fn, NULL);
	pthread_join(thread, NULL);
}

static void in_thread(void)
{
	show_clocks("thread");
}

ABI_TEST(ns_time, exec_enters)
{
	if (getenv("ENTERED")) {
		show_clocks(getenv("ENTERED"));
		printf("same %d\n",
		       same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
		return;
	}
	char *const argv[] = {"/proc/self/exe", "ns_time/exec_enters", NULL};
	char *const vfork_env[] = {"ENTERED=vforked", NULL}, *const env[] = {"ENTERED=itself",
									     NULL};
	R(unshare(CLONE_NEWTIME));
	R(put(OFFSETS, "monotonic 100000 0\n"));
	on_thread(in_thread);
	fflush(stdout);
	int pid = vfork();
	if (pid == 0) {
		show_clocks("before exec");
		fflush(stdout);
		execve("/proc/self/exe", argv, vfork_env);
		_exit(1);
	}
	abi_reap(pid);
	fflush(stdout);
	execve("/proc/self/exe", argv, env);
	printf("no exec\n");
}

static long clone3_time(unsigned long flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};

	return syscall(SYS_clone3, &args, sizeof(args));
}

ABI_TEST(ns_time, by_clone3)
{
	int pid = clone3_time(CLONE_NEWTIME);
	if (pid == 0) {
		printf("same %d\n",
		       same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
		R(put(OFFSETS, "monotonic 1 0\n")); // we are in it
		done();
	}
	abi_reap(pid);
	fflush(stdout);
	pid = clone3_time(CLONE_NEWTIME | CLONE_VM | CLONE_VFORK);
	if (pid == 0)
		_exit(same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
	abi_reap(pid);
	printf("ours is the same %d\n",
	       same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
	R(clone3_time(CLONE_NEWTIME | 0x40));
	R(setresuid(1000, 1000, 1000));
	R(clone3_time(CLONE_NEWTIME));
	R(unshare(CLONE_NEWTIME));
}

// --- All that takes or tells an absolute time ---

static struct timespec soon(clockid_t clock, long ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static long passed_ms(struct timespec since)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec - since.tv_sec) * 1000 + (t.tv_nsec - since.tv_nsec) / 1000000;
}

// Whether it took at least 60 ms, and less than 10 s.
static void show_wait(const char *what, long result, struct timespec since)
{
	long ms = passed_ms(since);

	printf("%s: %ld, %s\n", what, result,
	       ms < 60      ? "at once"
	       : ms < 10000 ? "waited"
			    : "too long");
}

static void sleep_until(clockid_t clock)
{
	struct timespec start = soon(CLOCK_MONOTONIC, 0), until = soon(clock, 60), past = {1, 0};

	show_wait("sleep", clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL), start);
	start = soon(CLOCK_MONOTONIC, 0);
	show_wait("sleep in the past", clock_nanosleep(clock, TIMER_ABSTIME, &past, NULL), start);
}

static void timerfd_until(clockid_t clock)
{
	struct itimerspec value = {.it_value = soon(clock, 60)}, left;
	struct timespec start = soon(CLOCK_MONOTONIC, 0);
	int fd = timerfd_create(clock, 0);
	unsigned long ticks = 0;

	R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL));
	timerfd_gettime(fd, &left);
	printf("left %d\n", left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0);
	show_wait("timerfd", read(fd, &ticks, 8), start);
	value = (struct itimerspec){.it_value = {1, 0}};
	start = soon(CLOCK_MONOTONIC, 0);
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL));
	show_wait("timerfd in the past", read(fd, &ticks, 8), start);
	close(fd);
}

static void timer_until(clockid_t clock)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec value = {.it_value = soon(clock, 60)};
	struct timespec start = soon(CLOCK_MONOTONIC, 0);
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	R(timer_create(clock, &event, &timer));
	R(timer_settime(timer, TIMER_ABSTIME, &value, NULL));
	show_wait("timer", sigwaitinfo(&set, NULL) == SIGUSR1, start);
	value = (struct itimerspec){.it_value = {1, 0}};
	start = soon(CLOCK_MONOTONIC, 0);
	R(timer_settime(timer, TIMER_ABSTIME, &value, NULL));
	show_wait("timer in the past", sigwaitinfo(&set, NULL) == SIGUSR1, start);
	timer_delete(timer);
}

static void futex_until(void)
{
	struct timespec start = soon(CLOCK_MONOTONIC, 0), until = soon(CLOCK_MONOTONIC, 60);
	int word = 0;
	long result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, ~0);

	show_wait(strerrorname_np(errno), result, start);
	start = soon(CLOCK_MONOTONIC, 0);
	until.tv_sec = 1;
	result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, ~0);
	show_wait(strerrorname_np(errno), result, start);
	struct futex_waitv waiter = {.uaddr = (unsigned long)&word, .flags = FUTEX_32};
	start = soon(CLOCK_MONOTONIC, 0);
	until = soon(CLOCK_MONOTONIC, 60);
	result = syscall(449, &waiter, 1, 0, &until, CLOCK_MONOTONIC); // futex_waitv
	show_wait(strerrorname_np(errno), result, start);
}

static void show_proc_times(void)
{
	char text[1024] = "";
	FILE *file = fopen("/proc/uptime", "r");
	double up = 0;
	long btime = 0;
	struct sysinfo info;

	fscanf(file, "%lf", &up);
	fclose(file);
	file = fopen("/proc/stat", "r");
	while (fgets(text, sizeof(text), file))
		sscanf(text, "btime %ld", &btime);
	fclose(file);
	sysinfo(&info);
	printf("uptime %ld sysinfo %ld booted %d\n", (long)up / 10000, info.uptime / 10000,
	       labs(seconds(CLOCK_REALTIME) - btime - seconds(CLOCK_BOOTTIME)) < 3);
	file = fopen("/proc/self/stat", "r");
	fgets(text, sizeof(text), file);
	fclose(file);
	unsigned long started = 0;
	sscanf(strrchr(text, ')') + 1,
	       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lu",
	       &started);
	printf("started %ld\n", started / 100 / 10000);
}

static void all_clocks(void)
{
	sleep_until(CLOCK_MONOTONIC);
	sleep_until(CLOCK_BOOTTIME);
	timerfd_until(CLOCK_MONOTONIC);
	timerfd_until(CLOCK_BOOTTIME);
	timer_until(CLOCK_MONOTONIC);
	timer_until(CLOCK_BOOTTIME);
	futex_until();
	show_proc_times();
}

static void inside(const char *offsets, void (*fn)(void))
{
	int pid = fork();

	if (pid == 0) {
		R(unshare(CLONE_NEWTIME));
		R(put(OFFSETS, offsets));
		pid = fork();
		if (pid == 0) {
			fn();
			done();
		}
		abi_reap(pid);
		done();
	}
	abi_reap(pid);
}

ABI_TEST(ns_time, absolute_ahead)
{
	inside("monotonic 1000000 500000000\nboottime 2000000 7\n", all_clocks);
}

static void behind(void)
{
	all_clocks();
	show_proc_times();
}

ABI_TEST(ns_time, absolute_behind)
{
	struct timespec t = {0, 20000000};

	nanosleep(&t, NULL);
	inside("monotonic -1 990000000\nboottime -1 990000000\n", behind);
}

// --- setns, files, limits ---

static int pipe_of[2];

// A child in a time namespace of its own, which waits to be killed.
static int child_inside(void)
{
	char byte;

	pipe(pipe_of);
	int pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWTIME);
		put(OFFSETS, "monotonic 100000 0\nboottime 200000 0\n");
		pid = fork();
		if (pid == 0) {
			write(pipe_of[1], &(int){getpid()}, sizeof(int));
			pause();
		}
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	int inner = 0;
	read(pipe_of[0], &inner, sizeof(inner));
	(void)byte;
	return inner;
}

static int open_of(int pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, what);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int held_fd;

static void setns_on_thread(void)
{
	R(setns(held_fd, CLONE_NEWTIME));
}

ABI_TEST(ns_time, entering)
{
	int own = open_of(getpid(), "time"), inner = child_inside();
	held_fd = open_of(inner, "time");

	R(ioctl(held_fd, NS_GET_NSTYPE));
	R(ioctl(held_fd, NS_GET_PARENT));
	OK(ioctl(held_fd, NS_GET_USERNS));
	R(ioctl(held_fd, NS_GET_OWNER_UID, &(int){0}));
	on_thread(setns_on_thread);
	R(setns(held_fd, CLONE_NEWUTS));
	show_clocks("before");
	R(setns(held_fd, CLONE_NEWTIME));
	show_clocks("after");
	printf("both %d\n", same_link("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
	R(setns(own, 0));
	show_clocks("back");
	int pidfd = syscall(SYS_pidfd_open, inner, 0);
	R(setns(pidfd, CLONE_NEWTIME | CLONE_NEWUTS | CLONE_NEWIPC));
	show_clocks("by pidfd");
	R(setns(own, 0));
	// All or nothing: entering the own user namespace is refused.
	R(setns(pidfd, CLONE_NEWTIME | CLONE_NEWUSER));
	show_clocks("refused");
	int pid = fork();
	if (pid == 0) {
		R(setresuid(1000, 1000, 1000));
		R(setns(held_fd, CLONE_NEWTIME));
		done();
	}
	abi_reap(pid);
	kill(inner, SIGKILL);
	R(setns(held_fd, 0)); // the descriptor keeps it
	show_clocks("after its end");
	wait(NULL);
}

ABI_TEST(ns_time, user_namespace)
{
	int pid = fork();

	if (pid == 0) {
		R(setresgid(1000, 1000, 1000));
		R(setresuid(1000, 1000, 1000));
		R(unshare(CLONE_NEWTIME));
		R(unshare(CLONE_NEWTIME | CLONE_NEWUSER));
		R(prctl(PR_SET_DUMPABLE, 1));
		R(put(OFFSETS, "monotonic 100000 0\n"));
		pid = fork();
		if (pid == 0) {
			show_clocks("inside");
			R(setns(open_of(1, "time"), 0));
			done();
		}
		abi_reap(pid);
		done();
	}
	abi_reap(pid);
}

ABI_TEST(ns_time, limit)
{
	int pid = fork();

	if (pid == 0) {
		R(unshare(CLONE_NEWUSER));
		R(put("/proc/sys/user/max_time_namespaces", "1\n"));
		R(unshare(CLONE_NEWTIME));
		R(clone3_time(CLONE_NEWTIME));
		R(unshare(CLONE_NEWTIME));
		done();
	}
	abi_reap(pid);
}

// The descriptor of a clock's page is the program's: what its children read is another.
ABI_TEST(ns_time, fork_after_touch)
{
	for (int i = 0; i < 20; i++) {
		char text[64];
		int pid = fork();

		if (pid == 0) {
			unshare(CLONE_NEWTIME);
			snprintf(text, sizeof(text), "monotonic %d 0\n", (i + 1) * 10000);
			put(OFFSETS, text);
			pid = fork();
			if (pid == 0)
				_exit(seconds(CLOCK_MONOTONIC) / 10000 == i + 1 &&
				      seconds_by_call(CLOCK_MONOTONIC) / 10000 == i + 1);
			int status;
			waitpid(pid, &status, 0);
			_exit(WEXITSTATUS(status) == 1 && seconds(CLOCK_MONOTONIC) < 10000);
		}
		abi_reap(pid);
	}
}
