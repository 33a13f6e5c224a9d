// Bounded priority inversion: one of low priority holds a lock, others of middle priority keep every
// hart busy, and one of high priority waits for the lock. With inheritance it does not wait for the
// middle ones; without, it does.

#include "pi_threads.h"

#define HOGS_MAX   8
#define HOG_MS     1500
#define WORK_LOOPS 3000000

static pthread_mutex_t outer, inner;
static volatile int ready, go, stop, hogs_ended, got_in_time;
static int harts;

static void pin(int hart)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(hart, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void low(struct actor *self)
{
	pthread_mutex_lock(&outer);
	ready = 1;
	while (!go)
		usleep(1000);
	for (volatile int i = 0; i < WORK_LOOPS; i++)
		;
	pthread_mutex_unlock(&outer);
}

// Between the two: holds the one and waits for the other.
static void link_of_chain(struct actor *self)
{
	pthread_mutex_lock(&inner);
	pthread_mutex_lock(&outer);
	pthread_mutex_unlock(&outer);
	pthread_mutex_unlock(&inner);
}

static void high(struct actor *self)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)self->first;

	pthread_mutex_lock(mutex);
	got_in_time = !hogs_ended;
	stop = 1;
	pthread_mutex_unlock(mutex);
}

static void hog(struct actor *self)
{
	struct timespec end = after(CLOCK_MONOTONIC, HOG_MS), now;

	pin(self->result);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (!stop && (now.tv_sec < end.tv_sec ||
			 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec)));
	__atomic_fetch_add(&hogs_ended, 1, __ATOMIC_SEQ_CST);
}

static void invert(int protocol, int low_priority, int chain)
{
	struct actor holder = {.run = low, .priority = low_priority, .nice = low_priority ? 0 : 19};
	struct actor middle = {.run = link_of_chain, .priority = 12};
	struct actor waiter = {
		.run = high, .priority = 30, .first = (int *)(chain ? &inner : &outer)};
	struct actor hogs[HOGS_MAX];
	pthread_mutexattr_t attributes;

	harts = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutex_init(&outer, &attributes);
	pthread_mutex_init(&inner, &attributes);
	ready = go = stop = hogs_ended = got_in_time = 0;
	set_priority(50);
	actor_start(&holder);
	until(&ready);
	if (chain)
		actor_block(&middle);
	for (int i = 0; i < harts && i < HOGS_MAX; i++) {
		hogs[i] = (struct actor){.run = hog, .priority = 20, .result = i};
		actor_start(&hogs[i]);
	}
	actor_block(&waiter);
	go = 1;
	actor_end(&waiter);
	for (int i = 0; i < harts && i < HOGS_MAX; i++)
		actor_end(&hogs[i]);
	actor_end(&holder);
	if (chain)
		actor_end(&middle);
	set_priority(0);
	printf("in time %d\n", got_in_time);
}

ABI_TEST(futex_inversion, bounded)
{
	invert(PTHREAD_PRIO_INHERIT, 10, 0);
	invert(PTHREAD_PRIO_INHERIT, 0, 0);
}

ABI_TEST(futex_inversion, chained)
{
	invert(PTHREAD_PRIO_INHERIT, 10, 1);
}

ABI_TEST(futex_inversion, unbounded)
{
	invert(PTHREAD_PRIO_NONE, 10, 0);
}
