// What a futex word in shared memory is known by: the object that is mapped and the place in it, for
// as long as somebody waits. Another object must never be taken for it, even if the first is gone
// and the kernel's memory for it is used again.

#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <time.h>

#define STRANGERS 300

static long futex(volatile int *word, int op, int value, const struct timespec *limit)
{
	return syscall(SYS_futex, word, op, value, limit, NULL, 0);
}

struct waiter {
	pthread_t thread;
	volatile int *word;
	struct timespec limit;
	long result;
	int error;
};

static void *wait_main(void *arg)
{
	struct waiter *waiter = arg;

	waiter->result = futex(waiter->word, FUTEX_WAIT, 0, &waiter->limit);
	waiter->error = errno;
	return NULL;
}

static void begin(struct waiter *waiter, volatile int *word, int seconds)
{
	waiter->word = word;
	waiter->limit.tv_sec = seconds;
	pthread_create(&waiter->thread, NULL, wait_main, waiter);
	usleep(200000);
}

static void end(struct waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
	printf("the waiter: %s\n", waiter->result ? strerrorname_np(waiter->error) : "woken");
}

static int file(const char *name, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	ftruncate(fd, size);
	return fd;
}

static volatile int *map(int fd, int protection, int kind)
{
	int *word = mmap(NULL, 4096, protection, fd < 0 ? kind | MAP_ANONYMOUS : kind, fd, 0);

	if (word == MAP_FAILED)
		printf("mmap: %s\n", strerrorname_np(errno));
	return word;
}

#define RW (PROT_READ | PROT_WRITE)

static volatile int *map_file(void)
{
	int fd = file("/tmp/futex-keys", 4096);
	volatile int *word = map(fd, RW, MAP_SHARED);

	close(fd);
	unlink("/tmp/futex-keys");
	return word;
}

static volatile int *map_anonymous(void)
{
	return map(-1, RW, MAP_SHARED);
}

static volatile int *map_memfd(void)
{
	int fd = memfd_create("futex-keys", 0);

	ftruncate(fd, 4096);
	volatile int *word = map(fd, RW, MAP_SHARED);
	close(fd);
	return word;
}

static volatile int *map_sysv(void)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
	volatile int *word = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	return word;
}

// The object goes while somebody waits for a word in it, and others of its kind come: one by one,
// then many at once.
static void reuse(const char *kind, volatile int *(*make)(void), int sysv)
{
	static volatile int *many[STRANGERS];
	struct waiter waiter;
	volatile int *word = make();
	long woken = 0;

	*word = 0;
	begin(&waiter, word, 3);
	if (sysv)
		shmdt((void *)word);
	else
		munmap((void *)word, 4096);
	for (int i = 0; i < STRANGERS; i++) {
		many[i] = make();
		*many[i] = 0;
		woken += futex(many[i], FUTEX_WAKE, 1, NULL);
		if (i < STRANGERS / 2)
			sysv ? shmdt((void *)many[i]) : munmap((void *)many[i], 4096);
	}
	for (int i = STRANGERS / 2; i < STRANGERS; i++) {
		woken += futex(many[i], FUTEX_WAKE, 1, NULL);
		sysv ? shmdt((void *)many[i]) : munmap((void *)many[i], 4096);
	}
	printf("%s: strangers woke %ld, ", kind, woken);
	end(&waiter);
}

ABI_TEST(futex_keys, no_stranger_wakes)
{
	reuse("file", map_file, 0);
	reuse("anonymous", map_anonymous, 0);
	reuse("memfd", map_memfd, 0);
	reuse("SysV", map_sysv, 1);
}

// The same object is known again, whatever has happened to it and however it is mapped.
ABI_TEST(futex_keys, the_object_stays)
{
	int fd = file("/tmp/futex-keys", 4096);
	volatile int *word = map(fd, RW, MAP_SHARED), *again;
	struct waiter waiter;

	begin(&waiter, word, 10);
	ftruncate(fd, 0);
	ftruncate(fd, 4096);
	R(futex(word, FUTEX_WAKE, 1, NULL));
	end(&waiter);

	begin(&waiter, word, 10);
	rename("/tmp/futex-keys", "/tmp/futex-keys-2");
	unlink("/tmp/futex-keys-2");
	munmap((void *)word, 4096);
	again = map(fd, RW, MAP_SHARED);
	R(futex(again, FUTEX_WAKE, 1, NULL));
	end(&waiter);

	begin(&waiter, again, 10);
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
	word = map(fd, PROT_READ, MAP_SHARED);
	R(futex(word, FUTEX_WAKE, 1, NULL));
	end(&waiter);

	begin(&waiter, word, 10);
	again = mremap((void *)again, 4096, 8192, MREMAP_MAYMOVE);
	R(futex(again, FUTEX_WAKE, 1, NULL));
	end(&waiter);
}

// Who else may mean a word of this area? Each kind of area, each of two operations.
ABI_TEST(futex_keys, kinds_of_areas)
{
	static const struct {
		const char *name;
		int of_file, protection, kind;
	} cases[] = {
		{"shared file", 1, RW, MAP_SHARED},
		{"shared file, read-only", 1, PROT_READ, MAP_SHARED},
		{"private file", 1, RW, MAP_PRIVATE},
		{"private file, read-only", 1, PROT_READ, MAP_PRIVATE},
		{"shared", 0, RW, MAP_SHARED},
		{"shared, read-only", 0, PROT_READ, MAP_SHARED},
		{"private", 0, RW, MAP_PRIVATE},
		{"private, read-only", 0, PROT_READ, MAP_PRIVATE},
		{"no access", 0, PROT_NONE, MAP_PRIVATE},
		{"no access, shared", 0, PROT_NONE, MAP_SHARED},
		{"write only", 0, PROT_WRITE, MAP_SHARED},
	};
	int fd = file("/tmp/futex-keys", 4096);
	struct timespec now = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		volatile int *word = map(cases[i].of_file ? fd : -1, cases[i].protection,
					 cases[i].kind);

		printf("%s\n", cases[i].name);
		R(futex(word, FUTEX_WAKE, 1, NULL));
		R(futex(word, FUTEX_WAIT, 0, &now));
		R(futex(word, FUTEX_WAIT, 1, &now));
		R(futex(word, FUTEX_WAKE_PRIVATE, 1, NULL));
		R(futex(word, FUTEX_WAIT_PRIVATE, 0, &now));
		R(syscall(SYS_futex, word, FUTEX_REQUEUE, 1, 1, word, 0));
		R(syscall(SYS_futex, word, FUTEX_CMP_REQUEUE, 1, 1, word, 0));
		R(syscall(SYS_futex, word, FUTEX_WAKE_OP, 1, 1, word, 0));
		R(syscall(SYS_futex, word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
		munmap((void *)word, 4096);
	}
	ftruncate(fd, 0);
	volatile int *beyond = map(fd, RW, MAP_SHARED);
	puts("beyond the end of the file");
	R(futex(beyond, FUTEX_WAKE, 1, NULL));
	R(futex(beyond, FUTEX_WAIT, 0, &now));
	R(futex(beyond, FUTEX_WAKE_PRIVATE, 1, NULL));
	close(fd);
	unlink("/tmp/futex-keys");
}

// Two mappings of one file, of which one is private and has not been written to.
ABI_TEST(futex_keys, private_view_of_a_file)
{
	int fd = file("/tmp/futex-keys", 4096);
	volatile int *both = map(fd, RW, MAP_SHARED), *view = map(fd, PROT_READ, MAP_PRIVATE);
	volatile int *own = map(fd, RW, MAP_PRIVATE);
	struct waiter waiter;

	begin(&waiter, view, 2);
	R(futex(both, FUTEX_WAKE, 1, NULL));
	end(&waiter);
	begin(&waiter, own, 2);
	R(futex(both, FUTEX_WAKE, 1, NULL));
	R(futex(own, FUTEX_WAKE, 1, NULL));
	end(&waiter);
	close(fd);
	unlink("/tmp/futex-keys");
}
