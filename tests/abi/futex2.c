// futex_wait, futex_wake, futex_requeue and futex_waitv: sizes, flags, results, bad arguments.

#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#ifndef SYS_futex_wake
#define SYS_futex_wake    454
#define SYS_futex_wait    455
#define SYS_futex_requeue 456
#endif
#define SIZE_32 2
#define NUMA    4
#define MPOL    8
#define PRIVATE 128

struct word {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static struct {
	uint32_t word, node, rest[2];
} words __attribute__((aligned(64))), other_words __attribute__((aligned(64)));

static long wait2(void *at, long value, long mask, unsigned flags, void *timeout, int clock)
{
	return syscall(SYS_futex_wait, at, value, mask, flags, timeout, clock);
}

static long wake2(void *at, long mask, int n, unsigned flags)
{
	return syscall(SYS_futex_wake, at, mask, n, flags);
}

static long requeue2(struct word *pair, unsigned flags, int n_wake, int n_move)
{
	return syscall(SYS_futex_requeue, pair, flags, n_wake, n_move);
}

static long waitv(struct word *list, unsigned n, unsigned flags, void *timeout, int clock)
{
	return syscall(SYS_futex_waitv, list, n, flags, timeout, clock);
}

static struct timespec past = {0, 1};

ABI_TEST(futex2, flags)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		words.node = 0;
		printf("%#x ", flags);
		R(wait2(&words, 0, 1, flags, &past, CLOCK_MONOTONIC));
		R(wake2(&words, 1, 1, flags));
		struct word pair[2] = {{0, (long)&words, flags, 0},
				       {0, (long)&other_words, flags, 0}};
		R(requeue2(pair, 0, 1, 1));
		R(waitv(pair, 2, 0, &past, CLOCK_MONOTONIC));
	}
	for (int bit = 8; bit < 32; bit++)
		R(wait2(&words, 0, 1, 1u << bit | SIZE_32, &past, CLOCK_MONOTONIC));
}

ABI_TEST(futex2, numa)
{
	static const int nodes[] = {0, 1, 2, 63, 1024, 1 << 20, -1, -2};

	for (int i = 0; i < 8; i++) {
		words.node = nodes[i];
		printf("node %d ", nodes[i]);
		R(wait2(&words, 0, 1, SIZE_32 | NUMA | PRIVATE, &past, CLOCK_MONOTONIC));
		R(words.node);
		words.node = nodes[i];
		R(wake2(&words, 1, 1, SIZE_32 | NUMA));
		R(words.node);
		words.node = nodes[i];
		R(wake2(&words, 1, 1, SIZE_32 | NUMA | MPOL));
		R(words.node);
	}
	R(wait2(&words.node, 0, 1, SIZE_32 | NUMA, &past, CLOCK_MONOTONIC));
	R(wait2(&words.node, -2, 1, SIZE_32, &past, CLOCK_MONOTONIC));
	R(wait2(&words.rest, 0, 1, SIZE_32 | NUMA, &past, CLOCK_MONOTONIC));
	R(words.rest[1]);
	R(wait2(BAD, 0, 1, SIZE_32 | NUMA, &past, CLOCK_MONOTONIC));
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(wait2(page, 0, 1, SIZE_32 | NUMA | PRIVATE, &past, CLOCK_MONOTONIC));
	R(wake2(page, 1, 1, SIZE_32 | NUMA | PRIVATE));
	R(wait2(page, 0, 1, SIZE_32 | PRIVATE, &past, CLOCK_MONOTONIC));
}

ABI_TEST(futex2, wait_errors)
{
	struct timespec odd = {0, 1000000000}, before = {-1, 0};
	struct timespec soon;

	R(wait2(&words, 1, 1, SIZE_32 | PRIVATE, NULL, 0));
	R(wait2(&words, 1l << 32, 1, SIZE_32, NULL, 0));
	R(wait2(&words, -1, 1, SIZE_32, NULL, 0));
	R(wait2(&words, 0xffffffffl, 1, SIZE_32, NULL, 0));
	R(wait2(&words, 0, 0, SIZE_32, &past, CLOCK_MONOTONIC));
	R(wait2(&words, 0, 1l << 32, SIZE_32, &past, CLOCK_MONOTONIC));
	R(wait2(&words, 0, 0xffffffffl, SIZE_32, &past, CLOCK_MONOTONIC));
	R(wait2(&words, 0, 1, SIZE_32, &past, CLOCK_REALTIME));
	for (int clock = -2; clock < 13; clock++)
		R(wait2(&words, 0, 1, SIZE_32, &past, clock));
	R(wait2(&words, 1, 1, SIZE_32, NULL, 77));
	R(wait2(&words, 0, 1, SIZE_32, &odd, CLOCK_MONOTONIC));
	R(wait2(&words, 0, 1, SIZE_32, &before, CLOCK_MONOTONIC));
	R(wait2(&words, 0, 1, SIZE_32, BAD, CLOCK_MONOTONIC));
	R(wait2(&words, 0, 1, SIZE_32, BAD, 77));
	R(wait2((char *)&words + 2, 0, 1, SIZE_32, &past, CLOCK_MONOTONIC));
	R(wait2(BAD, 0, 1, SIZE_32, &past, CLOCK_MONOTONIC));
	R(wait2(BAD, 0, 1, SIZE_32 | PRIVATE, &past, CLOCK_MONOTONIC));
	R(wait2((void *)-4096, 0, 1, SIZE_32 | PRIVATE, &past, CLOCK_MONOTONIC));
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000)
		soon.tv_nsec -= 1000000000, soon.tv_sec++;
	R(wait2(&words, 0, 1, SIZE_32, &soon, CLOCK_MONOTONIC));
}

ABI_TEST(futex2, wake_errors)
{
	R(wake2(&words, 0, 1, SIZE_32));
	R(wake2(&words, 1, 0, SIZE_32));
	R(wake2(&words, 1, -1, SIZE_32));
	R(wake2(&words, 1l << 32, 1, SIZE_32));
	R(wake2(&words, -1, 1, SIZE_32));
	R(wake2(&words, 0xffffffffl, 1, SIZE_32));
	R(wake2((char *)&words + 2, 1, 1, SIZE_32));
	R(wake2((char *)&words + 2, 1, 0, SIZE_32));
	R(wake2(BAD, 1, 1, SIZE_32));
	R(wake2(BAD, 1, 1, SIZE_32 | PRIVATE));
	R(wake2(BAD, 1, 0, SIZE_32));
	R(wake2(BAD, 0, 0, SIZE_32));
}

static void *wait_masked(void *mask)
{
	return (void *)wait2(&words, 0, (long)mask, SIZE_32 | PRIVATE, NULL, 0);
}

static void *wait_old(void *unused)
{
	return (void *)syscall(SYS_futex, &words, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

ABI_TEST(futex2, wakes)
{
	pthread_t threads[6];

	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, wait_masked, (void *)(1l << i));
	pthread_create(&threads[4], NULL, wait_masked, (void *)0xffffffffl);
	pthread_create(&threads[5], NULL, wait_old, NULL);
	usleep(200000);
	R(wake2(&words, 1, 99, SIZE_32));
	R(wake2(&words, 16, 0, SIZE_32 | PRIVATE));
	R(wake2(&words, 1, 99, SIZE_32 | PRIVATE));
	R(wake2(&words, 2, 99, SIZE_32 | PRIVATE));
	R(syscall(SYS_futex, &words, FUTEX_WAKE_PRIVATE, 99, NULL, NULL, 0));
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
}

ABI_TEST(futex2, requeues)
{
	struct word pair[2] = {{0, (long)&words, SIZE_32 | PRIVATE, 0},
			       {77, (long)&other_words, SIZE_32 | PRIVATE, 0}};
	pthread_t threads[5];

	for (int i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, wait_masked, (void *)1l);
	usleep(200000);
	R(requeue2(pair, 1, 1, 1));
	R(requeue2(NULL, 0, 1, 1));
	R(requeue2((void *)BAD, 0, 1, 1));
	R(requeue2(pair, 0, -1, 1));
	R(requeue2(pair, 0, 1, -1));
	pair[0].val = 1;
	R(requeue2(pair, 0, 1, 1));
	pair[0].val = 0;
	pair[0].reserved = 1;
	R(requeue2(pair, 0, 1, 1));
	pair[0].reserved = 0;
	pair[1].reserved = 1;
	R(requeue2(pair, 0, 1, 1));
	pair[1].reserved = 0;
	pair[1].flags = SIZE_32;
	R(requeue2(pair, 0, 1, 1));
	pair[1].flags = SIZE_32 | PRIVATE;
	pair[1].val = 1l << 32;
	R(requeue2(pair, 0, 1, 1));
	pair[1].val = 0;
	pair[1].uaddr = 2;
	R(requeue2(pair, 0, 1, 1));
	pair[1].uaddr = (long)&other_words;
	R(requeue2(pair, 0, 1, 2));
	R(wake2(&other_words, 1, 1, SIZE_32 | PRIVATE));
	R(wake2(&words, 1, 99, SIZE_32 | PRIVATE));
	R(wake2(&other_words, 1, 99, SIZE_32 | PRIVATE));
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
}

static uint32_t many[129];
static struct word vector[129];

static void fill(unsigned flags)
{
	for (int i = 0; i < 129; i++)
		vector[i] = (struct word){0, (long)&many[i], flags, 0};
}

static void *wait_for_any(void *n)
{
	return (void *)waitv(vector, (long)n, 0, NULL, 0);
}

static long any_result(pthread_t thread)
{
	void *result;

	pthread_join(thread, &result);
	return (long)result;
}

ABI_TEST(futex2, waitv_wakes)
{
	pthread_t thread;

	fill(SIZE_32 | PRIVATE);
	for (int i = 0; i < 128; i += 21) {
		pthread_create(&thread, NULL, wait_for_any, (void *)128l);
		usleep(50000);
		R(wake2(&many[i], 1, 1, SIZE_32 | PRIVATE));
		R(any_result(thread));
	}
	pthread_create(&thread, NULL, wait_for_any, (void *)3l);
	usleep(50000);
	R(syscall(SYS_futex, &many[1], FUTEX_REQUEUE_PRIVATE, 0, 1, &many[100], 0));
	R(wake2(&many[1], 1, 1, SIZE_32 | PRIVATE));
	R(wake2(&many[100], 1, 1, SIZE_32 | PRIVATE));
	R(any_result(thread));
	// The same word thrice: two of its entries may be woken at once.
	vector[1].uaddr = vector[2].uaddr = vector[0].uaddr;
	pthread_create(&thread, NULL, wait_for_any, (void *)3l);
	usleep(50000);
	R(wake2(&many[0], 1, 2, SIZE_32 | PRIVATE) >= 1);
	R(any_result(thread) >= 0);
	// Private and shared words in one call.
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	vector[1] = (struct word){0, (long)shared, SIZE_32, 0};
	if (fork() == 0) {
		usleep(100000);
		_exit(wake2(shared, 1, 1, SIZE_32) != 1);
	}
	R(waitv(vector, 2, 0, NULL, 0));
	wait(NULL);
}

static void nothing(int sig)
{
}

ABI_TEST(futex2, waitv_errors)
{
	struct timespec odd = {0, 1000000000};

	fill(SIZE_32 | PRIVATE);
	R(waitv(vector, 0, 0, NULL, 0));
	R(waitv(vector, 129, 0, NULL, 0));
	R(waitv(vector, -1, 0, NULL, 0));
	R(waitv(NULL, 1, 0, NULL, 0));
	R(waitv((void *)BAD, 1, 0, NULL, 0));
	R(waitv((void *)BAD, 1, 0, &past, 77));
	R(waitv(vector, 1, 1, NULL, 0));
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	R(waitv(vector, 128, 0, &past, CLOCK_REALTIME));
	R(waitv(vector, 128, 0, &past, CLOCK_BOOTTIME));
	R(waitv(vector, 128, 0, &odd, CLOCK_MONOTONIC));
	R(waitv(vector, 128, 0, (void *)BAD, CLOCK_MONOTONIC));
	many[77] = 1;
	R(waitv(vector, 128, 0, NULL, 0));
	vector[77].val = 1;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[77].val = 0x100000000ul;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[77].val = 0;
	many[77] = 0;
	vector[100].reserved = 1;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[100].reserved = 0;
	vector[100].flags = 1;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[100].flags = SIZE_32;
	vector[100].uaddr = (long)BAD;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[100].flags = SIZE_32 | PRIVATE;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[100].uaddr = (long)&many[100] + 2;
	R(waitv(vector, 128, 0, &past, CLOCK_MONOTONIC));
	vector[100].uaddr = (long)&many[100];
	// A signal ends it, or it goes on.
	struct sigaction action = {.sa_handler = nothing};
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	R(waitv(vector, 3, 0, NULL, 0));
	ualarm(50000, 0);
	R(wait2(&words, 0, 1, SIZE_32 | PRIVATE, NULL, 0));
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	struct timespec soon;
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec++;
	ualarm(50000, 0);
	R(waitv(vector, 3, 0, &soon, CLOCK_MONOTONIC));
}
