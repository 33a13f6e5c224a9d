// wait4 and waitid: what they wait for, what they leave, and what they say.

#include "abi.h"
#include <sched.h>
#include <sys/resource.h>

static long wait_for(int type, int id, siginfo_t *info, int options, struct rusage *usage)
{
	return syscall(SYS_waitid, type, id, info, options, usage);
}

static pid_t exiting(int code)
{
	pid_t pid = fork();

	if (!pid)
		_exit(code);
	return pid;
}

static pid_t sleeping(void)
{
	pid_t pid = fork();

	for (; !pid;)
		pause();
	return pid;
}

static void show(const siginfo_t *info, pid_t pid)
{
	printf("  signo %d errno %d code %d status %d uid %d pid %s\n", info->si_signo,
	       info->si_errno, info->si_code, info->si_status, info->si_uid,
	       info->si_pid == pid ? "right"
	       : info->si_pid      ? "wrong"
				   : "0");
}

ABI_TEST(wait, bad_arguments)
{
	siginfo_t info = {};
	int status;

	R(wait4(-1, &status, 0, NULL));
	R(wait4(-1, &status, WNOHANG, NULL));
	R(wait4(999999, &status, 0, NULL));
	R(wait4(-999999, &status, 0, NULL));
	R(wait4(0x80000000, &status, 0, NULL));
	R(wait4(-1, &status, WEXITED, NULL));
	R(wait4(-1, &status, WNOWAIT, NULL));
	R(wait4(-1, &status, 0x10, NULL));
	R(wait_for(P_ALL, 0, &info, 0, NULL));
	R(wait_for(P_ALL, 0, &info, WNOHANG, NULL));
	R(wait_for(P_ALL, 0, &info, WEXITED | 0x10, NULL));
	R(wait_for(P_ALL, 0, &info, WEXITED, NULL));
	R(wait_for(P_ALL, -5, &info, WEXITED, NULL));
	R(wait_for(P_PID, 0, &info, WEXITED, NULL));
	R(wait_for(P_PID, -1, &info, WEXITED, NULL));
	R(wait_for(P_PID, 999999, &info, WEXITED, NULL));
	R(wait_for(P_PGID, -1, &info, WEXITED, NULL));
	R(wait_for(P_PGID, 0, &info, WEXITED, NULL));
	R(wait_for(P_PGID, 999999, &info, WEXITED, NULL));
	R(wait_for(P_PIDFD, -1, &info, WEXITED, NULL));
	R(wait_for(P_PIDFD, 1, &info, WEXITED, NULL));
	R(wait_for(4, 1, &info, WEXITED, NULL));
	R(wait_for(P_ALL, 0, NULL, WEXITED | WNOHANG, NULL));
}

ABI_TEST(wait, left_and_taken)
{
	pid_t pid = exiting(7);
	siginfo_t info = {};
	int status = 0;

	for (int i = 0; i < 3; i++) {
		R(wait_for(P_PID, pid, &info, WEXITED | WNOWAIT, NULL));
		show(&info, pid);
	}
	R(wait_for(P_ALL, 0, &info, WSTOPPED | WNOHANG, NULL));
	R(wait_for(P_ALL, 0, &info, WCONTINUED | WNOHANG, NULL));
	R(wait4(pid, &status, 0, NULL) == pid);
	printf("%x\n", status);
	R(wait_for(P_PID, pid, &info, WEXITED | WNOWAIT, NULL));
}

ABI_TEST(wait, stopped_and_continued)
{
	pid_t pid = sleeping();
	siginfo_t info = {};
	int status;

	memset(&info, 0x55, sizeof(info));
	R(wait_for(P_PID, pid, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG, NULL));
	show(&info, pid);
	kill(pid, SIGSTOP);
	R(wait_for(P_PID, pid, &info, WSTOPPED | WNOWAIT, NULL));
	show(&info, pid);
	R(wait_for(P_PID, pid, &info, WEXITED | WNOHANG, NULL));
	show(&info, pid);
	R(wait_for(P_PID, pid, &info, WSTOPPED, NULL));
	show(&info, pid);
	R(wait_for(P_PID, pid, &info, WSTOPPED | WNOHANG, NULL));
	show(&info, pid);
	kill(pid, SIGCONT);
	R(wait_for(P_PID, pid, &info, WCONTINUED | WNOWAIT, NULL));
	show(&info, pid);
	R(wait4(pid, &status, WUNTRACED | WCONTINUED, NULL) == pid);
	printf("%x\n", status);
	R(wait4(pid, &status, WUNTRACED | WCONTINUED | WNOHANG, NULL));
	kill(pid, SIGTSTP);
	R(wait4(pid, &status, WUNTRACED, NULL) == pid);
	printf("%x\n", status);
	R(wait4(pid, &status, WNOHANG, NULL));
	kill(pid, SIGKILL);
	R(wait_for(P_PID, pid, &info, WEXITED | WSTOPPED | WCONTINUED, NULL));
	show(&info, pid);
}

ABI_TEST(wait, killed)
{
	const int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGSEGV, SIGRTMIN};

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = sleeping();
		siginfo_t info = {};
		int status;

		kill(pid, signals[i]);
		R(wait_for(P_PID, pid, &info, WEXITED | WNOWAIT, NULL));
		show(&info, pid);
		wait4(pid, &status, 0, NULL);
		printf("%x\n", status);
	}
}

static int clone_child(void *unused)
{
	return 3;
}

// Children that end with another signal, or none, are "clone" children.
ABI_TEST(wait, clone_children)
{
	static const int kinds[] = {0, SIGCHLD, SIGUSR1};
	static char stack[16384] __attribute__((aligned(16)));
	siginfo_t info;

	signal(SIGUSR1, SIG_IGN);
	for (int i = 0; i < 3; i++) {
		pid_t pid = clone(clone_child, stack + sizeof(stack), kinds[i], NULL);
		int status = 0;

		printf("exit signal %d\n", kinds[i]);
		wait_for(P_PID, pid, &info, WEXITED | WNOWAIT | __WALL, NULL);
		R(wait4(pid, &status, WNOHANG, NULL) == pid);
		pid = clone(clone_child, stack + sizeof(stack), kinds[i], NULL);
		wait_for(P_PID, pid, &info, WEXITED | WNOWAIT | __WALL, NULL);
		R(wait4(pid, &status, WNOHANG | __WCLONE, NULL) == pid);
		R(wait4(pid, &status, WNOHANG | __WALL, NULL) == pid);
		while (wait4(-1, &status, __WALL | WNOHANG, NULL) > 0)
			;
	}
}

ABI_TEST(wait, groups)
{
	pid_t own = exiting(1), other = fork();
	int status;

	if (!other) {
		setpgid(0, 0);
		_exit(2);
	}
	setpgid(other, other);
	siginfo_t info;
	R(wait_for(P_PGID, other, &info, WEXITED, NULL));
	show(&info, other);
	R(wait_for(P_PGID, other, &info, WEXITED, NULL));
	R(wait4(0, &status, 0, NULL) == own);
	R(wait4(0, &status, 0, NULL));
	other = exiting(3);
	R(wait4(-getpgrp(), &status, 0, NULL) == other);
}

// SIGCHLD ignored, or SA_NOCLDWAIT: children are not waited for.
ABI_TEST(wait, nobody_waits)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	int status;

	signal(SIGCHLD, SIG_IGN);
	exiting(1);
	R(wait4(-1, &status, 0, NULL));
	sigaction(SIGCHLD, &action, NULL);
	exiting(1);
	R(wait4(-1, &status, 0, NULL));
	signal(SIGCHLD, SIG_DFL);
	pid_t pid = exiting(1);
	siginfo_t info;
	wait_for(P_PID, pid, &info, WEXITED | WNOWAIT, NULL);
	signal(SIGCHLD, SIG_IGN); // too late for this one
	R(wait4(pid, &status, WNOHANG, NULL) == pid);
}

ABI_TEST(wait, usage)
{
	struct rusage usage, all;
	siginfo_t info;
	pid_t pid = fork();

	if (!pid) {
		for (volatile int i = 0; i < 20000000; i++)
			;
		_exit(0);
	}
	memset(&usage, 0x55, sizeof(usage));
	R(wait_for(P_PID, pid, &info, WEXITED | WNOWAIT, &usage));
	printf("time %d, faults %d, size %d\n", usage.ru_utime.tv_sec + usage.ru_utime.tv_usec > 0,
	       usage.ru_minflt > 0, usage.ru_maxrss > 0);
	getrusage(RUSAGE_CHILDREN, &all);
	printf("children's before: %d\n", all.ru_utime.tv_sec + all.ru_utime.tv_usec > 0);
	R(wait4(pid, NULL, 0, &usage) == pid);
	getrusage(RUSAGE_CHILDREN, &all);
	printf("children's after: %d\n", all.ru_utime.tv_sec == usage.ru_utime.tv_sec &&
						 all.ru_utime.tv_usec == usage.ru_utime.tv_usec);
	memset(&usage, 0x55, sizeof(usage));
	R(wait4(-1, NULL, WNOHANG, &usage));
	printf("untouched: %d\n", usage.ru_maxrss == 0x5555555555555555);
	pid = sleeping();
	R(wait4(-1, NULL, WNOHANG, &usage));
	printf("untouched: %d\n", usage.ru_maxrss == 0x5555555555555555);
	kill(pid, SIGKILL);
	abi_reap(pid);
}
