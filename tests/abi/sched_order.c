// In which order real-time tasks run that share a hart: the rules of sched(7).
//
// All stand on one hart. A conductor, more urgent than the players, makes them ready in an order of
// its choosing, then sleeps; the players write their letters as they come to run. Nothing depends on
// time, but for SCHED_RR's quantum, and of that only whether it came at all.

#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <time.h>

#define PLAYERS   3
#define CONDUCTOR 50

static char score[64];
static volatile int written;
static sem_t start[PLAYERS], cue, done;
static pthread_t player[PLAYERS];
static volatile pid_t tid[PLAYERS];

static void note(char letter)
{
	if (written < (int)sizeof(score) - 1)
		score[written++] = letter;
}

static void show(const char *what)
{
	printf("%-40s %.*s\n", what, written, score);
	written = 0;
}

static void become(pid_t who, int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	if (syscall(SYS_sched_setscheduler, who, policy, &param))
		printf("sched_setscheduler: %s\n", strerrorname_np(errno));
}

// What a player does between its letters.
static void (*volatile play)(int self);

static void *player_main(void *arg)
{
	int self = (int)(long)arg;

	tid[self] = gettid();
	become(0, SCHED_FIFO, 10);
	for (;;) {
		sem_wait(&start[self]);
		if (!play)
			return NULL;
		note('a' + self);
		play(self);
		note('A' + self);
		sem_post(&done);
	}
}

// The conductor wakes up by this, and lets the one go on that gave the sign.
static void *conductor_second(void *arg)
{
	(void)arg;
	become(0, SCHED_FIFO, CONDUCTOR);
	for (;;) {
		sem_wait(&cue);
		if (!play)
			return NULL;
		note('!');
	}
}

static pthread_t second;

static void begin(void)
{
	unsigned long first = 1;

	syscall(SYS_sched_setaffinity, 0, sizeof(first), &first);
	become(0, SCHED_FIFO, CONDUCTOR);
	sem_init(&cue, 0, 0);
	sem_init(&done, 0, 0);
	for (long i = 0; i < PLAYERS; i++) {
		sem_init(&start[i], 0, 0);
		pthread_create(&player[i], NULL, player_main, (void *)i);
	}
	pthread_create(&second, NULL, conductor_second, NULL);
	usleep(10000); // all of them wait now
}

static void end(void)
{
	play = NULL;
	for (int i = 0; i < PLAYERS; i++)
		sem_post(&start[i]);
	sem_post(&cue);
	for (int i = 0; i < PLAYERS; i++)
		pthread_join(player[i], NULL);
	pthread_join(second, NULL);
	fflush(stdout);
}

// Makes n players ready, in their order, when all have come to wait.
static void ready(int n)
{
	usleep(10000);
	for (int i = 0; i < n; i++)
		sem_post(&start[i]);
}

static void await(int n)
{
	for (int i = 0; i < n; i++)
		sem_wait(&done);
}

static void run(const char *what, void (*how)(int), int n)
{
	play = how;
	ready(n);
	await(n);
	show(what);
}

// --- What players do ---

static void nothing(int self)
{
}

static void be_preempted(int self)
{
	sem_post(&cue);
}

static void yield(int self)
{
	sched_yield();
}

static void nap(int self)
{
	usleep(1000);
}

static void lower_oneself(int self)
{
	become(0, SCHED_FIFO, 9);
	note('-');
	become(0, SCHED_FIFO, 10);
}

static void raise_oneself(int self)
{
	become(0, SCHED_FIFO, 11);
	note('+');
	become(0, SCHED_FIFO, 10);
}

static void set_the_same(int self)
{
	become(0, SCHED_FIFO, 10);
	become(0, SCHED_RR, 10);
	note('=');
	become(0, SCHED_FIFO, 10);
}

static void yield_then_preempted(int self)
{
	sched_yield();
	sem_post(&cue);
}

ABI_TEST(sched_order, fifo)
{
	begin();
	run("as they became ready", nothing, 3);
	run("preempted: first again", be_preempted, 3);
	run("yielded: last", yield, 3);
	run("slept: last", nap, 3);
	run("yielded, then preempted", yield_then_preempted, 3);
	run("lower, then as before", lower_oneself, 3);
	run("higher, then as before", raise_oneself, 3);
	run("the same again", set_the_same, 3);
	end();
}

// Who waits is changed by another.
static void change(const char *what, int who, int policy, int first, int then)
{
	play = nothing;
	ready(3);
	become(tid[who], policy, first);
	if (then)
		become(tid[who], SCHED_FIFO, then);
	await(3);
	show(what);
	for (int i = 0; i < 3; i++)
		become(tid[i], SCHED_FIFO, 10);
}

ABI_TEST(sched_order, changed_while_waiting)
{
	begin();
	change("the last: higher", 2, SCHED_FIFO, 11, 0);
	change("the first: lower", 0, SCHED_FIFO, 9, 0);
	change("the last: higher, then back: first", 2, SCHED_FIFO, 11, 10);
	change("the first: lower, then back: last", 0, SCHED_FIFO, 9, 10);
	change("the middle: the same", 1, SCHED_FIFO, 10, 0);
	change("the first: the same", 0, SCHED_FIFO, 10, 0);
	change("the first: the other policy", 0, SCHED_RR, 10, 0);
	change("the first: not real-time, then back", 0, SCHED_OTHER, 0, 10);
	end();
}

// --- SCHED_RR ---

static volatile int others_ran;

static unsigned long own_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000ul + now.tv_nsec / 1000000;
}

// The first runs until the second comes to run, or for long.
static void spin(int self)
{
	unsigned long begun = own_ms();

	if (self) {
		others_ran = 1;
		return;
	}
	while (!others_ran && own_ms() < begun + 600)
		;
}

// The same, but is pushed aside all the time: what is left of its turn must not begin anew.
static void spin_preempted(int self)
{
	unsigned long begun = own_ms(), next = begun;

	if (self) {
		others_ran = 1;
		return;
	}
	while (!others_ran && own_ms() < begun + 600) {
		if (own_ms() < next)
			continue;
		next += 15;
		sem_post(&cue);
		written = 1; // the conductor's mark does not count
	}
}

static void run_two(const char *what, void (*how)(int), int policy)
{
	for (int i = 0; i < 2; i++)
		become(tid[i], policy, 10);
	others_ran = 0;
	run(what, how, 2);
}

ABI_TEST(sched_order, round_robin)
{
	begin();
	run_two("FIFO has no quantum", spin, SCHED_FIFO);
	run_two("RR has one", spin, SCHED_RR);
	run_two("preempted: the quantum goes on", spin_preempted, SCHED_RR);
	run_two("preempted: first again", be_preempted, SCHED_RR);
	run_two("yielded: last", yield, SCHED_RR);
	end();
}

// A timer of processor time makes the kernel look again and again: that is no turn that is over.
ABI_TEST(sched_order, fifo_with_cpu_timer)
{
	struct itimerspec often = {{0, 5000000}, {0, 5000000}};
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	timer_t timer;

	timer_create(CLOCK_PROCESS_CPUTIME_ID, &none, &timer);
	timer_settime(timer, 0, &often, NULL);
	begin();
	run_two("FIFO with a processor timer", spin, SCHED_FIFO);
	end();
	timer_delete(timer);
}
