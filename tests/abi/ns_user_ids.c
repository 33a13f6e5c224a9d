// User and group ids across user namespaces: which may be taken, given and seen, and whom they allow
// to touch.

#include "abi.h"
#include <grp.h>
#include <linux/ioprio.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>

static long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return -1;
	long n = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

// Into a new user namespace, whose maps a helper outside writes. NULL: none.
static void enter(int flags, const char *uids, const char *gids)
{
	int go[2], status;
	char path[64], c;
	pid_t pid = getpid();

	fflush(stdout);
	pipe(go);
	pid_t helper = fork();
	if (helper == 0) {
		long error = 0;

		close(go[1]);
		read(go[0], &c, 1);
		sprintf(path, "/proc/%d/uid_map", pid);
		error |= uids ? put(path, uids) : 0;
		sprintf(path, "/proc/%d/gid_map", pid);
		error |= gids ? put(path, gids) : 0;
		_exit(error != 0);
	}
	if (unshare(CLONE_NEWUSER | flags))
		printf("unshare: %s\n", strerrorname_np(errno));
	close(go[0]);
	close(go[1]);
	waitpid(helper, &status, 0);
	if (status)
		printf("no map\n");
	prctl(PR_SET_DUMPABLE, 1);
}

static void become(uid_t uid)
{
	setgroups(0, NULL);
	setresgid(uid, uid, uid);
	setresuid(uid, uid, uid);
	prctl(PR_SET_DUMPABLE, 1);
}

static void show_ids(void)
{
	uid_t a, b, c;
	gid_t groups[8];
	int n = getgroups(8, groups);

	getresuid(&a, &b, &c);
	printf("uid %u %u %u fs %d, ", a, b, c, setfsuid(-1));
	getresgid(&a, &b, &c);
	printf("gid %u %u %u fs %d, groups", a, b, c, setfsgid(-1));
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\n");
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
}

static pid_t outsider; // a process of the outside, until `hold` is closed
static int hold[2];

static pid_t make_process(uid_t uid, void (*first)(void))
{
	int ready[2];
	char c;

	pipe(ready);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		close(hold[1]);
		if (uid)
			become(uid);
		if (first)
			first();
		close(ready[1]);
		read(hold[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	read(ready[0], &c, 1);
	return pid;
}

static void end_all(void)
{
	close(hold[1]);
	fflush(stdout);
	while (wait(NULL) > 0)
		;
}

// --- Taking ids ---

static void take_ids(void)
{
	gid_t one[1] = {5}, two[2] = {0, 1};

	show_ids();
	R(setuid(5));
	R(setreuid(-1, 5));
	R(setresuid(-1, -1, 5));
	R(setgid(5));
	R(setregid(5, -1));
	R(setresgid(-1, 5, -1));
	R(setfsuid(5));
	R(setfsgid(5));
	R(setgroups(1, one));
	R(setgroups(2, two));
	show_ids();
	R(setresgid(1, 0, 1));
	R(setfsuid(1));
	R(setresuid(1, 0, 1));
	show_ids();
	R(setuid(65534));
	R(setresuid(1, 1, 1));
	R(setresuid(0, 0, 0));
	R(setgroups(0, NULL));
	show_ids();
	show_lines("/proc/self/status", "Uid");
	show_lines("/proc/self/status", "Gid");
	show_lines("/proc/self/status", "Groups");
	show_lines("/proc/self/status", "Cap");
}

ABI_TEST(ns_user_ids, unmapped)
{
	enter(0, NULL, NULL);
	take_ids();
}

ABI_TEST(ns_user_ids, mapped_two)
{
	enter(0, "0 0 2", "0 0 2");
	take_ids();
}

ABI_TEST(ns_user_ids, mapped_elsewhere)
{
	gid_t groups[2] = {7, 70000};

	setgroups(2, groups);
	become(1000);
	R(unshare(CLONE_NEWUSER));
	R(put("/proc/self/setgroups", "deny"));
	R(put("/proc/self/uid_map", "0 1000 1"));
	R(put("/proc/self/gid_map", "5 1000 1"));
	take_ids();
}

ABI_TEST(ns_user_ids, not_root_inside)
{
	enter(0, "10 0 3\n20 1000 1000", "10 0 3\n20 1000 1000");
	show_ids();
	R(setuid(0));
	R(setuid(21));
	R(setuid(10));
	show_ids();
	show_lines("/proc/self/status", "Cap");
}

ABI_TEST(ns_user_ids, supplementary)
{
	gid_t groups[3] = {7, 1001, 70000};

	setgroups(3, groups);
	show_ids();
	enter(0, "0 1000 10", "0 1000 10");
	show_ids();
	show_lines("/proc/self/status", "Groups");
	R(setresuid(0, 0, 0));
	show_ids();
}

// --- setgroups ---

static void try_setgroups(void)
{
	gid_t none[1] = {0};

	R(setgroups(1, none));
	R(setgroups(0, NULL));
	show_lines("/proc/self/setgroups", "");
}

ABI_TEST(ns_user_ids, setgroups_file)
{
	try_setgroups();
	R(put("/proc/self/setgroups", "deny")); // the first namespace's
	enter(0, NULL, NULL);
	try_setgroups();
	R(put("/proc/self/setgroups", "maybe"));
	R(put("/proc/self/setgroups", "allow"));
	R(put("/proc/self/setgroups", "deny\n"));
	R(put("/proc/self/setgroups", "allow"));
	R(put("/proc/self/setgroups", "deny"));
	try_setgroups();
	R(unshare(CLONE_NEWUSER)); // which takes it over
	show_lines("/proc/self/setgroups", "");
	R(put("/proc/self/setgroups", "allow"));
}

ABI_TEST(ns_user_ids, setgroups_after_map)
{
	enter(0, "0 0 10", "0 0 10");
	try_setgroups();
	R(put("/proc/self/setgroups", "deny"));
	R(put("/proc/self/setgroups", "allow"));
	try_setgroups();
}

ABI_TEST(ns_user_ids, gid_map_needs_deny)
{
	become(1000);
	R(unshare(CLONE_NEWUSER));
	R(put("/proc/self/gid_map", "0 1000 1"));
	R(put("/proc/self/uid_map", "0 1000 1"));
	R(put("/proc/self/gid_map", "0 1000 1"));
	R(put("/proc/self/setgroups", "deny"));
	R(put("/proc/self/gid_map", "0 1000 1"));
	R(put("/proc/self/uid_map", "0 1000 1")); // once only
	show_ids();
}

// --- Files ---

static void make_file(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	close(open(path, O_CREAT | O_RDWR, 0600));
	chown(path, uid, gid);
	chmod(path, mode);
}

static void show_owner(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		printf("%s: %s\n", path, strerrorname_np(errno));
	else
		printf("%s: %u %u %o\n", path, st.st_uid, st.st_gid, st.st_mode);
}

static void try_file(const char *path)
{
	printf("-- ");
	show_owner(path);
	int fd = OK(open(path, O_RDWR));
	close(fd);
	R(chmod(path, 0640));
	R(chmod(path, 02750));
	R(chown(path, -1, 0));
	R(chown(path, 0, -1));
	R(chown(path, 5000, -1)); // not mapped
	R(chown(path, -1, 65534));
	R(utimensat(AT_FDCWD, path, (struct timespec[2]){{1, 0}, {1, 0}}, 0));
	R(access(path, R_OK));
	show_owner(path);
}

ABI_TEST(ns_user_ids, files)
{
	chmod(".", 0777);
	make_file("both", 1001, 1001, 0600);
	make_file("uid-only", 1001, 0, 0600);
	make_file("gid-only", 0, 1001, 0600);
	make_file("neither", 0, 0, 0600);
	make_file("mine", 1000, 1000, 0600);
	pid_t pid = fork();
	if (pid == 0) {
		enter(CLONE_NEWNS, "0 1000 10", "0 1000 10");
		R(setresgid(0, 0, 0));
		R(setresuid(0, 0, 0));
		static const char *const names[] = {"both", "uid-only", "gid-only", "neither",
						    "mine"};
		for (int i = 0; i < 5; i++)
			try_file(names[i]);
		R(mkdir("made", 0755));
		show_owner("made");
		R(mknod("made/null", S_IFCHR | 0666, 0x103));
		R(mknod("made/fifo", S_IFIFO | 0666, 0));
		R(setfsuid(3));
		R(symlink("x", "made/none"));
		R(symlink("x", "link"));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	show_owner("made");
	show_owner("both");
	show_owner("mine");
}

// A file system of a namespace has no place for ids that are not mapped in it.
ABI_TEST(ns_user_ids, file_system_of_a_namespace)
{
	int up[2], down[2];
	char c;

	chmod(".", 0777);
	pipe(up), pipe(down);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		enter(CLONE_NEWNS, "0 1000 10", "0 1000 10");
		setresgid(0, 0, 0);
		setresuid(0, 0, 0);
		prctl(PR_SET_DUMPABLE, 1);
		mkdir("inside", 0755);
		R(mount("t", "inside", "tmpfs", 0, "mode=0777"));
		chdir("inside");
		make_file("f", 0, 0, 0666);
		R(mknod("null", S_IFCHR | 0666, 0x103));
		fflush(stdout);
		write(up[1], "x", 1);
		read(down[0], &c, 1);
		fflush(stdout);
		_exit(0);
	}
	read(up[0], &c, 1);
	char path[64];
	sprintf(path, "/proc/%d/cwd", pid);
	R(chdir(path));
	show_owner("f");
	OK(open("f", O_RDWR));
	OK(open("new", O_CREAT | O_RDWR, 0600)); // by an id that it cannot hold
	R(mkdir("folder", 0755));
	R(symlink("x", "link"));
	R(mknod("fifo", S_IFIFO | 0600, 0));
	R(link("f", "g"));
	R(rename("g", "h"));
	R(chown("f", 0, 0));
	R(chown("f", 1001, 1001));
	R(chmod("f", 04755));
	R(setfsuid(1000));
	OK(open("new", O_CREAT | O_RDWR, 0600)); // the group cannot be held
	R(setfsgid(1000));
	OK(open("new", O_CREAT | O_RDWR, 0600));
	show_owner("new");
	write(down[1], "x", 1);
	fflush(stdout);
	abi_reap(pid);
}

// --- Other processes ---

static void touch(pid_t pid)
{
	cpu_set_t set;
	struct rlimit limit;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	R(kill(pid, 0));
	R(kill(pid, SIGCONT));
	R(setpriority(PRIO_PROCESS, pid, 3));
	R(prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
	R(sched_setaffinity(pid, sizeof(set), &set));
	R(sched_setscheduler(pid, SCHED_BATCH, &(struct sched_param){0}));
	R(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 5)));
	R(getpriority(PRIO_PROCESS, pid));
	R(syscall(SYS_get_robust_list, pid, &(void *){0}, &(size_t){0}));
	struct iovec_like {
		void *base;
		size_t length;
	} one = {&outsider, 4};
	R(syscall(SYS_process_vm_readv, pid, &one, 1, &one, 1, 0));
}

static void enter_two(void)
{
	enter(0, "0 1000 10", "0 1000 10");
	setresgid(0, 0, 0);
	setresuid(0, 0, 0);
	prctl(PR_SET_DUMPABLE, 1);
}

// Inside a namespace of ids 1000 to 1009, as its root.
ABI_TEST(ns_user_ids, outwards)
{
	pipe(hold);
	pid_t root = make_process(0, NULL), user = make_process(1000, NULL);
	pid_t mapped = make_process(1001, NULL), other = make_process(5000, NULL);
	pid_t inside = fork();
	if (inside == 0) {
		close(hold[1]);
		enter_two();
		printf("-- root\n"), touch(root);
		printf("-- the same user outside\n"), touch(user);
		printf("-- a mapped user outside\n"), touch(mapped);
		printf("-- another\n"), touch(other);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(inside);
	end_all();
}

ABI_TEST(ns_user_ids, inwards)
{
	pipe(hold);
	pid_t inside = make_process(0, enter_two);
	printf("-- by root\n");
	touch(inside);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		become(1000);
		printf("-- by the user that root inside is\n");
		touch(inside);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	pid = fork();
	if (pid == 0) {
		become(5000);
		printf("-- by another\n");
		touch(inside);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	pid = fork();
	if (pid == 0) {
		enter_two();
		printf("-- by root of a sibling\n");
		touch(inside);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	end_all();
}

static void own_by_itself(void)
{
	unshare(CLONE_NEWUSER);
	prctl(PR_SET_DUMPABLE, 1);
}

// Who made a namespace is mighty in it; his other processes are, too.
ABI_TEST(ns_user_ids, owner)
{
	pipe(hold);
	pid_t inside = make_process(1000, own_by_itself);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		become(1000);
		touch(inside);
		R(setpriority(PRIO_PROCESS, inside, -1));
		R(prlimit(inside, RLIMIT_NOFILE, &(struct rlimit){1 << 20, 1 << 20}, NULL));
		char path[64];
		sprintf(path, "/proc/%d/ns/user", inside);
		int ns = OK(open(path, O_RDONLY));
		R(setns(ns, 0));
		show_ids();
		show_lines("/proc/self/status", "CapEff");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	end_all();
}

// What is the machine's is not for root of a namespace.
ABI_TEST(ns_user_ids, machine)
{
	enter(0, "0 0 65536", "0 0 65536");
	R(setpriority(PRIO_PROCESS, 0, -5));
	R(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
	R(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 5)));
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
	R(setrlimit(RLIMIT_NOFILE, &(struct rlimit){128, 128}));
	R(put("/proc/self/oom_score_adj", "-100"));
	R(prctl(PR_CAPBSET_DROP, 5));
	R(sethostname("x", 1));
	R(chroot("."));
}

ABI_TEST(ns_user_ids, by_user)
{
	pipe(hold);
	make_process(3000, NULL);
	make_process(3000, NULL);
	R(setpriority(PRIO_USER, 3000, 7));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		enter(0, "0 3000 1", "0 3000 1");
		R(setresuid(0, 0, 0));
		R(getpriority(PRIO_USER, 0));
		R(setpriority(PRIO_USER, 0, 9));
		R(getpriority(PRIO_USER, 5));
		R(setpriority(PRIO_USER, 3000, 9));
		R(syscall(SYS_ioprio_get, IOPRIO_WHO_USER, 5));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(getpriority(PRIO_USER, 3000));
	end_all();
}

// --- What tells of users ---

static volatile int sender_uid, arrived;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	sender_uid = info->si_uid;
	arrived = 1;
}

static void show_sender(const char *what)
{
	for (int i = 0; i < 2000 && !arrived; i++)
		usleep(1000);
	printf("%s: uid %d%s\n", what, sender_uid, arrived ? "" : ", never");
	arrived = 0;
}

ABI_TEST(ns_user_ids, siginfo)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	int up[2], down[2];
	char c;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
	pipe(up), pipe(down);
	fflush(stdout);
	pid_t outer = getpid(), pid = fork();
	if (pid == 0) {
		signal(SIGCHLD, SIG_DFL);
		enter_two();
		write(up[1], "x", 1);
		show_sender("kill by root outside");
		write(up[1], "x", 1);
		show_sender("sigqueue by root outside");
		write(up[1], "x", 1);
		show_sender("kill by user 1003 outside");
		kill(getpid(), SIGUSR1);
		show_sender("by itself");
		sigaction(SIGCHLD, &action, NULL);
		pid_t child = fork();
		if (child == 0) {
			setresuid(4, 4, 4);
			_exit(0);
		}
		show_sender("SIGCHLD inside");
		siginfo_t info = {0};
		R(waitid(P_PID, child, &info, WEXITED));
		R(info.si_uid);
		R(kill(outer, SIGUSR1));
		fflush(stdout);
		_exit(0);
	}
	read(up[0], &c, 1);
	kill(pid, SIGUSR1);
	read(up[0], &c, 1);
	sigqueue(pid, SIGUSR1, (union sigval){0});
	read(up[0], &c, 1);
	if (fork() == 0) {
		setresuid(1003, 0, 0);
		kill(pid, SIGUSR1);
		_exit(0);
	}
	siginfo_t info = {0};
	while (waitid(P_PID, pid, &info, WEXITED))
		;
	printf("waitid: uid %u\n", info.si_uid);
	show_sender("SIGCHLD outside");
}

ABI_TEST(ns_user_ids, ipc)
{
	struct shmid_ds status;

	unshare(CLONE_NEWIPC);
	int shm = shmget(IPC_PRIVATE, 4096, 0666);
	shmctl(shm, IPC_STAT, &status);
	status.shm_perm.uid = 1003;
	shmctl(shm, IPC_SET, &status);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		enter_two();
		R(shmctl(shm, IPC_STAT, &status));
		printf("%d %d %d %d\n", status.shm_perm.uid, status.shm_perm.gid,
		       status.shm_perm.cuid, status.shm_perm.cgid);
		R(shmctl(shm, IPC_SET, &status)); // not its owner
		R(setresuid(3, 3, 3));
		status.shm_perm.uid = 65534;
		R(shmctl(shm, IPC_SET, &status)); // no such id here
		status.shm_perm.uid = 4;
		status.shm_perm.gid = 4;
		R(shmctl(shm, IPC_SET, &status));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	shmctl(shm, IPC_STAT, &status);
	printf("%d %d\n", status.shm_perm.uid, status.shm_perm.gid);
	shmctl(shm, IPC_RMID, NULL);
}

// The processes of a namespace count for who made it: one cannot have more by making namespaces.
ABI_TEST(ns_user_ids, process_limit)
{
	int started = 0;

	fflush(stdout);
	pipe(hold);
	pid_t pid = fork();
	if (pid == 0) {
		close(hold[1]);
		R(setrlimit(RLIMIT_NPROC, &(struct rlimit){6, 6}));
		become(7000);
		unshare(CLONE_NEWUSER);
		put("/proc/self/uid_map", "0 7000 1");
		for (int i = 0; i < 20; i++) {
			char c;
			pid_t child = fork();

			if (child == 0) {
				read(hold[0], &c, 1);
				_exit(0);
			}
			if (child < 0)
				break;
			started++;
		}
		printf("%d started: %s\n", started, strerrorname_np(errno) ?: "0");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	end_all();
}

// Two levels down: an id must be mapped all the way.
ABI_TEST(ns_user_ids, nested)
{
	enter(0, "0 1000 100", "0 1000 100");
	R(setresgid(0, 0, 0));
	R(setresuid(0, 0, 0));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 1);
		enter(0, "0 50 10\n10 0 1", "0 50 10\n10 0 1");
		show_ids();
		show_lines("/proc/self/uid_map", "");
		R(setuid(0));
		R(setuid(5));
		R(setuid(10));
		show_ids();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 1);
		enter(0, "0 99 2", NULL); // beyond the parent's
		show_ids();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}
