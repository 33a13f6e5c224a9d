// Pid namespaces: init, its death, reboot(2) inside, numbers at each level, /proc of the inside.

#include "abi.h"
#include <linux/reboot.h>
#include <sched.h>
#include <sys/mount.h>

static int in_new_ns(int (*fn)(void))
{
	int pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		int code = fn();
		fflush(stdout);
		_exit(code);
	}
	abi_reap(pid);
	return pid;
}

static void show_lines(const char *path, const char *start)
{
	char line[256];
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, start, strlen(start)))
			printf("%s", line);
	}
	if (file)
		fclose(file);
	else
		printf("no %s\n", path);
}

static int look_inside(void)
{
	printf("%d %d\n", getpid(), getppid());
	char link[32] = "";
	printf("self outside %d\n", readlink("/proc/self", link, 31) > 0 && strcmp(link, "1"));
	R(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	R(mount("proc", "/proc", "proc", 0, NULL));
	memset(link, 0, sizeof(link));
	R(readlink("/proc/self", link, 31));
	printf("%s\n", link);
	int pid = fork();
	if (pid == 0) {
		show_lines("/proc/self/status", "NS");
		show_lines("/proc/self/status", "PPid");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(access("/proc/1/status", R_OK));
	R(access("/proc/3/status", R_OK));
	R(kill(1, SIGTERM));
	R(kill(1, SIGKILL)); // not from inside
	R(kill(77, 0));
	return 3;
}

ABI_TEST(ns_pid, inside_view)
{
	in_new_ns(look_inside);
}

static int do_restart(void)
{
	if (fork() == 0)
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_RESTART, NULL);
	pause();
	return 9;
}

static int do_halt(void)
{
	R(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF,
		  NULL));
	R(syscall(SYS_reboot, 1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_HALT, NULL));
	fflush(stdout);
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF,
		NULL);
	return 9;
}

ABI_TEST(ns_pid, reboot_inside)
{
	in_new_ns(do_restart);
	in_new_ns(do_halt);
}

static int init_with_children(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			for (;;)
				pause();
	}
	return 5;
}

ABI_TEST(ns_pid, init_takes_all_along)
{
	in_new_ns(init_with_children);
	R(unshare(CLONE_NEWPID));
	int pid = fork();
	if (pid == 0)
		_exit(getpid());
	abi_reap(pid);
	R(fork()); // its init has died
	R(unshare(CLONE_NEWPID));
}

// The clone that was to make the first process of a namespace fails late: its number was taken.
ABI_TEST(ns_pid, first_clone_fails)
{
	pid_t child = fork();

	if (!child) {
		R(unshare(CLONE_NEWUSER | CLONE_NEWPID));
		R(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, BAD, 0, 0));
		for (int i = 0; i < 3; i++) {
			int status = 0;
			pid_t pid = fork();

			if (!pid)
				_exit(getpid());
			R(pid > 0);
			if (pid > 0 && wait(&status) > 0)
				R(WEXITSTATUS(status));
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
}
