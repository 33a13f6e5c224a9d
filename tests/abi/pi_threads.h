// Threads that do one futex call each, for the tests of locks with priority inheritance.
#pragma once

#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

struct actor {
	void (*run)(struct actor *self);
	int priority; // FIFO; 0 = fair
	int nice;
	int *first, *second;
	volatile int tid, go, done;
	long result;
	pthread_t thread;
};

static inline long futex(int *word, int op, int value, const void *other, int *word2, int value3)
{
	return syscall(SYS_futex, word, op, value, other, word2, value3);
}

static void set_priority(int priority)
{
	struct sched_param param = {.sched_priority = priority};

	if (sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param))
		printf("sched_setscheduler: %s\n", strerrorname_np(errno));
}

// What /proc says of a thread: its state and its priority.
static inline char thread_state(int tid, int *priority)
{
	char path[64], text[512], state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	char *at = strrchr(text, ')');
	if (!at)
		return 0;
	state = at[2];
	at += 2;
	for (int i = 0; i < 15; i++)
		at = strchr(at + 1, ' ');
	*priority = atoi(at);
	return state;
}

static inline int priority_of(const struct actor *actor)
{
	int priority = 0;

	thread_state(actor->tid, &priority);
	return priority;
}

// Waits (for at most five seconds) until the thread sleeps.
static inline void until_asleep(const struct actor *actor)
{
	int priority;

	for (int i = 0; i < 1000; i++) {
		if (actor->tid && thread_state(actor->tid, &priority) == 'S')
			return;
		usleep(5000);
	}
	printf("a thread does not go to sleep\n");
}

static inline void until(volatile int *flag)
{
	for (int i = 0; i < 5000 && !*flag; i++)
		usleep(1000);
	if (!*flag)
		printf("a thread does not come so far\n");
}

static void *actor_main(void *arg)
{
	struct actor *self = arg;

	if (self->nice)
		setpriority(PRIO_PROCESS, 0, self->nice);
	if (self->priority)
		set_priority(self->priority);
	self->tid = gettid();
	self->run(self);
	self->done = 1;
	return NULL;
}

static inline void actor_start(struct actor *actor)
{
	actor->tid = actor->go = actor->done = 0;
	if (pthread_create(&actor->thread, NULL, actor_main, actor))
		printf("pthread_create failed\n");
}

// Starts it, and waits until it sleeps.
static inline void actor_block(struct actor *actor)
{
	actor_start(actor);
	until_asleep(actor);
}

static inline long actor_end(struct actor *actor)
{
	pthread_join(actor->thread, NULL);
	return actor->result;
}

// A result as text.
static inline const char *result_name(long result, int error)
{
	return result < 0 ? strerrorname_np(error) : result ? "more" : "0";
}

// A word without the thread's number.
static inline const char *word_text(int word, int tid)
{
	static char text[64];
	uint32_t value = word;

	snprintf(text, sizeof(text), "%s%s%s",
		 !(value & FUTEX_TID_MASK)                   ? "free"
		 : (value & FUTEX_TID_MASK) == (uint32_t)tid ? "theirs"
							     : "other",
		 value & FUTEX_WAITERS ? " waiters" : "", value & FUTEX_OWNER_DIED ? " died" : "");
	return text;
}

static inline struct timespec after(int clock, int ms)
{
	struct timespec then;

	clock_gettime(clock, &then);
	then.tv_nsec += (ms % 1000) * 1000000l;
	then.tv_sec += ms / 1000 + then.tv_nsec / 1000000000;
	then.tv_nsec %= 1000000000;
	return then;
}
