// Descriptors of processes and threads: opening, polling, signalling, and taking descriptors out.

#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define OF_THREAD        O_EXCL
#define SELF_THREAD      (-10000)
#define SELF             (-10001)
#define TO_THREAD        1
#define TO_THREAD_GROUP  2
#define TO_PROCESS_GROUP 4

static int open_pid(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static long send_to(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static long take(int fd, int number, unsigned flags)
{
	return syscall(SYS_pidfd_getfd, fd, number, flags);
}

static void show_poll(int fd, const char *when)
{
	struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT | POLLHUP};
	int ready = poll(&one, 1, 0);

	printf("%s: %d, %x\n", when, ready, one.revents);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	for (; !pid;)
		pause();
	return pid;
}

ABI_TEST(pidfd, opening)
{
	pid_t pid = sleeper();
	int fd;

	R(open_pid(0, 0));
	R(open_pid(-1, 0));
	R(open_pid(999999, 0));
	R(open_pid(pid, 1));
	OK(open_pid(getpid(), 0));
	fd = OK(open_pid(pid, 0));
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL) & O_NONBLOCK);
	fd = OK(open_pid(pid, O_NONBLOCK));
	R(!!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	R(waitid(P_PIDFD, fd, NULL, WEXITED));
	R(read(fd, &pid, 1));
	R(write(fd, &pid, 1));
	R(lseek(fd, 0, SEEK_CUR));
	kill(pid, SIGKILL);
	abi_reap(pid);
	R(open_pid(pid, 0));
}

ABI_TEST(pidfd, polling)
{
	pid_t pid = sleeper();
	int fd = open_pid(pid, 0);
	siginfo_t info;

	show_poll(fd, "alive");
	kill(pid, SIGSTOP);
	waitid(P_PID, pid, &info, WSTOPPED);
	show_poll(fd, "stopped");
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	show_poll(fd, "dead");
	int again = OK(open_pid(pid, 0));
	show_poll(again, "opened when dead");
	R(send_to(fd, 0, NULL, 0));
	R(waitid(P_PIDFD, fd, &info, WEXITED));
	show_poll(fd, "reaped");
	R(send_to(fd, 0, NULL, 0));
	R(take(fd, 0, 0));
	R(waitid(P_PIDFD, fd, &info, WEXITED));
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

ABI_TEST(pidfd, threads)
{
	pthread_t thread;

	pipe(gate);
	pthread_create(&thread, NULL, thread_main, NULL);
	while (!tid)
		sched_yield();
	R(open_pid(tid, 0));
	int fd = OK(open_pid(tid, OF_THREAD));
	int leader = OK(open_pid(getpid(), OF_THREAD));
	R(!!(fcntl(fd, F_GETFL) & O_EXCL));
	show_poll(fd, "thread alive");
	show_poll(leader, "leader");
	R(send_to(fd, 0, NULL, 0));
	R(send_to(fd, 0, NULL, TO_THREAD));
	R(send_to(fd, 0, NULL, TO_THREAD_GROUP));
	R(send_to(fd, 0, NULL, TO_PROCESS_GROUP));
	R(waitid(P_PIDFD, fd, NULL, WEXITED | WNOHANG));
	OK(take(fd, 1, 0));
	write(gate[1], "x", 1);
	pthread_join(thread, NULL);
	// The join does not wait for the kernel's last word.
	while (!syscall(SYS_tgkill, getpid(), tid, 0))
		sched_yield();
	show_poll(fd, "thread gone");
	R(send_to(fd, 0, NULL, 0));
	R(open_pid(tid, OF_THREAD));
}

ABI_TEST(pidfd, signals)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	pid_t pid = sleeper();
	int fd = open_pid(pid, 0), own = open_pid(getpid(), 0);

	signal(SIGUSR1, SIG_IGN);
	R(send_to(fd, 0, NULL, 8));
	R(send_to(fd, 0, NULL, 3));
	R(send_to(fd, 65, NULL, 0));
	R(send_to(fd, -1, NULL, 0));
	R(send_to(-1, 0, NULL, 0));
	R(send_to(0, 0, NULL, 0));
	R(send_to(fd, SIGUSR2, &info, 0));
	R(send_to(fd, 0, BAD, 0));
	info.si_code = SI_USER;
	R(send_to(fd, SIGUSR1, &info, 0));
	R(send_to(own, SIGUSR1, &info, 0));
	info.si_code = SI_TKILL;
	R(send_to(fd, SIGUSR1, &info, 0));
	R(send_to(own, SIGUSR1, &info, 0));
	R(send_to(own, 0, NULL, TO_PROCESS_GROUP));
	R(send_to(fd, 0, NULL, TO_PROCESS_GROUP));
	fflush(stdout);
	pid_t other = fork();
	if (!other) {
		setresuid(1000, 1000, 1000);
		R(send_to(fd, 0, NULL, 0));
		R(send_to(fd, SIGCONT, NULL, 0));
		R(take(fd, 1, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(other);
	info.si_code = SI_QUEUE;
	R(send_to(fd, SIGUSR1, &info, 0));
	R(send_to(fd, SIGKILL, NULL, 0));
	abi_reap(pid);
	R(send_to(fd, SIGKILL, NULL, 0));
}

ABI_TEST(pidfd, self)
{
	siginfo_t info;

	signal(SIGUSR1, SIG_IGN);
	R(send_to(SELF, SIGUSR1, NULL, 0));
	R(send_to(SELF_THREAD, SIGUSR1, NULL, 0));
	R(send_to(SELF, 0, NULL, TO_THREAD));
	R(send_to(SELF_THREAD, 0, NULL, TO_PROCESS_GROUP));
	R(send_to(-10003, 0, NULL, 0));
	R(send_to(-9999, 0, NULL, 0));
	OK(take(SELF, 1, 0));
	OK(take(SELF_THREAD, 1, 0));
	R(waitid(P_PIDFD, SELF, &info, WEXITED));
	R(open_pid(SELF, 0));
}

ABI_TEST(pidfd, descriptors)
{
	int file = memfd_create("x", MFD_CLOEXEC), pid_ends[2];
	pid_t pid;

	dup2(file, 50);
	pipe(pid_ends);
	pid = sleeper();
	int fd = open_pid(pid, 0);
	int taken = OK(take(fd, 50, 0));
	R(fcntl(taken, F_GETFD));
	R(write(taken, "hello", 5));
	R(lseek(50, 0, SEEK_CUR)); // the same open file
	R(take(fd, 49, 0));
	R(take(fd, -1, 0));
	R(take(fd, 50, 1));
	R(take(-1, 50, 0));
	R(take(50, 50, 0));
	OK(take(open_pid(getpid(), 0), 50, 0));
	kill(pid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	R(take(fd, 50, 0));
	abi_reap(pid);
	R(take(fd, 50, 0));
}

// Files of every kind that are no process, some of them without an inode behind them.
ABI_TEST(pidfd, files_that_are_none)
{
	sigset_t none;
	int ends[2];

	sigemptyset(&none);
	OK(pipe(ends));
	R(send_to(ends[0], 0, NULL, 0));
	R(send_to(eventfd(0, 0), 0, NULL, 0));
	R(send_to(epoll_create1(0), 0, NULL, 0));
	R(send_to(timerfd_create(CLOCK_MONOTONIC, 0), 0, NULL, 0));
	R(send_to(signalfd(-1, &none, 0), 0, NULL, 0));
	R(send_to(memfd_create("x", 0), 0, NULL, 0));
	R(send_to(open("/", O_RDONLY), 0, NULL, 0));
	R(send_to(open("/", O_PATH), 0, NULL, 0));
	R(send_to(open("/proc", O_RDONLY), 0, NULL, 0));
	R(send_to(open("/proc/self/stat", O_RDONLY), 0, NULL, 0));
	R(send_to(open("/proc/self/ns/uts", O_RDONLY), 0, NULL, 0));
}
