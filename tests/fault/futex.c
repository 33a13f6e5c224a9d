// Faults in futex calls: the kernel's half of a contended lock, lists to wait for, time limits. Each
// call that is cut short leaves the words, the waiters and the priorities as they were.

#include "fault.h"
#include <linux/futex.h>
#include <time.h>

static struct shared {
	int lock, cond, words[128];
} * shared;

struct wait_entry {
	unsigned long val, uaddr;
	unsigned flags, reserved;
};

static const struct timespec past = {0, 1};
static pid_t owner, waiter;

static long futex(int *word, int op, int value, const void *other, int *word2, int value3)
{
	return syscall(SYS_futex, word, op, value, other, word2, value3);
}

// What is expected to run out of time is a success if it does.
static long timed_out(long result)
{
	return result < 0 && errno == ETIMEDOUT ? 0 : result;
}

static void until_asleep(pid_t pid)
{
	char path[32], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 5000; i++) {
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		char *state = strrchr(text, ')');
		if (state && state[2] == 'S')
			return;
		usleep(1000);
	}
	fault_wrong("the child does not go to sleep");
}

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	memset(shared, 0, sizeof(*shared));
}

// A child that owns the lock and sleeps.
static void start_owner(void)
{
	owner = fork();
	if (owner == 0) {
		futex(&shared->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		for (;;)
			pause();
	}
	while (!*(volatile int *)&shared->lock)
		usleep(1000);
	until_asleep(owner);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static long lock_free_call(void *unused)
{
	(void)unused;
	return futex(&shared->lock, FUTEX_LOCK_PI, 0, &past, NULL, 0);
}

static void lock_free_undo(void *unused, long result)
{
	(void)unused;
	(void)result;
	if (futex(&shared->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) || shared->lock)
		fault_wrong("the lock was not taken");
}

FAULT_TEST(futex, lock_free)
{
	struct fault_call call = {
		.call = lock_free_call, .undo = lock_free_undo, .errors = FAULT_ERRORS(ENOMEM)};

	share();
	fault_replay("FUTEX_LOCK_PI, free", &call, NULL);
}

static long lock_owned_call(void *unused)
{
	(void)unused;
	return timed_out(futex(&shared->lock, FUTEX_LOCK_PI2, 0, &past, NULL, 0));
}

static long try_owned_call(void *unused)
{
	(void)unused;
	long result = futex(&shared->lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0);

	return result < 0 && errno == EAGAIN ? 0 : result;
}

FAULT_TEST(futex, lock_owned)
{
	struct fault_call lock = {.call = lock_owned_call, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call try = {.call = try_owned_call, .errors = FAULT_ERRORS(ENOMEM)};

	share();
	start_owner();
	fault_replay("FUTEX_LOCK_PI2, owned", &lock, NULL);
	fault_replay("FUTEX_TRYLOCK_PI, owned", &try, NULL);
	end_child(owner);
}

// A child waits for the condition again and again, and unlocks what it then holds.
static void start_waiter(void)
{
	waiter = fork();
	if (waiter == 0) {
		for (;;) {
			futex(&shared->cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &shared->lock, 0);
			futex(&shared->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
		}
	}
	until_asleep(waiter);
}

static long requeue_call(void *unused)
{
	(void)unused;
	return futex(&shared->cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1l, &shared->lock, 0) - 1;
}

static void requeue_undo(void *unused, long result)
{
	(void)unused;
	if (result || futex(&shared->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0))
		fault_wrong("the waiter was not moved");
	for (int i = 0; i < 5000 && *(volatile int *)&shared->lock; i++)
		usleep(1000);
	until_asleep(waiter);
	if (futex(&shared->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
		fault_wrong("the lock is not free");
}

FAULT_TEST(futex, requeue)
{
	struct fault_call call = {
		.call = requeue_call, .undo = requeue_undo, .errors = FAULT_ERRORS(ENOMEM)};

	share();
	start_waiter();
	futex(&shared->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	fault_replay("FUTEX_CMP_REQUEUE_PI", &call, NULL);
	end_child(waiter);
}

static long wait_requeue_call(void *unused)
{
	(void)unused;
	return timed_out(futex(&shared->cond, FUTEX_WAIT_REQUEUE_PI, 0, &past, &shared->lock, 0));
}

static long wait_call(void *unused)
{
	(void)unused;
	static const struct timespec span = {0, 1};

	return timed_out(futex(&shared->cond, FUTEX_WAIT, 0, &span, NULL, 0));
}

FAULT_TEST(futex, waits)
{
	struct fault_call wait = {.call = wait_call, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call moved = {.call = wait_requeue_call, .errors = FAULT_ERRORS(ENOMEM)};

	share();
	fault_replay("FUTEX_WAIT", &wait, NULL);
	fault_replay("FUTEX_WAIT_REQUEUE_PI", &moved, NULL);
}

static struct wait_entry entries[128];

static long waitv_call(void *count)
{
	return timed_out(syscall(SYS_futex_waitv, entries, (long)count, 0, &past, CLOCK_MONOTONIC));
}

static long requeue2_call(void *unused)
{
	(void)unused;
	return syscall(456, entries, 0, 1, 1); // futex_requeue
}

FAULT_TEST(futex, vectors)
{
	struct fault_call wait = {.call = waitv_call, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call requeue = {.call = requeue2_call, .errors = FAULT_ERRORS(ENOMEM)};

	share();
	for (int i = 0; i < 128; i++)
		entries[i] = (struct wait_entry){0, (unsigned long)&shared->words[i], 2, 0};
	fault_replay("futex_waitv, one", &wait, (void *)1l);
	fault_replay("futex_waitv, all", &wait, (void *)128l);
	fault_replay("futex_requeue", &requeue, NULL);
}
