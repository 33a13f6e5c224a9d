// Capabilities of files and set-id bits at exec: a copy of this program in a tmpfs is given attributes
// and executed by an ordinary user; it says what it has got.

#include "abi.h"
#include <linux/capability.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

#define DIR  "/tmp/fcaps"
#define COPY DIR "/program"

#define NET   (1u << CAP_NET_ADMIN)
#define KILL  (1u << CAP_KILL)
#define CHOWN (1u << CAP_CHOWN)

struct caps {
	unsigned magic, permitted, inheritable, permitted1, inheritable1, root;
};

// The copy's part: runs before main when its name says so.
__attribute__((constructor)) static void report(int argc, char **argv)
{
	char line[256];
	int signal = -1;

	if (argc < 1 || (strcmp(argv[0], "report") && strcmp(argv[0], COPY)))
		return;
	printf("uid %d %d gid %d %d secure %lu dumpable %d", getuid(), geteuid(), getgid(),
	       getegid(), getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
	prctl(PR_GET_PDEATHSIG, &signal);
	printf(" pdeath %d securebits %x nnp %d\n", signal, prctl(PR_GET_SECUREBITS),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, "Cap", 3))
			printf("%s", line);
	}
	fflush(stdout);
	_exit(0);
}

static void fresh(unsigned long flags)
{
	static char buffer[65536];
	int from, to;
	ssize_t n;

	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	from = open("/proc/self/exe", O_RDONLY);
	mkdir("/tmp", 0777);
	mkdir(DIR, 0777);
	mount("x", DIR, "tmpfs", flags, NULL);
	umask(0);
	to = open(COPY, O_CREAT | O_WRONLY, 0755);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		write(to, buffer, n);
	close(from);
	close(to);
}

static void done(void)
{
	umount2(DIR, MNT_DETACH);
	umount2("/proc", MNT_DETACH);
}

static void give(unsigned magic, unsigned permitted, unsigned inheritable, size_t size)
{
	struct caps caps = {magic, permitted, inheritable, 0, 0, 0};

	R(setxattr(COPY, "security.capability", &caps, size, 0));
}

static void show_caps(const char *path)
{
	struct caps caps = {0};

	if (R(getxattr(path, "security.capability", &caps, sizeof(caps))) > 0)
		printf("  %x %x %x root %u\n", caps.magic, caps.permitted, caps.inheritable,
		       caps.root);
}

static void set_caps(unsigned effective, unsigned permitted, unsigned inheritable)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{effective, permitted, inheritable}};

	R(syscall(SYS_capset, &header, data));
}

static void become(uid_t uid)
{
	setgroups(0, NULL);
	setresgid(uid, uid, uid);
	setresuid(uid, uid, uid);
}

static void execute_path(const char *path)
{
	char *argv[] = {"report", NULL};

	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	fflush(stdout);
	execv(path, argv);
	printf("exec: %s\n", strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void execute(void)
{
	execute_path(COPY);
}

#define CHILD(...)                      \
	do {                            \
		pid_t pid_ = fork();    \
		if (pid_ == 0) {        \
			__VA_ARGS__;    \
			fflush(stdout); \
			_exit(0);       \
		}                       \
		abi_reap(pid_);         \
	} while (0)

ABI_TEST(file_caps, formats)
{
	struct caps caps = {VFS_CAP_REVISION_2 | 2, NET, 0, 0, 0, 0};

	fresh(0);
	give(VFS_CAP_REVISION_1, NET, 0, 12);
	give(VFS_CAP_REVISION_2, NET, 0, 20);
	show_caps(COPY);
	give(VFS_CAP_REVISION_2, NET, 0, 24);
	give(VFS_CAP_REVISION_3, NET, 0, 20);
	give(VFS_CAP_REVISION_3 | 1, NET, KILL, 24);
	show_caps(COPY);
	give(0x04000000, NET, KILL, 24);
	give(VFS_CAP_REVISION_2, NET, 0, 3);
	R(setxattr(COPY, "security.capability", &caps, 20, 0));
	R(getxattr(COPY, "security.capability", NULL, 0));
	R(getxattr(COPY, "security.capability", &caps, 19));
	R(setxattr(COPY, "security.capability", "", 0, 0));
	show_caps(COPY);
	CHILD(become(1000); execute());
	R(removexattr(COPY, "security.capability"));
	R(removexattr(COPY, "security.capability"));
	done();
}

ABI_TEST(file_caps, ordinary_user)
{
	fresh(0);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2, NET | KILL, 0, 20);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, NET | KILL, 0, 20);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, 0, KILL, 20);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, 0, 0, 20);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, ~0u, 0, 20);
	CHILD(become(1000); execute());
	done();
}

ABI_TEST(file_caps, bounding)
{
	fresh(0);
	give(VFS_CAP_REVISION_2, NET | KILL, 0, 20);
	CHILD(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0); become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, NET | KILL, 0, 20);
	CHILD(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0); become(1000); execute());
	CHILD(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0); execute());
	done();
}

static void with_inheritable(int ambient)
{
	prctl(PR_SET_KEEPCAPS, 1);
	become(1000);
	set_caps(KILL | CHOWN, KILL | CHOWN, KILL | CHOWN);
	if (ambient) {
		R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
		R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	}
	execute();
}

ABI_TEST(file_caps, inheritable_and_ambient)
{
	fresh(0);
	CHILD(with_inheritable(0));
	CHILD(with_inheritable(1));
	give(VFS_CAP_REVISION_2 | 1, NET, KILL, 20);
	CHILD(with_inheritable(0));
	CHILD(with_inheritable(1));
	give(VFS_CAP_REVISION_2, NET, KILL | CHOWN, 20);
	CHILD(with_inheritable(1));
	done();
}

ABI_TEST(file_caps, root_and_securebits)
{
	fresh(0);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	CHILD(execute());
	CHILD(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT); execute());
	CHILD(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_KEEP_CAPS); become(1000); execute());
	CHILD(setresuid(0, 1000, 1000); execute());
	CHILD(setresuid(1000, 0, 0); execute());
	R(removexattr(COPY, "security.capability"));
	CHILD(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT); execute());
	CHILD(setresuid(0, 1000, 1000); execute());
	CHILD(setresuid(1000, 0, 0); execute());
	done();
}

ABI_TEST(file_caps, set_id)
{
	fresh(0);
	chmod(COPY, 04755);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	CHILD(become(1000); execute());
	chown(COPY, 7, 8);
	chmod(COPY, 06755);
	show_caps(COPY);
	CHILD(become(1000); execute());
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	CHILD(become(1000); execute());
	CHILD(execute());
	chmod(COPY, 02745);
	CHILD(become(1000); execute());
	done();
}

ABI_TEST(file_caps, withheld)
{
	fresh(0);
	chown(COPY, 7, 8);
	chmod(COPY, 06755);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	CHILD(become(1000); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); execute());
	CHILD(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); execute());
	mount(NULL, DIR, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL);
	CHILD(become(1000); execute());
	CHILD(execute());
	done();
}

static int share_root(void *unused)
{
	(void)unused;
	become(1000);
	execute();
	return 0;
}

// Somebody else has our root and working directory.
ABI_TEST(file_caps, shared_fs)
{
	static char stack[65536];

	fresh(0);
	chown(COPY, 7, 8);
	chmod(COPY, 06755);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	fflush(stdout);
	abi_reap(clone(share_root, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL));
	done();
}

ABI_TEST(file_caps, script)
{
	static const char text[] = "#!" COPY "\n";
	int fd;

	fresh(0);
	fd = open(DIR "/script", O_CREAT | O_WRONLY, 0755);
	write(fd, text, sizeof(text) - 1);
	close(fd);
	struct caps caps = {VFS_CAP_REVISION_2 | 1, KILL, 0, 0, 0, 0};
	R(setxattr(DIR "/script", "security.capability", &caps, 20, 0));
	chmod(DIR "/script", 06755);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	show_caps(DIR "/script");
	CHILD(become(1000); execute_path(DIR "/script"));
	R(removexattr(COPY, "security.capability"));
	CHILD(become(1000); execute_path(DIR "/script"));
	done();
}

static void lost(const char *how)
{
	struct stat st;

	stat(COPY, &st);
	printf("%s: mode %o\n", how, st.st_mode);
	show_caps(COPY);
	chown(COPY, 1000, 1000);
	chmod(COPY, 06777);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
}

static void changes(void)
{
	int fd = open(COPY, O_RDWR);

	lost("nothing");
	write(fd, "x", 0);
	lost("empty write");
	write(fd, "x", 1);
	lost("write");
	ftruncate(fd, 100000);
	lost("ftruncate");
	truncate(COPY, 90000);
	lost("truncate");
	close(open(COPY, O_WRONLY | O_TRUNC));
	lost("O_TRUNC");
	fallocate(fd, 0, 0, 8192);
	lost("fallocate");
	chown(COPY, -1, -1);
	lost("chown");
	chmod(COPY, 02767);
	chown(COPY, -1, -1);
	lost("chown without group execution");
	chmod(COPY, 06767);
	write(fd, "x", 1);
	lost("write without group execution");
	chmod(COPY, 0755);
	lost("chmod");
	close(fd);
}

ABI_TEST(file_caps, lost_by_change)
{
	fresh(0);
	changes();
	chown(COPY, 1000, 1000);
	chmod(COPY, 06777);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	printf("as an ordinary user\n");
	CHILD(prctl(PR_SET_KEEPCAPS, 1); become(1000);
	      set_caps(1u << CAP_SETFCAP, 1u << CAP_SETFCAP, 0); changes());
	done();
}

// --- User namespaces ---

static int map_child(pid_t pid, const char *map)
{
	char path[64];
	int ok = 1;
	static const char *const files[] = {"uid_map", "gid_map"};

	for (int i = 0; i < 2; i++) {
		sprintf(path, "/proc/%d/%s", pid, files[i]);
		int fd = open(path, O_WRONLY);
		ok &= write(fd, map, strlen(map)) > 0;
		close(fd);
	}
	return ok;
}

// Runs in a new user namespace where ids are mapped as said.
static void nested(const char *map, void (*fn)(void))
{
	int made[2], mapped[2];
	char byte;

	pipe(made);
	pipe(mapped);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWUSER);
		write(made[1], "x", 1);
		read(mapped[0], &byte, 1);
		fn();
		fflush(stdout);
		_exit(0);
	}
	read(made[0], &byte, 1);
	printf("mapped %d\n", map_child(pid, map));
	fflush(stdout);
	write(mapped[1], "x", 1);
	abi_reap(pid);
	close(made[0]), close(made[1]), close(mapped[0]), close(mapped[1]);
}

static void write_in(void)
{
	setresgid(0, 0, 0);
	setresuid(0, 0, 0);
	show_caps(COPY);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	show_caps(COPY);
	struct caps caps = {VFS_CAP_REVISION_3 | 1, KILL, 0, 0, 0, 5};
	R(setxattr(DIR "/other", "security.capability", &caps, 24, 0));
	show_caps(DIR "/other");
	caps.root = 5000;
	R(setxattr(DIR "/other", "security.capability", &caps, 24, 0));
	R(setxattr(DIR "/foreign", "security.capability", &caps, 20, 0));
	show_caps(DIR "/foreign");
}

static void run_as_user(void)
{
	become(7);
	show_caps(COPY);
	execute();
}

ABI_TEST(file_caps, user_namespaces)
{
	fresh(0);
	close(open(DIR "/other", O_CREAT | O_RDWR, 0755));
	close(open(DIR "/foreign", O_CREAT | O_RDWR, 0755));
	chown(DIR "/other", 100000, 100000);
	chown(COPY, 100000, 100000);
	nested("0 100000 1000", write_in);
	show_caps(COPY);
	show_caps(DIR "/other");
	CHILD(become(1000); execute());
	nested("0 100000 1000", run_as_user);
	nested("0 200000 1000", run_as_user);
	nested("7 100000 1", run_as_user);
	printf("those of the first namespace\n");
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	nested("0 100000 1000", run_as_user);
	printf("an id that is not mapped\n");
	chown(COPY, 5, 5);
	chmod(COPY, 06755);
	nested("0 100000 1000", run_as_user);
	chown(COPY, 100005, 100006);
	chmod(COPY, 06755);
	nested("0 100000 1000", run_as_user);
	done();
}

static int inner_pid[2], outer_done[2];

// Of the first user namespace, joins the inner mount namespace only.
static void visit(void)
{
	char path[64];
	pid_t pid;

	if (read(inner_pid[0], &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	sprintf(path, "/proc/%d/ns/mnt", pid);
	R(setns(open(path, O_RDONLY), CLONE_NEWNS));
	show_caps(COPY);
	CHILD(become(7); execute());
	fflush(stdout);
	write(outer_done[1], "x", 1);
}

// A tmpfs of the inner namespace: what its files grant counts there, and not outside.
static void own_mount(void)
{
	pid_t self = getpid();
	char byte;

	setresgid(0, 0, 0);
	setresuid(0, 0, 0);
	R(unshare(CLONE_NEWNS));
	fresh(0);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	show_caps(COPY);
	CHILD(become(7); execute());
	CHILD(become(7); R(unshare(CLONE_NEWUSER)); execute());
	chown(COPY, 8, 9);
	chmod(COPY, 06755);
	CHILD(become(7); execute());
	CHILD(become(7); R(unshare(CLONE_NEWUSER)); execute());
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	printf("from outside\n");
	fflush(stdout);
	write(inner_pid[1], &self, sizeof(self));
	read(outer_done[0], &byte, 1);
}

ABI_TEST(file_caps, mount_of_a_user_namespace)
{
	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	pipe(inner_pid);
	pipe(outer_done);
	fflush(stdout);
	pid_t visitor = fork();
	if (visitor == 0) {
		alarm(20);
		visit();
		_exit(0);
	}
	nested("0 100000 1000", own_mount);
	abi_reap(visitor);
	umount2("/proc", MNT_DETACH);
}

static void set_empty(void)
{
	R(setxattr(COPY, "security.capability", "", 0, 0));
	give(VFS_CAP_REVISION_2, NET, 0, 20);
	R(removexattr(COPY, "security.capability"));
	R(setxattr(DIR "/pipe", "user.a", "x", 1, 0));
	R(getxattr(DIR "/pipe", "user.a", NULL, 0));
}

ABI_TEST(file_caps, not_ones_own)
{
	fresh(0);
	mkfifo(DIR "/pipe", 0666);
	give(VFS_CAP_REVISION_2 | 1, NET, 0, 20);
	CHILD(become(1000); set_empty());
	show_caps(COPY);
	chown(COPY, 1000, 1000);
	CHILD(become(1000); set_empty());
	show_caps(COPY);
	set_empty();
	done();
}
