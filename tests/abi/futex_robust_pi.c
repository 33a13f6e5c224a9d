// Locks with priority inheritance whose owner ends: with and without a robust list, and by exec.

#include "pi_threads.h"
#include <stddef.h>
#include <sys/mman.h>

struct entry {
	uint64_t next;
	int word, pad;
};

struct head {
	uint64_t next;
	int64_t offset;
	uint64_t pending;
};

static int *shared;

static void *page(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void show(int word, int tid)
{
	printf("word: %s\n", word_text(word, tid));
}

// A child locks the word, waits until somebody else waits for it, and ends in some way.
static pid_t owner(int *word, void (*end)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		for (int i = 0; i < 3000 && !(*(volatile int *)word & FUTEX_WAITERS); i++)
			usleep(1000);
		usleep(50000);
		end();
		_exit(9);
	}
	while (!*(volatile int *)word)
		usleep(1000);
	return pid;
}

static void end_plain(void)
{
	_exit(0);
}

static void end_killed(void)
{
	kill(getpid(), SIGKILL);
}

static void end_unmapped(void)
{
	munmap(shared, 4096);
	_exit(0);
}

ABI_TEST(futex_robust_pi, plain)
{
	void (*ends[])(void) = {end_plain, end_killed, end_unmapped};

	shared = page();
	for (int i = 0; i < 3; i++) {
		pid_t pid = owner(shared, ends[i]);
		R(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
		show(*shared, gettid());
		R(futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
		show(*shared, gettid());
		abi_reap(pid);
	}
	// Nobody waited: it stays as it is.
	pid_t pid = fork();
	if (pid == 0) {
		futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		_exit(0);
	}
	abi_reap(pid);
	R(*shared == pid);
	R(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	R(futex(shared, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
}

// Several wait: one gets it, the others wait for that one.
static void lock_shared(struct actor *self)
{
	self->result = futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	if (self->result < 0)
		self->result = -errno;
	self->done = 1;
	until(&self->go);
	futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

ABI_TEST(futex_robust_pi, several)
{
	struct actor waiters[3] = {{.run = lock_shared},
				   {.run = lock_shared, .priority = 20},
				   {.run = lock_shared, .priority = 10}};
	static const int order[] = {1, 2, 0};

	shared = page();
	int ready[2], byte;
	pipe(ready);
	pid_t pid = fork();
	if (pid == 0) {
		futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		read(ready[0], &byte, 1);
		_exit(0);
	}
	while (!*(volatile int *)shared)
		usleep(1000);
	for (int i = 0; i < 3; i++)
		actor_block(&waiters[i]);
	write(ready[1], "", 1);
	abi_reap(pid);
	for (int i = 0; i < 3; i++) {
		struct actor *next = &waiters[order[i]];
		until(&next->done);
		printf("%d: ", next->priority);
		show(*shared, next->tid);
		printf("%d\n", priority_of(next));
		next->go = 1;
		printf("%ld\n", actor_end(next));
	}
	show(*shared, 0);
}

// The robust list in the child: the entry's bit 0 says that the lock inherits.
static void robust_child(struct entry *entry, struct head *head, unsigned bit, int pending)
{
	head->next = pending ? (uintptr_t)head : (uintptr_t)entry | bit;
	head->offset = offsetof(struct entry, word);
	head->pending = pending ? (uintptr_t)entry | bit : 0;
	entry->next = (uintptr_t)head;
	syscall(SYS_set_robust_list, head, sizeof(*head));
	if (pending != 2)
		futex(&entry->word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	else
		entry->word = 0;
}

ABI_TEST(futex_robust_pi, robust)
{
	struct entry *entry = page();
	struct head *head = page();

	for (unsigned bit = 0; bit < 2; bit++) {
		for (int pending = 0; pending < 3; pending++) {
			printf("bit %d pending %d\n", bit, pending);
			entry->word = 0;
			pid_t pid = fork();
			if (pid == 0) {
				robust_child(entry, head, bit, pending);
				_exit(0);
			}
			abi_reap(pid);
			show(entry->word, gettid());
			R(futex(&entry->word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
			show(entry->word, gettid());
			R(futex(&entry->word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
		}
	}
	// With somebody waiting.
	entry->word = 0;
	pid_t pid = fork();
	if (pid == 0) {
		robust_child(entry, head, 1, 0);
		while (!(*(volatile int *)&entry->word & FUTEX_WAITERS))
			usleep(1000);
		usleep(50000);
		kill(getpid(), SIGKILL);
	}
	while (!*(volatile int *)&entry->word)
		usleep(1000);
	R(futex(&entry->word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show(entry->word, gettid());
	abi_reap(pid);
	R(futex(&entry->word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show(entry->word, gettid());
}

// Lists that are broken: what can be read counts.
ABI_TEST(futex_robust_pi, broken)
{
	struct entry *entries = page();
	struct head *head = page();

	for (int kind = 0; kind < 4; kind++) {
		memset(entries, 0, 4096);
		pid_t pid = fork();
		if (pid == 0) {
			head->offset = offsetof(struct entry, word);
			head->pending = 0;
			head->next = (uintptr_t)&entries[0];
			entries[0].next = (uintptr_t)&entries[1];
			entries[1].next = kind == 0   ? (uintptr_t)BAD
					  : kind == 1 ? (uintptr_t)&entries[0]
						      : (uintptr_t)&entries[2];
			entries[2].next = (uintptr_t)head;
			for (int i = 0; i < 3; i++)
				entries[i].word = gettid();
			if (kind == 2)
				entries[1].word = 1 << 20;
			if (kind == 3)
				head->offset += 2;
			syscall(SYS_set_robust_list, head, sizeof(*head));
			_exit(0);
		}
		abi_reap(pid);
		for (int i = 0; i < 3; i++)
			printf("%s%s", word_text(entries[i].word, pid), i < 2 ? ", " : "\n");
	}
}

ABI_TEST(futex_robust_pi, glibc)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t *mutex = page();

	pthread_mutexattr_init(&attributes);
	R(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
	R(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
	R(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
	R(pthread_mutex_init(mutex, &attributes));
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			pthread_mutex_lock(mutex);
			usleep(200000);
			kill(getpid(), SIGKILL);
		}
		usleep(i ? 100000 : 400000);
		printf("%s\n", strerrorname_np(pthread_mutex_lock(mutex)));
		abi_reap(pid);
		R(pthread_mutex_consistent(mutex));
		R(pthread_mutex_unlock(mutex));
	}
	pid_t pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(mutex);
		kill(getpid(), SIGKILL);
	}
	abi_reap(pid);
	printf("%s\n", strerrorname_np(pthread_mutex_lock(mutex)));
	R(pthread_mutex_unlock(mutex));
	printf("%s\n", strerrorname_np(pthread_mutex_lock(mutex)));
}

// Who execs lets go of its locks.
ABI_TEST(futex_robust_pi, exec)
{
	shared = page();
	pid_t pid = fork();
	if (pid == 0) {
		futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		while (!(*(volatile int *)shared & FUTEX_WAITERS))
			usleep(1000);
		usleep(50000);
		execl("/nowhere", "nowhere", NULL);
		*(volatile int *)(shared + 1) = errno;
		close(1);
		close(2);
		execl("/init", "init", "--nothing", NULL);
		_exit(9);
	}
	while (!*(volatile int *)shared)
		usleep(1000);
	R(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show(*shared, gettid());
	printf("%s\n", strerrorname_np(shared[1]));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
