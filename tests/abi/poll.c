// poll(2), select(2) and eventfd(2): masks of each kind of file, time-outs, sets of descriptors.

#include "abi.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>

#define ALL \
	(POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND | POLLRDHUP)

static void show(const char *what, int fd)
{
	struct pollfd one = {.fd = fd, .events = ALL};
	int n = poll(&one, 1, 0);

	printf("%s: %d %x\n", what, n, (unsigned short)one.revents);
}

ABI_TEST(poll, kinds)
{
	int ends[2], fd;

	pipe(ends);
	show("empty pipe, reader", ends[0]);
	show("empty pipe, writer", ends[1]);
	write(ends[1], "x", 1);
	show("pipe, reader", ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	char text[4096] = "";
	while (write(ends[1], text, sizeof(text)) > 0)
		;
	show("full pipe, writer", ends[1]);
	close(ends[0]);
	show("pipe without reader", ends[1]);
	pipe(ends);
	close(ends[1]);
	show("pipe without writer", ends[0]);
	show("/dev/null", open("/dev/null", O_RDWR));
	show("/dev/zero", open("/dev/zero", O_RDWR));
	show("/dev/urandom", open("/dev/urandom", O_RDWR));
	show("file", open("f", O_CREAT | O_RDWR, 0644));
	show("directory", open(".", O_RDONLY));
	show("closed", 999);
	show("O_PATH", open(".", O_PATH));
	show("memfd", memfd_create("m", 0));
	fd = eventfd(0, 0);
	show("eventfd 0", fd);
	write(fd, &(uint64_t){1}, 8);
	show("eventfd 1", fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	read(fd, text, 8);
	write(fd, &(uint64_t){-2ull}, 8);
	show("full eventfd", fd);
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	show("timerfd", fd);
	timerfd_settime(fd, 0, &(struct itimerspec){.it_value = {0, 1000}}, NULL);
	usleep(5000);
	show("timerfd that fired", fd);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(100000);
		_exit(0);
	}
	fd = syscall(SYS_pidfd_open, pid, 0);
	show("pidfd", fd);
	struct pollfd one = {.fd = fd, .events = POLLIN};
	R(poll(&one, 1, 5000));
	printf("%x\n", one.revents);
	waitpid(pid, NULL, 0);
	show("pidfd of one that is gone", fd);
	show("maps", open("/proc/self/maps", O_RDONLY));
}

ABI_TEST(poll, arguments)
{
	struct pollfd fds[3] = {{.fd = -1, .events = POLLIN}, {.fd = 999}, {.fd = -7}};
	struct timespec bad = {0, 1000000000}, zero = {0, 0}, some = {0, 30000000};
	struct rlimit limit = {2, 2};
	sigset_t mask;

	fds[0].revents = fds[2].revents = 0x55;
	R(poll(fds, 3, 0));
	printf("%x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents);
	R(poll(NULL, 0, 10));
	R(poll(BAD, 1, 0));
	R(syscall(SYS_ppoll, fds, 1, &bad, NULL, 0));
	R(syscall(SYS_ppoll, fds, 1, &zero, &mask, 4));
	R(syscall(SYS_ppoll, fds, 1, &zero, BAD, 8));
	R(syscall(SYS_ppoll, fds, 1, BAD, NULL, 0));
	R(syscall(SYS_ppoll, fds, 1, &some, NULL, 0));
	printf("left %ld %ld\n", (long)some.tv_sec, some.tv_nsec);
	setrlimit(RLIMIT_NOFILE, &limit);
	R(poll(fds, 3, 0));
	R(poll(fds, 2, 0));
}

static void on_signal(int sig)
{
	(void)sig;
}

ABI_TEST(poll, signals)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct timespec time = {5, 0};
	sigset_t block, none;
	int ends[2];

	pipe(ends);
	sigaction(SIGALRM, &act, NULL);
	struct pollfd one = {.fd = ends[0], .events = POLLIN};
	alarm(1);
	R(poll(&one, 1, 5000));
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGALRM);
	R(ppoll(&one, 1, &time, &none));
	R(sigprocmask(SIG_BLOCK, NULL, &none));
	printf("blocked %d\n", sigismember(&none, SIGALRM));
	R(ppoll(&one, 1, &(struct timespec){0, 1000}, &block));
	raise(SIGALRM);
	sigemptyset(&none);
	write(ends[1], "x", 1);
	R(ppoll(&one, 1, &time, &none));
	sigset_t pending;
	sigpending(&pending);
	printf("pending %d\n", sigismember(&pending, SIGALRM));
	fd_set in;
	FD_ZERO(&in);
	R(pselect(0, NULL, NULL, NULL, &time, &none));
	printf("in time %d\n", time.tv_sec >= 4);
}

ABI_TEST(select, sets)
{
	fd_set in, out, ex;
	struct timeval zero = {0, 0};
	int ends[2];

	pipe(ends);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&ex);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	FD_SET(ends[0], &ex);
	R(select(ends[1] + 1, &in, &out, &ex, &zero));
	printf("%d %d %d\n", FD_ISSET(ends[0], &in), FD_ISSET(ends[1], &out),
	       FD_ISSET(ends[0], &ex));
	write(ends[1], "x", 1);
	FD_SET(ends[0], &in);
	FD_SET(ends[0], &out);
	R(select(ends[1] + 1, &in, &out, NULL, NULL));
	printf("%d %d\n", FD_ISSET(ends[0], &in), FD_ISSET(ends[1], &out));
	FD_SET(50, &in);
	R(select(51, &in, NULL, NULL, &zero));
	R(select(50, &in, NULL, NULL, &zero));
	FD_ZERO(&in);
	R(select(-1, &in, NULL, NULL, &zero));
	R(select(100000, NULL, NULL, NULL, &zero));
	R(select(1024, &in, NULL, NULL, &zero));
	R(select(10, BAD, NULL, NULL, &zero));
	struct timespec time = {0, 20000000};
	R(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL));
	printf("left %ld %ld\n", (long)time.tv_sec, time.tv_nsec);
	R(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &(struct timespec){-1, 0}, NULL));
	R(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, BAD));
}

ABI_TEST(select, high)
{
	struct rlimit limit = {4000, 4000};
	unsigned long in[64] = {0};
	struct timespec zero = {0, 0};
	int ends[2];

	R(setrlimit(RLIMIT_NOFILE, &limit));
	pipe(ends);
	write(ends[1], "x", 1);
	R(dup2(ends[0], 3000));
	in[3000 / 64] |= 1ul << 3000 % 64;
	R(syscall(SYS_pselect6, 3001, in, NULL, NULL, &zero, NULL));
	printf("%lx\n", in[3000 / 64]);
}

ABI_TEST(eventfd, values)
{
	uint64_t value;
	int fd;

	R(eventfd(1, 0x10));
	fd = R(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	R(fcntl(fd, F_GETFD));
	printf("%o\n", fcntl(fd, F_GETFL) & O_NONBLOCK);
	R(read(fd, &value, 4));
	R(read(fd, &value, 8));
	printf("%lu\n", value);
	R(read(fd, &value, 8));
	R(write(fd, &(uint64_t){-1ull}, 8));
	R(write(fd, &(uint64_t){5}, 7));
	R(write(fd, &(uint64_t){5}, 16));
	R(write(fd, &(uint64_t){-2ull}, 8));
	R(read(fd, &value, 16));
	printf("%lu\n", value);
	R(write(fd, &(uint64_t){0}, 8));
	R(read(fd, &value, 8));
	R(write(fd, BAD, 8));
	R(lseek(fd, 0, SEEK_SET));
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	R(read(fd, &value, 8));
	printf("%lu\n", value);
	R(read(fd, &value, 8));
	R(read(fd, &value, 8));
	fd = eventfd(0, 0);
	if (fork() == 0) {
		usleep(20000);
		write(fd, &(uint64_t){7}, 8);
		_exit(0);
	}
	R(read(fd, &value, 8));
	printf("%lu\n", value);
	wait(NULL);
}
