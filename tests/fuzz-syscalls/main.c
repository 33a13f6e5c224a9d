// The fuzzer as init of a machine: starts workers, one after another or a few at once, each in its
// own pid, mount and IPC namespace with an empty file system, bounds them in time, and looks whether
// the machine is as before.
//
//   fuzz=SEED,COUNT,CALLS,AT-ONCE[,FROM] on the kernel's command line (which reaches us as an
//   environment variable): workers SEED+FROM to SEED+COUNT-1.

#include "worker.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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
#include <time.h>

// A worker's time is counted in rounds of who looks after it: sleeps of 2 ms that it came back from.
// A machine that gets little of its host's time makes few of them, so that a worker is not taken for
// one that hangs because the clock went on without it.
#define ROUND_NS      2000000
#define WORKER_ROUNDS 2500
#define AT_ONCE_MAX   8

struct slot {
	pid_t pid; // 0 = free
	uint64_t seed;
	unsigned rounds;
	int told;
};

static long free_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long value = -1;

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "MemFree:", 8))
			value = atol(line + 8);
	}
	if (file)
		fclose(file);
	return value;
}

// The first process of the worker's pid namespace: when it ends, so does all that it started.
static void namespace_init(uint64_t seed, unsigned call_total)
{
	setsid(); // no terminal, and a group of its own
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("work", "/tmp", "tmpfs", 0, "size=8M") || mount("proc", "/proc", "proc", 0, NULL))
		perror("worker: mount");
	if (chdir("/tmp"))
		perror("worker: chdir");
	// From here on nobody in the namespace has the console: it could be taken by pidfd_getfd.
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	pid_t pid = fork();
	if (pid == 0)
		worker_main(seed, call_total);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(0);
}

static void start(struct slot *slot, uint64_t seed, unsigned call_total)
{
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD;

	*slot = (struct slot){.seed = seed};
	fflush(stdout);
	slot->pid = syscall(SYS_clone, flags | CLONE_NEWIPC, 0, 0, 0, 0);
	if (slot->pid < 0 && errno == EINVAL) // a kernel without System V objects
		slot->pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (slot->pid == 0)
		namespace_init(seed, call_total);
	if (slot->pid < 0) {
		printf("FUZZ seed %lu: clone: %s\n", (unsigned long)seed, strerror(errno));
		slot->pid = 0;
	}
}

// Of each task that there is: its name and state, and the signals that wait for it.
static void print_tasks(void)
{
	DIR *folder = opendir("/proc");
	char name[64], line[128];

	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		snprintf(name, sizeof(name), "/proc/%.20s/status", entry->d_name);
		FILE *file = atoi(entry->d_name) ? fopen(name, "r") : NULL;
		while (file && fgets(line, sizeof(line), file)) {
			if (strncmp(line, "Name", 4) == 0 || strncmp(line, "State", 5) == 0 ||
			    strncmp(line, "Pid", 3) == 0 || strncmp(line, "PPid", 4) == 0 ||
			    strncmp(line, "NSpid", 5) == 0 || strncmp(line, "Threads", 7) == 0 ||
			    strncmp(line, "SigPnd", 6) == 0 || strncmp(line, "ShdPnd", 6) == 0)
				printf("  %s%s", strncmp(line, "Name", 4) ? "  " : "", line);
		}
		if (file)
			fclose(file);
	}
	if (folder)
		closedir(folder);
}

static void reap(struct slot *slots, unsigned count, unsigned *cut)
{
	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = &slots[i];

		if (!slot->pid || ++slot->rounds <= WORKER_ROUNDS)
			continue;
		if (slot->rounds == WORKER_ROUNDS + 1)
			++*cut;
		kill(slot->pid, SIGKILL);
		if (slot->rounds > 4 * WORKER_ROUNDS && !slot->told) {
			printf("FUZZ HANG seed %lu does not die\n", (unsigned long)slot->seed);
			print_tasks();
			slot->told = 1;
		}
	}
	pid_t pid = waitpid(-1, NULL, WNOHANG);
	for (unsigned i = 0; pid > 0 && i < count; i++) {
		if (slots[i].pid == pid)
			slots[i].pid = 0;
	}
	if (pid <= 0)
		nanosleep(&(struct timespec){0, ROUND_NS}, NULL);
}

static void fuzz(uint64_t seed, unsigned workers, unsigned call_total, unsigned at_once,
		 unsigned from)
{
	struct slot slots[AT_ONCE_MAX] = {{0}};
	unsigned cut = 0, busy = 1;
	long before = 0;

	for (unsigned next = from; next < workers || busy;) {
		busy = 0;
		for (unsigned i = 0; i < at_once; i++) {
			if (!slots[i].pid && next < workers)
				start(&slots[i], seed + next++, call_total);
			busy += slots[i].pid != 0;
		}
		// The first ones fill the caches.
		if (next == from + (workers - from) / 4 && !before)
			before = free_kib();
		reap(slots, at_once, &cut);
	}
	printf("FUZZ workers %u calls %u cut %u free %ld before %ld\n", workers - from, call_total,
	       cut, free_kib(), before);
}

// What the kernel finds that nothing leads to any more: a line each, which the script looks for.
static void print_leaks(void)
{
	FILE *file = fopen("/proc/leaks", "r");
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		printf("%s", line);
	if (file)
		fclose(file);
}

static void print_tallies(void)
{
	unsigned long made = 0, worked = 0;

	for (size_t i = 0; i < call_count; i++) {
		made += tallies[i].made;
		worked += tallies[i].worked;
		printf("  %s %u of %u\n", calls[i].name, tallies[i].worked, tallies[i].made);
	}
	printf("FUZZ made %lu worked %lu\n", made, worked);
}

int main(int argc, char **argv)
{
	const char *words = getenv("fuzz");
	unsigned long seed = 1;
	unsigned workers = 20, call_total = 500, at_once = 2, from = 0;

	(void)argv;
	if (getpid() != 1 || argc > 1)
		return 0; // a worker has run us
	mkdir("/proc", 0755);
	mkdir("/tmp", 01777);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666");
	if (words)
		sscanf(words, "%lu,%u,%u,%u,%u", &seed, &workers, &call_total, &at_once, &from);
	if (at_once < 1 || at_once > AT_ONCE_MAX)
		at_once = 1;
	// No worker may keep us from running, of whatever class it makes itself.
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &(struct sched_param){99});
	printf("FUZZ begin seed %lu\n", seed);
	tallies = mmap(NULL, call_count * sizeof(*tallies), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		return 1;
	fuzz(seed, workers, call_total, at_once, from);
	print_leaks();
	print_tallies();
	printf("FUZZ end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
