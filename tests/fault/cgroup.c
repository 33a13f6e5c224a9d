// Faults in control groups and in what makes cgroup and time namespaces.

#include "fault.h"
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif

#define TREE "/tmp/cgroups"

static void mount_tree(void)
{
	mkdir(TREE, 0755);
	if (mount("none", TREE, "cgroup2", 0, NULL))
		fault_wrong("mount: %s", strerrorname_np(errno));
}

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (write(file, text, strlen(text)) < 0)
		fault_wrong("%s: %s", path, strerrorname_np(errno));
	close(file);
}

static void reap(void *arg, long pid)
{
	(void)arg;
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

// --- The file system ---

static long mount_call(void *arg)
{
	return mount("none", arg, "cgroup2", 0, NULL);
}

static void mount_undo(void *arg, long result)
{
	(void)result;
	umount2(arg, 0);
}

static long mkdir_call(void *arg)
{
	return mkdir(arg, 0755);
}

static void mkdir_undo(void *arg, long result)
{
	(void)result;
	if (rmdir(arg))
		fault_wrong("rmdir: %s", strerrorname_np(errno));
}

static long open_call(void *arg)
{
	return open(arg, O_RDWR);
}

static void close_it(void *arg, long file)
{
	(void)arg;
	close(file);
}

static long read_call(void *arg)
{
	static char text[512];

	return pread(*(int *)arg, text, sizeof(text), 0);
}

static long write_call(void *arg)
{
	return pwrite(*(int *)arg, "0", 1, 0);
}

FAULT_TEST(cgroup, file_system)
{
	struct fault_call mounting = {
		.call = mount_call, .undo = mount_undo, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call making = {
		.call = mkdir_call, .undo = mkdir_undo, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call opening = {
		.call = open_call, .undo = close_it, .errors = FAULT_ERRORS(ENOMEM, ENFILE)};
	struct fault_call reading = {.call = read_call, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call writing = {.call = write_call, .errors = FAULT_ERRORS(ENOMEM)};
	static int file;

	mkdir("/tmp/place", 0755);
	fault_replay("mount(cgroup2)", &mounting, "/tmp/place");
	mount_tree();
	fault_replay("mkdir", &making, TREE "/a");
	fault_replay("mkdir, a long name", &making,
		     TREE "/a-name-that-is-longer-than-what-fits-into-the-dentry-itself");
	mkdir(TREE "/a", 0755);
	fault_replay("mkdir below", &making, TREE "/a/b");
	fault_replay("open(cgroup.procs)", &opening, TREE "/a/cgroup.procs");
	file = open(TREE "/cgroup.procs", O_RDWR);
	fault_replay("read(cgroup.procs)", &reading, &file);
	fault_replay("write(cgroup.procs)", &writing, &file);
	close(file);
	file = open(TREE "/a/cgroup.freeze", O_RDWR);
	fault_replay("write(cgroup.freeze)", &writing, &file);
	close(file);
	file = open("/proc/self/cgroup", O_RDONLY);
	fault_replay("read(/proc/self/cgroup)", &reading, &file);
	close(file);
	rmdir(TREE "/a");
	umount2(TREE, 0);
	rmdir("/tmp/place");
}

// --- Born into a group ---

static long clone3_call(void *arg)
{
	long pid = syscall(SYS_clone3, arg, sizeof(struct clone_args));

	if (pid == 0)
		_exit(0);
	return pid;
}

FAULT_TEST(cgroup, clone_into)
{
	static struct clone_args args = {.exit_signal = SIGCHLD};
	struct fault_call call = {
		.call = clone3_call, .undo = reap, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};
	static char before[64], after[64];

	mount_tree();
	put(TREE "/cgroup.subtree_control", "+pids");
	mkdir(TREE "/a", 0755);
	int dir = open(TREE "/a", O_PATH), current = open(TREE "/a/pids.current", O_RDONLY);
	close(open(TREE "/cgroup.procs", O_RDONLY)); // its inode stays
	args.cgroup = dir;
	args.flags = CLONE_INTO_CGROUP;
	pread(current, before, sizeof(before), 0);
	fault_replay("clone3(INTO_CGROUP)", &call, &args);
	args.flags = CLONE_INTO_CGROUP | CLONE_NEWCGROUP | CLONE_NEWTIME;
	fault_replay("clone3(INTO_CGROUP|NEWCGROUP|NEWTIME)", &call, &args);
	args.flags = CLONE_NEWTIME;
	fault_replay("clone3(NEWTIME)", &call, &args);
	pread(current, after, sizeof(after), 0);
	if (strcmp(before, after))
		fault_wrong("pids.current was %sand is %s", before, after);
	close(current);
	close(dir);
	if (rmdir(TREE "/a"))
		fault_wrong("rmdir: %s", strerrorname_np(errno));
	put(TREE "/cgroup.subtree_control", "-pids");
	umount2(TREE, 0);
}

// --- Namespaces ---

static long unshare_call(void *arg)
{
	return unshare(*(int *)arg);
}

static long fork_call(void *arg)
{
	long pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(0);
	return pid;
}

FAULT_TEST(cgroup, unshare)
{
	static const struct {
		const char *name;
		int flags;
	} cases[] = {
		{"unshare(NEWCGROUP)", CLONE_NEWCGROUP},
		{"unshare(NEWTIME)", CLONE_NEWTIME},
		{"unshare(all but pid and user)",
		 CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS},
	};
	struct fault_call call = {.call = unshare_call, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call forking = {
		.call = fork_call, .undo = reap, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fault_replay(cases[i].name, &call, (void *)&cases[i].flags);
	// Now each fork enters the time namespace that is for children.
	fault_replay("fork into a time namespace", &forking, NULL);
}

// --- setns: all or nothing ---

static int target_pidfd, own_pidfd;

#define KINDS (CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS)

static int is_inside(void)
{
	char link[2][64] = {"", ""};

	readlink("/proc/self/ns/time", link[0], 63);
	readlink("/proc/1/ns/time", link[1], 63);
	return !!strcmp(link[0], link[1]);
}

static long setns_call(void *arg)
{
	(void)arg;
	return setns(target_pidfd, KINDS);
}

static void setns_undo(void *arg, long result)
{
	(void)arg, (void)result;
	if (!is_inside())
		fault_wrong("setns succeeded without effect");
	if (setns(own_pidfd, KINDS))
		fault_wrong("no way back: %s", strerrorname_np(errno));
}

FAULT_TEST(cgroup, setns)
{
	struct fault_call call = {
		.call = setns_call, .undo = setns_undo, .errors = FAULT_ERRORS(ENOMEM)};
	static struct clone_args args = {.flags = KINDS, .exit_signal = SIGCHLD};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		for (;;)
			pause();
	}
	target_pidfd = syscall(SYS_pidfd_open, pid, 0);
	own_pidfd = syscall(SYS_pidfd_open, 1, 0);
	fault_replay("setns(5 kinds)", &call, NULL);
	kill(pid, SIGKILL);
	reap(NULL, pid);
	close(target_pidfd);
	close(own_pidfd);
}
