// Control groups under load: forks, threads, migrations, freezing and thawing, kills and removals at
// once, from many tasks. Afterwards all counts are back at nothing. What was lost is the runner's to
// say (/proc/census).

#include "cgroup.h"
#include <linux/sched.h>
#include <pthread.h>
#include <sys/prctl.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif

#define GROUPS 4
#define RUN_MS 4000

static unsigned seed;

static unsigned draw(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % below;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long until_ms;

static int time_left(void)
{
	return now_ms() < until_ms;
}

static char *path_of(const char *file)
{
	static char path[64];

	snprintf(path, sizeof(path), "s/g%u/%s", draw(GROUPS), file);
	return path;
}

static void quietly(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	write(fd, text, strlen(text));
	close(fd);
}

// A child that may have one of its own, for a moment.
static void forker(void)
{
	while (time_left()) {
		int pid = fork();

		if (pid == 0) {
			if (draw(2) && fork() == 0)
				_exit(0);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void *thread_main(void *arg)
{
	return arg;
}

static void threader(void)
{
	while (time_left()) {
		pthread_t threads[4];
		int made = 0;

		while (made < 4 && !pthread_create(&threads[made], NULL, thread_main, NULL))
			made++;
		while (made)
			pthread_join(threads[--made], NULL);
	}
}

// Moves whoever it finds in one group to another.
static void migrator(void)
{
	while (time_left()) {
		char line[32];
		FILE *file = fopen(path_of("cgroup.procs"), "r");

		for (int i = 0; file && i < 8 && fgets(line, sizeof(line), file); i++)
			quietly(path_of("cgroup.procs"), line);
		if (file)
			fclose(file);
	}
}

static void freezer(void)
{
	while (time_left()) {
		quietly(draw(4) ? path_of("cgroup.freeze") : "s/cgroup.freeze", "1");
		nap(draw(8));
		for (int i = 0; i < GROUPS; i++) {
			char path[64];

			snprintf(path, sizeof(path), "s/g%d/cgroup.freeze", i);
			quietly(path, "0");
		}
		quietly("s/cgroup.freeze", "0");
	}
}

// Groups that are filled by births into them, by a bomb that a limit holds, and killed.
static void killer(void)
{
	while (time_left()) {
		if (mkdir("s/k", 0755))
			continue;
		quietly("s/k/pids.max", "12");
		int dir = open("s/k", O_PATH | O_CLOEXEC);
		struct clone_args args = {
			.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = dir};
		for (int i = 0; i < 3; i++) {
			if (syscall(SYS_clone3, &args, sizeof(args)) == 0) {
				for (;;) {
					if (fork() < 0)
						nap(1);
				}
			}
		}
		close(dir);
		nap(draw(10));
		if (draw(2))
			quietly("s/k/cgroup.freeze", "1");
		quietly("s/k/cgroup.kill", "1");
		for (int i = 0; i < 3; i++)
			waitpid(-1, NULL, 0);
		while (rmdir("s/k") && errno == EBUSY) {
			quietly("s/k/cgroup.kill", "1");
			nap(1);
		}
	}
}

static void looker(void)
{
	static const char *const files[] = {"cgroup.events", "cgroup.procs", "cgroup.threads",
					    "cgroup.stat", "pids.current"};

	while (time_left()) {
		char text[4096];
		int fd = open(path_of(files[draw(5)]), O_RDONLY);

		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
		fd = open("/proc/self/cgroup", O_RDONLY);
		read(fd, text, sizeof(text));
		close(fd);
	}
}

static int start(void (*work)(void), int number, int group)
{
	int pid = fork();

	if (pid == 0) {
		char path[64];

		seed = number * 7919 + 1;
		if (group >= 0) {
			snprintf(path, sizeof(path), "s/g%d/cgroup.procs", group);
			quietly(path, "0");
		}
		work();
		_exit(0);
	}
	return pid;
}

static void storm(void)
{
	static void (*const work[])(void) = {forker,   forker,   forker,   forker,
					     threader, threader, migrator, migrator,
					     freezer,  killer,   looker};
	static const int group[] = {0, 1, 2, 3, 0, 1, -1, -1, -1, -1, -1};
	int pids[11], count = 0;

	until_ms = now_ms() + RUN_MS;
	for (; count < 11; count++)
		pids[count] = start(work[count], count, group[count]);
	for (int i = 0; i < count; i++) {
		int status = 0;

		waitpid(pids[i], &status, 0);
		if (status)
			printf("worker %d ended with %x\n", i, status);
	}
}

ABI_TEST(cgroup_storm, all_at_once)
{
	char path[64];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	enter_tree(NULL);
	R(put("cgroup.subtree_control", "+pids"));
	R(mkdir("s", 0755));
	R(put("s/cgroup.subtree_control", "+pids"));
	for (int i = 0; i < GROUPS; i++) {
		snprintf(path, sizeof(path), "s/g%d", i);
		mkdir(path, 0755);
	}
	storm();
	until("s/cgroup.events", "populated 0");
	while (waitpid(-1, NULL, 0) > 0) // orphans
		;
	nap(50); // the memory of dead threads is late
	show("s/cgroup.events");
	show("s/pids.current");
	for (int i = 0; i < GROUPS; i++) {
		snprintf(path, sizeof(path), "s/g%d/pids.current", i);
		show(path);
		snprintf(path, sizeof(path), "s/g%d/cgroup.events", i);
		show(path);
		snprintf(path, sizeof(path), "s/g%d", i);
		R(rmdir(path));
	}
	show("s/cgroup.stat");
	R(rmdir("s"));
	R(put("cgroup.subtree_control", "-pids"));
	leave_tree();
}
