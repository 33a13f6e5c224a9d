// Translations that harts remember: more processes than address-space numbers take turns on one hart,
// all with something else at the same address, and change it while the others run; threads change
// memory under each other on several harts.
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "abi.h"

#define PAGE   4096ul
#define MANY   12
#define ROUNDS 60
#define WHERE  ((volatile int *)0x20000000ul)

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *put_page(int value)
{
	munmap((void *)WHERE, PAGE);
	void *p = mmap((void *)WHERE, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p != MAP_FAILED)
		*WHERE = value;
	return p;
}

// Waits for its turn, looks, changes, and passes the turn on.
static int take_turns(int me, int in, int out)
{
	int value = me * 1000, wrong = 0;
	char token;

	put_page(value);
	for (int round = 0; round < ROUNDS; round++) {
		if (read(in, &token, 1) != 1)
			return 100;
		wrong += *WHERE != value;
		if ((round + me) % 3 == 0)
			put_page(++value);
		else if ((round + me) % 3 == 1)
			*WHERE = ++value;
		wrong += *WHERE != value;
		if (write(out, &token, 1) != 1)
			return 101;
	}
	return wrong;
}

ABI_TEST(stale, turns_on_one_hart)
{
	int pipes[MANY][2], status, wrong = 0;
	pid_t child[MANY];

	for (int i = 0; i < MANY; i++)
		pipe(pipes[i]);
	for (int i = 0; i < MANY; i++) {
		child[i] = fork();
		if (!child[i]) {
			pin(0);
			_exit(take_turns(i, pipes[i][0], pipes[(i + 1) % MANY][1]));
		}
	}
	write(pipes[0][1], "t", 1);
	for (int i = 0; i < MANY; i++) {
		waitpid(child[i], &status, 0);
		wrong += status != 0;
	}
	printf("%d of %d processes saw something wrong\n", wrong, MANY);
}

// The sibling runs on another hart, or has left this address space for another process there: it
// must see each new page.
static volatile int turn;

static void *sibling(void *unused)
{
	long wrong = 0;

	pin(1);
	for (int round = 0; round < ROUNDS; round++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2 * round + 1)
			sched_yield();
		wrong += *WHERE != 7000 + round;
		__atomic_store_n(&turn, 2 * round + 2, __ATOMIC_RELEASE);
		if (round % 4 == 0)
			usleep(1000); // others run on its hart, and the page changes meanwhile
	}
	return (void *)wrong;
}

static pid_t disturber(void)
{
	pid_t pid = fork();

	if (!pid) {
		pin(1);
		put_page(-1);
		for (;;)
			usleep(300 + *WHERE);
	}
	return pid;
}

ABI_TEST(stale, threads_on_two_harts)
{
	pthread_t thread;
	void *wrong;
	int status;

	put_page(0);
	pid_t pid = disturber();
	pin(0);
	pthread_create(&thread, NULL, sibling, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		put_page(7000 + round);
		__atomic_store_n(&turn, 2 * round + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2 * round + 2)
			sched_yield();
	}
	pthread_join(thread, &wrong);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("%ld of %d rounds wrong\n", (long)wrong, ROUNDS);
}
