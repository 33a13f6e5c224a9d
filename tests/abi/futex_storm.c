// Processes and threads that lock robust mutexes with priority inheritance, several at once in
// rising order, and are killed at random. Two never hold one at the same time, each can be locked
// in the end, and who holds none has its own priority again.

#include "pi_threads.h"
#include <sys/mman.h>

#define MUTEXES   6
#define PROCESSES 5
#define THREADS   3 // of the parent, which nobody kills
#define SECONDS   3

static struct shared {
	struct guarded {
		pthread_mutex_t mutex;
		volatile unsigned value, copy;
	} guarded[MUTEXES];
	volatile int stop;
	int broken, failed, not_back, passes;
	int errors[8]; // what failed first
} * shared;

static void note(int error)
{
	int n = __atomic_fetch_add(&shared->failed, 1, __ATOMIC_SEQ_CST);

	if (n < 8)
		shared->errors[n] = error;
}

static void count(int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

// Locks it; returns whether it did. Sometimes it does not wait for long.
static int take(struct guarded *at, unsigned chance)
{
	struct timespec soon = after(CLOCK_REALTIME, 1);
	int error = chance % 4 ? pthread_mutex_lock(&at->mutex)
			       : pthread_mutex_timedlock(&at->mutex, &soon);

	if (error == ETIMEDOUT)
		return 0;
	if (error == EOWNERDEAD) { // it may have died between the two
		at->copy = at->value;
		pthread_mutex_consistent(&at->mutex);
	} else if (error) {
		note(error);
		return 0;
	}
	unsigned now = ++at->value;
	if (!(chance % 8))
		usleep(chance % 200);
	if (at->value != now || at->copy != now - 1)
		count(&shared->broken);
	at->copy = now;
	return 1;
}

static void lock_some(unsigned *seed)
{
	int held[MUTEXES], n = 0;

	for (int i = 0; i < MUTEXES; i++) {
		unsigned chance = rand_r(seed);

		if (chance & 1 << 10 && take(&shared->guarded[i], chance))
			held[n++] = i;
	}
	while (n--) {
		int error = pthread_mutex_unlock(&shared->guarded[held[n]].mutex);
		if (error)
			note(error);
	}
}

static void storm(unsigned seed, int base)
{
	int priority;

	for (int i = 0; !shared->stop; i++) {
		lock_some(&seed);
		if (base && i % 4 == 0) {
			thread_state(gettid(), &priority);
			if (priority != base)
				count(&shared->not_back);
			count(&shared->passes);
		}
		usleep(rand_r(&seed) % 300);
	}
}

static void *storm_thread(void *index)
{
	static const int priorities[THREADS] = {0, 10, 30};
	int priority = priorities[(long)index];

	set_priority(priority);
	storm((long)index + 100, priority ? -1 - priority : 20);
	return NULL;
}

static pid_t storm_process(int index, unsigned round)
{
	pid_t pid = fork();

	if (pid == 0) {
		set_priority(index * 7);
		storm(round * 16 + index, 0);
		_exit(0);
	}
	return pid;
}

ABI_TEST(futex_storm, killed)
{
	pthread_mutexattr_t attributes;
	pthread_t threads[THREADS];
	pid_t pids[PROCESSES];
	unsigned seed = 1, round = 0;
	struct timespec end = after(CLOCK_MONOTONIC, SECONDS * 1000), now;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < MUTEXES; i++)
		pthread_mutex_init(&shared->guarded[i].mutex, &attributes);
	set_priority(60);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = storm_process(i, round++);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, storm_thread, (void *)i);
	do {
		usleep(rand_r(&seed) % 20000);
		int i = rand_r(&seed) % PROCESSES;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		pids[i] = storm_process(i, round++);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
	shared->stop = 1;
	for (int i = 0; i < PROCESSES; i++)
		abi_reap(pids[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < shared->failed && i < 8; i++)
		printf("%s\n", strerrorname_np(shared->errors[i]));
	for (int i = 0; i < MUTEXES; i++) {
		struct guarded *at = &shared->guarded[i];
		int error = pthread_mutex_trylock(&at->mutex);

		if (error == EOWNERDEAD) {
			pthread_mutex_consistent(&at->mutex);
			error = 0;
		}
		printf("%s %d\n", error ? strerrorname_np(error) : "free",
		       error ? 0 : pthread_mutex_unlock(&at->mutex));
	}
	printf("broken %d, failed %d, not back %d, enough %d\n", shared->broken, shared->failed,
	       shared->not_back, shared->passes > 2);
}
