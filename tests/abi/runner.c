// Runs ABI tests: as init of a machine (all of them, then power-off), or by name from a shell.
//
// Each test is a process of its own, in an empty folder, with a time limit; what it prints is
// framed, so that a script can compare two runs test by test. Around each test the runner counts
// what exists, and says what was lost.

#include "abi.h"
#include "../harness/census.h"
#include <ftw.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <termios.h>
#include <time.h>

#define LIMIT_S    20 // or ABI_LIMIT of the environment
#define MAX_OUTPUT (64 << 10)
#define RUNS_MAX   6 // of a test after which more exists than before, until it is called a leak

extern const struct abi_test *__start_abi_tests[], *__stop_abi_tests[];

void *volatile abi_bad = (void *)8;

void abi_show(const char *call, long result)
{
	if (result < 0 && errno)
		printf("%s: %s\n", call, strerrorname_np(errno) ? strerrorname_np(errno) : "?");
	else
		printf("%s = %ld\n", call, result);
}

void abi_show_ok(const char *call, long result)
{
	if (result < 0)
		abi_show(call, result);
	else
		printf("%s ok\n", call);
}

void abi_reap(pid_t pid)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, 0);

	if (got != pid)
		printf("wait: %s\n", strerrorname_np(errno));
	else if (WIFEXITED(status))
		printf("child exited %d\n", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("child killed by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("child status %x\n", status);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int remove_name(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	umount2(path, MNT_DETACH);
	return remove(path), 0;
}

static void folder_of(const char *name, char *folder, size_t size)
{
	size_t at = snprintf(folder, size, "/tmp/");

	for (const char *c = name; *c && at < size - 1; c++)
		folder[at++] = *c == '/' ? '.' : *c;
	folder[at] = '\0';
}

static void child_main(const char *self, const char *name, int out)
{
	char folder[128];
	char *const argv[] = {(char *)self, (char *)name, NULL};

	folder_of(name, folder, sizeof(folder));
	mkdir(folder, 0755);
	if (chdir(folder))
		_exit(120);
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(out, 2);
	execv(self, argv);
	_exit(121);
}

static void print_framed(const char *text, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != '\n' && i + 1 < length)
			continue;
		printf("  | %.*s\n", (int)(i - start + (text[i] != '\n')), text + start);
		start = i + 1;
	}
}

// Runs one test; returns the bytes of its output, and its status. *late: it was killed.
static size_t run_once(const char *self, const char *name, char *text, int *status, int *late)
{
	size_t length = 0;
	int pipes[2];
	const char *limit = getenv("ABI_LIMIT");
	long end = now_ms() + 1000l * (limit ? atol(limit) : LIMIT_S);

	*late = *status = 0;
	fflush(stdout);
	if (pipe(pipes)) {
		*status = -1;
		return 0;
	}
	pid_t pid = fork();
	if (pid == 0)
		child_main(self, name, pipes[1]);
	close(pipes[1]);
	while (length < MAX_OUTPUT) {
		struct pollfd poll_for = {.fd = pipes[0], .events = POLLIN};
		long left = end - now_ms();

		if (left <= 0 || poll(&poll_for, 1, left) <= 0) {
			*late = 1;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			break;
		}
		ssize_t got = read(pipes[0], text + length, MAX_OUTPUT - length);
		if (got <= 0)
			break;
		length += got;
	}
	close(pipes[0]);
	waitpid(pid, status, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	char folder[128];
	folder_of(name, folder, sizeof(folder));
	nftw(folder, remove_name, 16, FTW_DEPTH | FTW_PHYS);
	return length;
}

// Runs one test; its output and status go to standard output. A test that leaves something behind
// runs again: what a first run leaves may be a table that grew, but a later run that again leaves
// something has lost it.
static void run_one(const char *self, const char *name, int check_leaks)
{
	static char text[MAX_OUTPUT], ignored[MAX_OUTPUT], before[CENSUS_MAX], after[CENSUS_MAX];
	int status, late;

	if (check_leaks)
		census_take(before);
	size_t length = run_once(self, name, text, &status, &late);
	printf("### %s status=%x%s\n", name, status, late ? " timeout" : "");
	print_framed(text, length);
	if (!check_leaks || !before[0])
		return;
	census_take(after);
	for (int run = 1; run < RUNS_MAX && census_grew(before, after, NULL); run++) {
		memcpy(before, after, sizeof(before));
		run_once(self, name, ignored, &status, &late);
		census_take(after);
	}
	char mark[160];

	snprintf(mark, sizeof(mark), "@@@ %s", name);
	census_grew(before, after, mark);
	fflush(stdout);
}

static void prepare_machine(void)
{
	mkdir("/proc", 0755);
	mkdir("/tmp", 0777);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, NULL);
	setenv("PATH", "/bin", 1);
}

static int chosen(const char *name, char **words)
{
	if (!words[0])
		return 1;
	for (; *words; words++) {
		if (strncmp(name, *words, strlen(*words)) == 0)
			return 1;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct abi_test *const *)a)->name,
		      (*(const struct abi_test *const *)b)->name);
}

int main(int argc, char **argv)
{
	int is_init = getpid() == 1;
	size_t count = __stop_abi_tests - __start_abi_tests;
	const struct abi_test **tests = calloc(count, sizeof(*tests));

	memcpy(tests, __start_abi_tests, count * sizeof(*tests));
	qsort(tests, count, sizeof(*tests), by_name);
	setvbuf(stdout, NULL, _IOLBF, 1 << 16);
	for (size_t i = 0; argc == 2 && i < count && !is_init; i++) {
		if (strcmp(tests[i]->name, argv[1]) == 0) {
			tests[i]->run();
			fflush(stdout);
			return 0;
		}
	}
	if (is_init)
		prepare_machine();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	// The kernel's console turns line ends into CR LF; the script that compares takes that back.
	printf("### begin %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		if (chosen(tests[i]->name, argv + 1))
			run_one(is_init ? "/init" : "/proc/self/exe", tests[i]->name, is_init);
	}
	printf("### end\n");
	fflush(stdout);
	if (is_init) {
		sync();
		tcdrain(STDOUT_FILENO); // Linux goes off before its serial line has said all
		usleep(100000);
		reboot(RB_POWER_OFF);
	}
	return 0;
}
