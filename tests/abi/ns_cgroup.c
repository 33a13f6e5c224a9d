// Cgroup namespaces: paths as they are seen from inside and outside, mounts, setns, limits; and
// setns by pidfd with several kinds at once.

#include "cgroup.h"
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif

static void show_of(const char *who, int pid)
{
	char path[64], text[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	int fd = open(path, O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	close(fd);
	printf("%s %s", who, text);
}

// The root that mountinfo tells for each cgroup2 mount.
static void show_mounts(void)
{
	char line[1024], root[256];
	FILE *file = fopen("/proc/self/mountinfo", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*d %*d %*s %255s", root) == 1)
			printf("mounted root %s\n", root);
	}
	fclose(file);
}

static int open_of(int pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, what);
	return open(path, O_RDONLY | O_CLOEXEC);
}

ABI_TEST(ns_cgroup, paths)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	mkdir("x", 0755);
	mkdir("x/y", 0755);
	int other = sleeper("x/y"), above = sleeper("a");
	int pid = fork();
	if (pid == 0) {
		R(put("a/b/cgroup.procs", "0"));
		R(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));
		show_own("at the root");
		show_of("other", other);
		show_of("above", above);
		show_of("init", 1);
		R(put("a/b/c/cgroup.procs", "0"));
		show_own("below");
		R(put("x/cgroup.procs", "0"));
		show_own("moved out");
		show_mounts();
		R(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		chdir("/tmp");
		mkdir("inner", 0755);
		R(mount("none", "inner", "cgroup2", 0, NULL));
		show_mounts();
		R(access("inner/c/cgroup.procs", F_OK));
		R(access("inner/a", F_OK));
		R(access("inner/cgroup.type", F_OK)); // not the real root
		R(put("inner/cgroup.procs", "0"));
		show_own("through the inner mount");
		show("inner/cgroup.type");
		R(access("inner/../a", F_OK));
		// Another one, nested.
		R(put("inner/c/cgroup.procs", "0"));
		R(unshare(CLONE_NEWCGROUP));
		show_own("nested");
		show_of("other", other);
		show_mounts();
		show_of("init", 1);
		R(umount2("inner", 0));
		rmdir("inner");
		done(0);
	}
	abi_reap(pid);
	end(other);
	end(above);
	until("a/cgroup.events", "populated 0");
	until("x/cgroup.events", "populated 0");
	R(rmdir("a/b/c"));
	R(rmdir("a/b"));
	R(rmdir("a"));
	R(rmdir("x/y"));
	R(rmdir("x"));
	leave_tree();
}

ABI_TEST(ns_cgroup, root_removed)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int pid = fork();
	if (pid == 0) {
		R(put("a/cgroup.procs", "0"));
		R(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));
		R(put("cgroup.procs", "0"));
		show_own("out");
		until("a/cgroup.events", "populated 0");
		R(rmdir("a"));
		show_own("gone");
		mkdir("/tmp/inner", 0755);
		OK(mount("none", "/tmp/inner", "cgroup2", 0, NULL) == 0 ? -1 : 0);
		done(0);
	}
	abi_reap(pid);
	rmdir("/tmp/inner");
	leave_tree();
}

ABI_TEST(ns_cgroup, entering)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int ready[2];
	pipe(ready);
	int inner = fork();
	if (inner == 0) {
		put("a/cgroup.procs", "0");
		unshare(CLONE_NEWCGROUP);
		write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	char byte;
	read(ready[0], &byte, 1);
	int fd = open_of(inner, "cgroup"), own = open_of(getpid(), "cgroup");
	R(ioctl(fd, NS_GET_NSTYPE));
	R(ioctl(fd, NS_GET_PARENT));
	OK(ioctl(fd, NS_GET_USERNS));
	show_own("before");
	R(setns(fd, CLONE_NEWUTS));
	R(setns(fd, CLONE_NEWCGROUP));
	show_own("after");
	show_of("inner", inner);
	R(setns(fd, 0));
	R(setns(own, 0));
	show_own("back");
	int pid = fork();
	if (pid == 0) {
		setresuid(1000, 1000, 1000);
		R(setns(fd, CLONE_NEWCGROUP));
		R(unshare(CLONE_NEWCGROUP));
		R(unshare(CLONE_NEWUSER | CLONE_NEWCGROUP));
		show_own("own user namespace");
		R(setns(own, 0));
		done(0);
	}
	abi_reap(pid);
	end(inner);
	until("a/cgroup.events", "populated 0");
	R(rmdir("a"));
	R(setns(fd, CLONE_NEWCGROUP)); // the descriptor keeps it
	show_own("in a group's grave");
	R(setns(own, 0));
	close(fd);
	leave_tree();
}

static long clone3_with(unsigned long flags, unsigned long cgroup)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD, .cgroup = cgroup};

	fflush(stdout);
	return syscall(SYS_clone3, &args, sizeof(args));
}

ABI_TEST(ns_cgroup, by_clone)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int fd = open("a", O_PATH);
	R(put("a/cgroup.procs", "0"));
	int pid = syscall(SYS_clone, CLONE_NEWCGROUP | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		show_own("clone");
		done(0);
	}
	abi_reap(pid);
	R(put("cgroup.procs", "0"));
	// Which comes first: the namespace of the parent's group.
	pid = clone3_with(CLONE_NEWCGROUP | CLONE_INTO_CGROUP, fd);
	if (pid == 0) {
		show_own("both");
		show_of("init", 1);
		done(0);
	}
	abi_reap(pid);
	pid = clone3_with(CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWUSER | CLONE_NEWUTS |
				  CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID,
			  0);
	if (pid == 0) {
		printf("all %d\n", getpid());
		done(0);
	}
	abi_reap(pid);
	R(rmdir("a"));
	R(setresuid(1000, 1000, 1000));
	R(clone3_with(CLONE_NEWCGROUP, 0));
	chdir("..");
}

ABI_TEST(ns_cgroup, mount_rights)
{
	int pid = fork();
	if (pid == 0) {
		mkdir("m", 0777);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		R(unshare(CLONE_NEWUSER | CLONE_NEWNS));
		R(mount("none", "m", "cgroup2", 0, NULL)); // the cgroup namespace is root's
		R(unshare(CLONE_NEWCGROUP));
		R(mount("none", "m", "cgroup2", 0, NULL));
		R(mkdir("m/x", 0755));
		R(put("m/cgroup.procs", "0"));
		done(0);
	}
	abi_reap(pid);
	rmdir("m");
}

// The new calls for mounting show a namespace's root as well.
ABI_TEST(ns_cgroup, by_fsmount)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("/tmp/inner", 0755);
	int pid = fork();
	if (pid == 0) {
		R(put("a/cgroup.procs", "0"));
		R(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));
		R(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		int fs = syscall(430, "cgroup2", 0);         // fsopen
		R(syscall(431, fs, 0, "nonsense", NULL, 0)); // fsconfig: a flag
		R(syscall(431, fs, 0, "nsdelegate", NULL, 0));
		R(syscall(431, fs, 6, NULL, NULL, 0));                   // make it
		int mounted = syscall(432, fs, 0, 0);                    // fsmount
		R(syscall(429, mounted, "", AT_FDCWD, "/tmp/inner", 4)); // move_mount
		R(access("/tmp/inner/b/cgroup.procs", F_OK));
		R(access("/tmp/inner/a", F_OK));
		show_mounts();
		show_options(); // those of the first namespace alone count
		done(0);
	}
	abi_reap(pid);
	rmdir("/tmp/inner");
	until("a/cgroup.events", "populated 0");
	R(rmdir("a/b"));
	R(rmdir("a"));
	leave_tree();
}

ABI_TEST(ns_cgroup, limit)
{
	int pid = fork();
	if (pid == 0) {
		R(unshare(CLONE_NEWUSER));
		R(put("/proc/sys/user/max_cgroup_namespaces", "1\n"));
		R(unshare(CLONE_NEWCGROUP));
		R(unshare(CLONE_NEWCGROUP));
		R(clone3_with(CLONE_NEWCGROUP, 0));
		done(0);
	}
	abi_reap(pid);
}

static int same(const char *what, int a)
{
	char x[64] = "", y[64] = "", path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", a, what);
	readlink(path, x, 63);
	snprintf(path, sizeof(path), "/proc/self/ns/%s", what);
	readlink(path, y, 63);
	return !strcmp(x, y);
}

static void show_same(int pid)
{
	static const char *const kinds[] = {"cgroup",           "ipc",  "mnt",  "pid",
					    "pid_for_children", "time", "user", "uts",
					    "time_for_children"};

	for (int i = 0; i < 9; i++)
		printf(" %s %d", kinds[i], same(kinds[i], pid));
	printf("\n");
}

// A process in new namespaces of the kinds that flags name.
static int stranger(unsigned long flags, int *pidfd)
{
	int ready[2];
	char byte;

	pipe(ready);
	int pid = clone3_with(flags, 0);
	if (pid == 0) {
		write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	read(ready[0], &byte, 1);
	*pidfd = syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

#define SEVEN                                                                          \
	(CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | \
	 CLONE_NEWPID | CLONE_NEWUSER)

static int held_pidfd;

static void *enter_in_thread(void *arg)
{
	R(setns(held_pidfd, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWTIME));
	R(setns(held_pidfd, CLONE_NEWUTS | CLONE_NEWUSER));
	return NULL;
}

ABI_TEST(ns_cgroup, setns_by_pidfd)
{
	int pidfd, target = stranger(SEVEN, &pidfd);
	int pid = fork();

	if (pid == 0) {
		R(setns(pidfd, 0));
		R(setns(pidfd, CLONE_NEWNET | 1));
		R(setns(pidfd, CLONE_NEWCGROUP | CLONE_NEWTIME));
		show_same(target);
		R(setns(pidfd, SEVEN));
		show_same(target);
		R(getuid());
		R(setns(pidfd, SEVEN)); // the user namespace is ours already: nothing of it
		R(setns(pidfd, SEVEN & ~CLONE_NEWUSER));
		pid = fork();
		if (pid == 0)
			done(getpid() > 1 ? 4 : 5);
		abi_reap(pid);
		done(0);
	}
	abi_reap(pid);
	// A root that is shared moves only with others.
	pid = fork();
	if (pid == 0) {
		int shared_fs = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
		if (shared_fs == 0) {
			for (;;)
				pause();
		}
		R(setns(pidfd, CLONE_NEWNS));
		R(setns(pidfd, SEVEN & ~CLONE_NEWUSER));
		show_same(target);
		R(setns(pidfd, SEVEN & ~(CLONE_NEWUSER | CLONE_NEWNS)));
		show_same(target);
		end(shared_fs);
		done(0);
	}
	abi_reap(pid);
	pid = fork();
	if (pid == 0) {
		setresuid(1000, 1000, 1000);
		R(setns(pidfd, CLONE_NEWCGROUP));
		R(setns(pidfd, CLONE_NEWTIME));
		R(setns(pidfd, SEVEN));
		show_same(getppid());
		done(0);
	}
	abi_reap(pid);
	end(target);
	R(setns(pidfd, CLONE_NEWCGROUP));
	// One kind that is refused leaves all the others as they were: time is not for threads.
	target = stranger(SEVEN, &held_pidfd);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, enter_in_thread, NULL);
		pthread_join(thread, NULL);
		show_same(target);
		done(0);
	}
	abi_reap(pid);
	end(target);
	close(held_pidfd);
	close(pidfd);
}
