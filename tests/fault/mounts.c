// Faults in mounts and namespaces: clone and unshare with every kind at once, setns, mount with
// propagation, bind, move, pivot_root. A failure half-way must leave no mount, no group, no namespace.

#include "fault.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static const int no_memory[] = {ENOMEM, 0};

// A private place: a shared mount a with a peer b, a slave c that is shared with d, and folders in it.
static void arena(void)
{
	static const char *const folders[] = {"/arena",   "/arena/a", "/arena/b",
					      "/arena/c", "/arena/d", "/arena/new"};

	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("/arena", 0755);
	mount("arena", "/arena", "tmpfs", 0, NULL);
	for (size_t i = 1; i < sizeof(folders) / sizeof(*folders); i++)
		mkdir(folders[i], 0755);
	chdir("/arena");
	mount("a", "a", "tmpfs", 0, NULL);
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	mount(NULL, "a", NULL, MS_SHARED, NULL);
	mount("a", "b", NULL, MS_BIND, NULL);
	mount("a", "c", NULL, MS_BIND, NULL);
	mount(NULL, "c", NULL, MS_SLAVE, NULL);
	mount(NULL, "c", NULL, MS_SHARED, NULL);
	mount("c", "d", NULL, MS_BIND, NULL);
}

static void leave(void)
{
	chdir("/");
	umount2("/arena", MNT_DETACH);
	rmdir("/arena");
}

static void unmount(void *at, long result)
{
	(void)result;
	if (umount2(at, 0))
		fault_wrong("umount %s: %s", (char *)at, strerror(errno));
}

static long mount_tmpfs(void *at)
{
	return mount("x", at, "tmpfs", 0, "size=64k,mode=700");
}

FAULT_TEST(mounts, mount_propagates)
{
	struct fault_call call = {.call = mount_tmpfs, .undo = unmount, .errors = no_memory};

	arena();
	fault_replay("mount(tmpfs)", &call, "new");
	fault_replay("mount(tmpfs) below shared", &call, "a/1");
	leave();
}

static const char *const types[] = {"proc", "devpts", "mqueue", "devtmpfs"};

static long mount_type(void *type)
{
	return mount("x", "new", *(char **)type, 0, NULL);
}

static void unmount_new(void *arg, long result)
{
	(void)arg;
	unmount("new", result);
}

FAULT_TEST(mounts, mount_types)
{
	struct fault_call call = {.call = mount_type, .undo = unmount_new, .errors = no_memory};

	arena();
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		fault_replay(types[i], &call, (void *)&types[i]);
	leave();
}

static long bind_tree(void *at)
{
	return mount("tree", at, NULL, MS_BIND | MS_REC, NULL);
}

static void unmount_tree(void *at, long result)
{
	(void)result;
	if (umount2(at, MNT_DETACH))
		fault_wrong("umount %s: %s", (char *)at, strerror(errno));
}

static void make_tree(void)
{
	mkdir("tree", 0755);
	mount("t", "tree", "tmpfs", 0, NULL);
	mkdir("tree/in", 0755);
	mount("in", "tree/in", "tmpfs", 0, NULL);
	mkdir("tree/in/deep", 0755);
	mount("deep", "tree/in/deep", "tmpfs", 0, NULL);
}

FAULT_TEST(mounts, bind_recursive)
{
	struct fault_call call = {.call = bind_tree, .undo = unmount_tree, .errors = no_memory};

	arena();
	make_tree();
	fault_replay("rbind", &call, "new");
	fault_replay("rbind below shared", &call, "a/1");
	leave();
}

static long move_tree(void *at)
{
	return mount("tree", at, NULL, MS_MOVE, NULL);
}

// It cannot be moved out of a shared mount: that one is made private for the moment.
static void move_back(void *at, long result)
{
	(void)result;
	mount(NULL, "a", NULL, MS_PRIVATE, NULL);
	mount(at, "tree", NULL, MS_MOVE, NULL);
	mount(NULL, "tree", NULL, MS_REC | MS_PRIVATE, NULL);
	umount2("b/1", MNT_DETACH);
	umount2("c/1", MNT_DETACH);
	umount2("d/1", MNT_DETACH);
	umount2("b", MNT_DETACH);
	umount2("c", MNT_DETACH);
	umount2("d", MNT_DETACH);
	mount(NULL, "a", NULL, MS_SHARED, NULL);
	mount("a", "b", NULL, MS_BIND, NULL);
	mount("a", "c", NULL, MS_BIND, NULL);
	mount(NULL, "c", NULL, MS_SLAVE, NULL);
	mount(NULL, "c", NULL, MS_SHARED, NULL);
	mount("c", "d", NULL, MS_BIND, NULL);
}

FAULT_TEST(mounts, move)
{
	struct fault_call call = {.call = move_tree, .undo = move_back, .errors = no_memory};

	arena();
	make_tree();
	fault_replay("move below shared", &call, "a/1");
	leave();
}

static long make_shared(void *at)
{
	return mount(NULL, at, NULL, MS_SHARED | MS_REC, NULL);
}

static void make_private(void *at, long result)
{
	(void)result;
	mount(NULL, at, NULL, MS_PRIVATE | MS_REC, NULL);
}

FAULT_TEST(mounts, sharing)
{
	struct fault_call call = {.call = make_shared, .undo = make_private, .errors = no_memory};

	arena();
	make_tree();
	fault_replay("make-rshared", &call, "tree");
	leave();
}

static long remount(void *at)
{
	return mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, "size=128k");
}

FAULT_TEST(mounts, remount)
{
	struct fault_call call = {.call = remount, .errors = no_memory};

	arena();
	make_tree();
	fault_replay("remount", &call, "tree");
	leave();
}

// In a child, that has a root of its own: there and back again.
static long pivot(void *arg)
{
	(void)arg;
	return syscall(SYS_pivot_root, "/new", "/new/old");
}

static void pivot_back(void *arg, long result)
{
	(void)arg, (void)result;
	if (syscall(SYS_pivot_root, "/old", "/old/new") || chdir("/") ||
	    mount("/new", "/other", NULL, MS_MOVE, NULL) ||
	    mount("/other", "/new", NULL, MS_MOVE, NULL))
		fault_wrong("pivot back: %s", strerror(errno));
}

FAULT_TEST(mounts, pivot_root)
{
	struct fault_call call = {.call = pivot, .undo = pivot_back, .errors = no_memory};
	int status;

	arena();
	mkdir("proc", 0755);
	mkdir("other", 0755);
	mount("proc", "proc", "proc", 0, NULL);
	mount("n", "new", "tmpfs", 0, NULL);
	mkdir("new/old", 0755);
	mkdir("new/proc", 0755);
	mount("proc", "new/proc", "proc", 0, NULL);
	fflush(stdout);
	int pid = fork();
	if (pid == 0) {
		chroot(".");
		chdir("/");
		fault_replay("pivot_root", &call, NULL);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		fault_wrong("pivot_root: child ended with %x", status);
	leave();
}

// --- Namespaces ---

#define ALL_KINDS \
	(CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWCGROUP)

static long clone_kinds(void *flags)
{
	long pid = syscall(SYS_clone, *(unsigned long *)flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static void reap(void *arg, long pid)
{
	(void)arg;
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	unsigned long flags;
} kinds[] = {
	{"NEWUTS", CLONE_NEWUTS},
	{"NEWNS", CLONE_NEWNS},
	{"NEWIPC", CLONE_NEWIPC},
	{"NEWPID", CLONE_NEWPID},
	{"NEWUSER", CLONE_NEWUSER},
	{"NEWCGROUP", CLONE_NEWCGROUP},
	{"NEWTIME", CLONE_NEWTIME},
	{"all kinds", ALL_KINDS},
	{"all but user", ALL_KINDS & ~CLONE_NEWUSER},
};

FAULT_TEST(mounts, clone_each_kind)
{
	struct fault_call call = {
		.call = clone_kinds, .undo = reap, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	arena();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].flags != CLONE_NEWTIME) // that is a signal number in clone's word
			fault_replay(kinds[i].name, &call, (void *)&kinds[i].flags);
	}
	leave();
}

// unshare cannot be undone: each goes on in the namespaces of the last, which then go. The user
// namespace is left out here, for one cannot go back from it.
static int own_ns[5];
static const char *const ns_files[] = {"uts", "mnt", "ipc", "pid_for_children", "cgroup"};

static void open_own(void)
{
	char path[64];

	for (int i = 0; i < 5; i++) {
		sprintf(path, "/proc/self/ns/%s", ns_files[i]);
		own_ns[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
}

static void close_own(void)
{
	for (int i = 0; i < 5; i++)
		close(own_ns[i]);
}

static long unshare_kinds(void *flags)
{
	return unshare(*(unsigned long *)flags);
}

static void go_back(void *flags, long result)
{
	(void)flags, (void)result;
	for (int i = 0; i < 5; i++) {
		if (setns(own_ns[i], 0))
			fault_wrong("setns %s: %s", ns_files[i], strerror(errno));
	}
	chdir("/");
}

FAULT_TEST(mounts, unshare_each_kind)
{
	struct fault_call call = {
		.call = unshare_kinds, .undo = go_back, .errors = FAULT_ERRORS(ENOMEM)};
	unsigned long all = ALL_KINDS & ~CLONE_NEWUSER;

	arena();
	open_own();
	chdir("/");
	for (size_t i = 0; i < 4; i++)
		fault_replay(kinds[i].name, &call, (void *)&kinds[i].flags);
	fault_replay("unshare all", &call, &all);
	close_own();
	leave();
}

static long set_own(void *arg)
{
	return setns(*(int *)arg, 0);
}

static long set_by_pidfd(void *arg)
{
	return setns(*(int *)arg, CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID);
}

FAULT_TEST(mounts, setns)
{
	struct fault_call call = {.call = set_own, .errors = FAULT_ERRORS(ENOMEM)};
	struct fault_call several = {
		.call = set_by_pidfd, .undo = go_back, .errors = FAULT_ERRORS(ENOMEM)};
	int pipes[2];
	char c;

	arena();
	open_own();
	chdir("/");
	for (int i = 0; i < 5; i++)
		fault_replay(ns_files[i], &call, &own_ns[i]);
	pipe(pipes);
	int pid = fork();
	if (pid == 0) {
		close(pipes[1]);
		unshare(CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC);
		read(pipes[0], &c, 1);
		_exit(0);
	}
	usleep(50000);
	int fd = syscall(SYS_pidfd_open, pid, 0);
	fault_replay("setns by pidfd", &several, &fd);
	close(pipes[1]);
	close(pipes[0]);
	close(fd);
	waitpid(pid, NULL, 0);
	close_own();
	leave();
}

// --- Questions about mounts by number ---

struct id_request {
	unsigned size, fd;
	unsigned long id, param, ns_id;
};

static long stat_mount(void *arg)
{
	char status[4096];

	return syscall(457, arg, status, sizeof(status), 0);
}

static long list_mount(void *arg)
{
	unsigned long ids[64];

	return syscall(458, arg, ids, 64, 0);
}

static long open_neighbour(void *arg)
{
	unsigned long info[2];

	return ioctl(*(int *)arg, 0x8010b70b, info); // NS_MNT_GET_NEXT
}

static void close_it(void *arg, long result)
{
	(void)arg;
	close(result);
}

FAULT_TEST(mounts, by_number)
{
	struct fault_call status = {.call = stat_mount, .errors = no_memory};
	struct fault_call list = {.call = list_mount, .errors = no_memory};
	struct fault_call next = {
		.call = open_neighbour, .undo = close_it, .errors = FAULT_ERRORS(ENOMEM)};
	struct id_request request = {.size = sizeof(request), .param = 0x7fff};
	struct statx s = {0};

	arena();
	statx(AT_FDCWD, "a", 0, 0x4000, &s);
	request.id = s.stx_mnt_id;
	fault_replay("statmount", &status, &request);
	request.id = ~0ul;
	request.param = 0;
	fault_replay("listmount", &list, &request);
	int pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWNS);
		pause();
	}
	usleep(50000);
	int fd = open("/proc/self/ns/mnt", O_RDONLY);
	fault_replay("the next namespace", &next, &fd);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	leave();
}

// --- Options of each kind ---

static long mount_with_options(void *arg)
{
	return mount("x", "new", *(char **)arg, 0, ((char **)arg)[1]);
}

static long remount_with_options(void *arg)
{
	return mount(NULL, "new", NULL, MS_REMOUNT, ((char **)arg)[1]);
}

FAULT_TEST(mounts, options)
{
	static char *const options[][2] = {
		{"proc", "ro,hidepid=2,gid=7,subset=pid"},
		{"devpts", "sync,mode=620,max=4"},
		{"tmpfs", "size=64k,noswap,lazytime"},
		{"mqueue", "ro"},
	};
	struct fault_call call = {
		.call = mount_with_options, .undo = unmount_new, .errors = no_memory};
	struct fault_call again = {.call = remount_with_options, .errors = no_memory};

	arena();
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		fault_replay(options[i][0], &call, (void *)options[i]);
		mount("x", "new", options[i][0], 0, options[i][1]);
		fault_replay("remount", &again, (void *)options[i]);
		umount("new");
	}
	leave();
}
