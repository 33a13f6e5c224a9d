// Isolation against what is newer: time and cgroup namespaces, mounts behind descriptors, pidfds, the
// links of /proc, and descriptors that a careless parent left open. From inside, as root of a user
// namespace and as an ordinary user, all is tried; what fails on Linux fails here in the same way.

#include "abi.h"
#include <grp.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>

#define KINDS           (CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP)
#define PIDFD_GET(kind) _IO(0xff, kind)

// What is outside, and what was left open.
static struct {
	pid_t victim;
	int pidfd, folder, secret, tree, context, made, proc, cgroup, offsets, offsets_of_victim;
	int time_ns, cgroup_ns, user_ns, barrier[2], pipe[2];
} out;

static long put_at(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY);

	if (fd < 0)
		return -1;
	long n = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

static long put(const char *path, const char *text)
{
	return put_at(AT_FDCWD, path, text);
}

static const char *of_victim(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", out.victim, name);
	return path;
}

// --- The outside ---

static void build_outside(void)
{
	put("/proc/sys/kernel/ns_last_pid",
	    "1000"); // no number of the outside is one of the inside
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (getpid() < 1000) {
		pid_t base = fork();

		if (base) {
			abi_reap(base);
			fflush(stdout);
			_exit(0);
		}
	}
	mkdir("outside", 0755);
	mount("o", "outside", "tmpfs", 0, NULL);
	mkdir("groups", 0755);
	mount("c", "groups", "cgroup2", 0, NULL);
	mkdir("groups/isolated", 0755);
	out.cgroup = open("groups/isolated", O_RDONLY | O_DIRECTORY);
	chdir("outside");
	mkdir("jail", 0777);
	chmod("jail", 0777);
	out.secret = open("secret", O_CREAT | O_RDWR, 0600);
	write(out.secret, "secret", 6);
	out.folder = open(".", O_RDONLY | O_DIRECTORY);
	out.tree = syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE);
	out.context = syscall(SYS_fsopen, "tmpfs", 0);
	int made = syscall(SYS_fsopen, "tmpfs", 0);
	syscall(SYS_fsconfig, made, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	out.made = made;
	out.proc = open("/proc", O_RDONLY | O_DIRECTORY);
	out.time_ns = open("/proc/self/ns/time", O_RDONLY);
	out.cgroup_ns = open("/proc/self/ns/cgroup", O_RDONLY);
	out.user_ns = open("/proc/self/ns/user", O_RDONLY);
	pipe(out.pipe);
	pipe(out.barrier);
	int ready[2];
	char c;
	pipe(ready);
	fflush(stdout);
	out.victim = fork();
	if (out.victim == 0) {
		unshare(CLONE_NEWTIME); // its children's clocks, which nobody else is to set
		close(out.barrier[1]);
		close(ready[1]);
		read(out.barrier[0], &c, 1);
		_exit(42);
	}
	close(ready[1]);
	read(ready[0], &c, 1);
	close(ready[0]);
	out.pidfd = syscall(SYS_pidfd_open, out.victim, 0);
	out.offsets_of_victim = open(of_victim("timens_offsets"), O_RDWR);
}

static void show_text(const char *what, int fd)
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	printf("%s: %s\n", what, text);
}

static void check_outside(void)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("clock %s\n", now.tv_sec < 5000 ? "as it was" : "set");
	show_text("secret", out.secret);
	show_text("offsets", out.offsets_of_victim);
	fstat(out.folder, &st);
	printf("folder %o, links %d\n", st.st_mode, (int)st.st_nlink);
	R(access("made-inside", F_OK));
	R(access("jail/made-inside", F_OK));
	R(faccessat(out.cgroup, "made-inside", F_OK, 0));
	R(access("jail/secret", F_OK));
	R(kill(out.victim, 0));
	close(out.barrier[1]);
	abi_reap(out.victim);
	rmdir("../groups/isolated");
}

// --- Attempts ---

static void try_time(void)
{
	struct timespec early = {1, 0};
	struct timeval early_day = {1, 0};
	struct timex shift = {.modes = ADJ_SETOFFSET, .time = {5000, 0}};

	R(clock_settime(CLOCK_REALTIME, &early));
	R(clock_settime(CLOCK_MONOTONIC, &early));
	R(clock_settime(CLOCK_BOOTTIME, &early));
	R(settimeofday(&early_day, NULL));
	R(adjtimex(&shift));
	R(put(of_victim("timens_offsets"), "monotonic 9000 0"));
	R(put("/proc/self/timens_offsets", "monotonic 9000 0"));
	R(setns(out.time_ns, CLONE_NEWTIME));
	R(setns(out.pidfd, CLONE_NEWTIME));
	R(unshare(CLONE_NEWTIME));
	R(put("/proc/self/timens_offsets", "monotonic 9000 0"));
	R(clock_settime(CLOCK_REALTIME, &early));
}

static void try_cgroup(void)
{
	char text[512] = "";
	int fd = open("/proc/self/cgroup", O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	close(fd);
	char *line = strstr(text, "0::");

	printf("%.*s\n", line ? (int)strcspn(line, "\n") : 0, line ? line : "");
	R(put_at(out.cgroup, "cgroup.procs", "0"));
	R(put_at(out.cgroup, "../cgroup.procs", "0"));
	R(mkdirat(out.cgroup, "made-inside", 0755));
	R(unlinkat(out.cgroup, "made-inside", AT_REMOVEDIR));
	R(put_at(out.cgroup, "cgroup.freeze", "0"));
	R(put_at(out.cgroup, "cgroup.max.depth", "max"));
	R(fchmodat(out.cgroup, "cgroup.procs", 0644, 0));
	R(fchownat(out.cgroup, "cgroup.procs", 0, 0, 0));
	R(mount("c", "jail", "cgroup2", 0, NULL));
	R(access("jail/isolated", F_OK) ? 1 : 0);
	R(mkdir("jail/made-inside", 0755));
	sprintf(text, "%d", out.victim);
	R(put("jail/cgroup.procs", text));
	R(rmdir("jail/made-inside"));
	R(umount2("jail", 0));
	R(setns(out.cgroup_ns, 0));
	R(setns(out.pidfd, CLONE_NEWCGROUP));
}

static long descriptor(long fd)
{
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static void try_mounts(void)
{
	struct mount_attr clear = {.attr_clr = MOUNT_ATTR_RDONLY},
			  set = {.attr_set = MOUNT_ATTR_RDONLY};
	char path[32];

	R(syscall(SYS_move_mount, out.tree, "", AT_FDCWD, "jail", MOVE_MOUNT_F_EMPTY_PATH));
	R(syscall(SYS_move_mount, out.tree, "", out.folder, "jail", MOVE_MOUNT_F_EMPTY_PATH));
	R(syscall(SYS_move_mount, out.folder, "", AT_FDCWD, "jail", MOVE_MOUNT_F_EMPTY_PATH));
	R(descriptor(syscall(SYS_open_tree, out.folder, "", OPEN_TREE_CLONE | AT_EMPTY_PATH)));
	R(descriptor(syscall(SYS_open_tree, out.tree, "", OPEN_TREE_CLONE | AT_EMPTY_PATH)));
	R(descriptor(syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE)));
	R(descriptor(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE)));
	R(syscall(SYS_mount_setattr, out.folder, "", AT_EMPTY_PATH, &clear, sizeof(clear)));
	R(syscall(SYS_mount_setattr, out.folder, "", AT_EMPTY_PATH, &set, sizeof(set)));
	R(syscall(SYS_mount_setattr, out.tree, "", AT_EMPTY_PATH, &set, sizeof(set)));
	R(descriptor(syscall(SYS_fspick, out.folder, "", FSPICK_EMPTY_PATH)));
	R(syscall(SYS_fsconfig, out.context, FSCONFIG_SET_STRING, "size", "1m", 0));
	R(syscall(SYS_fsconfig, out.context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	R(descriptor(syscall(SYS_fsmount, out.made, 0, 0)));
	R(descriptor(syscall(SYS_fsopen, "tmpfs", 0)));
	R(descriptor(syscall(SYS_fsopen, "proc", 0)));
	int devices = syscall(SYS_fsopen, "devtmpfs", 0);
	R(syscall(SYS_fsconfig, devices, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	sprintf(path, "/proc/self/fd/%d", out.folder);
	R(umount2(path, MNT_DETACH));
	R(mount(path, "jail", NULL, MS_BIND, NULL));
	R(mount("jail", path, NULL, MS_BIND, NULL));
	R(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(chroot(path));
	// A descriptor is a key to what it shows, and to no more.
	OK(openat(out.tree, "secret", O_RDONLY));
	OK(openat(out.tree, "../secret", O_RDONLY));
	OK(openat(out.folder, "../groups/isolated", O_RDONLY));
}

static void try_processes(void)
{
	struct iovec whole = {&out, sizeof(out)};
	char text[16];

	R(descriptor(syscall(SYS_pidfd_getfd, out.pidfd, out.secret, 0)));
	R(syscall(SYS_process_madvise, out.pidfd, &whole, 1, MADV_COLD, 0) < 0 ? -1 : 0);
	R(syscall(SYS_process_vm_readv, out.victim, &whole, 1, &whole, 1, 0) < 0 ? -1 : 0);
	OK(open(of_victim("root/"), O_RDONLY));
	OK(open(of_victim("root/proc"), O_RDONLY));
	OK(open(of_victim("cwd/secret"), O_RDONLY));
	OK(open(of_victim("exe"), O_RDONLY));
	OK(open(of_victim("fd"), O_RDONLY | O_DIRECTORY));
	OK(open(of_victim("fdinfo"), O_RDONLY | O_DIRECTORY));
	OK(open(of_victim("maps"), O_RDONLY));
	OK(open(of_victim("pagemap"), O_RDONLY));
	OK(open(of_victim("ns/mnt"), O_RDONLY));
	R(chdir(of_victim("root")));
	R(chroot(of_victim("root")));
	R(put(of_victim("oom_score_adj"), "0"));
	R(put(of_victim("comm"), "x"));
	R(put(of_victim("coredump_filter"), "0"));
	R(put(of_victim("clear_refs"), "1"));
	R(put(of_victim("timerslack_ns"), "1"));
	R(put(of_victim("uid_map"), "0 0 1"));
	R(put(of_victim("setgroups"), "deny"));
	// The outside's /proc, by a descriptor of it.
	snprintf(text, sizeof(text), "%d", out.victim);
	int process = OK(openat(out.proc, text, O_RDONLY | O_DIRECTORY));
	OK(openat(process, "root/", O_RDONLY));
	OK(openat(process, "cwd/secret", O_RDONLY));
	OK(openat(process, "environ", O_RDONLY));
	OK(openat(process, "ns/user", O_RDONLY));
	R(put_at(process, "oom_score_adj", "0"));
	OK(openat(out.proc, "1/root/", O_RDONLY));
	R(put_at(out.proc, "sys/kernel/core_pattern", "core"));
	R(put_at(out.proc, "sys/vm/overcommit_memory", "0"));
	R(put_at(out.proc, "sys/kernel/ns_last_pid", "5"));
	R(put_at(out.proc, "sys/user/max_user_namespaces", "0") ? -1 : 0);
}

static void try_descriptors(void)
{
	// Namespaces around, and those of a process that one does not see.
	R(descriptor(ioctl(out.user_ns, NS_GET_PARENT)));
	R(descriptor(ioctl(out.cgroup_ns, NS_GET_USERNS)));
	int own = open("/proc/self/ns/user", O_RDONLY);
	int parent = ioctl(own, NS_GET_PARENT);
	R(descriptor(parent));
	R(descriptor(ioctl(out.pidfd, PIDFD_GET(1))));
	R(descriptor(ioctl(out.pidfd, PIDFD_GET(3))));
	R(descriptor(ioctl(out.pidfd, PIDFD_GET(9))));
	R(descriptor(ioctl(out.pidfd, PIDFD_GET(10))));
	R(setns(out.user_ns, 0));
	R(setns(out.pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP));
	// What is open stays so, but gives nothing more.
	R(write(out.secret, "secret", 6));
	R(fchmod(out.secret, 0666));
	R(fchown(out.secret, 0, 0));
	R(fchmodat(out.folder, "secret", 0666, 0));
	R(unlinkat(out.folder, "secret", 0));
	R(renameat(out.folder, "secret", out.folder, "made-inside"));
	R(linkat(out.folder, "secret", out.folder, "jail/made-inside", 0));
	R(symlinkat("x", out.folder, "made-inside"));
	R(mkdirat(out.folder, "made-inside", 0755));
	R(mknodat(out.folder, "jail/made-inside", S_IFCHR | 0666, 0x103));
	R(fcntl(out.pipe[0], F_SETPIPE_SZ, 4 << 20));
	R(fcntl(out.pipe[0], F_SETOWN, out.victim));
	R(fchdir(out.folder));
	R(fcntl(out.folder, F_SETFL, O_NOATIME));
}

static const struct {
	const char *name;
	void (*attempt)(void);
} attempts[] = {
	{"time", try_time},           {"cgroup", try_cgroup},           {"mounts", try_mounts},
	{"processes", try_processes}, {"descriptors", try_descriptors},
};

static void inside(int flags, int user)
{
	if (flags & CLONE_NEWUSER) {
		char text[32];

		put("/proc/self/setgroups", "deny");
		sprintf(text, "0 %d 1", user);
		put("/proc/self/uid_map", text);
		put("/proc/self/gid_map", text);
	}
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		printf("-- %s\n", attempts[i].name);
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			close(out.barrier[1]);
			attempts[i].attempt();
			fflush(stdout);
			_exit(0);
		}
		abi_reap(pid);
	}
	fflush(stdout);
	_exit(0);
}

static void isolate(int flags, int user)
{
	build_outside();
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (user) {
			setgroups(0, NULL);
			setresgid(user, user, user);
			setresuid(user, user, user);
			prctl(PR_SET_DUMPABLE, 1);
		}
		pid = syscall(SYS_clone, (unsigned long)flags | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			inside(flags, user);
		if (pid < 0)
			printf("clone: %s\n", strerrorname_np(errno));
		else
			abi_reap(pid);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	check_outside();
}

ABI_TEST(isolation_new, root_user)
{
	isolate(CLONE_NEWUSER, 0);
}

ABI_TEST(isolation_new, root_all)
{
	isolate(CLONE_NEWUSER | KINDS, 0);
}

ABI_TEST(isolation_new, user_none)
{
	isolate(0, 1000);
}

ABI_TEST(isolation_new, user_user)
{
	isolate(CLONE_NEWUSER, 1000);
}

ABI_TEST(isolation_new, user_mnt)
{
	isolate(CLONE_NEWUSER | CLONE_NEWNS, 1000);
}

ABI_TEST(isolation_new, user_cgroup)
{
	isolate(CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWNS, 1000);
}

ABI_TEST(isolation_new, user_all)
{
	isolate(CLONE_NEWUSER | KINDS, 1000);
}
