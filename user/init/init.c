// The first process: mounts what programs expect, makes the names of the tools, gives the shell a
// session with the console as its terminal, starts it again when it ends, and collects orphans.
//
// It ends the machine when it is told to: poweroff, reboot and halt call reboot(2) themselves when
// it is they who run as process 1's equals (-f), and otherwise send it a signal, so that all
// processes get SIGTERM first, and SIGKILL a moment later.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../tools/tool.h"

#define CONSOLE     "/dev/console"
#define GRACE_NS    300000000 // between SIGTERM and SIGKILL
#define SHELL_QUICK 1         // a shell that ends within this many seconds...
#define QUICK_MAX   5         // ...this often in a row means that something is wrong

struct place {
	const char *type, *path, *options;
	unsigned long flags;
	bool needed; // its absence is said
};

static const struct place places[] = {
	{"proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true},
	{"devtmpfs", "/dev", NULL, MS_NOSUID, true},
	{"devpts", "/dev/pts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC, false},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, false},
	{"mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
	{"sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
	{"cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
	{"tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, true},
};

static volatile sig_atomic_t wanted; // the signal that told how to end

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "init: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
}

// Whether the kernel knows a type of file system; unknown before /proc is there.
static bool type_is_known(const char *filesystems, const char *type)
{
	size_t n = strlen(type);

	for (const char *at = filesystems; at && (at = strstr(at, type)); at += n) {
		if (at > filesystems && at[-1] == '\t' && (at[n] == '\n' || !at[n]))
			return true;
	}
	return false;
}

// Makes a directory and those above it.
static void make_directories(const char *path)
{
	char part[64];

	for (const char *end = path + 1;; end++) {
		if (*end && *end != '/')
			continue;
		if ((size_t)(end - path) >= sizeof(part))
			return;
		memcpy(part, path, (size_t)(end - path));
		part[end - path] = '\0';
		mkdir(part, 0755);
		if (!*end)
			return;
	}
}

static bool is_mounted(const char *path)
{
	struct stat here, above;
	char parent[64];

	snprintf(parent, sizeof(parent), "%s/..", path);
	return stat(path, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

static void mount_all(void)
{
	char *known = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place *p = &places[i];

		if (!known)
			known = file_read("/proc/filesystems", NULL);
		if (!p->needed && !type_is_known(known, p->type))
			continue;
		make_directories(p->path);
		if (is_mounted(p->path))
			continue;
		if (mount(p->type, p->path, p->type, p->flags, p->options) < 0)
			say("cannot mount %s on %s: %s", p->type, p->path, strerror(errno));
	}
	free(known);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

// A name in /bin for each tool that has none. All are this program.
static void make_names(void)
{
	char path[64];

	mkdir("/bin", 0755);
	mkdir("/root", 0700);
	for (size_t i = 0; i < tool_count; i++) {
		snprintf(path, sizeof(path), "/bin/%s", tools[i].name);
		if (access(path, F_OK) < 0)
			link("/init", path);
	}
}

// In the child: a session of its own with the console as terminal.
static NORETURN void become_shell(void)
{
	static char *argv[] = {"-sh", NULL};
	sigset_t none = 0;

	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	int fd = open(CONSOLE, O_RDWR);

	if (fd >= 0) {
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (fd > 2)
			close(fd);
	}
	if (ioctl(0, TIOCSCTTY, 0) < 0)
		say("%s is no terminal: no job control: %s", CONSOLE, strerror(errno));
	setenv("HOME", "/root", 1);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 0);
	setenv("USER", "root", 0);
	setenv("SHELL", "/bin/sh", 0);
	if (chdir("/root") < 0)
		setenv("HOME", "/", 1);
	execve("/bin/sh", argv, environ);
	say("cannot run /bin/sh: %s", strerror(errno));
	_exit(127);
}

static pid_t start_shell(void)
{
	pid_t pid = fork();

	if (pid == 0)
		become_shell();
	if (pid < 0)
		say("cannot start a shell: %s", strerror(errno));
	return pid;
}

static void on_signal(int signal)
{
	wanted = signal;
}

// SIGCHLD only has to interrupt the wait.
static void take_signals(void)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGPWR};
	struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

// SIGUSR2 and SIGPWR: power off; SIGUSR1: halt; SIGTERM and SIGINT: restart.
static NORETURN void end_machine(int signal)
{
	struct timespec grace = {0, GRACE_NS};
	bool halt = signal == SIGUSR1, restart = signal == SIGTERM || signal == SIGINT;

	say("%s", halt ? "halting" : restart ? "restarting" : "powering off");
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (int i = 0; i < 5; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (kill(-1, 0) < 0)
			break;
		grace.tv_nsec = GRACE_NS / 5;
		nanosleep(&grace, NULL);
	}
	kill(-1, SIGKILL);
	sync();
	reboot((int)(halt      ? LINUX_REBOOT_CMD_HALT
		     : restart ? LINUX_REBOOT_CMD_RESTART
			       : LINUX_REBOOT_CMD_POWER_OFF));
	say("reboot: %s", strerror(errno));
	for (;;)
		pause();
}

static void describe_end(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
}

int init_main(int argc, char **argv)
{
	char how[64];
	int status, quick = 0;

	tool_help(argc, argv, "",
		  "The first process: mounts, starts a shell on the console, collects "
		  "orphans.\n");
	if (getpid() != 1)
		return tool_complain(argv, "must be process 1");
	take_signals();
	mount_all();
	make_names();
	pid_t shell = start_shell();
	time_t started = time(NULL);

	for (;;) {
		pid_t pid = waitpid(-1, &status, 0);

		if (wanted)
			end_machine(wanted);
		if (pid < 0 && errno == ECHILD) {
			sleep(1);
			pid = shell = -1;
		}
		if (pid != shell)
			continue;
		if (pid > 0) {
			describe_end(status, how, sizeof(how));
			say("the shell %s; starting another (poweroff ends the machine)", how);
			quick = time(NULL) - started <= SHELL_QUICK ? quick + 1 : 0;
			// Without input on the console every shell ends at once.
			if (quick >= QUICK_MAX) {
				say("%d shells have ended at once: waiting", quick);
				sleep(10);
			}
			if (wanted)
				end_machine(wanted);
		}
		started = time(NULL);
		shell = start_shell();
	}
}
