// Init of a small machine that runs out of memory in several ways: what is only kept to be fast, and
// what programs have given up, must go before anybody is killed; who cannot be helped gets a signal,
// and the machine goes on. A line "wrong" is a failure.

#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096ul
#define NAMES 200000
#define LAZY  (24ul << 20)
#define SLACK 512 // pages that may stay in caches

static void expect(int right, const char *what)
{
	printf("%s: %s\n", right ? "right" : "wrong", what);
}

static long field(const char *path, const char *name)
{
	static char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *at = strstr(text, name);
	return at ? atol(at + strlen(name)) : -1;
}

static long pages_free(void)
{
	return field("/proc/meminfo", "MemFree:") / 4;
}

static long killed(void)
{
	return field("/proc/vmstat", "oom_kill ");
}

static char *map(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

static void touch(char *at, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE)
		at[i] = 1;
}

// --- What the kernel keeps ---

static void fill_caches(void)
{
	struct stat status;
	char name[64];

	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name),
			 i % 2 ? "/tmp/there is no such file as %d" : "/proc/%d/stat", i);
		stat(name, &status);
	}
	for (int i = 0; i < 8000; i++) {
		snprintf(name, sizeof(name), "/tmp/a file with a name that is not short, %d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	for (int i = 0; i < 8000; i++) {
		snprintf(name, sizeof(name), "/tmp/a file with a name that is not short, %d", i);
		unlink(name);
	}
	for (int i = 0; i < 100; i++) {
		if (fork() == 0) {
			pause();
			_exit(0);
		}
	}
	kill(-1, SIGKILL);
	while (wait(NULL) > 0)
		;
}

static void names_then_memory(void)
{
	long before = pages_free(), deaths = killed();

	fill_caches();
	size_t size = (before - SLACK) * PAGE;
	char *at = map(size);
	touch(at, size);
	expect(killed() == deaths, "caches go before processes");
	munmap(at, size);
	expect(pages_free() > before - SLACK, "memory comes back");
}

// --- What a program has given up ---

static void lazily_freed(void)
{
	char *lazy = map(LAZY);
	long deaths = killed(), lost = 0, kept = 0, odd = 0;

	for (size_t i = 0; i < LAZY; i += 8)
		*(size_t *)(lazy + i) = i + 1;
	expect(madvise(lazy, LAZY, MADV_FREE) == 0, "MADV_FREE");
	expect(*(size_t *)(lazy + 100 * PAGE) == 100 * PAGE + 1,
	       "nothing is lost while there is room");
	for (size_t i = 0; i < LAZY; i += 8 * PAGE)
		*(size_t *)(lazy + i) = i + 2;
	for (size_t i = PAGE; i < LAZY; i += 8 * PAGE) { // by the kernel
		int fd = open("/dev/zero", O_RDONLY);
		read(fd, lazy + i, 8);
		close(fd);
	}
	size_t size = pages_free() * PAGE + LAZY / 2;
	char *at = map(size);
	touch(at, size);
	expect(killed() == deaths, "pages that were given up go before processes");
	for (size_t i = 0; i < LAZY; i += PAGE) {
		size_t word = *(size_t *)(lazy + i), rest = *(size_t *)(lazy + i + 8);

		if (i % (8 * PAGE) == 0)
			kept += word == i + 2 && rest == i + 9;
		else if (i % (8 * PAGE) == PAGE)
			kept += word == 0 && rest == i + 9;
		else if (word == 0 && rest == 0)
			lost++;
		else
			odd += word != i + 1;
	}
	expect(kept == LAZY / PAGE / 4, "what was written again stays");
	expect(lost > (long)(LAZY / PAGE / 4), "the rest was taken");
	expect(odd == 0, "pages are whole or empty");
	munmap(at, size);
	munmap(lazy, LAZY);
}

// --- Nothing helps ---

static void touch_everything(void)
{
	touch(map(256ul << 20), 256ul << 20);
	_exit(0);
}

static int signal_of(pid_t pid)
{
	int status = 0;

	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void nobody_to_kill(void)
{
	long deaths = killed();
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);
		write(fd, "-1000", 5);
		close(fd);
		touch_everything();
	}
	expect(signal_of(pid) == SIGBUS, "who must not be killed gets SIGBUS");
	expect(killed() == deaths, "and was not killed");
}

static void init_of_a_namespace(void)
{
	long deaths = killed();
	pid_t pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		touch_everything();
	expect(signal_of(pid) == SIGKILL, "the init of a namespace is killed");
	expect(killed() == deaths + 1, "one was killed");
}

static sigjmp_buf back;

static void on_bus(int signal)
{
	siglongjmp(back, signal);
}

static void init_alone(void)
{
	char *at = map(256ul << 20);

	signal(SIGBUS, on_bus);
	if (sigsetjmp(back, 1) == 0) {
		touch(at, 256ul << 20);
		expect(0, "init touches more than there is");
	} else {
		munmap(at, 256ul << 20);
		expect(1, "init gets SIGBUS");
	}
	signal(SIGBUS, SIG_DFL);
}

int main(void)
{
	mkdir("/proc", 0755);
	mkdir("/tmp", 0777);
	mount("proc", "/proc", "proc", 0, NULL);
	printf("boot-test: init runs as process %d\n", getpid());
	setvbuf(stdout, NULL, _IOLBF, 0);
	names_then_memory();
	lazily_freed();
	nobody_to_kill();
	init_of_a_namespace();
	init_alone();
	names_then_memory();
	reboot(RB_POWER_OFF);
	return 1;
}
