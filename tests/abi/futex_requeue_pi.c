// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: a condition, and the lock that is taken behind it.

#include "pi_threads.h"
#include <sys/mman.h>

static int cond, lock, other;

#define LOCK(word)   futex(&(word), FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0)
#define UNLOCK(word) futex(&(word), FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0)
#define REQUEUE(value, n) \
	futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)(long)(n), &lock, value)

static struct timespec deadline;
static int deadline_set, wait_op;
static volatile int order[8], passed;

static void wait_moved(struct actor *self)
{
	self->result = futex(&cond, wait_op, cond, deadline_set ? &deadline : NULL, &lock, 0);
	if (self->result < 0)
		self->result = -errno;
	self->done = 1;
	order[__atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST)] = self->priority;
	if (self->result == 0) {
		until(&self->go);
		futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	}
}

static void hold(struct actor *self)
{
	futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	self->done = 1;
	until(&self->go);
	futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static void plain_wait(struct actor *self)
{
	self->result = futex(&cond, FUTEX_WAIT_PRIVATE, cond, NULL, NULL, 0);
}

static void show(int tid)
{
	printf("lock: %s\n", word_text(lock, tid));
}

static const char *ended(struct actor *actor)
{
	long result = actor_end(actor);

	return result ? strerrorname_np(-result) : "0";
}

static void begin(void)
{
	wait_op = FUTEX_WAIT_REQUEUE_PI_PRIVATE;
	deadline_set = passed = cond = lock = 0;
}

// The lock is free: the requeue takes it for the waiter.
ABI_TEST(futex_requeue_pi, free_lock)
{
	struct actor waiter = {.run = wait_moved};

	begin();
	R(REQUEUE(0, 0));
	R(REQUEUE(0, 1));
	show(0);
	for (int n = 0; n < 2; n++) {
		actor_block(&waiter);
		R(REQUEUE(1, n));
		R(REQUEUE(0, n));
		until(&waiter.done);
		show(waiter.tid);
		waiter.go = 1;
		printf("%s\n", ended(&waiter));
		show(0);
	}
}

// Current holds the lock, as a condition variable's signaller does.
ABI_TEST(futex_requeue_pi, held_lock)
{
	struct actor waiters[4] = {{.run = wait_moved},
				   {.run = wait_moved, .priority = 10},
				   {.run = wait_moved, .priority = 30},
				   {.run = wait_moved, .priority = 20}};

	for (int n = 0; n < 5; n++) {
		begin();
		for (int i = 0; i < 4; i++)
			actor_block(&waiters[i]);
		R(LOCK(lock));
		printf("n = %d\n", n);
		R(REQUEUE(0, n));
		show(gettid());
		int priority = 0;
		thread_state(gettid(), &priority);
		printf("lent %d\n", priority);
		for (int i = 0; i < 4; i++)
			waiters[i].go = 1;
		R(UNLOCK(lock));
		R(REQUEUE(0, 99) >= 0);
		for (int i = 0; i < 4; i++)
			printf("%s\n", ended(&waiters[i]));
		if (n >= 3) // else those who came later race with those who were first
			printf("%d %d %d %d\n", order[0], order[1], order[2], order[3]);
		show(0);
	}
}

// Taken for the first, and the others wait behind it.
ABI_TEST(futex_requeue_pi, several)
{
	struct actor waiters[3] = {{.run = wait_moved, .priority = 10},
				   {.run = wait_moved, .priority = 30},
				   {.run = wait_moved, .priority = 20}};
	static const int next[] = {1, 2, 0};

	begin();
	for (int i = 0; i < 3; i++)
		actor_block(&waiters[i]);
	R(REQUEUE(0, 99));
	for (int i = 0; i < 3; i++) {
		struct actor *waiter = &waiters[next[i]];
		until(&waiter->done);
		show(waiter->tid);
		printf("%d\n", priority_of(waiter));
		waiter->go = 1;
		printf("%s\n", ended(waiter));
	}
	show(0);
}

ABI_TEST(futex_requeue_pi, timeouts)
{
	struct actor waiter = {.run = wait_moved, .priority = 20}, holder = {.run = hold};

	for (int i = 0; i < 4; i++) {
		int real = i & 1, moved = i & 2;
		begin();
		actor_start(&holder);
		until(&holder.done);
		deadline = after(real ? CLOCK_REALTIME : CLOCK_MONOTONIC, 500);
		deadline_set = 1;
		if (real)
			wait_op |= FUTEX_CLOCK_REALTIME;
		actor_block(&waiter);
		if (moved) {
			R(REQUEUE(0, 1));
			printf("lent %d\n", priority_of(&holder));
		}
		printf("%s\n", ended(&waiter));
		printf("back %d\n", priority_of(&holder));
		show(holder.tid);
		holder.go = 1;
		actor_end(&holder);
		show(0);
	}
}

static volatile int handled;

static void handler(int sig)
{
	handled++;
}

ABI_TEST(futex_requeue_pi, signals)
{
	struct actor waiter = {.run = wait_moved, .priority = 20}, holder = {.run = hold};
	struct sigaction action = {.sa_handler = handler};

	sigaction(SIGUSR1, &action, NULL);
	begin();
	actor_start(&holder);
	until(&holder.done);
	actor_block(&waiter);
	pthread_kill(waiter.thread, SIGUSR1);
	until(&handled);
	until_asleep(&waiter);
	printf("goes on %d\n", !waiter.done);
	R(REQUEUE(0, 1));
	printf("lent %d\n", priority_of(&holder));
	pthread_kill(waiter.thread, SIGUSR1);
	printf("%s\n", ended(&waiter));
	printf("back %d\n", priority_of(&holder));
	holder.go = 1;
	actor_end(&holder);
	show(0);
}

ABI_TEST(futex_requeue_pi, errors)
{
	struct actor waiter = {.run = wait_moved}, plain = {.run = plain_wait};
	struct timespec past = {0, 1}, odd = {0, 1000000000};
	const int wait = FUTEX_WAIT_REQUEUE_PI_PRIVATE, move = FUTEX_CMP_REQUEUE_PI_PRIVATE;

	begin();
	R(futex(&cond, wait, 1, NULL, &lock, 0));
	R(futex(&cond, wait, 0, &past, &lock, 0));
	R(futex(&cond, wait | FUTEX_CLOCK_REALTIME, 0, &past, &lock, 0));
	R(futex(&cond, wait, 0, &odd, &lock, 0));
	R(futex(&cond, wait, 0, BAD, &lock, 0));
	R(futex(&cond, wait, 0, &past, &cond, 0));
	R(futex(&cond, wait, 0, &past, (int *)2, 0));
	R(futex((int *)2, wait, 0, &past, &lock, 0));
	R(futex(BAD, wait, 0, &past, &lock, 0));
	R(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &past, BAD, 0));
	R(futex(&cond, move, 0, (void *)1, &lock, 0));
	R(futex(&cond, move, 2, (void *)1, &lock, 0));
	R(futex(&cond, move, -1, (void *)1, &lock, 0));
	R(futex(&cond, move, 1, (void *)-1, &lock, 0));
	R(futex(&cond, move, 1, (void *)1, &cond, 0));
	R(futex(&cond, move, 1, (void *)1, &lock, 5));
	R(futex(&cond, move | FUTEX_CLOCK_REALTIME, 1, (void *)1, &lock, 0));
	R(futex(&cond, move, 1, (void *)1, BAD, 0));
	R(futex(BAD, move, 1, (void *)1, &lock, 0));
	R(futex(&cond, move, 1, (void *)1, (int *)2, 0));

	// The two belong together.
	actor_block(&waiter);
	R(futex(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	R(futex(&cond, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, &lock, 0));
	R(futex(&cond, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)1, &lock, 0));
	R(futex(&cond, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, 0));
	R(futex(&cond, move, 1, (void *)1, &other, 0));
	R(LOCK(cond));
	lock = 1 << 22; // nobody
	R(REQUEUE(0, 1));
	lock = waiter.tid;
	R(REQUEUE(0, 1));
	lock = 0;
	R(REQUEUE(0, 1));
	waiter.go = 1;
	printf("%s\n", ended(&waiter));
	show(0);

	begin();
	actor_block(&plain);
	R(REQUEUE(0, 1));
	actor_block(&waiter);
	R(REQUEUE(0, 1));
	R(futex(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	printf("%s\n", ended(&plain));
	R(REQUEUE(0, 1));
	waiter.go = 1;
	printf("%s\n", ended(&waiter));
}

// The owner of the lock ends while those who were moved wait for it.
ABI_TEST(futex_requeue_pi, owner_dies)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	pid_t owner = fork();
	if (owner == 0) {
		futex(&shared[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		pause();
	}
	while (!*(volatile int *)&shared[1])
		usleep(1000);
	pid_t waiter = fork();
	if (waiter == 0) {
		long result = futex(&shared[0], FUTEX_WAIT_REQUEUE_PI, 0, NULL, &shared[1], 0);
		shared[2] = shared[1];
		shared[3] = gettid();
		_exit(result != 0);
	}
	int priority = 0;
	for (int i = 0; i < 1000 && thread_state(waiter, &priority) != 'S'; i++)
		usleep(1000);
	R(futex(&shared[0], FUTEX_CMP_REQUEUE_PI, 1, NULL, &shared[1], 0));
	kill(owner, SIGKILL);
	abi_reap(owner);
	abi_reap(waiter);
	printf("%s\n", word_text(shared[2], shared[3]));
}

static pthread_mutex_t mutex;
static pthread_cond_t condition;
static int tokens;

static void *consume(void *unused)
{
	pthread_mutex_lock(&mutex);
	while (!tokens)
		pthread_cond_wait(&condition, &mutex);
	tokens--;
	pthread_mutex_unlock(&mutex);
	return NULL;
}

ABI_TEST(futex_requeue_pi, glibc)
{
	pthread_mutexattr_t attributes;
	pthread_t threads[8];

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mutex, &attributes);
	pthread_cond_init(&condition, NULL);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, consume, NULL);
	for (int i = 0; i < 8; i++) {
		pthread_mutex_lock(&mutex);
		tokens++;
		if (i & 1)
			pthread_cond_signal(&condition);
		else
			pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	printf("%d\n", tokens);
}
