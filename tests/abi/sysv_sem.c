// System V semaphores: operations that wait and that are undone, all of semctl's commands.

#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#define KEY 0x1234

// A machine without a clock begins in 1970, when times would look as if they were never set.
__attribute__((constructor)) static void set_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec < 1000)
		clock_settime(CLOCK_REALTIME, &(struct timespec){1000000000, 0});
}

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int op(int id, int number, int change, int flags)
{
	return semop(id, &(struct sembuf){number, change, flags}, 1);
}

static void show(int id)
{
	struct semid_ds ds;
	unsigned short values[8];

	if (semctl(id, 0, IPC_STAT, (union argument){.buf = &ds})) {
		printf("  stat: %s\n", strerrorname_np(errno));
		return;
	}
	semctl(id, 0, GETALL, (union argument){.array = values});
	printf("  key %x mode %o n %lu used %d:", ds.sem_perm.__key, ds.sem_perm.mode, ds.sem_nsems,
	       ds.sem_otime != 0);
	for (unsigned i = 0; i < ds.sem_nsems && i < 8; i++)
		printf(" %d(%d,%d,%d)", values[i], semctl(id, i, GETNCNT), semctl(id, i, GETZCNT),
		       semctl(id, i, GETPID) == getpid());
	printf("\n");
}

ABI_TEST(sysv_sem, get)
{
	int id;

	R(semget(KEY, 1, 0));
	R(semget(KEY, 0, IPC_CREAT | 0600));
	R(semget(KEY, -1, IPC_CREAT | 0600));
	R(semget(KEY, 32001, IPC_CREAT | 0600));
	id = OK(semget(KEY, 3, IPC_CREAT | 0600));
	R(semget(KEY, 0, 0) == id);
	R(semget(KEY, 3, 0) == id);
	R(semget(KEY, 4, 0));
	R(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600));
	show(id);
	R(semctl(id, 0, IPC_RMID));
	R(semctl(id, 0, IPC_RMID));
	R(semctl(id, 0, GETVAL));
	R(op(id, 0, 1, 0));
	R((semget(KEY, 3, IPC_CREAT | 0600) & 32767) == (id & 32767) + 1);
	R(semctl(semget(KEY, 0, 0), 0, IPC_RMID));
}

ABI_TEST(sysv_sem, values)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	unsigned short values[3] = {1, 2, 40000};

	R(op(id, 0, 5, 0));
	R(op(id, 0, -6, IPC_NOWAIT));
	R(op(id, 0, 0, IPC_NOWAIT));
	R(op(id, 3, 1, 0));
	R(op(id, 1, 0, 0));
	R(semop(id, BAD, 1));
	R(semop(id, NULL, 0));
	R(semop(-1, &(struct sembuf){0}, 1));
	static struct sembuf many[501];
	R(semop(id, many, 501));
	show(id);
	struct sembuf both[] = {{0, -2, 0}, {1, -1, IPC_NOWAIT}};
	R(semop(id, both, 2));
	show(id);
	struct sembuf twice[] = {{0, -5, 0}, {0, 0, 0}, {0, 7, 0}, {1, 3, 0}};
	R(semop(id, twice, 4));
	show(id);
	R(op(id, 0, 32767, 0));
	R(semctl(id, 0, SETVAL, (union argument){.val = 32767}));
	R(op(id, 0, 1, 0));
	R(semctl(id, 0, SETVAL, (union argument){.val = 32768}));
	R(semctl(id, 0, SETVAL, (union argument){.val = -1}));
	R(semctl(id, 3, SETVAL, (union argument){.val = 1}));
	R(semctl(id, -1, GETVAL));
	R(semctl(id, 0, SETALL, (union argument){.array = values}));
	values[2] = 3;
	R(semctl(id, 0, SETALL, (union argument){.array = values}));
	R(semctl(id, 0, SETALL, (union argument){.array = BAD}));
	R(semctl(id, 0, GETALL, (union argument){.array = BAD}));
	R(semctl(id, 2, GETVAL));
	R(semctl(id, 0, 77));
	show(id);
	struct timespec zero = {0, 0}, some = {0, 20000000}, bad = {0, -1};
	R(semtimedop(id, &(struct sembuf){0, -9, 0}, 1, &zero));
	R(semtimedop(id, &(struct sembuf){0, -9, 0}, 1, &some));
	R(semtimedop(id, &(struct sembuf){0, -9, 0}, 1, &bad));
	R(semtimedop(id, &(struct sembuf){0, -9, 0}, 1, BAD));
	R(semctl(id, 0, IPC_RMID));
}

static pid_t waits(int id, struct sembuf *ops, int n)
{
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		int result = semop(id, ops, n);
		_exit(result ? errno : 0);
	}
	usleep(30000);
	return pid;
}

static void reap(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	printf("waiter: %s\n", WIFEXITED(status) && WEXITSTATUS(status)
				       ? strerrorname_np(WEXITSTATUS(status))
				       : "done");
}

static void nothing(int sig)
{
	(void)sig;
}

ABI_TEST(sysv_sem, waiting)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	struct sembuf down = {0, -2, 0}, zero = {1, 0, 0}, chain[] = {{0, -1, 0}, {1, 1, 0}};

	pid_t one = waits(id, &down, 1);
	show(id);
	R(op(id, 0, 1, 0));
	show(id);
	R(op(id, 0, 1, 0));
	reap(one);
	show(id);
	R(op(id, 1, 1, 0));
	one = waits(id, &zero, 1);
	show(id);
	R(semctl(id, 1, SETVAL, (union argument){.val = 0}));
	reap(one);
	one = waits(id, chain, 2);
	struct sembuf other = {1, -1, 0};
	pid_t two = waits(id, &other, 1);
	show(id);
	R(op(id, 0, 1, 0));
	reap(one);
	reap(two);
	show(id);
	one = waits(id, &down, 1);
	two = waits(id, &down, 1);
	R(semctl(id, 0, IPC_RMID));
	reap(one);
	reap(two);
	id = semget(IPC_PRIVATE, 1, 0600);
	struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	sigaction(SIGUSR1, &act, NULL);
	one = waits(id, &(struct sembuf){0, -1, 0}, 1);
	kill(one, SIGUSR1);
	reap(one);
	show(id);
	R(semctl(id, 0, IPC_RMID));
}

ABI_TEST(sysv_sem, undo)
{
	int id = semget(IPC_PRIVATE, 2, 0600);

	semctl(id, 0, SETVAL, (union argument){.val = 5});
	fflush(stdout);
	if (fork() == 0) {
		op(id, 0, -2, SEM_UNDO);
		op(id, 1, 3, SEM_UNDO);
		show(id);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show(id);
	if (fork() == 0) {
		op(id, 0, 4, SEM_UNDO);
		semctl(id, 0, SETVAL, (union argument){.val = 1});
		op(id, 1, 4, SEM_UNDO);
		op(id, 1, -3, 0);
		_exit(0);
	}
	wait(NULL);
	show(id);
	if (fork() == 0) {
		op(id, 0, -1, SEM_UNDO);
		R(unshare(CLONE_SYSVSEM));
		show(id);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(op(id, 0, 32760, SEM_UNDO));
	R(op(id, 0, -32760, 0));
	R(op(id, 0, 32760, SEM_UNDO));
	show(id);
	R(semctl(id, 0, IPC_RMID));
	fflush(stdout);
	id = semget(IPC_PRIVATE, 1, 0600);
	pid_t pid = waits(id, &(struct sembuf){0, -1, SEM_UNDO}, 1);
	R(op(id, 0, 1, 0));
	reap(pid);
	show(id);
	R(semctl(id, 0, IPC_RMID));
}

static int shared_id;

static void *thread(void *unused)
{
	(void)unused;
	op(shared_id, 0, 3, SEM_UNDO);
	return NULL;
}

static int plain_child(void *unused)
{
	(void)unused;
	op(shared_id, 0, 3, SEM_UNDO);
	return 0;
}

ABI_TEST(sysv_sem, undo_is_shared)
{
	static char stack[65536];
	pthread_t one;

	shared_id = semget(IPC_PRIVATE, 1, 0600);
	fflush(stdout);
	if (fork() == 0) {
		pthread_create(&one, NULL, thread, NULL);
		pthread_join(one, NULL);
		show(shared_id);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show(shared_id);
	pid_t pid = clone(plain_child, stack + sizeof(stack), CLONE_VM | CLONE_SYSVSEM | SIGCHLD,
			  NULL);
	waitpid(pid, NULL, 0);
	show(shared_id);
	pid = clone(plain_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	waitpid(pid, NULL, 0);
	show(shared_id);
	R(semctl(shared_id, 0, IPC_RMID));
}

ABI_TEST(sysv_sem, permissions)
{
	int id = semget(KEY, 1, IPC_CREAT | 0644);
	struct semid_ds ds;

	fflush(stdout);
	if (fork() == 0) {
		setgid(1000);
		setuid(1000);
		R(semget(KEY, 1, 0200));
		R(semget(KEY, 1, 0400) == id);
		R(op(id, 0, 1, 0));
		R(op(id, 0, 0, 0));
		R(semctl(id, 0, GETVAL));
		R(semctl(id, 0, SETVAL, (union argument){.val = 1}));
		R(semctl(id, 0, IPC_STAT, (union argument){.buf = &ds}));
		R(semctl(id, 0, IPC_SET, (union argument){.buf = &ds}));
		R(semctl(id, 0, IPC_RMID));
		R(semctl(id % 32768, 0, SEM_STAT, (union argument){.buf = &ds}) == id);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	semctl(id, 0, IPC_STAT, (union argument){.buf = &ds});
	ds.sem_perm.mode = 0600;
	R(semctl(id, 0, IPC_SET, (union argument){.buf = &ds}));
	show(id);
	struct seminfo info;
	R(semctl(0, 0, IPC_INFO, (union argument){.info = &info}) >= 0);
	printf("%d %d %d %d %d %d %d %d %d %d\n", info.semmap, info.semmni, info.semmns,
	       info.semmnu, info.semmsl, info.semopm, info.semume, info.semusz, info.semvmx,
	       info.semaem);
	R(semctl(0, 0, SEM_INFO, (union argument){.info = &info}) >= 0);
	printf("%d %d\n", info.semusz, info.semaem);
	R(semctl(9999, 0, SEM_STAT, (union argument){.buf = &ds}));
	FILE *file = fopen("/proc/sysvipc/sem", "r");
	char line[256];
	while (file && fgets(line, sizeof(line), file)) {
		long key, id2, perms, n;
		if (sscanf(line, "%ld %ld %lo %ld", &key, &id2, &perms, &n) == 4)
			printf("%ld %lo %ld %zu\n", key, perms, n, strlen(line));
		else
			printf("%s", line);
	}
	file = fopen("/proc/sys/kernel/sem", "r");
	if (file && fgets(line, sizeof(line), file))
		printf("%s", line);
	R(semctl(id, 0, IPC_RMID));
}
