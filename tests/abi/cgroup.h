// What the tests of control groups share: files that are written and shown, and tasks that wait.
#pragma once

#include "abi.h"
#include <sched.h>
#include <sys/mount.h>
#include <time.h>

// Only what every kernel has: names of controllers but pids are left out.
static inline void show(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		printf("%s: %s\n", path, strerrorname_np(errno));
		return;
	}
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int error = errno;
	close(fd);
	if (n < 0) {
		printf("%s: read %s\n", path, strerrorname_np(error));
		return;
	}
	text[n] = '\0';
	if (strstr(path, "controllers") || strstr(path, "subtree_control")) {
		printf("%s: %s\n", path, strstr(text, "pids") ? "pids" : "");
		return;
	}
	printf("%s:", path);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(line, "nr_dying") && !strstr(line, "nr_subsys"))
			printf(" %s", line);
	}
	printf("\n");
}

static inline long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return -1;
	long n = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return n;
}

static inline long put_pid(const char *path, int pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return put(path, text) < 0 ? -1 : 0;
}

static inline int lines_of(const char *path)
{
	char line[64];
	int count = 0;
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file))
		count++;
	if (file)
		fclose(file);
	return count;
}

static inline void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

// Waits until a file says something, for at most five seconds.
static inline int until(const char *path, const char *word)
{
	char text[256];

	for (int i = 0; i < 500; i++) {
		int fd = open(path, O_RDONLY);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		close(fd);
		if (strstr(text, word))
			return 1;
		nap(10);
	}
	printf("%s never said %s, but %s\n", path, word, text);
	return 0;
}

// Which of two options the mounts tell.
static inline void show_options(void)
{
	char line[512];
	FILE *file = fopen("/proc/mounts", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, " cgroup2 "))
			printf("nsdelegate %d pids_localevents %d\n", !!strstr(line, ",nsdelegate"),
			       !!strstr(line, ",pids_localevents"));
	}
	if (file)
		fclose(file);
}

// A cgroup2 file system in ./cg, and its folder as the working directory.
static inline void enter_tree(const char *options)
{
	mkdir("cg", 0755);
	if (mount("none", "cg", "cgroup2", 0, options))
		printf("mount: %s\n", strerrorname_np(errno));
	if (chdir("cg"))
		printf("no cg\n");
}

static inline void leave_tree(void)
{
	put_pid("cgroup.procs", 0);
	chdir("..");
	umount2("cg", MNT_DETACH);
}

static inline int sleeper(const char *group)
{
	int pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	if (group) {
		char path[128];

		snprintf(path, sizeof(path), "%s/cgroup.procs", group);
		put_pid(path, pid);
	}
	return pid;
}

static inline void end(int pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline void done(int code)
{
	fflush(stdout);
	_exit(code);
}

static inline void show_own(const char *who)
{
	char text[512] = "";
	int fd = open("/proc/self/cgroup", O_RDONLY);

	read(fd, text, sizeof(text) - 1);
	close(fd);
	printf("%s %s", who, text);
}
