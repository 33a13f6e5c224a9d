// Resource limits: who may set them, and that each of those that can be met quickly is kept.

#include "abi.h"
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

static long limit64(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)
{
	return syscall(SYS_prlimit64, pid, resource, new, old);
}

static void show(int resource)
{
	struct rlimit limit;

	getrlimit(resource, &limit);
	printf("  %d: %ld %ld\n", resource, (long)limit.rlim_cur, (long)limit.rlim_max);
}

ABI_TEST(limits, defaults)
{
	static const int fixed[] = {RLIMIT_CPU,    RLIMIT_FSIZE,  RLIMIT_DATA,    RLIMIT_STACK,
				    RLIMIT_RSS,    RLIMIT_AS,     RLIMIT_LOCKS,   RLIMIT_NICE,
				    RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_MSGQUEUE};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		show(fixed[i]);
}

ABI_TEST(limits, setting)
{
	struct rlimit old;

	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		printf("resource %d\n", resource);
		R(limit64(0, resource, &(struct rlimit){500, 600}, NULL));
		R(limit64(0, resource, &(struct rlimit){601, 600}, NULL));
		R(limit64(0, resource, NULL, &old));
		printf("  %ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
		R(limit64(0, resource, &(struct rlimit){1 << 22, 1 << 23}, &old));
		printf("  %ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
	}
	R(limit64(0, RLIM_NLIMITS, NULL, &old));
	R(limit64(0, -1, NULL, &old));
	R(limit64(999999, 0, NULL, &old));
	R(limit64(-1, 0, NULL, &old));
	R(limit64(0, RLIMIT_CORE, NULL, NULL));
	R(limit64(0, RLIMIT_NOFILE, &(struct rlimit){1 << 21, 1 << 21}, NULL));
}

ABI_TEST(limits, unprivileged)
{
	struct rlimit old;
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		limit64(0, RLIMIT_CORE, &(struct rlimit){10, 20}, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		R(limit64(0, RLIMIT_CORE, &(struct rlimit){20, 20}, NULL));
		R(limit64(0, RLIMIT_CORE, &(struct rlimit){20, 21}, NULL));
		R(limit64(0, RLIMIT_CORE, &(struct rlimit){5, 15}, NULL));
		R(limit64(0, RLIMIT_CORE, &(struct rlimit){5, 20}, NULL));
		R(limit64(parent, RLIMIT_CORE, NULL, &old));
		R(limit64(parent, RLIMIT_CORE, &(struct rlimit){1, 1}, NULL));
		pid_t child = fork();
		for (; !child;)
			pause();
		R(limit64(child, RLIMIT_CORE, &(struct rlimit){3, 4}, &old));
		R(limit64(child, RLIMIT_CORE, NULL, &old));
		printf("%ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
		kill(child, SIGKILL);
		abi_reap(child);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

static void *thread_main(void *unused)
{
	struct rlimit limit = {33, 44};

	R(setrlimit(RLIMIT_CORE, &limit));
	return NULL;
}

// All threads have the same; a child has a copy, and so has the program that it executes.
ABI_TEST(limits, shared_and_copied)
{
	pthread_t thread;
	int status;

	pthread_create(&thread, NULL, thread_main, NULL);
	pthread_join(thread, NULL);
	show(RLIMIT_CORE);
	pid_t pid = fork();
	if (!pid) {
		show(RLIMIT_CORE);
		setrlimit(RLIMIT_CORE, &(struct rlimit){1, 2});
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	show(RLIMIT_CORE);
}

// --- RLIMIT_NPROC ---

static void become_user(void)
{
	setresgid(4711, 4711, 4711);
	setresuid(4711, 4711, 4711);
}

static void *do_nothing(void *unused)
{
	return unused;
}

ABI_TEST(limits, processes)
{
	pid_t pid = fork();

	if (!pid) {
		struct rlimit limit = {3, 3};
		pid_t children[4];
		pthread_t thread;

		setrlimit(RLIMIT_NPROC, &limit);
		become_user();
		for (int i = 0; i < 4; i++) {
			errno = 0;
			children[i] = fork();
			for (; !children[i];)
				pause();
			printf("fork %d: %s\n", i, children[i] < 0 ? strerrorname_np(errno) : "ok");
		}
		printf("thread: %s\n",
		       strerrorname_np(pthread_create(&thread, NULL, do_nothing, NULL)));
		for (int i = 0; i < 4; i++) {
			if (children[i] < 0)
				continue;
			kill(children[i], SIGKILL);
			abi_reap(children[i]);
		}
		R(pthread_create(&thread, NULL, do_nothing, NULL));
		pthread_join(thread, NULL);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// Root of the machine is exempt, and so is who has one of two capabilities.
ABI_TEST(limits, processes_of_root)
{
	pid_t pid = fork();

	if (!pid) {
		setrlimit(RLIMIT_NPROC, &(struct rlimit){1, 1});
		pid_t child = fork();
		if (!child)
			_exit(0);
		abi_reap(child);
		setresuid(-1, 4711, -1); // the real id is what counts
		child = fork();
		if (!child)
			_exit(0);
		abi_reap(child);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// --- Others ---

ABI_TEST(limits, descriptors)
{
	int last = 0, fd;

	R(setrlimit(RLIMIT_NOFILE, &(struct rlimit){20, 20}));
	while ((fd = dup(1)) >= 0)
		last = fd;
	printf("last %d: %s\n", last, strerrorname_np(errno));
	R(dup2(1, 20));
	R(dup2(1, 19));
	R(fcntl(1, F_DUPFD, 20));
	R(fcntl(1, F_DUPFD, 19));
	R(pipe(&fd));
}

ABI_TEST(limits, file_size)
{
	int file = open("file", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){10, RLIM_INFINITY});
	R(write(file, "0123456789abcdef", 16));
	R(write(file, "x", 1));
	R(pwrite(file, "xy", 2, 9));
	R(ftruncate(file, 11));
	R(ftruncate(file, 10));
	unlink("file");
}

ABI_TEST(limits, memory)
{
	setrlimit(RLIMIT_AS, &(struct rlimit){64 << 20, RLIM_INFINITY});
	R(mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	  MAP_FAILED);
	R(errno == ENOMEM);
	setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
	setrlimit(RLIMIT_DATA, &(struct rlimit){1 << 20, RLIM_INFINITY});
	R(sbrk(16 << 20) == (void *)-1);
}

static char *deep(int depth)
{
	volatile char room[4096];

	room[0] = depth;
	return depth ? deep(depth - 1) + room[0] : NULL;
}

ABI_TEST(limits, stack)
{
	struct rlimit core = {0, 0};

	setrlimit(RLIMIT_CORE, &core);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (!pid) {
			setrlimit(RLIMIT_STACK, &(struct rlimit){(i ? 4 : 1) << 20, 8 << 20});
			deep(500); // two megabytes
			_exit(0);
		}
		abi_reap(pid);
	}
}

ABI_TEST(limits, nice_and_priority)
{
	pid_t pid = fork();

	if (!pid) {
		struct sched_param param = {.sched_priority = 5};

		setrlimit(RLIMIT_NICE, &(struct rlimit){25, 25});
		setrlimit(RLIMIT_RTPRIO, &(struct rlimit){5, 5});
		become_user();
		R(setpriority(PRIO_PROCESS, 0, -5));
		R(setpriority(PRIO_PROCESS, 0, -6));
		R(getpriority(PRIO_PROCESS, 0));
		R(sched_setscheduler(0, SCHED_RR, &param));
		param.sched_priority = 6;
		R(sched_setscheduler(0, SCHED_RR, &param));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(limits, cpu_time)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (!pid) {
			if (i)
				signal(SIGXCPU, SIG_IGN);
			setrlimit(RLIMIT_CPU, &(struct rlimit){1, 2});
			for (;;)
				;
		}
		abi_reap(pid);
	}
}
