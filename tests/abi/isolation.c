// Isolation: from inside each kind of namespace, and all together, as root and as an ordinary user,
// everything outside is tried: processes, files, mounts, names, ids, namespaces. What fails on Linux
// fails here in the same way; and afterwards the outside is looked at.

#include "abi.h"
#include <grp.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>

#define KEY   0x150c
#define KINDS (CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP)

// What is outside, and what a careless parent leaves open for those inside.
static struct {
	pid_t victim;
	int victim_pidfd, folder, secret, shm, sem, msg;
	int ns[7];
	void *memory;
	int barrier[2];
} out;

static const char *const ns_names[] = {"user", "mnt", "uts", "ipc", "pid", "cgroup", "time"};

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int error = errno;

	errno = fd < 0 ? error : 0;
	abi_show(path, fd < 0 ? -1 : write(fd, text, strlen(text)));
	close(fd);
}

// --- The outside ---

static void build_outside(void)
{
	unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("outside", 0755);
	mount("o", "outside", "tmpfs", 0, NULL);
	chdir("outside");
	mkdir("jail", 0755);
	mkdir("mine", 0700);
	chown("mine", 1000, 1000);
	out.secret = open("secret", O_CREAT | O_RDWR, 0600);
	write(out.secret, "secret", 6);
	out.folder = open(".", O_RDONLY | O_DIRECTORY);
	sethostname("outside", 7);
	out.shm = shmget(KEY, 4096, IPC_CREAT | 0600);
	out.sem = semget(KEY, 1, IPC_CREAT | 0600);
	out.msg = msgget(KEY, IPC_CREAT | 0600);
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	mq_close(mq_open("/outer", O_CREAT | O_RDWR, 0600, &attr));
	out.memory = &out;
	for (int i = 0; i < 7; i++) {
		char path[64];

		sprintf(path, "/proc/self/ns/%s", ns_names[i]);
		out.ns[i] = open(path, O_RDONLY);
	}
	pipe(out.barrier);
	out.victim = fork();
	if (out.victim == 0) {
		char c;

		close(out.barrier[1]);
		read(out.barrier[0], &c, 1);
		_exit(42);
	}
	out.victim_pidfd = syscall(SYS_pidfd_open, out.victim, 0);
}

static void check_outside(void)
{
	char name[64] = "", text[16] = "";
	int mounts = 0, file = open("/proc/self/mountinfo", O_RDONLY);
	static char info[1 << 14];
	ssize_t n = read(file, info, sizeof(info) - 1);

	info[n < 0 ? 0 : n] = '\0';
	close(file);
	for (char *at = info; (at = strstr(at, "/outside")); at++)
		mounts++;
	gethostname(name, sizeof(name));
	pread(out.secret, text, 6, 0);
	struct stat st;
	fstat(out.secret, &st);
	printf("outside: %s %s %o %d, mounts %d\n", name, text, st.st_mode, st.st_uid, mounts);
	R(kill(out.victim, 0));
	printf("nice %d\n", getpriority(PRIO_PROCESS, out.victim));
	OK(shmget(KEY, 0, 0));
	OK(semget(KEY, 0, 0));
	OK(msgget(KEY, 0));
	OK(mq_open("/outer", O_RDONLY));
	R(mq_unlink("/outer"));
	R(access("made-inside", F_OK));
	R(access("mine/made-inside", F_OK));
	close(out.barrier[1]);
	abi_reap(out.victim);
	shmctl(out.shm, IPC_RMID, NULL);
	semctl(out.sem, 0, IPC_RMID);
	msgctl(out.msg, IPC_RMID, NULL);
}

// --- Attempts ---

static void try_processes(void)
{
	char path[64], bytes[8];
	struct iovec local = {bytes, 8}, remote = {out.memory, 8};
	struct rlimit limit;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	R(kill(out.victim, 0));
	R(syscall(SYS_tgkill, out.victim, out.victim, 0));
	R(waitpid(out.victim, NULL, WNOHANG));
	R(process_vm_readv(out.victim, &local, 1, &remote, 1, 0));
	R(setpriority(PRIO_PROCESS, out.victim, 5));
	R(prlimit(out.victim, RLIMIT_NOFILE, NULL, &limit));
	R(sched_setaffinity(out.victim, sizeof(set), &set));
	R(getpgid(out.victim) > 0 ? 0 : -1);
	R(syscall(SYS_kcmp, out.victim, out.victim, 0, 0, 0));
	OK(syscall(SYS_pidfd_open, out.victim, 0));
	R(syscall(SYS_pidfd_send_signal, out.victim_pidfd, 0, NULL, 0));
	OK(syscall(SYS_pidfd_getfd, out.victim_pidfd, out.secret, 0));
	siginfo_t info;
	R(waitid((idtype_t)3, out.victim_pidfd, &info, WEXITED | WNOHANG));
	static const char *const files[] = {"environ", "root/", "cwd/secret",
					    "fd/0",    "maps",  "ns/uts"};
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		sprintf(path, "/proc/%d/%s", out.victim, files[i]);
		printf("%s: ", files[i]);
		OK(open(path, O_RDONLY));
	}
}

static void try_files(void)
{
	char text[8];

	// Descriptors are keys: what is open stays open, whoever one has become.
	R(pread(out.secret, text, 6, 0));
	OK(openat(out.folder, "secret", O_RDWR));
	OK(open("secret", O_RDONLY));
	OK(openat(out.folder, "made-inside", O_CREAT | O_EXCL | O_RDWR, 0600));
	R(unlinkat(out.folder, "made-inside", 0));
	R(fchown(out.secret, 1000, 1000));
	R(fchown(out.secret, 0, 0));
	R(fchmod(out.secret, 0600));
	R(mknodat(out.folder, "made-inside", S_IFCHR | 0600, 0x103));
	R(linkat(out.folder, "secret", out.folder, "mine/made-inside", 0));
	R(unlinkat(out.folder, "mine/made-inside", 0));
	R(chroot("jail"));
	R(access("secret", F_OK));
	R(access("../secret", F_OK));
	R(access("/../secret", F_OK));
	R(faccessat(out.folder, "secret", F_OK, 0));
}

static void try_mounts(void)
{
	R(umount2("/proc", MNT_DETACH));
	R(umount2(".", 0));
	R(umount2(".", MNT_DETACH));
	R(mount("x", "jail", "tmpfs", 0, NULL));
	R(mount("/", "jail", NULL, MS_BIND, NULL));
	R(mount("/", "jail", NULL, MS_BIND | MS_REC, NULL));
	R(umount2("jail", MNT_DETACH));
	R(umount2("jail", MNT_DETACH));
	R(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND, NULL));
	R(mount(NULL, ".", NULL, MS_SHARED, NULL));
	R(mount(NULL, ".", NULL, MS_PRIVATE, NULL));
	R(mount("dev", "jail", "devtmpfs", 0, NULL));
	R(umount2("jail", 0));
	R(syscall(SYS_pivot_root, ".", "jail"));
}

static void try_names(void)
{
	struct sembuf op = {0, 1, IPC_NOWAIT};
	char text[8];

	R(sethostname("inside", 6));
	R(setdomainname("inside", 6));
	OK(shmget(KEY, 0, 0));
	OK(semget(KEY, 0, 0));
	OK(msgget(KEY, 0));
	R(shmat(out.shm, NULL, SHM_RDONLY) == (void *)-1 ? -1 : 0);
	R(semop(out.sem, &op, 1));
	R(msgrcv(out.msg, text, 1, 0, IPC_NOWAIT));
	OK(mq_open("/outer", O_RDWR));
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	OK(mq_open("/inner", O_CREAT | O_RDWR, 0600, &attr));
	R(mq_unlink("/inner"));
	put("/proc/sys/kernel/hostname", "inside");
	put("/proc/sys/kernel/shmmni", "4096");
	put("/proc/sys/fs/mount-max", "100000");
	put("/proc/sys/vm/overcommit_memory", "0");
}

static void try_ids(void)
{
	gid_t group = 0;

	R(setuid(0));
	R(setresuid(0, 0, 0));
	R(setresgid(0, 0, 0));
	R(setgroups(1, &group));
	R(setgroups(0, NULL));
	R(setuid(77));
	R(prctl(PR_CAPBSET_READ, 21));
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/uid_map", "0 0 4294967295");
	put("/proc/self/gid_map", "0 0 1");
	put("/proc/self/setgroups", "allow");
	put("/proc/self/oom_score_adj", "-1000");
	R(setpriority(PRIO_PROCESS, 0, -1));
	R(nice(-1));
	struct rlimit limit = {1 << 30, 1 << 30};
	R(setrlimit(RLIMIT_NOFILE, &limit));
	struct timespec bad = {0, 2000000000};
	R(syscall(SYS_clock_settime, 0, &bad));
	struct timespec zero = {1, 0};
	if (geteuid())
		R(syscall(SYS_clock_settime, 0, &zero));
}

static void try_namespaces(void)
{
	for (int i = 0; i < 7; i++) {
		printf("%s: ", ns_names[i]);
		R(setns(out.ns[i], 0));
	}
	R(setns(out.victim_pidfd, CLONE_NEWUSER));
	R(setns(out.victim_pidfd, CLONE_NEWNS | CLONE_NEWUTS));
	R(setns(out.victim_pidfd, CLONE_NEWPID));
	R(setns(out.victim_pidfd, CLONE_NEWUSER | CLONE_NEWNS));
	R(fchdir(out.folder));
	OK(open("secret", O_RDWR));
}

// Each group in a process of its own: what one did is not to be in the way of the next.
static const struct {
	const char *name;
	void (*attempt)(void);
} attempts[] = {
	{"processes", try_processes}, {"files", try_files}, {"mounts", try_mounts},
	{"names", try_names},         {"ids", try_ids},     {"namespaces", try_namespaces},
};

static void map_oneself(int uid, int gid)
{
	char text[32];

	put("/proc/self/setgroups", "deny");
	sprintf(text, "0 %d 1", uid);
	put("/proc/self/uid_map", text);
	sprintf(text, "0 %d 1", gid);
	put("/proc/self/gid_map", text);
}

static void inside(int flags, int user)
{
	if ((flags & CLONE_NEWPID) && getpid() != 1)
		printf("not the first\n");
	// A user namespace may be there only by way of this one; a mapping is made from inside.
	if (flags & CLONE_NEWUSER)
		map_oneself(user, user);
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

ABI_TEST(isolation, root_uts)
{
	isolate(CLONE_NEWUTS, 0);
}

ABI_TEST(isolation, root_mnt)
{
	isolate(CLONE_NEWNS | CLONE_NEWUTS, 0);
}

ABI_TEST(isolation, root_ipc)
{
	isolate(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS, 0);
}

ABI_TEST(isolation, root_pid)
{
	isolate(CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS, 0);
}

ABI_TEST(isolation, root_cgroup)
{
	isolate(CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWNS, 0);
}

ABI_TEST(isolation, root_user)
{
	isolate(CLONE_NEWUSER, 0);
}

ABI_TEST(isolation, root_all)
{
	isolate(CLONE_NEWUSER | KINDS, 0);
}

ABI_TEST(isolation, user_none)
{
	isolate(0, 1000);
}

ABI_TEST(isolation, user_kind_refused)
{
	isolate(CLONE_NEWUTS, 1000);
}

ABI_TEST(isolation, user_user)
{
	isolate(CLONE_NEWUSER, 1000);
}

ABI_TEST(isolation, user_mnt)
{
	isolate(CLONE_NEWUSER | CLONE_NEWNS, 1000);
}

ABI_TEST(isolation, user_pid)
{
	isolate(CLONE_NEWUSER | CLONE_NEWPID, 1000);
}

ABI_TEST(isolation, user_ipc)
{
	isolate(CLONE_NEWUSER | CLONE_NEWIPC, 1000);
}

ABI_TEST(isolation, user_uts)
{
	isolate(CLONE_NEWUSER | CLONE_NEWUTS, 1000);
}

ABI_TEST(isolation, user_all)
{
	isolate(CLONE_NEWUSER | KINDS, 1000);
}
