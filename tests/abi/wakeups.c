// No wake-up may be lost: many that write and many that wait, over a pair of terminals, epoll in each
// of its ways, and poll. A wait that lasts too long is a lost wake-up, and is counted.

#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <termios.h>

#define THREADS 4
#define LATE_MS 3000

static int late;

static void note_late(void)
{
	__atomic_fetch_add(&late, 1, __ATOMIC_SEQ_CST);
}

// --- epoll ---

#define EVENTS 8
#define ROUNDS 1000

static int set, events[EVENTS];
static unsigned flags;
static long sum;

static void *adds(void *which)
{
	unsigned seed = (long)which;

	for (int i = 0; i < ROUNDS; i++) {
		seed = seed * 1103515245 + 12345;
		write(events[seed >> 16 & (EVENTS - 1)], &(uint64_t){1}, 8);
	}
	return NULL;
}

static void *takes(void *unused)
{
	struct epoll_event got;
	uint64_t value;

	(void)unused;
	while (__atomic_load_n(&sum, __ATOMIC_SEQ_CST) < THREADS * ROUNDS) {
		int n = epoll_wait(set, &got, 1, LATE_MS);

		if (n == 0 && __atomic_load_n(&sum, __ATOMIC_SEQ_CST) < THREADS * ROUNDS)
			note_late();
		if (n <= 0)
			break;
		if ((int)got.data.u64 == -1)
			break; // the end
		while (read(got.data.u64, &value, 8) == 8)
			__atomic_fetch_add(&sum, value, __ATOMIC_SEQ_CST);
		if (flags & EPOLLONESHOT) {
			struct epoll_event again = {EPOLLIN | flags, {.u64 = got.data.u64}};
			epoll_ctl(set, EPOLL_CTL_MOD, got.data.u64, &again);
		}
	}
	return NULL;
}

static void run(const char *what, unsigned with)
{
	pthread_t writers[THREADS], waiters[THREADS];
	int end = eventfd(0, EFD_NONBLOCK);

	set = epoll_create1(0);
	flags = with;
	sum = late = 0;
	for (int i = 0; i < EVENTS; i++) {
		events[i] = eventfd(0, EFD_NONBLOCK);
		struct epoll_event event = {EPOLLIN | with, {.u64 = events[i]}};
		epoll_ctl(set, EPOLL_CTL_ADD, events[i], &event);
	}
	struct epoll_event last = {EPOLLIN, {.u64 = -1}};
	epoll_ctl(set, EPOLL_CTL_ADD, end, &last);
	for (long i = 0; i < THREADS; i++) {
		pthread_create(&waiters[i], NULL, takes, NULL);
		pthread_create(&writers[i], NULL, adds, (void *)(i + 1));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(writers[i], NULL);
	for (int ms = 0; ms < 5000 && __atomic_load_n(&sum, __ATOMIC_SEQ_CST) < THREADS * ROUNDS;
	     ms++)
		usleep(1000);
	write(end, &(uint64_t){1}, 8);
	for (int i = 0; i < THREADS; i++)
		pthread_join(waiters[i], NULL);
	printf("%s: %ld, late %d\n", what, sum, late);
	for (int i = 0; i < EVENTS; i++)
		close(events[i]);
	close(end);
	close(set);
}

ABI_TEST(wakeups, epoll_level)
{
	run("level", 0);
}

ABI_TEST(wakeups, epoll_edge)
{
	run("edge", EPOLLET);
}

ABI_TEST(wakeups, epoll_once)
{
	run("once", EPOLLONESHOT);
	run("once, edge", EPOLLONESHOT | EPOLLET);
}

// --- poll: a token goes round ---

static int pipes[THREADS][2];

static void *passes(void *which)
{
	int i = (long)which;
	char c;

	for (int round = 0; round < 500; round++) {
		struct pollfd one = {.fd = pipes[i][0], .events = POLLIN};

		if (poll(&one, 1, LATE_MS) != 1) {
			note_late();
			break;
		}
		read(pipes[i][0], &c, 1);
		write(pipes[(i + 1) % THREADS][1], &c, 1);
	}
	return NULL;
}

ABI_TEST(wakeups, poll_ring)
{
	pthread_t threads[THREADS];

	late = 0;
	for (int i = 0; i < THREADS; i++)
		pipe(pipes[i]);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, passes, (void *)i);
	write(pipes[0][1], "t", 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("late %d\n", late);
}

// --- A pair of terminals ---

static int master, slave;

static void open_pair(void)
{
	struct termios t;
	char name[32];
	int number = 0, off = 0;

	mkdir("/dev/pts", 0755);
	if (access("/dev/pts/ptmx", F_OK)) // the first test mounts it for all
		mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666");
	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	tcgetattr(slave, &t);
	t.c_oflag &= ~OPOST;
	t.c_lflag &= ~ECHO;
	tcsetattr(slave, TCSANOW, &t);
}

#define LINES 500

static void *types_lines(void *which)
{
	char line[32];

	for (int i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "%ld %d\n", (long)which, i);
		write(slave, line, n);
	}
	return NULL;
}

ABI_TEST(wakeups, pty_output)
{
	pthread_t writers[THREADS];
	int next[THREADS] = {0}, wrong = 0, lines = 0;
	struct pollfd one;
	char line[64], c;
	size_t n = 0;

	open_pair();
	late = 0;
	for (long i = 0; i < THREADS; i++)
		pthread_create(&writers[i], NULL, types_lines, (void *)i);
	while (lines < THREADS * LINES) {
		one = (struct pollfd){.fd = master, .events = POLLIN};
		if (poll(&one, 1, LATE_MS) != 1) {
			note_late();
			break;
		}
		char piece[200];
		ssize_t got = read(master, piece, sizeof(piece));
		for (ssize_t i = 0; i < got; i++) {
			c = line[n++ % 63] = piece[i];
			if (c != '\n')
				continue;
			long who;
			int number;
			line[n < 63 ? n : 63] = 0;
			if (sscanf(line, "%ld %d", &who, &number) != 2 || who >= THREADS ||
			    next[who]++ != number)
				wrong++;
			n = 0;
			lines++;
		}
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(writers[i], NULL);
	printf("lines %d, wrong %d, late %d\n", lines, wrong, late);
}

static int lines_read;

static void *reads_lines(void *unused)
{
	char line[256];
	ssize_t n;

	(void)unused;
	while ((n = read(slave, line, sizeof(line))) > 0) {
		if (line[n - 1] != '\n' || strncmp(line, "line ", 5))
			note_late(); // not a line
		if (!strncmp(line, "line end", 8))
			break;
		__atomic_fetch_add(&lines_read, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *writes_lines(void *unused)
{
	(void)unused;
	for (int i = 0; i < LINES; i++)
		write(master, "line of some length\n", 20);
	return NULL;
}

ABI_TEST(wakeups, pty_input)
{
	pthread_t readers[THREADS], writers[THREADS];

	open_pair();
	late = lines_read = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&readers[i], NULL, reads_lines, NULL);
		pthread_create(&writers[i], NULL, writes_lines, NULL);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(writers[i], NULL);
	for (int i = 0; i < THREADS; i++)
		write(master, "line end\n", 9);
	for (int i = 0; i < THREADS; i++)
		pthread_join(readers[i], NULL);
	printf("lines %d, wrong %d\n", lines_read, late);
}
