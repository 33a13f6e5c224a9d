// futex(2): requeues, wake-ups with an operation, keys, bad arguments.

#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

static int first, second;

static long futex(int *word, int op, int value, long other, int *word2, int value3)
{
	return syscall(SYS_futex, word, op, value, other, word2, value3);
}

static void *wait_first(void *op)
{
	return (void *)futex(&first, (long)op, 0, 0, NULL, -1);
}

// Threads that wait for the first word, and have gone to sleep.
static void start(pthread_t *threads, int n, long op)
{
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, wait_first, (void *)op);
	usleep(200000);
}

static void join(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

ABI_TEST(futex, requeue)
{
	pthread_t threads[5];

	start(threads, 5, FUTEX_WAIT_PRIVATE);
	R(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &second, 7));
	R(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &second, 0));
	R(futex(&second, FUTEX_WAKE_PRIVATE, 99, 0, NULL, 0));
	R(futex(&first, FUTEX_REQUEUE_PRIVATE, 0, 1, &second, 0));
	R(futex(&first, FUTEX_REQUEUE_PRIVATE, 0, 1, &first, 0));
	R(futex(&first, FUTEX_WAKE_PRIVATE, 99, 0, NULL, 0));
	R(futex(&second, FUTEX_WAKE_PRIVATE, 99, 0, NULL, 0));
	join(threads, 5);
	R(futex(&first, FUTEX_REQUEUE, -1, 1, &second, 0));
	R(futex(&first, FUTEX_REQUEUE, 1, -1, &second, 0));
	R(futex(BAD, FUTEX_REQUEUE, 1, 1, &second, 0));
	R(futex(&first, FUTEX_REQUEUE, 1, 1, BAD, 0));
	R(futex((int *)((char *)&first + 1), FUTEX_REQUEUE, 1, 1, &second, 0));
}

ABI_TEST(futex, keys)
{
	pthread_t threads[2];

	start(threads, 2, FUTEX_WAIT);
	R(futex(&first, FUTEX_WAKE_PRIVATE, 9, 0, NULL, 0));
	R(futex(&first, FUTEX_WAKE, 9, 0, NULL, 0));
	join(threads, 2);
	start(threads, 2, FUTEX_WAIT_PRIVATE);
	R(futex(&first, FUTEX_WAKE, 9, 0, NULL, 0));
	R(futex(&first, FUTEX_WAKE_PRIVATE, 0, 0, NULL, 0));
	R(futex(&first, FUTEX_WAKE_PRIVATE, 9, 0, NULL, 0));
	join(threads, 2);
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(futex(shared, FUTEX_WAIT, 0, 0, NULL, 0) ? 1 : 0);
	usleep(200000);
	R(futex(shared, FUTEX_WAKE, 1, 0, NULL, 0));
	abi_reap(pid);
}

ABI_TEST(futex, wake_op)
{
	for (int op = 0; op < 16; op++) {
		for (int cmp = 0; cmp < 8; cmp++) {
			second = 5;
			printf("%d %d ", op, cmp);
			R(futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, 1, &second,
				(int)((unsigned)op << 28 | cmp << 24 | 3 << 12 | 5)));
			printf("%d\n", second);
		}
	}
	R(futex(&first, FUTEX_WAKE_OP, 1, 1, BAD, 0));
	R(futex(BAD, FUTEX_WAKE_OP, 1, 1, &second, 0));
	pthread_t threads[3];
	start(threads, 3, FUTEX_WAIT_PRIVATE);
	R(futex(&second, FUTEX_WAKE_OP_PRIVATE, 1, 2, &first, FUTEX_OP(0, 0, 0, 0)));
	R(futex(&first, FUTEX_WAKE_OP_PRIVATE, 9, 2, &second, FUTEX_OP(0, 0, 0, 1)));
	join(threads, 3);
}

ABI_TEST(futex, waits)
{
	struct timespec soon = {0, 20000000}, bad = {0, 1000000000}, before = {-1, 0};

	R(futex(&first, FUTEX_WAIT, 1, 0, NULL, 0));
	R(futex(&first, FUTEX_WAIT, 0, (long)&soon, NULL, 0));
	R(futex(&first, FUTEX_WAIT, 0, (long)&bad, NULL, 0));
	R(futex(&first, FUTEX_WAIT, 0, (long)&before, NULL, 0));
	R(futex(&first, FUTEX_WAIT, 0, 8, NULL, 0));
	R(futex(&first, FUTEX_WAIT_BITSET, 0, (long)&soon, NULL, 0));
	R(futex(&first, FUTEX_WAIT_BITSET, 0, (long)&soon, NULL, 1));
	R(futex(&first, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, (long)&soon, NULL, 1));
	R(futex(&first, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, (long)&soon, NULL, 1));
	R(futex(&first, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, 0, NULL, 1));
	R(futex(&first, FUTEX_WAKE_BITSET, 1, 0, NULL, 0));
	R(futex(BAD, FUTEX_WAIT, 0, 0, NULL, 0));
	R(futex((int *)2, FUTEX_WAIT, 0, 0, NULL, 0));
	R(futex((int *)-4096l, FUTEX_WAIT, 0, 0, NULL, 0));
	R(futex((int *)-4096l, FUTEX_WAKE, 1, 0, NULL, 0));
	R(futex(BAD, FUTEX_WAKE, 1, 0, NULL, 0));
	R(futex(BAD, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0));
	R(futex(&first, FUTEX_FD, 1, 0, NULL, 0));
	R(futex(&first, 77, 1, 0, NULL, 0));
	R(syscall(SYS_get_robust_list, 0, BAD, BAD));
	R(syscall(SYS_get_robust_list, 1 << 22, BAD, BAD));
	R(syscall(SYS_set_robust_list, 0, 23));
}

static void *die_with_it(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

ABI_TEST(futex, robust)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mutex, &attributes);
	pthread_create(&thread, NULL, die_with_it, &mutex);
	pthread_join(thread, NULL);
	printf("%s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
	R(pthread_mutex_consistent(&mutex));
	R(pthread_mutex_unlock(&mutex));
}
