// Making and ending processes and threads, and how fork depends on what the parent has.

#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "bench.h"

extern char **environ;

static const char *self = "/init";

static long fork_exit_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static long vfork_exit_wait(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static long exec_wait(int with_fork)
{
	char *const argv[] = {(char *)self, "exit", NULL};
	pid_t pid = with_fork ? fork() : vfork();

	if (pid == 0) {
		execve(self, argv, environ);
		_exit(1);
	}
	return reap(pid);
}

static long fork_exec_wait(void)
{
	return exec_wait(1);
}

static long vfork_exec_wait(void)
{
	return exec_wait(0);
}

static long spawn_wait(void)
{
	char *const argv[] = {(char *)self, "exit", NULL};
	pid_t pid;

	errno = posix_spawn(&pid, self, NULL, NULL, argv, environ);
	return errno ? -1 : reap(pid);
}

static void *thread_main(void *unused)
{
	return unused;
}

static long thread_create_join(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, thread_main, NULL);
	return errno ? -1 : pthread_join(thread, NULL);
}

static void write_word(const char *path, const char *word)
{
	int file = open(path, O_WRONLY);

	if (write(file, word, strlen(word)) < 0)
		perror(path);
	close(file);
}

// In a control group two levels deep, both with a limit on tasks.
static void measure_in_cgroup(void)
{
	if (!wanted("fork_exit_wait_cgroup"))
		return;
	mkdir("/cg", 0755);
	if (mount("none", "/cg", "cgroup2", 0, NULL)) {
		missing("fork_exit_wait_cgroup");
		return;
	}
	write_word("/cg/cgroup.subtree_control", "+pids");
	mkdir("/cg/a", 0755);
	write_word("/cg/a/cgroup.subtree_control", "+pids");
	mkdir("/cg/a/b", 0755);
	write_word("/cg/a/pids.max", "100");
	write_word("/cg/a/b/pids.max", "50");
	write_word("/cg/a/b/cgroup.procs", "0");
	measure("fork_exit_wait_cgroup", fork_exit_wait);
	write_word("/cg/cgroup.procs", "0");
	rmdir("/cg/a/b");
	rmdir("/cg/a");
	write_word("/cg/cgroup.subtree_control", "-pids");
	umount2("/cg", 0);
}

void measure_processes(void)
{
	measure("fork_exit_wait", fork_exit_wait);
	measure_in_cgroup(); // before threads leave their stacks behind
	measure("vfork_exit_wait", vfork_exit_wait);
	measure("fork_exec_exit_wait", fork_exec_wait);
	measure("vfork_exec_exit_wait", vfork_exec_wait);
	measure("posix_spawn_wait", spawn_wait);
	measure("thread_create_join", thread_create_join);
}

// --- How fork depends on what the parent has ---

// Reports fork() alone and fork+exit+wait, as they are now.
static void measure_fork_now(const char *what)
{
	char name[64];
	unsigned long call = 0, whole = 0;

	for (int i = 0; i < 6; i++) {
		unsigned long start = now();
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		unsigned long middle = now();
		if (reap(pid)) {
			missing(what);
			return;
		}
		if (i >= 2) {
			call += middle - start;
			whole += now() - start;
		}
	}
	snprintf(name, sizeof(name), "fork_call_%s", what);
	report(name, call / 4);
	snprintf(name, sizeof(name), "fork_exit_wait_%s", what);
	report(name, whole / 4);
}

static void fork_with_memory(size_t mib)
{
	char what[32];
	char *p = touched(mib * MIB);

	snprintf(what, sizeof(what), "%zuM", mib);
	if (!p) {
		missing(what);
		return;
	}
	measure_fork_now(what);
	munmap(p, mib * MIB);
}

// fork, a child that writes a byte every `step` bytes of the parent's memory and exits, and wait.
static void fork_and_write(const char *what, char *p, size_t size, size_t step)
{
	unsigned long whole = 0;
	char name[64];

	for (int i = 0; i < 3; i++) {
		unsigned long start = now();
		pid_t pid = fork();
		if (pid == 0) {
			for (size_t at = 0; at < size; at += step)
				p[at] = 2;
			_exit(0);
		}
		if (reap(pid)) {
			missing(what);
			return;
		}
		if (i)
			whole += now() - start;
	}
	snprintf(name, sizeof(name), "fork_%s_%zuM", what, size / MIB);
	report(name, whole / 2);
}

static void fork_with_writer(size_t mib)
{
	char *p = touched(mib * MIB);

	if (!p) {
		missing("fork_write");
		return;
	}
	fork_and_write("write_sparse", p, mib * MIB, 2 * MIB);
	fork_and_write("write_all", p, mib * MIB, 4096);
	munmap(p, mib * MIB);
}

// So many areas that do not merge: every other page has other rights.
static void fork_with_areas(size_t count)
{
	char what[32];
	char *p = mmap(NULL, count * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	snprintf(what, sizeof(what), "%zu_areas", count);
	for (size_t i = 0; i < count; i += 2) {
		if (p == MAP_FAILED || mprotect(p + i * 4096, 4096, PROT_READ | PROT_WRITE)) {
			missing(what);
			return;
		}
	}
	measure_fork_now(what);
	munmap(p, count * 4096);
}

static void fork_with_files(int count)
{
	char what[32];
	int first = open("/dev/null", O_RDONLY), last = first;

	snprintf(what, sizeof(what), "%d_files", count);
	while (last >= 0 && last - first < count)
		last = dup(first);
	if (last < 0)
		missing(what);
	else
		measure_fork_now(what);
	for (int fd = first; fd <= last; fd++)
		close(fd);
}

static int threads_leave;

static void *idle_thread(void *unused)
{
	while (!__atomic_load_n(&threads_leave, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &threads_leave, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return unused;
}

static void fork_with_threads(int count)
{
	pthread_attr_t small;
	pthread_t thread[256];
	char what[32];
	int made = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * KIB);
	threads_leave = 0;
	while (made < count && pthread_create(&thread[made], &small, idle_thread, NULL) == 0)
		made++;
	snprintf(what, sizeof(what), "%d_threads", count);
	if (made < count)
		missing(what);
	else
		measure_fork_now(what);
	__atomic_store_n(&threads_leave, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &threads_leave, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
	while (made)
		pthread_join(thread[--made], NULL);
}

void measure_fork_sizes(void)
{
	size_t memory = sysconf(_SC_PHYS_PAGES) * 4096ul;

	if (!wanted("fork_call"))
		return;
	for (size_t mib = 1; mib <= 4096 && mib * MIB < memory / 10 * 9; mib *= 4)
		fork_with_memory(mib);
	fork_with_writer(64);
	if (memory > 3072 * MIB)
		fork_with_writer(1024);
	for (size_t areas = 16; areas <= 4096; areas *= 16)
		fork_with_areas(areas);
	for (int files = 16; files <= 1000; files *= 4)
		fork_with_files(files);
	for (int threads = 4; threads <= 256; threads *= 4)
		fork_with_threads(threads);
}
