// signalfd4(2), and how signals are queued and described.

#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

static int open_fd(unsigned long mask, int flags)
{
	return syscall(SYS_signalfd4, -1, &mask, 8, flags);
}

static unsigned long block(int a, int b)
{
	unsigned long mask = 1ul << (a - 1) | 1ul << (b - 1);

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
	return mask;
}

static void show(int fd)
{
	struct signalfd_siginfo info;
	long got = R(read(fd, &info, sizeof(info)));

	if (got == sizeof(info))
		printf("signo %d code %d pid %d uid %d int %d status %d\n", info.ssi_signo,
		       info.ssi_code, info.ssi_pid == getpid(), info.ssi_uid, info.ssi_int,
		       info.ssi_status);
}

ABI_TEST(signalfd, reading)
{
	unsigned long mask = block(SIGUSR1, 40);
	int fd = open_fd(mask, SFD_NONBLOCK);
	union sigval value = {.sival_int = 5};

	show(fd);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 3; i++) {
		value.sival_int = i;
		sigqueue(getpid(), 40, value);
	}
	syscall(SYS_tgkill, getpid(), getpid(), 40);
	for (int i = 0; i < 6; i++)
		show(fd);
	R(read(fd, &mask, 127));
	R(write(fd, &mask, 8));
	R(syscall(SYS_signalfd4, -1, &mask, 7, 0));
	R(syscall(SYS_signalfd4, -1, BAD, 8, 0));
	R(syscall(SYS_signalfd4, -1, &mask, 8, 1));
	R(syscall(SYS_signalfd4, 99, &mask, 8, 0));
	R(syscall(SYS_signalfd4, 1, &mask, 8, 0));
	mask = 0;
	printf("%d\n", syscall(SYS_signalfd4, fd, &mask, 8, 0) == fd);
	kill(getpid(), SIGUSR1);
	show(fd);
}

ABI_TEST(signalfd, waiting)
{
	unsigned long mask = block(SIGUSR2, SIGCHLD);
	int fd = open_fd(mask, 0);
	struct pollfd poll_for = {fd, POLLIN, 0};
	struct epoll_event event = {.events = EPOLLIN};
	int ep = epoll_create1(0);

	R(poll(&poll_for, 1, 0));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	R(epoll_wait(ep, &event, 1, 0));
	pid_t parent = getpid();
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct timespec t = {0, 20000000};

		nanosleep(&t, NULL);
		kill(parent, SIGUSR2);
		nanosleep(&t, NULL);
		_exit(3);
	}
	R(epoll_wait(ep, &event, 1, 5000));
	R(poll(&poll_for, 1, 0));
	struct signalfd_siginfo info;
	R(read(fd, &info, sizeof(info)));
	printf("%d from child %d\n", info.ssi_signo, info.ssi_pid == pid);
	R(read(fd, &info, sizeof(info)));
	printf("%d code %d status %d\n", info.ssi_signo, info.ssi_code, info.ssi_status);
	abi_reap(pid);
	R(close(fd));
	R(close(ep));
}
