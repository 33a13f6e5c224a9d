// The soak, as init of a machine: very many forks, programs, threads and containers from several tasks
// at once, then a fork bomb that a limit holds and one that runs memory out; after each, what exists is counted
// again (/proc/census).
//
//   soak=COUNT, and soak_only=STAGE, on the kernel's command line, which reaches us as an environment variable.

#include "soak.h"
#include "../harness/census.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS     4
#define SETTLE_MS   5000
#define BOMB_MS     2000
#define NPROC_LIMIT 200
#define HOG_BYTES   (8 << 20)
#define HOGS        64

static int failures;

static void fail(const char *what)
{
	printf("not ok %s\n", what);
	failures++;
}

static void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

// --- What exists ---

static char before[CENSUS_MAX], after[CENSUS_MAX];

// No count may be greater than before: a census empties all caches of free things, and the tables of the
// kernel's own mappings, which stay, are not counted. What ended a moment ago is freed a moment later:
// the counts have some seconds to come back.
static void check_census(const char *stage)
{
	for (int waited = 0; waited < SETTLE_MS; waited += 100) {
		census_take(after);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!census_grew(before, after, NULL)) {
			printf("ok %s\n", stage);
			return;
		}
		sleep_ms(100);
	}
	fail(stage);
	census_grew(before, after, " ");
}

// --- Stages; each is run by a worker, `count` times, and returns how many went wrong ---

static int reap(pid_t pid, int code)
{
	int status;

	return waitpid(pid, &status, 0) != pid || status != code << 8;
}

static long forks(long count)
{
	long wrong = 0;

	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(i & 63);
		wrong += pid < 0 || reap(pid, i & 63);
	}
	return wrong;
}

// Not inlined: vfork returns twice, and a caller's variables are not to live across that.
static __attribute__((noinline)) int exec_once(void)
{
	char *const argv[] = {"/init", "exit", NULL};
	pid_t pid = vfork();

	if (!pid) {
		execv("/init", argv);
		_exit(1);
	}
	return pid < 0 || reap(pid, 7);
}

static long execs(long count)
{
	long wrong = 0;

	for (long i = 0; i < count; i++)
		wrong += exec_once();
	return wrong;
}

static void *thread_main(void *number)
{
	return number;
}

static long threads(long count)
{
	long wrong = 0;

	for (long i = 0; i < count; i++) {
		pthread_t thread;
		void *value = NULL;

		int error = pthread_create(&thread, NULL, thread_main, (void *)i);

		if (!error)
			error = pthread_join(thread, &value);
		if (error || value != (void *)i)
			printf("  thread %ld of %d: %s, value %p\n", i, getpid(), strerror(error),
			       value);
		wrong += error || value != (void *)i;
	}
	return wrong;
}

// All children make children, until the limit of the user says no; then all are killed.
static long limited_bomb(long count)
{
	struct rlimit limit = {NPROC_LIMIT, NPROC_LIMIT};
	int *refused = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	setpgid(0, 0);
	if (setrlimit(RLIMIT_NPROC, &limit) || setresgid(1000, 1000, 1000) ||
	    setresuid(1000, 1000, 1000))
		return 1;
	for (;;) {
		pid_t pid = fork();

		if (pid < 0 && errno != EAGAIN)
			return 1;
		if (pid < 0 && __atomic_add_fetch(refused, 1, __ATOMIC_RELAXED) > 2000)
			kill(0, SIGKILL);
	}
}

// Processes that fill memory, far more than there is: the kernel ends some, never init.
static long memory_bomb(long count)
{
	setpgid(0, 0);
	for (int i = 0; i < HOGS; i++) {
		if (fork())
			continue;
		for (;;) {
			char *memory = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (memory == MAP_FAILED)
				_exit(1);
			for (size_t at = 0; at < HOG_BYTES; at += 4096)
				memory[at] = 1;
		}
	}
	sleep_ms(BOMB_MS);
	kill(0, SIGKILL);
	return 1;
}

// Forks on a machine whose harts are all busy in user mode: what is freed after a grace period has
// to be freed all the same.
static long forks_beside_spinners(long count)
{
	pid_t spinners[WORKERS];
	long wrong;

	for (int i = 0; i < WORKERS; i++) {
		spinners[i] = fork();
		for (volatile int turns = 0; !spinners[i]; turns++)
			;
	}
	wrong = forks(count);
	for (int i = 0; i < WORKERS; i++) {
		kill(spinners[i], SIGKILL);
		waitpid(spinners[i], NULL, 0);
	}
	return wrong;
}

// --- A shell, which has been there from the start ---

static int to_shell, from_shell;

static void start_shell(void)
{
	int in[2], out[2];

	pipe(in), pipe(out);
	if (!fork()) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		for (int fd = 3; fd < 16; fd++)
			close(fd);
		execl("/bin/sh", "sh", NULL);
		_exit(127);
	}
	close(in[0]), close(out[1]);
	to_shell = in[1];
	from_shell = out[0];
}

// Types a command that starts a program, and waits for what it says.
static void ask_shell(const char *when)
{
	static const char command[] = "/init still-here\n", answer[] = "still here";
	char text[256] = "";
	struct pollfd one = {.fd = from_shell, .events = POLLIN};
	size_t got = 0;

	write(to_shell, command, sizeof(command) - 1);
	while (!strstr(text, answer) && got < sizeof(text) - 1 &&
	       poll(&one, 1, SETTLE_MS * 4) > 0) {
		ssize_t more = read(from_shell, text + got, sizeof(text) - 1 - got);

		if (more <= 0)
			break;
		got += more;
	}
	if (strstr(text, answer))
		printf("ok a shell answers %s\n", when);
	else
		fail("a shell answers");
}

// --- The stages' frame ---

// Runs `workers` of a stage at once. bomb: they end by SIGKILL, and whatever is left is reaped here.
static void stage(const char *name, long (*run)(long), int workers, long count, int bomb)
{
	const char *only = getenv("soak_only");
	int status, wrong = 0;
	pid_t pids[WORKERS], pid;

	if (only && strcmp(only, name))
		return;
	census_take(before);
	for (int i = 0; i < workers; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(run(count) != 0);
		if (pids[i] < 0)
			fail("init can fork");
	}
	// The workers and what they leave; the shell stays.
	for (int left = workers; left || (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (left)
			pid = waitpid(-1, &status, 0);
		for (int i = 0; i < workers; i++) {
			left -= pid == pids[i];
			if (pid != pids[i] || (bomb ? WIFSIGNALED(status) : !status))
				continue;
			printf("  %s: worker %d ended with status %x\n", name, i, status);
			wrong++;
		}
	}
	if (wrong)
		fail(name);
	check_census(name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	long count = getenv("soak") ? atol(getenv("soak")) : 1000;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 7;
	if (argc > 1)
		return puts("still here"), 0;
	start_shell();
	ask_shell("before all");
	mkdir("/proc", 0755);
	mkdir("/container", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	if (access("/proc/census", R_OK))
		fail("there is a census");
	// What init itself will need, for it is counted too; and the first of each kind, which may make
	// what is made once.
	memset(before, 0, sizeof(before));
	memset(after, 0, sizeof(after));
	for (int i = 0; i < WORKERS; i++)
		forks(1), execs(1), threads(1), containers(1);
	stage("forks", forks, WORKERS, count / WORKERS, 0);
	stage("programs", execs, WORKERS, count / WORKERS, 0);
	stage("threads", threads, WORKERS, count / WORKERS, 0);
	stage("forks beside spinners", forks_beside_spinners, 1, count / 10, 0);
	stage("containers", containers, WORKERS, count / (20 * WORKERS), 0);
	stage("fork bomb under RLIMIT_NPROC", limited_bomb, 1, 0, 1);
	stage("memory runs out", memory_bomb, 1, 0, 1);
	ask_shell("after the bombs");
	stage("forks after that", forks, WORKERS, 25, 0);
	printf("SOAK end %d\n", failures);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
