// What Linux 7 added to clone3 and unshare: processes that nobody waits for, that a descriptor keeps
// alive, without new privileges, and mount namespaces with nothing in them.

#include "abi.h"
#include <dirent.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

#define AUTOREAP      (1ull << 34)
#define NNP           (1ull << 35)
#define AUTOKILL      (1ull << 36)
#define EMPTY         (1ull << 37)
#define UNSHARE_EMPTY (1ul << 20)
#define SIGNALS       "SIGCHLD sent: %d\n"

static volatile int sigchld;

static void on_sigchld(int signal)
{
	sigchld++;
}

static long try_clone3(uint64_t flags, int exit_signal, int *pidfd)
{
	struct clone_args args = {.flags = flags, .exit_signal = exit_signal};

	if (flags & CLONE_PIDFD)
		args.pidfd = (uintptr_t)pidfd;
	fflush(stdout);
	return syscall(SYS_clone3, &args, sizeof(args));
}

static void await_death(int pidfd)
{
	struct pollfd one = {.fd = pidfd, .events = POLLIN};

	printf("poll %d", poll(&one, 1, 10000));
	printf(" %x\n", one.revents & POLLIN);
}

// Every combination, with a signal and without.
ABI_TEST(clone_new, combinations)
{
	static const uint64_t some[] = {AUTOREAP,    NNP,          AUTOKILL, EMPTY,
					CLONE_PIDFD, CLONE_PARENT, CLONE_FS};

	for (int i = 0; i < 256; i++) {
		uint64_t flags = 0;
		int pidfd = -1;

		for (int bit = 0; bit < 7; bit++)
			flags |= i >> bit & 1 ? some[bit] : 0;
		// A sibling would be left to init.
		if ((flags & CLONE_PARENT) && !(flags & AUTOREAP))
			continue;
		long pid = try_clone3(flags, i & 128 ? SIGCHLD : 0, &pidfd);
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, __WALL);
		close(pidfd);
		printf("%02x %s\n", i, pid > 0 ? "works" : strerrorname_np(errno));
	}
}

ABI_TEST(clone_new, threads)
{
	uint64_t thread = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;

	R(try_clone3(thread | NNP, 0, NULL));
	R(try_clone3(thread | AUTOREAP, 0, NULL));
	R(syscall(SYS_clone, thread | CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
	for (int bit = 38; bit < 64; bit++) {
		if (try_clone3(1ull << bit, 0, NULL) != -1 || errno != EINVAL)
			printf("bit %d is known\n", bit);
	}
}

ABI_TEST(clone_new, nobody_waits)
{
	int pidfd = -1;
	siginfo_t info = {};

	signal(SIGCHLD, on_sigchld);
	long pid = try_clone3(AUTOREAP | CLONE_PIDFD, 0, &pidfd);
	if (!pid) {
		usleep(50000);
		_exit(3);
	}
	R(waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG));
	R(waitpid(pid, NULL, WNOHANG));
	R(waitpid(pid, NULL, 0));
	await_death(pidfd);
	R(waitid(P_PIDFD, pidfd, &info, WEXITED | __WALL));
	R(waitpid(pid, NULL, __WALL));
	R(kill(pid, 0));
	printf(SIGNALS, sigchld);
	// Killed, and with a thread's end in between: the same.
	pid = try_clone3(AUTOREAP | CLONE_PIDFD, 0, &pidfd);
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGKILL);
	await_death(pidfd);
	R(waitpid(pid, NULL, __WALL));
	printf(SIGNALS, sigchld);
	// It is a thing of this process alone, and outlasts exec.
	pid = try_clone3(AUTOREAP | CLONE_PIDFD, 0, &pidfd);
	if (!pid) {
		pid_t child = fork();
		int status = 0;

		if (!child)
			_exit(4);
		printf("its child %d", waitpid(child, &status, 0) == child);
		printf(" status %x\n", status);
		fflush(stdout);
		execl("/init", "init", "no-such-test", NULL);
		_exit(5);
	}
	await_death(pidfd);
	R(waitpid(pid, NULL, __WALL));
	printf(SIGNALS, sigchld);
}

ABI_TEST(clone_new, orphan)
{
	int ends[2], pidfd = -1;
	char byte;

	signal(SIGCHLD, on_sigchld);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pipe(ends);
	pid_t middle = fork();
	if (!middle) {
		long pid = try_clone3(AUTOREAP | CLONE_PIDFD, 0, &pidfd);
		if (!pid) {
			close(ends[0]);
			while (getppid() == middle)
				;
			usleep(50000);
			_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	abi_reap(middle);
	R(read(ends[0], &byte, 1)); // until it has gone
	usleep(20000);
	R(waitpid(-1, NULL, 0));
	printf(SIGNALS, sigchld);
}

ABI_TEST(clone_new, killed_with_its_descriptor)
{
	int pidfd = -1, other;
	long pid = try_clone3(AUTOREAP | AUTOKILL | CLONE_PIDFD, 0, &pidfd);

	for (; !pid;)
		pause();
	printf("flags %x\n", fcntl(pidfd, F_GETFL));
	other = syscall(SYS_pidfd_open, pid, 0);
	int again = dup(pidfd);
	close(pidfd);
	usleep(20000);
	R(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0));
	close(again);
	await_death(other);
	while (!kill(pid, 0)) // it may be on its last steps
		usleep(1000);
	R(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0));
	// Another descriptor of the same process does not kill.
	pid = try_clone3(AUTOREAP | CLONE_PIDFD, 0, &pidfd);
	for (; !pid;)
		pause();
	close(syscall(SYS_pidfd_open, pid, 0));
	close(pidfd);
	usleep(20000);
	R(kill(pid, SIGKILL));
	while (!kill(pid, 0))
		usleep(1000);
}

ABI_TEST(clone_new, without_privileges)
{
	int pidfd = -1;

	R(setresuid(1000, 1000, 1000));
	R(try_clone3(AUTOREAP | AUTOKILL | CLONE_PIDFD, 0, &pidfd));
	R(try_clone3(EMPTY, SIGCHLD, NULL));
	R(syscall(SYS_unshare, UNSHARE_EMPTY));
	long pid = try_clone3(AUTOREAP | AUTOKILL | CLONE_PIDFD | NNP, 0, &pidfd);
	if (!pid) {
		R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	await_death(pidfd);
	R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	pid = try_clone3(EMPTY | CLONE_NEWUSER, SIGCHLD, NULL);
	if (!pid) {
		struct stat st;

		R(stat("/tmp", &st));
		R(umount2("/", MNT_DETACH));
		R(mount("none", "/", "tmpfs", 0, NULL));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(syscall(SYS_unshare, UNSHARE_EMPTY | CLONE_NEWUSER));
}

static void look_around(void)
{
	char cwd[64] = "", text[4096];
	struct statfs fs;
	struct dirent *entry;
	struct stat st;

	R(syscall(SYS_getcwd, cwd, sizeof(cwd)));
	printf("in %s\n", cwd);
	R(stat("/", &st));
	printf("mode %o links %ld ids %d %d size %ld ino %ld\n", st.st_mode, (long)st.st_nlink,
	       st.st_uid, st.st_gid, (long)st.st_size, (long)st.st_ino);
	R(statfs("/", &fs));
	printf("type %lx\n", fs.f_type);
	DIR *dir = opendir("/");
	while (dir && (entry = readdir(dir)))
		printf("entry %s\n", entry->d_name);
	closedir(dir);
	R(mkdir("/x", 0755));
	R(open("/file", O_CREAT | O_RDWR, 0600));
	R(symlink("a", "/b"));
	R(mount("none", "/", "tmpfs", 0, NULL));
	R(mkdir("/x", 0755));
	R(chroot("/.."));
	R(mkdir("/x", 0755));
	R(mount("proc", "/x", "proc", 0, NULL));
	int mounts = open("/x/self/mounts", O_RDONLY);
	ssize_t got = read(mounts, text, sizeof(text));
	printf("%.*s", (int)got, text);
	close(mounts);
	R(umount2("/x", 0));
}

ABI_TEST(clone_new, empty_mount_namespace)
{
	long pid = try_clone3(EMPTY, SIGCHLD, NULL);

	if (!pid) {
		look_around();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	int outside = open("/tmp", O_PATH), own = open("/proc/self/ns/mnt", O_RDONLY);
	struct stat before, after;
	fstat(own, &before);
	R(syscall(SYS_unshare, UNSHARE_EMPTY));
	R(fchdir(outside)); // what one had, one keeps
	R(stat(".", &after));
	R(mount("none", ".", "tmpfs", 0, NULL)); // but it is not ours any more
	R(chdir("/"));
	look_around();
	R(setns(own, 0));
	R(access("/proc/self", F_OK));
}

ABI_TEST(clone_new, empty_with_others)
{
	R(syscall(SYS_unshare, UNSHARE_EMPTY | CLONE_FS | CLONE_FILES | CLONE_NEWUTS));
	R(access("/tmp", F_OK));
	R(syscall(SYS_unshare, UNSHARE_EMPTY | CLONE_NEWNS));
	R(syscall(SYS_unshare, CLONE_NEWNS));
	R(access("/tmp", F_OK));
	R(syscall(SYS_unshare, UNSHARE_EMPTY | CLONE_VFORK));
}
