// Futex waits against the clock: one that is set meanwhile, and a stop in the middle; and who is
// woken first.

#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

static int word;
static volatile int order[5], ended;

static long futex(int op, int value, void *timeout, int value3)
{
	return syscall(SYS_futex, &word, op, value, timeout, NULL, value3);
}

// Sets the clock forth (or back) by so many hours, after a while.
static void *shift_clock(void *hours)
{
	struct timespec now;

	usleep(100000);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += (long)hours * 3600;
	if (clock_settime(CLOCK_REALTIME, &now))
		printf("clock_settime: %s\n", strerrorname_np(errno));
	return NULL;
}

static struct timespec in_an_hour(void)
{
	struct timespec then;

	clock_gettime(CLOCK_REALTIME, &then);
	then.tv_sec += 3600;
	return then;
}

ABI_TEST(futex_clock, set)
{
	struct timespec then = in_an_hour();
	pthread_t thread;

	pthread_create(&thread, NULL, shift_clock, (void *)2l);
	R(futex(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &then, -1));
	pthread_join(thread, NULL);
	then = in_an_hour();
	pthread_create(&thread, NULL, shift_clock, (void *)2l);
	R(syscall(SYS_futex_wait, &word, 0, 1, 2 | 128, &then, CLOCK_REALTIME));
	pthread_join(thread, NULL);
	then = in_an_hour();
	struct {
		uint64_t val, uaddr;
		uint32_t flags, reserved;
	} list = {0, (uintptr_t)&word, 2 | 128, 0};
	pthread_create(&thread, NULL, shift_clock, (void *)2l);
	R(syscall(SYS_futex_waitv, &list, 1, 0, &then, CLOCK_REALTIME));
	pthread_join(thread, NULL);
	// Monotonic time does not care.
	struct timespec soon;
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec++;
	pthread_create(&thread, NULL, shift_clock, (void *)-5l);
	R(futex(FUTEX_WAIT_BITSET_PRIVATE, 0, &soon, -1));
	pthread_join(thread, NULL);
}

static long ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

// A stopped process goes on with its wait; what it has waited for already counts.
ABI_TEST(futex_clock, stopped)
{
	struct timespec span = {1, 0}, start;
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		R(futex(FUTEX_WAIT_PRIVATE, 0, &span, 0));
		printf("in time %d\n", ms_since(&start) >= 990 && ms_since(&start) < 1700);
		fflush(stdout);
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		usleep(350000);
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		kill(pid, SIGCONT);
	}
	abi_reap(pid);
}

static void *wait_ranked(void *arg)
{
	long index = (long)arg;
	static const int priorities[] = {0, 10, 30, 20, 0};
	struct sched_param param = {.sched_priority = priorities[index]};

	if (param.sched_priority && sched_setscheduler(0, SCHED_FIFO, &param))
		printf("sched_setscheduler: %s\n", strerrorname_np(errno));
	futex(FUTEX_WAIT_PRIVATE, 0, NULL, 0);
	order[__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST)] = index;
	return NULL;
}

ABI_TEST(futex_clock, ranked)
{
	pthread_t threads[5];

	for (long i = 0; i < 5; i++) {
		pthread_create(&threads[i], NULL, wait_ranked, (void *)i);
		usleep(50000);
	}
	for (int i = 0; i < 5; i++) {
		futex(FUTEX_WAKE_PRIVATE, 1, NULL, 0);
		while (ended <= i)
			usleep(1000);
	}
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	printf("%d %d %d %d %d\n", order[0], order[1], order[2], order[3], order[4]);
}
