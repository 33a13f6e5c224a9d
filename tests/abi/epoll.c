// epoll(7): what is refused, the ways of being told, sets of sets, and threads that share a set.

#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

static int add(int set, int fd, unsigned events)
{
	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &(struct epoll_event){events, {.u64 = fd}});
}

static int change(int set, int fd, unsigned events)
{
	return epoll_ctl(set, EPOLL_CTL_MOD, fd, &(struct epoll_event){events, {.u64 = fd}});
}

static void show(int set, const char *what)
{
	struct epoll_event got[8];
	int n = epoll_wait(set, got, 8, 0);

	printf("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		printf(" %x", got[i].events);
	printf("\n");
}

static void put(int fd)
{
	write(fd, &(uint64_t){1}, 8);
}

static void take(int fd)
{
	uint64_t value;

	read(fd, &value, 8);
}

ABI_TEST(epoll, refused)
{
	int set = epoll_create1(0), other = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, 0);
	int file = open("f", O_CREAT | O_RDWR, 0644);
	struct epoll_event got;

	R(fcntl(other, F_GETFD));
	R(epoll_create1(1));
	R(epoll_create(0));
	R(add(set, set, EPOLLIN));
	R(add(set, file, EPOLLIN));
	R(add(set, open(".", O_RDONLY), EPOLLIN));
	R(add(set, 999, EPOLLIN));
	R(add(999, event, EPOLLIN));
	R(add(event, set, EPOLLIN));
	R(add(set, event, EPOLLIN));
	R(add(set, event, EPOLLIN));
	R(change(set, other, EPOLLIN));
	R(epoll_ctl(set, EPOLL_CTL_DEL, other, NULL));
	R(epoll_ctl(set, 9, event, &got));
	R(epoll_ctl(set, EPOLL_CTL_MOD, event, BAD));
	R(epoll_ctl(set, EPOLL_CTL_DEL, event, NULL));
	R(add(set, event, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
	R(add(set, other, EPOLLIN | EPOLLEXCLUSIVE));
	R(change(set, event, EPOLLIN | EPOLLEXCLUSIVE));
	R(add(set, event, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP));
	R(change(set, event, EPOLLIN));
	R(epoll_wait(set, &got, 0, 0));
	R(epoll_wait(set, &got, -1, 0));
	R(epoll_wait(event, &got, 1, 0));
	R(epoll_wait(999, &got, 1, 0));
	R(epoll_wait(set, BAD, 1, 0));
	put(event);
	R(epoll_wait(set, BAD, 1, 0));
	R(epoll_wait(set, &got, 1, 0));
	R(syscall(SYS_epoll_pwait2, set, &got, 1, &(struct timespec){0, 1000000000}, NULL, 8));
	R(syscall(SYS_epoll_pwait2, set, &got, 1, &(struct timespec){0, 0}, NULL, 8));
	R(syscall(SYS_epoll_pwait2, set, &got, 1, BAD, NULL, 8));
	R(syscall(SYS_epoll_pwait2, set, &got, 1, NULL, &got, 4));
}

ABI_TEST(epoll, modes)
{
	int set = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK), ends[2];

	R(add(set, event, EPOLLIN));
	show(set, "nothing");
	put(event);
	show(set, "level");
	show(set, "level");
	take(event);
	show(set, "taken");
	R(change(set, event, EPOLLIN | EPOLLET));
	put(event);
	show(set, "edge");
	show(set, "edge");
	put(event);
	show(set, "edge again");
	R(change(set, event, EPOLLIN | EPOLLET));
	show(set, "edge changed");
	R(change(set, event, EPOLLIN | EPOLLONESHOT));
	show(set, "once");
	put(event);
	show(set, "once");
	R(change(set, event, EPOLLIN | EPOLLOUT | EPOLLONESHOT));
	show(set, "once again");
	R(change(set, event, 0));
	show(set, "none");
	R(change(set, event, EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | EPOLLPRI));
	show(set, "all");
	pipe(ends);
	R(add(set, ends[0], 0));
	close(ends[1]);
	R(epoll_ctl(set, EPOLL_CTL_DEL, event, NULL));
	show(set, "hang-up");
	R(change(set, ends[0], EPOLLIN | EPOLLRDHUP));
	show(set, "hang-up");
	int twin = dup(ends[0]);
	close(ends[0]);
	show(set, "closed, but there is a twin");
	R(epoll_ctl(set, EPOLL_CTL_DEL, ends[0], NULL));
	close(twin);
	show(set, "closed");
}

ABI_TEST(epoll, order)
{
	int set = epoll_create1(0), events[4];
	struct epoll_event got[2];

	for (int i = 0; i < 4; i++) {
		events[i] = eventfd(0, 0);
		add(set, events[i], EPOLLIN);
	}
	for (int i = 3; i >= 0; i--)
		put(events[i]);
	for (int round = 0; round < 4; round++) {
		int n = epoll_wait(set, got, 2, 0);

		for (int i = 0; i < n; i++)
			printf("%d ", (int)got[i].data.u64 - events[0]);
		printf("\n");
	}
}

ABI_TEST(epoll, nested)
{
	int sets[8], event = eventfd(0, 0);

	for (int i = 0; i < 8; i++)
		sets[i] = epoll_create1(0);
	for (int i = 0; i < 7; i++)
		R(add(sets[i], sets[i + 1], EPOLLIN));
	R(add(sets[4], sets[0], EPOLLIN));
	R(add(sets[4], event, EPOLLIN));
	show(sets[0], "outer");
	put(event);
	show(sets[4], "inner");
	show(sets[3], "between");
	show(sets[0], "outer");
	struct pollfd one = {.fd = sets[0], .events = POLLIN | POLLOUT};
	R(poll(&one, 1, 0));
	printf("%x\n", one.revents);
	take(event);
	R(poll(&one, 1, 0));
	for (int i = 0; i < 8; i++)
		close(sets[i]);
	for (int i = 0; i < 8; i++)
		sets[i] = epoll_create1(0);
	for (int i = 7; i > 0; i--)
		R(add(sets[i - 1], sets[i], EPOLLIN));
	R(add(sets[7], sets[3], EPOLLIN));
}

static int shared_set;
static int answers;

static void *waiter(void *unused)
{
	struct epoll_event got;

	(void)unused;
	if (epoll_wait(shared_set, &got, 1, 300) == 1)
		__atomic_fetch_add(&answers, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void wake_threads(const char *what, unsigned flags)
{
	int event = eventfd(0, 0);
	pthread_t threads[4];

	shared_set = epoll_create1(0);
	answers = 0;
	add(shared_set, event, EPOLLIN | flags);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, waiter, NULL);
	usleep(50000);
	put(event);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("%s: %d\n", what, answers);
}

ABI_TEST(epoll, threads)
{
	wake_threads("level", 0);
	wake_threads("edge", EPOLLET);
	wake_threads("once", EPOLLONESHOT);
}

ABI_TEST(epoll, exclusive)
{
	int event = eventfd(0, 0), sets[3];
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		sets[i] = epoll_create1(0);
		add(sets[i], event, EPOLLIN | EPOLLEXCLUSIVE);
	}
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct epoll_event got;
			_exit(epoll_wait(sets[i], &got, 1, 400));
		}
	}
	usleep(100000);
	put(event);
	int woken = 0;
	for (int i = 0; i < 3; i++) {
		int status;
		waitpid(pids[i], &status, 0);
		woken += WEXITSTATUS(status);
	}
	printf("some %d, all %d\n", woken > 0, woken == 3);
}

static void on_signal(int sig)
{
	(void)sig;
}

ABI_TEST(epoll, signals)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int set = epoll_create1(0);
	struct epoll_event got;
	sigset_t block, none;

	sigaction(SIGALRM, &act, NULL);
	alarm(1);
	R(epoll_wait(set, &got, 1, 5000));
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGALRM);
	R(epoll_pwait(set, &got, 1, 5000, &none));
	R(sigprocmask(SIG_BLOCK, NULL, &none));
	printf("%d\n", sigismember(&none, SIGALRM));
	R(epoll_wait(set, &got, 1, 20));
}
