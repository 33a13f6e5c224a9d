// Questions to a process descriptor: who it is, how it ended, which namespaces it is in.

#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define OF_THREAD O_EXCL

enum info_bits {
	INFO_PID = 1 << 0,
	INFO_CREDS = 1 << 1,
	INFO_CGROUP = 1 << 2,
	INFO_EXIT = 1 << 3,
	INFO_COREDUMP = 1 << 4,
	INFO_SUPPORTED = 1 << 5,
	INFO_CORE_SIGNAL = 1 << 6,
	INFO_CORE_CODE = 1 << 7,
};

struct info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
	uint32_t rest[48];
};

static unsigned long get_info(unsigned size)
{
	return _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, size);
}

static int open_pid(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static long ask_size(int fd, struct info *info, uint64_t mask, unsigned size)
{
	memset(info, 0xee, sizeof(*info));
	info->mask = mask;
	return ioctl(fd, get_info(size), info);
}

// Who is told, without numbers that depend on chance.
static void show(const char *what, int fd, uint64_t mask, pid_t pid)
{
	struct info info;

	errno = 0;
	if (ask_size(fd, &info, mask, 96)) {
		printf("%s, %llx: %s\n", what, (long long)mask, strerrorname_np(errno));
		return;
	}
	printf("%s, %llx: mask %llx pid %s tgid %s parent %s ids %u %u %u %u %u %u %u %u", what,
	       (long long)mask, (long long)info.mask,
	       info.pid == pid ? "right"
	       : info.pid      ? "other"
			       : "0",
	       info.tgid == pid ? "right"
	       : info.tgid      ? "other"
				: "0",
	       info.ppid == getpid() ? "us"
	       : info.ppid           ? "other"
				     : "0",
	       info.ruid, info.rgid, info.euid, info.egid, info.suid, info.sgid, info.fsuid,
	       info.fsgid);
	if (info.mask & INFO_EXIT)
		printf(" exit %x", info.exit_code);
	printf(" |");
	for (int i = 0; i < 8; i++)
		printf(" %x", info.rest[i]);
	printf("\n");
}

static pid_t sleeper(void)
{
	fflush(stdout);
	pid_t pid = fork();

	for (; !pid;)
		pause();
	return pid;
}

ABI_TEST(pidfd_info, sizes)
{
	static const unsigned sizes[] = {0, 8, 63, 64, 65, 68, 72, 76, 80, 84, 88, 96, 128, 200};
	pid_t pid = sleeper();
	int fd = open_pid(pid, 0);
	struct info info;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		long result = ask_size(fd, &info, INFO_SUPPORTED | INFO_COREDUMP, sizes[i]);

		printf("%u: %s mask %llx", sizes[i], result ? strerrorname_np(errno) : "works",
		       (long long)info.mask);
		for (int at = 0; at < 36 && !result; at++)
			if (info.rest[at] != 0xeeeeeeee)
				printf(" %d=%x", 64 + 4 * at, info.rest[at]);
		printf("\n");
	}
	R(ioctl(fd, get_info(64), NULL));
	R(ioctl(fd, get_info(64), BAD));
	R(ioctl(fd, _IOC(_IOC_READ, 0xff, 11, 64), &info));
	R(ioctl(fd, _IOC(_IOC_WRITE, 0xff, 11, 64), &info));
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xfe, 11, 64), &info));
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 12, 64), &info));
	R(ioctl(fd, _IO(0xff, 0), 0));
	R(ioctl(fd, _IO(0xff, 11), 0));
	R(ioctl(fd, FIONREAD, &info));
	kill(pid, SIGKILL);
	abi_reap(pid);
}

ABI_TEST(pidfd_info, who)
{
	pid_t pid = sleeper();
	int fd = open_pid(pid, 0), own = open_pid(getpid(), 0);

	for (int bit = 0; bit < 10; bit++)
		show("child", fd, 1ull << bit, pid);
	show("child", fd, 0, pid);
	show("child", fd, 1ull << 63, pid);
	show("self", own, 0, getpid());
	kill(pid, SIGKILL);
	abi_reap(pid);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setresgid(11, 12, 13);
		setresuid(1, 2, 3);
		show("changed", open_pid(getpid(), 0), 0, getpid());
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	pid = sleeper();
	fd = open_pid(pid, 0);
	pid_t other = fork();
	if (!other) {
		setresuid(1000, 1000, 1000);
		show("of another user", fd, INFO_COREDUMP, pid);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(other);
	kill(pid, SIGKILL);
	abi_reap(pid);
}

static void ended(const char *how, void (*end)(void))
{
	siginfo_t info;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		pause();
		_exit(9);
	}
	int fd = open_pid(pid, 0);
	kill(pid, SIGKILL);
	abi_reap(pid);
	(void)end;
	pid = fork();
	if (!pid) {
		end();
		_exit(9);
	}
	close(fd);
	fd = open_pid(pid, 0);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	printf("%s\n", how);
	show("zombie", fd, INFO_EXIT | INFO_COREDUMP, pid);
	waitid(P_PID, pid, &info, WEXITED);
	show("reaped", fd, 0, pid);
	show("reaped", fd, INFO_EXIT, pid);
	show("reaped", fd, INFO_COREDUMP, pid);
	show("reaped", fd, INFO_EXIT | INFO_COREDUMP | INFO_SUPPORTED | INFO_CGROUP, pid);
}

static void by_exit(void)
{
	_exit(7);
}

static void by_signal(void)
{
	raise(SIGTERM);
}

static void by_core(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	abort();
}

static void by_core_not_dumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	raise(SIGSEGV);
}

ABI_TEST(pidfd_info, how_it_ended)
{
	ended("exit", by_exit);
	ended("signal", by_signal);
	ended("core", by_core);
	ended("no core", by_core_not_dumpable);
}

static volatile pid_t tid;
static int gate[2];

static void *thread_main(void *unused)
{
	char byte;

	tid = gettid();
	read(gate[0], &byte, 1);
	return NULL;
}

ABI_TEST(pidfd_info, threads)
{
	pthread_t thread;

	pipe(gate);
	pthread_create(&thread, NULL, thread_main, NULL);
	while (!tid)
		sched_yield();
	int fd = open_pid(tid, OF_THREAD);
	show("thread", fd, INFO_EXIT, getpid());
	write(gate[1], "x", 1);
	pthread_join(thread, NULL);
	while (!syscall(SYS_tgkill, getpid(), tid, 0))
		sched_yield();
	show("thread gone", fd, 0, getpid());
	show("thread gone", fd, INFO_EXIT, getpid());
}

static void show_namespaces(int fd)
{
	for (int nr = 1; nr <= 12; nr++) {
		char path[64];
		int ns;

		if (nr == 4 || nr == 11) // no networks; the question who it is
			continue;
		ns = ioctl(fd, _IO(0xff, nr), 0);
		printf("%d: ", nr);
		if (ns < 0) {
			printf("%s\n", strerrorname_np(errno));
			continue;
		}
		snprintf(path, sizeof(path), "/proc/self/fd/%d", ns);
		char text[64] = "";
		readlink(path, text, sizeof(text) - 1);
		printf("%.*s, %d, type %x\n", (int)strcspn(text, "["), text, fcntl(ns, F_GETFD),
		       ioctl(ns, _IO(0xb7, 3), 0));
		close(ns);
	}
}

ABI_TEST(pidfd_info, namespaces)
{
	pid_t pid = sleeper();
	int fd = open_pid(pid, 0);
	struct stat own, of_child;

	show_namespaces(fd);
	R(ioctl(fd, _IO(0xff, 3), 1));
	int ns = ioctl(fd, _IO(0xff, 10), 0);
	stat("/proc/self/ns/uts", &own);
	fstat(ns, &of_child);
	printf("the same: %d\n", own.st_ino == of_child.st_ino);
	R(setns(ns, CLONE_NEWUTS));
	R(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
	fflush(stdout);
	pid_t other = fork();
	if (!other) {
		setresuid(1000, 1000, 1000);
		puts("of another user");
		show_namespaces(fd);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(other);
	siginfo_t info;
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	puts("zombie");
	show_namespaces(fd);
	abi_reap(pid);
	puts("reaped");
	show_namespaces(fd);
}
