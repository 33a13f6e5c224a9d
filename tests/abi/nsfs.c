// Namespace files and setns(2): links of /proc/PID/ns, questions, entering, and what keeps a
// namespace alive.

#include "abi.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <grp.h>

#define NS_GET_USERNS    0xb701
#define NS_GET_PARENT    0xb702
#define NS_GET_NSTYPE    0xb703
#define NS_GET_OWNER_UID 0xb704

static const char *const kinds[] = {"ipc", "mnt", "pid", "pid_for_children", "user", "uts"};

static char *link_of(const char *who, const char *kind)
{
	static char text[4][64];
	static int turn;
	char path[64], *out = text[turn++ & 3];

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", who, kind);
	ssize_t n = readlink(path, out, 63);
	out[n < 0 ? 0 : n] = 0;
	return out;
}

static int open_ns(const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	errno = 0;
	long n = write(fd, text, strlen(text));
	abi_show(path, n);
	close(fd);
}

ABI_TEST(nsfs, numbers_of_the_first)
{
	for (size_t i = 0; i < 6; i++) {
		if (strcmp(kinds[i], "mnt"))
			printf("%s\n", link_of("self", kinds[i]));
	}
}

ABI_TEST(nsfs, files)
{
	for (size_t i = 0; i < 6; i++) {
		struct stat st, again;
		struct statfs fs;
		char text[64], path[32];
		int fd = open_ns(kinds[i]), fd2 = open_ns(kinds[i]);

		fstat(fd, &st);
		fstat(fd2, &again);
		fstatfs(fd, &fs);
		printf("mode %o nlink %ld uid %d size %ld same %d magic %lx\n", st.st_mode,
		       (long)st.st_nlink, st.st_uid, (long)st.st_size,
		       st.st_ino == again.st_ino && st.st_dev == again.st_dev, (long)fs.f_type);
		sprintf(path, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, text, 63);
		text[n < 0 ? 0 : n] = 0;
		printf("same text %d\n", !strcmp(text, link_of("self", kinds[i])));
		printf("type %x\n", ioctl(fd, NS_GET_NSTYPE));
		OK(ioctl(fd, NS_GET_USERNS));
		OK(ioctl(fd, NS_GET_PARENT));
		uid_t uid = 77;
		R(ioctl(fd, NS_GET_OWNER_UID, &uid));
		printf("%d\n", uid);
		R(ioctl(fd, 0xb7ff));
		R(read(fd, text, 4));
		R(write(fd, text, 4));
		close(fd);
		close(fd2);
	}
	R(open("/proc/self/ns/none", O_RDONLY));
	R(setns(-1, 0));
	R(setns(0, 0));
	int fd = open_ns("uts");
	R(setns(fd, CLONE_NEWPID));
	R(setns(fd, 1));
	R(setns(fd, CLONE_NEWUTS));
	R(setns(fd, 0));
	fd = open_ns("user");
	R(setns(fd, 0)); // one's own
}

ABI_TEST(nsfs, descriptor_keeps_uts)
{
	struct utsname name;
	int own = open_ns("uts");

	R(unshare(CLONE_NEWUTS));
	R(sethostname("inner", 5));
	int inner = open_ns("uts");
	R(setns(own, CLONE_NEWUTS));
	uname(&name);
	printf("inner %d\n", !strcmp(name.nodename, "inner"));
	R(setns(inner, 0));
	uname(&name);
	printf("%s\n", name.nodename);
	R(setns(own, 0));
	close(open("here", O_CREAT | O_RDWR, 0600));
	char path[64];
	sprintf(path, "/proc/self/fd/%d", inner);
	R(unshare(CLONE_NEWNS));
	R(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	R(mount(path, "here", NULL, MS_BIND, NULL));
	close(inner);
	inner = open("here", O_RDONLY);
	R(setns(inner, CLONE_NEWUTS));
	uname(&name);
	printf("%s\n", name.nodename);
	R(umount2("here", 0));
	close(inner);
	R(mount("/proc/self/ns/mnt", "here", NULL, MS_BIND, NULL));
}

static int child_with(int flags, int pipes[2])
{
	pipe(pipes);
	int pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		char c;
		close(pipes[1]);
		read(pipes[0], &c, 1);
		_exit(0);
	}
	close(pipes[0]);
	return pid;
}

ABI_TEST(nsfs, by_pidfd)
{
	int pipes[2];
	char who[16];
	int pid = child_with(CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID, pipes);
	int fd = syscall(SYS_pidfd_open, pid, 0);

	sprintf(who, "%d", pid);
	R(setns(fd, 0));
	R(setns(fd, 1));
	R(setns(fd, CLONE_NEWUSER | CLONE_NEWUTS)); // the user namespace is ours already
	printf("unchanged %d\n", strcmp(link_of("self", "uts"), link_of(who, "uts")) != 0);
	R(setns(fd, CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID));
	printf("uts %d mnt %d pid %d for children %d\n",
	       !strcmp(link_of("self", "uts"), link_of(who, "uts")),
	       !strcmp(link_of("self", "mnt"), link_of(who, "mnt")),
	       !strcmp(link_of("self", "pid"), link_of(who, "pid")),
	       !strcmp(link_of("self", "pid_for_children"), link_of(who, "pid")));
	int inside = fork();
	if (inside == 0)
		_exit(getpid());
	abi_reap(inside);
	close(pipes[1]);
	abi_reap(pid);
	R(setns(fd, CLONE_NEWUTS));
	R(fork());
}

static void as_user(void (*fn)(void))
{
	int pid = fork();

	if (pid == 0) {
		setgroups(0, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		prctl(PR_SET_DUMPABLE, 1);
		fn();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

static void show_file(const char *path)
{
	char text[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, 255);

	printf("%s: %.*s", path, (int)(n < 0 ? 0 : n), text);
	close(fd);
}

static void self_mapper(void)
{
	R(setns(open_ns("uts"), 0));
	R(unshare(CLONE_NEWUTS));
	R(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
	printf("%d %d\n", getuid(), getgid());
	put("/proc/self/uid_map", "0 0 1\n");
	put("/proc/self/gid_map", "0 1000 1\n");
	put("/proc/self/setgroups", "maybe");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/setgroups", "allow");
	show_file("/proc/self/setgroups");
	put("/proc/self/gid_map", "0 1000 1\n");
	put("/proc/self/uid_map", "0 1000\n");
	put("/proc/self/uid_map", "0 1000 0\n");
	put("/proc/self/uid_map", "0 1000 2\n");
	put("/proc/self/uid_map", "0 1000 1 x\n");
	put("/proc/self/uid_map", "");
	put("/proc/self/uid_map", "0 1000 1\n");
	put("/proc/self/uid_map", "0 1000 1\n");
	show_file("/proc/self/uid_map");
	show_file("/proc/self/gid_map");
	show_file("/proc/self/projid_map");
	printf("%d %d\n", getuid(), getgid());
	R(setgroups(0, NULL));
	R(setuid(1));
	R(sethostname("mine", 4));
	struct stat st;
	stat("/", &st);
	printf("root of / %d\n", st.st_uid);
	R(chown("/", 0, 0));
	R(open("/proc/1/ns/uts", O_RDONLY));
	R(mount("none", "/tmp", "tmpfs", 0, NULL));
	R(unshare(CLONE_NEWNS));
	R(mount("none", "/tmp", "tmpfs", 0, NULL));
	R(umount2("/proc", 0));
	int fd = open_ns("uts");
	int owner = ioctl(fd, NS_GET_USERNS);
	printf("%d\n", owner >= 0);
	R(ioctl(owner, NS_GET_PARENT));
	R(ioctl(open_ns("user"), NS_GET_USERNS));
	unsigned uid = 5;
	R(ioctl(owner, NS_GET_OWNER_UID, &uid));
	printf("%d\n", uid);
	R(setns(owner, 0));
}

ABI_TEST(nsfs, map_oneself)
{
	as_user(self_mapper);
}

ABI_TEST(nsfs, map_by_parent)
{
	int pipes[2];
	int pid = child_with(CLONE_NEWUSER, pipes);
	char path[64];
	const char *bad[] = {
		"0 0 1\n5 1 1\n5 2 1\n", "0 0 10\n20 5 1\n", "4294967295 0 1\n", "0 4294967295 1\n",
		"1 1 4294967295\n",      "a b c\n",          "0 0 10\n\n",       "-1 0 1\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		sprintf(path, "/proc/%d/uid_map", pid);
		int fd = open(path, O_WRONLY);
		errno = 0;
		abi_show(bad[i], write(fd, bad[i], strlen(bad[i])));
		close(fd);
	}
	sprintf(path, "/proc/%d/uid_map", pid);
	int fd = open(path, O_RDWR);
	R(lseek(fd, 1, SEEK_SET));
	R(write(fd, "0 0 1\n", 6));
	R(lseek(fd, 0, SEEK_SET));
	R(write(fd, "0 100000 1000\n1000 0 1\n", 24));
	R(write(fd, "0 0 1\n", 6));
	R(lseek(fd, 0, SEEK_SET));
	R(write(fd, "0 0 1\n", 6));
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	printf("%.*s", (int)n, text);
	int user = syscall(SYS_pidfd_open, pid, 0);
	int inside = fork();
	if (inside == 0) {
		R(setns(user, CLONE_NEWUSER));
		printf("%d %d\n", getuid(), getgid());
		R(setuid(5));
		R(setresuid(5, 5, 5));
		R(setresuid(5000, -1, -1));
		printf("%d\n", getuid());
		show_file("/proc/self/uid_map");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(inside);
	close(pipes[1]);
	abi_reap(pid);
}

ABI_TEST(nsfs, user_depth)
{
	int depth = 0;

	while (depth < 60 && !unshare(CLONE_NEWUSER)) {
		int fd = open("/proc/self/uid_map", O_WRONLY);
		if (write(fd, "0 0 1", 5) != 5)
			printf("map %d %s\n", depth, strerror(errno));
		close(fd);
		fd = open("/proc/self/gid_map", O_WRONLY);
		write(fd, "0 0 1", 5);
		close(fd);
		depth++;
	}
	printf("%d %s\n", depth, strerrorname_np(errno));
}

static int pid_depth_child(int depth)
{
	int pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(pid_depth_child(depth + 1));
	if (pid < 0)
		return errno == ENOSPC ? depth : 100 + errno;
	int status;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

ABI_TEST(nsfs, pid_depth)
{
	printf("%d\n", pid_depth_child(0));
}

ABI_TEST(nsfs, chroot_and_user)
{
	mkdir("jail", 0755);
	R(chroot("jail"));
	R(unshare(CLONE_NEWUSER));
}

ABI_TEST(nsfs, limits)
{
	R(unshare(CLONE_NEWUSER));
	put("/proc/self/uid_map", "0 0 1");
	show_file("/proc/sys/user/max_uts_namespaces");
	put("/proc/sys/user/max_uts_namespaces", "2");
	show_file("/proc/sys/user/max_uts_namespaces");
	R(unshare(CLONE_NEWUTS));
	R(unshare(CLONE_NEWUTS));
	int keep = open_ns("uts");
	R(unshare(CLONE_NEWUTS));
	R(unshare(CLONE_NEWUTS));
	int keep_too = open_ns("uts");
	R(unshare(CLONE_NEWUTS));
	close(keep);
	R(unshare(CLONE_NEWUTS));
	close(keep_too);
	put("/proc/sys/user/max_user_namespaces", "0");
	R(unshare(CLONE_NEWUSER));
}

ABI_TEST(nsfs, mounts_of_nested_root)
{
	mkdir("at", 0755);
	R(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/gid_map", "0 0 1");
	R(mount("dev", "at", "devtmpfs", 0, NULL));
	R(mount("none", "/", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(mount("none", "at", "tmpfs", 0, NULL));
	close(open("still-writable", O_CREAT | O_RDWR, 0600));
	R(access("still-writable", F_OK));
}

// A mount namespace that lives only by a file which is mounted in another one ends with that, and so on
// inwards: all at once, and when a tree with such a mount is taken down.
static void nest(int depth)
{
	int ready[2], go[2];
	char path[64], c;

	mount("n", "/mnt", "tmpfs", 0, NULL);
	mount(NULL, "/mnt", NULL, MS_PRIVATE, NULL);
	close(open("/mnt/ns", O_CREAT | O_WRONLY, 0600));
	if (!depth)
		return;
	pipe(ready);
	pipe(go);
	pid_t pid = fork();
	if (!pid) {
		unshare(CLONE_NEWNS);
		nest(depth - 1);
		write(ready[1], "", 1);
		read(go[0], &c, 1);
		_exit(0);
	}
	read(ready[0], &c, 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (mount(path, "/mnt/ns", NULL, MS_BIND, NULL))
		abi_show("bind", -1);
	write(go[1], "", 1);
	waitpid(pid, NULL, 0);
}

static void nested_child(int detach)
{
	pid_t pid = fork();

	if (!pid) {
		unshare(CLONE_NEWNS);
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mkdir("/mnt", 0755);
		mkdir("/proc", 0555);
		mount("p", "/proc", "proc", 0, NULL);
		nest(3);
		if (detach)
			abi_show("detach", umount2("/mnt", MNT_DETACH));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(nsfs, nested_mount_namespaces)
{
	nested_child(0);
	nested_child(1);
}
