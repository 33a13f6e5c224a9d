// System V shared memory: identifiers, permissions, attachments, and what IPC_RMID does.

#include "abi.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
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

static void show(int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds)) {
		printf("  stat: %s\n", strerrorname_np(errno));
		return;
	}
	printf("  key %x mode %o size %zu attached %lu uid %d/%d cpid %d lpid %d times %d %d %d\n",
	       ds.shm_perm.__key, ds.shm_perm.mode, ds.shm_segsz, ds.shm_nattch, ds.shm_perm.uid,
	       ds.shm_perm.cuid, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(),
	       ds.shm_atime != 0, ds.shm_dtime != 0, ds.shm_ctime != 0);
}

ABI_TEST(sysv_shm, get)
{
	int id;

	R(shmget(KEY, 100, 0));
	R(shmget(KEY, 0, IPC_CREAT | 0600));
	id = OK(shmget(KEY, 100, IPC_CREAT | 0600));
	R(shmget(KEY, 50, 0) == id);
	R(shmget(KEY, 200, 0));
	R(shmget(KEY, 100, IPC_CREAT | IPC_EXCL | 0600));
	R(shmget(KEY, 100, IPC_CREAT) == id);
	R(shmget(IPC_PRIVATE, -1, 0600));
	int private = shmget(IPC_PRIVATE, 4096, 0600);
	R(private != id);
	show(id);
	R(shmctl(id, IPC_RMID, NULL));
	R(shmctl(id, IPC_RMID, NULL));
	R(shmctl(id + 7, IPC_STAT, NULL));
	R(shmctl(-1, IPC_STAT, NULL));
	R(shmctl(id, 99, NULL));
	R(shmget(KEY, 100, 0));
	R(shmget(KEY, 100, IPC_CREAT | 0600) != id);
	shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL);
	shmctl(private, IPC_RMID, NULL);
}

ABI_TEST(sysv_shm, attach)
{
	int id = shmget(IPC_PRIVATE, 3 * 4096 + 10, 0600);
	char *first = shmat(id, NULL, 0), *second = shmat(id, NULL, SHM_RDONLY);

	show(id);
	strcpy(first, "shared");
	printf("%s\n", second);
	printf("%d %d\n", first[3 * 4096 + 9], first[4 * 4096 - 1]);
	char *base = mmap(NULL, 16 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(shmat(id, base + 1, 0));
	R(shmat(id, base, 0));
	R((char *)shmat(id, base + 1, SHM_RND | SHM_REMAP) == base);
	R(shmat(id, NULL, SHM_REMAP));
	R(shmat(id + 1, NULL, 0));
	R(shmat(-1, NULL, 0));
	show(id);
	R(munmap(base + 4096, 4096));
	show(id);
	R(shmdt(base + 4096));
	R(shmdt(base));
	R(shmdt(base));
	show(id);
	if (fork() == 0) {
		show(id);
		strcpy(first, "child");
		_exit(0);
	}
	wait(NULL);
	printf("%s\n", second);
	show(id);
	R(shmdt(first));
	R(shmdt(first + 1));
	R(mprotect(second, 4096, PROT_READ | PROT_WRITE));
	R(shmdt(second));
	show(id);
	R(shmctl(id, IPC_RMID, NULL));
}

ABI_TEST(sysv_shm, removed)
{
	int id = shmget(KEY, 4096, IPC_CREAT | 0600);
	char *at = shmat(id, NULL, 0);

	strcpy(at, "still");
	R(shmctl(id, IPC_RMID, NULL));
	show(id);
	R(shmget(KEY, 4096, 0));
	char *again = shmat(id, NULL, 0);
	printf("%s\n", again);
	R(shmctl(id, IPC_RMID, NULL));
	R(shmdt(at));
	show(id);
	R(shmdt(again));
	show(id);
	R(shmat(id, NULL, 0));
}

ABI_TEST(sysv_shm, permissions)
{
	int id = shmget(KEY, 4096, IPC_CREAT | 0640);
	struct shmid_ds ds;

	fflush(stdout);
	if (fork() == 0) {
		setgid(1000);
		setuid(1000);
		R(shmget(KEY, 4096, 0) == id);
		R(shmget(KEY, 4096, 0400));
		R(shmat(id, NULL, SHM_RDONLY));
		R(shmctl(id, IPC_STAT, &ds));
		R(shmctl(id, IPC_SET, &ds));
		R(shmctl(id, IPC_RMID, NULL));
		R(shmctl(id, SHM_LOCK, NULL));
		R(shmctl(id % 32768, SHM_STAT, &ds));
		R(shmctl(id % 32768, SHM_STAT_ANY, &ds) == id);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.uid = 1000;
	ds.shm_perm.mode = 01777404;
	R(shmctl(id, IPC_SET, &ds));
	R(shmctl(id, IPC_SET, BAD));
	show(id);
	fflush(stdout);
	if (fork() == 0) {
		setgid(1000);
		setuid(1000);
		R(shmat(id, NULL, 0));
		R(shmat(id, NULL, SHM_EXEC | SHM_RDONLY));
		R(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
		R(shmctl(id, SHM_LOCK, NULL));
		show(id);
		R(shmctl(id, SHM_UNLOCK, NULL));
		R(shmctl(id, IPC_RMID, NULL));
		show(id);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(shmctl(id, IPC_STAT, &ds));
}

ABI_TEST(sysv_shm, limits)
{
	struct shminfo limits;
	struct shm_info usage;
	int id = shmget(IPC_PRIVATE, 10 * 4096, 0600);
	char *at = shmat(id, NULL, 0);

	at[0] = at[8192] = 1;
	R(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
	printf("%lx %lu %lu %lu %lx\n", limits.shmmax, limits.shmmin, limits.shmmni, limits.shmseg,
	       limits.shmall);
	R(shmctl(0, SHM_INFO, (void *)&usage) >= 0);
	printf("%d %lu %lu %lu\n", usage.used_ids, usage.shm_tot, usage.shm_rss, usage.shm_swp);
	R(shmctl(id, IPC_RMID, NULL));
	R(shmdt(at));
	R(shmctl(0, SHM_INFO, (void *)&usage) >= 0);
	printf("%d %lu %lu\n", usage.used_ids, usage.shm_tot, usage.shm_rss);
	FILE *file;
	char line[256];
	static const char *const names[] = {"shmmax", "shmall", "shmmni"};
	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "/proc/sys/kernel/%s", names[i]);
		file = fopen(line, "r");
		if (file && fgets(line, sizeof(line), file))
			printf("%s %s", names[i], line);
	}
	R(shmget(KEY, 5000, IPC_CREAT | 0600) >= 0);
	file = fopen("/proc/sysvipc/shm", "r");
	while (file && fgets(line, sizeof(line), file)) {
		long key, id2, perms, size;
		if (sscanf(line, "%ld %ld %lo %ld", &key, &id2, &perms, &size) == 4)
			printf("%ld %lo %ld %zu\n", key, perms, size, strlen(line));
		else
			printf("%s", line);
	}
	R(shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL));
}

ABI_TEST(sysv_shm, namespaces)
{
	int id = R(shmget(KEY, 4096, IPC_CREAT | 0600) >= 0);

	id = shmget(KEY, 0, 0);
	char *at = shmat(id, NULL, 0);
	strcpy(at, "outside");
	R(shmctl(id, IPC_RMID, NULL));
	R(unshare(CLONE_NEWIPC));
	R(shmget(KEY, 4096, 0));
	R(shmat(id, NULL, 0));
	R(shmctl(id, IPC_STAT, &(struct shmid_ds){0}));
	R(shmget(KEY, 4096, IPC_CREAT | 0600));
	printf("%s\n", at);
	R(shmdt(at));
	struct shm_info usage;
	R(shmctl(0, SHM_INFO, (void *)&usage));
	printf("%d\n", usage.used_ids);
}
