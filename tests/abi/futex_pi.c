// FUTEX_LOCK_PI and its kin: results, words, who is next, and the priorities that are lent.

#include "pi_threads.h"
#include <sys/mman.h>
#include <sys/resource.h>

static int a, b, c;

#define LOCK(word)   futex(&(word), FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0)
#define TRY(word)    futex(&(word), FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0)
#define UNLOCK(word) futex(&(word), FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0)

// Locks the second word if there is one, then the first, holds it until told, and unlocks.
static void hold(struct actor *self)
{
	if (self->second)
		futex(self->second, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	self->result = futex(self->first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	if (self->result < 0)
		self->result = -errno;
	self->done = 1;
	until(&self->go);
	futex(self->first, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	if (self->second)
		futex(self->second, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static int pass_order[8], passed;

// Locks and unlocks the first word, and notes when.
static void pass(struct actor *self)
{
	futex(self->first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	pass_order[passed++] = self->priority ? self->priority : self->nice;
	futex(self->first, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static void show(const char *what, int word, int tid)
{
	printf("%s: %s\n", what, word_text(word, tid));
}

ABI_TEST(futex_pi, alone)
{
	int me = gettid();

	R(LOCK(a));
	show("locked", a, me);
	R(LOCK(a));
	R(TRY(a));
	R(UNLOCK(a));
	show("unlocked", a, me);
	R(UNLOCK(a));
	R(TRY(a));
	show("tried", a, me);
	a |= FUTEX_WAITERS;
	R(UNLOCK(a));
	show("unlocked", a, me);
	a = FUTEX_OWNER_DIED;
	R(LOCK(a));
	show("locked", a, me);
	R(UNLOCK(a));
	show("unlocked", a, me);
	a = FUTEX_WAITERS;
	R(LOCK(a));
	show("locked", a, me);
	a = FUTEX_WAITERS | FUTEX_OWNER_DIED;
	R(TRY(a));
	show("tried", a, me);
	a = me | FUTEX_OWNER_DIED;
	R(LOCK(a));
	R(UNLOCK(a));
	show("unlocked", a, me);
	a = 0;
}

ABI_TEST(futex_pi, errors)
{
	static const int values[] = {1 << 22, 0x3fffffff};
	int me = gettid();

	for (int i = 0; i < 2; i++) {
		a = values[i];
		printf("%#x\n", values[i]);
		R(LOCK(a));
		printf("%#x\n", a);
		R(TRY(a));
		R(UNLOCK(a));
		R(futex(&a, FUTEX_LOCK_PI2_PRIVATE, 0, NULL, NULL, 0));
	}
	a = 0;
	int *bad = BAD, *odd = (int *)((char *)&a + 2);
	R(futex(bad, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(bad, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	R(futex(bad, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	R(futex(bad, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	R(futex(bad, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	R(futex(odd, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(odd, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	int *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(futex(fixed, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(fixed, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	R(futex(fixed, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	mprotect(fixed, 4096, PROT_READ | PROT_WRITE);
	*fixed = me;
	mprotect(fixed, 4096, PROT_READ);
	R(futex(fixed, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	struct timespec odd_time = {0, 1000000000}, before = {-1, 0};
	R(futex(&a, FUTEX_LOCK_PI_PRIVATE, 0, &odd_time, NULL, 0));
	R(futex(&a, FUTEX_LOCK_PI2_PRIVATE, 0, &before, NULL, 0));
	R(futex(&a, FUTEX_LOCK_PI_PRIVATE, 0, BAD, NULL, 0));
	R(futex(&a, FUTEX_TRYLOCK_PI_PRIVATE, 0, BAD, NULL, 0));
	R(UNLOCK(a));
	R(futex(&a, FUTEX_LOCK_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
	R(futex(&a, FUTEX_UNLOCK_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
	R(futex(&a, FUTEX_LOCK_PI2_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
	R(UNLOCK(a));
	// A zombie owns nothing.
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	a = pid;
	R(LOCK(a));
	R(a == (int)(pid | FUTEX_WAITERS));
	wait(NULL);
	R(LOCK(a));
	a = 0;
}

ABI_TEST(futex_pi, hand_on)
{
	struct actor holder = {.run = hold, .first = &a}, waiter = {.run = hold, .first = &a};

	actor_start(&holder);
	until(&holder.done);
	show("held", a, holder.tid);
	R(TRY(a));
	show("tried", a, holder.tid);
	R(UNLOCK(a));
	actor_block(&waiter);
	show("waited for", a, holder.tid);
	R(TRY(a));
	R(futex(&a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	R(futex(&a, FUTEX_WAKE, 1, NULL, NULL, 0));
	R(futex(&a, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, &b, 0));
	R(futex(&a, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &b, 0));
	R(futex(&b, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &a, 0));
	R(futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b, 0));
	R(futex(&b, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &a, FUTEX_OP(FUTEX_OP_OR, 0, 5, 0)));
	// The word is not what the kernel knows.
	int right = a;
	a = gettid();
	R(UNLOCK(a));
	R(LOCK(a));
	a = waiter.tid;
	R(LOCK(a));
	R(TRY(a));
	a = 0;
	R(LOCK(a));
	a = FUTEX_OWNER_DIED | right;
	struct timespec past = {0, 1};
	R(futex(&a, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0));
	a = FUTEX_OWNER_DIED;
	R(futex(&a, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0));
	a = right;
	holder.go = 1;
	actor_end(&holder);
	until(&waiter.done);
	show("handed on", a, waiter.tid);
	waiter.go = 1;
	printf("%ld\n", actor_end(&waiter));
	show("released", a, waiter.tid);
}

static void plain_wait(struct actor *self)
{
	self->result = futex(self->first, FUTEX_WAIT_PRIVATE, *self->first, NULL, NULL, 0);
}

ABI_TEST(futex_pi, mixed)
{
	struct actor waiter = {.run = plain_wait, .first = &a};

	a = 1;
	actor_block(&waiter);
	R(LOCK(a));
	R(TRY(a));
	a = gettid();
	R(UNLOCK(a));
	R(LOCK(a));
	a = 0;
	R(LOCK(a));
	R(futex(&a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	printf("%ld\n", actor_end(&waiter));
	R(LOCK(a));
	R(UNLOCK(a));
	a = 0;
}

ABI_TEST(futex_pi, order)
{
	struct actor holder = {.run = hold, .first = &a};
	struct actor waiters[] = {
		{.run = pass, .first = &a, .nice = 5},
		{.run = pass, .first = &a, .priority = 10},
		{.run = pass, .first = &a, .priority = 30},
		{.run = pass, .first = &a, .nice = -7},
		{.run = pass, .first = &a, .priority = 20},
	};

	actor_start(&holder);
	until(&holder.done);
	printf("%d\n", priority_of(&holder));
	for (int i = 0; i < 5; i++) {
		actor_block(&waiters[i]);
		printf("%d\n", priority_of(&holder));
	}
	holder.go = 1;
	actor_end(&holder);
	for (int i = 0; i < 5; i++)
		actor_end(&waiters[i]);
	for (int i = 0; i < passed; i++)
		printf("%d ", pass_order[i]);
	printf("%s\n", word_text(a, 0));
}

// A chain: low holds a; middle holds b and waits for a; high waits for b.
ABI_TEST(futex_pi, chain)
{
	struct actor low = {.run = hold, .first = &a, .nice = 10};
	struct actor middle = {.run = hold, .second = &b, .first = &a, .priority = 5};
	struct actor high = {.run = hold, .first = &b, .priority = 40};

	actor_start(&low);
	until(&low.done);
	printf("low %d\n", priority_of(&low));
	actor_block(&middle);
	printf("low %d\n", priority_of(&low));
	actor_block(&high);
	printf("low %d middle %d high %d\n", priority_of(&low), priority_of(&middle),
	       priority_of(&high));
	// Its own priority changes while it waits.
	struct sched_param param = {.sched_priority = 50};
	sched_setscheduler(high.tid, SCHED_FIFO, &param);
	printf("low %d middle %d high %d\n", priority_of(&low), priority_of(&middle),
	       priority_of(&high));
	param.sched_priority = 2;
	sched_setscheduler(high.tid, SCHED_RR, &param);
	printf("low %d middle %d high %d\n", priority_of(&low), priority_of(&middle),
	       priority_of(&high));
	param.sched_priority = 60;
	sched_setscheduler(low.tid, SCHED_FIFO, &param);
	printf("low %d\n", priority_of(&low));
	param.sched_priority = 0;
	sched_setscheduler(low.tid, SCHED_OTHER, &param);
	printf("low %d, policy %d\n", priority_of(&low), sched_getscheduler(low.tid));
	low.go = 1;
	actor_end(&low);
	until(&middle.done);
	printf("middle %d\n", priority_of(&middle));
	middle.go = 1;
	actor_end(&middle);
	until(&high.done);
	high.go = 1;
	actor_end(&high);
	show("a", a, 0);
	show("b", b, 0);
}

static struct timespec deadline;
static int deadline_op;

static void lock_timed(struct actor *self)
{
	self->result = futex(self->first, deadline_op, 0, &deadline, NULL, 0);
	if (self->result < 0)
		self->result = -errno;
}

ABI_TEST(futex_pi, timeouts)
{
	struct actor holder = {.run = hold, .first = &a};
	struct actor waiter = {.run = lock_timed, .first = &a, .priority = 20};

	actor_start(&holder);
	until(&holder.done);
	for (int i = 0; i < 3; i++) {
		int real = i != 1;
		deadline = after(real ? CLOCK_REALTIME : CLOCK_MONOTONIC, 400);
		deadline_op = i == 0   ? FUTEX_LOCK_PI_PRIVATE
			      : i == 1 ? FUTEX_LOCK_PI2_PRIVATE
				       : FUTEX_LOCK_PI2_PRIVATE | FUTEX_CLOCK_REALTIME;
		actor_block(&waiter);
		printf("lent %d\n", priority_of(&holder));
		printf("%s\n", strerrorname_np(-actor_end(&waiter)));
		printf("back %d\n", priority_of(&holder));
		show("word", a, holder.tid);
	}
	holder.go = 1;
	actor_end(&holder);
	show("word", a, 0);
}

// The most urgent of two gives up: what the other lends remains.
ABI_TEST(futex_pi, one_leaves)
{
	struct actor holder = {.run = hold, .first = &a};
	struct actor patient = {.run = hold, .first = &a, .priority = 10};
	struct actor hasty = {.run = lock_timed, .first = &a, .priority = 20};

	actor_start(&holder);
	until(&holder.done);
	actor_block(&patient);
	deadline = after(CLOCK_MONOTONIC, 400);
	deadline_op = FUTEX_LOCK_PI2_PRIVATE;
	actor_block(&hasty);
	printf("lent %d\n", priority_of(&holder));
	printf("%s\n", strerrorname_np(-actor_end(&hasty)));
	printf("lent %d\n", priority_of(&holder));
	holder.go = 1;
	actor_end(&holder);
	until(&patient.done);
	printf("own %d\n", priority_of(&patient));
	patient.go = 1;
	printf("%ld\n", actor_end(&patient));
}

static volatile int handled;

static void handler(int sig)
{
	handled++;
}

ABI_TEST(futex_pi, signals)
{
	struct actor holder = {.run = hold, .first = &a};
	struct actor waiter = {.run = hold, .first = &a, .priority = 20};
	struct sigaction action = {.sa_handler = handler};

	sigaction(SIGUSR1, &action, NULL);
	actor_start(&holder);
	until(&holder.done);
	actor_block(&waiter);
	pthread_kill(waiter.thread, SIGUSR1);
	until(&handled);
	until_asleep(&waiter);
	printf("lent %d, done %d\n", priority_of(&holder), waiter.done);
	holder.go = 1;
	actor_end(&holder);
	until(&waiter.done);
	waiter.go = 1;
	printf("%ld\n", actor_end(&waiter));
}

static void lock_in_ring(struct actor *self)
{
	futex(self->first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	self->done = 1;
	until(&self->go);
	self->done = 0;
	self->result = futex(self->second, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	if (self->result < 0)
		self->result = -errno;
	else
		futex(self->second, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	futex(self->first, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

ABI_TEST(futex_pi, rings)
{
	struct actor ring[3] = {{.run = lock_in_ring, .first = &a, .second = &b},
				{.run = lock_in_ring, .first = &b, .second = &c},
				{.run = lock_in_ring, .first = &c, .second = &a}};

	for (int size = 2; size <= 3; size++) {
		ring[size - 1].second = &a;
		for (int i = 0; i < size; i++) {
			actor_start(&ring[i]);
			until(&ring[i].done);
		}
		for (int i = 0; i < size - 1; i++) {
			ring[i].go = 1;
			usleep(50000);
			until_asleep(&ring[i]);
		}
		R(TRY(a));
		ring[size - 1].go = 1;
		for (int i = 0; i < size; i++) {
			long result = actor_end(&ring[i]);
			printf("%s\n", result ? strerrorname_np(-result) : "0");
		}
		ring[1].second = &c;
		show("a", a, 0);
		show("b", b, 0);
	}
}

ABI_TEST(futex_pi, shared)
{
	int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (child == 0) {
		int *here = mremap(word, 4096, 8192, MREMAP_MAYMOVE);
		here = here == MAP_FAILED ? word : here;
		int bad = futex(here, FUTEX_LOCK_PI, 0, NULL, NULL, 0) != 0;
		usleep(300000);
		bad |= futex(here, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) != 0;
		_exit(bad);
	}
	while (!*(volatile int *)word)
		usleep(1000);
	R(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show("word", *word, gettid());
	R(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show("word", *word, gettid());
	abi_reap(child);
}
