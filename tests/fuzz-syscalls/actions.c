// Calls that belong together, for what random calls hardly ever reach one after another: a file of
// the kernel that is written, a file system that is configured and mounted, a namespace that is entered.

#include "fuzz.h"
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Numbers that this machine's C library does not know are the same on all machines.
#ifndef SYS_open_tree
#define SYS_open_tree  428
#define SYS_move_mount 429
#define SYS_fsopen     430
#define SYS_fsconfig   431
#define SYS_fsmount    432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

// Writable files, each with what it may be told. %d is a small number.
static const struct {
	const char *name, *text[5];
} writable[] = {
	{"/proc/self/timens_offsets",
	 {"monotonic %d 0", "boottime -%d 5", "7 1 %d", "1 1 2000000000"}},
	{"/proc/self/clear_refs", {"1", "2", "3", "4", "5"}},
	{"/proc/self/fail-nth", {"%d", "0", "-1", "x"}},
	{"/proc/self/fail-kinds", {"slab", "page,vmap", "usercopy", "all", "none"}},
	{"/proc/self/oom_score_adj", {"%d", "1000", "-1001", "0"}},
	{"/proc/self/coredump_filter", {"%d", "0x7f", "0", "-1"}},
	{"/proc/self/timerslack_ns", {"%d", "0", "50000", "x"}},
	{"/proc/self/comm", {"name", "a name that is too long for it", "", "\n"}},
	{"/proc/self/uid_map", {"0 0 1", "0 %d 10", "0 0 4294967295", "0 0 1\n1 1 1"}},
	{"/proc/self/gid_map", {"0 0 1", "0 %d 10", "5 5 5\n5 5 5", "x"}},
	{"/proc/self/projid_map", {"0 0 1", "0 %d 10", ""}},
	{"/proc/self/setgroups", {"deny", "allow", "x"}},
	{"/proc/sys/kernel/hostname", {"host%d", "", "x"}},
	{"/proc/sys/kernel/domainname", {"domain%d", "", "x"}},
	{"/proc/sys/kernel/ns_last_pid", {"%d", "0", "99999999"}},
	{"/proc/sys/kernel/pid_max", {"%d", "400", "32768", "99999999"}},
	{"/proc/sys/kernel/sem", {"%d %d", "250 32000 32 128", "1", "-1"}},
	{"/proc/sys/kernel/shmmax", {"%d", "18446744073709551615", "0"}},
	{"/proc/sys/kernel/shmmni", {"%d", "4096", "-1"}},
	{"/proc/sys/kernel/shmall", {"%d", "18446744073709551615", "0"}},
	{"/proc/sys/kernel/msgmni", {"%d", "32000", "-1"}},
	{"/proc/sys/kernel/msgmax", {"%d", "8192", "-1"}},
	{"/proc/sys/kernel/msgmnb", {"%d", "16384", "-1"}},
	{"/proc/sys/fs/mqueue/msg_max", {"%d", "10", "65537"}},
	{"/proc/sys/fs/mqueue/queues_max", {"%d", "256", "-1"}},
	{"mount/cgroup.subtree_control", {"+pids", "-pids", "+none", "pids"}},
	{"mount/a/cgroup.subtree_control", {"+pids", "-pids"}},
	{"mount/cgroup.procs", {"0", "%d", "-1", "x"}},
	{"mount/a/cgroup.procs", {"0", "%d"}},
	{"mount/a/b/cgroup.procs", {"0", "%d"}},
	{"mount/a/cgroup.threads", {"0", "%d"}},
	{"mount/a/cgroup.type", {"threaded", "domain"}},
	{"mount/a/b/cgroup.type", {"threaded", "x"}},
	{"mount/a/cgroup.freeze", {"1", "0", "0", "2"}},
	{"mount/a/cgroup.max.depth", {"%d", "max", "-1"}},
	{"mount/a/cgroup.max.descendants", {"%d", "max", "x"}},
	{"mount/a/pids.max", {"%d", "max", "0", "-1"}},
	{"mount/a/b/pids.max", {"%d", "max"}},
};

long action_write_text(struct random *r)
{
	size_t which = random_below(r, COUNT(writable));
	char text[64];
	int file = open(writable[which].name, random_below(r, 4) ? O_WRONLY : O_RDWR);
	const char *form = writable[which].text[random_below(r, 5)];

	if (file < 0)
		return -1;
	snprintf(text, sizeof(text), form ?: "%d", (int)random_below(r, 40), 7);
	size_t length = strlen(text) + (random_below(r, 4) == 0);
	long result = pwrite(file, text, length,
			     random_below(r, 10) ? 0 : (off_t)random_below(r, 5));
	if (random_below(r, 8))
		close(file); // else other threads find it among the open ones
	return result;
}

static const char *const readable[] = {
	"maps",      "smaps",  "smaps_rollup", "pagemap",   "status", "stat", "statm", "environ",
	"cmdline",   "limits", "mounts",       "mountinfo", "fdinfo", "fd",   "task",  "timers",
	"oom_score", "cgroup", "ns",           "exe",       "root",   "cwd",  "comm",  "gid_map"};

// A file about a process that may end meanwhile.
long action_read_file(struct random *r)
{
	static const char *const whose[] = {"self", "thread-self", "1", "2", "3",
					    "4",    "5",           "7", "9"};
	char name[64], text[300];
	long got = 0;

	snprintf(name, sizeof(name), "/proc/%s/%s", whose[random_below(r, COUNT(whose))],
		 readable[random_below(r, COUNT(readable))]);
	int file = open(name, O_RDONLY);
	if (file < 0)
		return -1;
	for (int i = 0; i < 4 && got >= 0; i++) {
		if (random_below(r, 6) == 0)
			lseek(file, (off_t)random_below(r, 9000), random_below(r, 3));
		got = random_below(r, 4) ? read(file, text, random_below(r, sizeof(text)))
					 : syscall(SYS_getdents64, file, text, sizeof(text));
	}
	if (random_below(r, 16))
		close(file);
	return got;
}

long action_namespace(struct random *r)
{
	static const char *const names[] = {"mnt",
					    "pid",
					    "uts",
					    "ipc",
					    "user",
					    "time",
					    "cgroup",
					    "pid_for_children",
					    "time_for_children"};
	static const int flags[] = {0x20000,    0x20000000, 0x4000000, 0x8000000,
				    0x10000000, 0x80,       0x2000000};
	static const uint32_t questions[] = {0xb701, 0xb702,     0xb703,
					     0xb704, 0x8004b706, 0x8004b708};
	char name[64];
	long result = -1;
	int file;

	if (random_below(r, 3) == 0)
		unshare(flags[random_below(r, COUNT(flags))]);
	snprintf(name, sizeof(name), "/proc/%d/ns/%s", (int)(1 + random_below(r, 8)),
		 names[random_below(r, COUNT(names))]);
	if (random_below(r, 3) == 0)
		file = (int)syscall(SYS_pidfd_open, 1 + random_below(r, 8), 0);
	else
		file = open(name, O_RDONLY);
	if (file < 0)
		return -1;
	if (random_below(r, 3) == 0)
		result = ioctl(file, questions[random_below(r, COUNT(questions))], (void *)1);
	if (random_below(r, 3))
		result = setns(file, random_below(r, 3) ? flags[random_below(r, COUNT(flags))]
							: (int)(random_next(r) & 0x3e020080));
	if (random_below(r, 4))
		close(file);
	return result;
}

// The steps of the new interface of mounting, one left out now and then.
long action_mount(struct random *r)
{
	static const char *const types[] = {"tmpfs", "proc", "cgroup2", "mqueue", "devpts"};
	struct argument key = {KEY, 0}, setting = {SETTING, 0}, attr = {ATTR, 0};
	long context = syscall(SYS_fsopen, types[random_below(r, COUNT(types))],
			       random_below(r, 2));
	long mounted = -1, result = context;

	if (context < 0)
		return -1;
	for (uint64_t i = random_below(r, 3); i > 0; i--)
		syscall(SYS_fsconfig, context, 1, argument_make(r, &key),
			argument_make(r, &setting), 0);
	if (random_below(r, 10))
		result = syscall(SYS_fsconfig, context, 6, NULL, NULL, 0);
	if (random_below(r, 10))
		result = mounted = syscall(SYS_fsmount, context, random_below(r, 2),
					   random_next(r) & 15);
	if (mounted >= 0 && random_below(r, 3) == 0)
		syscall(SYS_mount_setattr, mounted, "", 0x1000, argument_make(r, &attr), 32);
	if (mounted >= 0 && random_below(r, 4))
		result = syscall(SYS_move_mount, mounted, "", AT_FDCWD,
				 random_below(r, 2) ? "mount" : "d1", 4);
	if (random_below(r, 4))
		close((int)context);
	if (mounted >= 0 && random_below(r, 4))
		close((int)mounted);
	return result;
}

long action_mount_tree(struct random *r)
{
	static const char *const places[] = {"mount", "d0", "d1", "/", "/proc", "/tmp"};
	long tree = syscall(SYS_open_tree, AT_FDCWD, places[random_below(r, COUNT(places))],
			    1 | (random_below(r, 2) ? 0x8000 : 0));
	struct argument attr = {ATTR, 0};
	long result = tree;

	if (tree < 0)
		return -1;
	if (random_below(r, 2))
		syscall(SYS_mount_setattr, tree, "", 0x1000 | (random_below(r, 2) ? 0x8000 : 0),
			argument_make(r, &attr), 32);
	if (random_below(r, 3))
		result = syscall(SYS_move_mount, tree, "", AT_FDCWD, places[random_below(r, 3)],
				 random_below(r, 5) ? 4 : 0x204);
	if (random_below(r, 3) == 0)
		result = umount2(places[random_below(r, 3)], random_below(r, 2) ? MNT_DETACH : 0);
	if (random_below(r, 4))
		close((int)tree);
	return result;
}

long action_cgroup(struct random *r)
{
	static const char *const names[] = {"mount/a", "mount/a/b", "mount/a/c", "mount/d"};
	const char *name = names[random_below(r, COUNT(names))];

	switch (random_below(r, 5)) {
	case 0:
		return mount("none", "mount", "cgroup2", 0, NULL);
	case 1:
		return rmdir(name);
	case 2:
		return rename(name, "mount/e");
	default:
		return mkdir(name, 0755);
	}
}

// Limits are only made tighter, and never one that keeps the worker bounded.
long action_limit(struct random *r)
{
	static const int which[] = {RLIMIT_STACK, RLIMIT_CORE,     RLIMIT_MEMLOCK,
				    RLIMIT_LOCKS, RLIMIT_MSGQUEUE, RLIMIT_SIGPENDING,
				    RLIMIT_NICE,  RLIMIT_RTPRIO};
	struct rlimit limit = {random_below(r, 1 << 20), 1 << 20};

	return syscall(random_below(r, 2) ? SYS_setrlimit : SYS_prlimit64,
		       which[random_below(r, COUNT(which))], &limit, &limit, NULL);
}

long action_scheduler(struct random *r)
{
	static const int policies[] = {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE};
	struct argument who = {PID, 0}, attr = {SCHED, 0};
	int policy = policies[random_below(r, COUNT(policies))];
	int realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	struct sched_param param = {realtime ? 1 + (int)random_below(r, 50) : 0};

	if (random_below(r, 2))
		return syscall(SYS_sched_setattr, argument_make(r, &who), argument_make(r, &attr),
			       0);
	return syscall(SYS_sched_setscheduler, argument_make(r, &who),
		       policy | (random_below(r, 4) ? 0 : SCHED_RESET_ON_FORK), &param);
}

static void on_signal(int signo)
{
	(void)signo;
}

// What a fault raises stays as it is: a handler would return to the fault.
long action_handler(struct random *r)
{
	uint64_t action[3] = {random_below(r, 3), random_next(r) & 0xdc000c07, random_next(r)};
	int signo = (int)random_below(r, 66);

	if (action[0] == 2)
		action[0] = (uint64_t)on_signal;
	if (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGTRAP ||
	    signo == SIGFPE)
		return syscall(SYS_rt_sigaction, signo, NULL, action, 8);
	return syscall(SYS_rt_sigaction, signo, action, random_below(r, 2) ? NULL : action,
		       random_below(r, 20) ? 8 : random_below(r, 20));
}

long action_queue(struct random *r)
{
	struct mq_attr attr = {.mq_maxmsg = 1 + (long)random_below(r, 11),
			       .mq_msgsize = 1 + (long)random_below(r, 300)};
	static const char *const names[] = {"/q", "/r", "/s"};
	struct argument notice = {NOTICE, 0};
	const char *name = names[random_below(r, COUNT(names))];
	static const struct timespec soon = {0, 1000};
	char message[300];
	long result;

	int queue = mq_open(name, O_CREAT | O_RDWR | (random_below(r, 2) ? O_NONBLOCK : 0), 0600,
			    &attr);
	if (queue < 0)
		return -1;
	memset(message, 0, sizeof(message));
	if (random_below(r, 3) == 0)
		syscall(SYS_mq_notify, queue, argument_make(r, &notice));
	if (random_below(r, 2))
		result = mq_timedsend(queue, message, random_below(r, 300),
				      (unsigned)random_below(r, 9), &soon);
	else
		result = mq_timedreceive(queue, message, sizeof(message), NULL, &soon);
	if (random_below(r, 4) == 0)
		mq_unlink(name);
	if (random_below(r, 8))
		mq_close(queue);
	return result;
}

// A pair, its slave perhaps the terminal of a session, perhaps hung up while others use it.
long action_terminal(struct random *r)
{
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), off = 0, number = 0;
	struct argument request = {REQUEST, 0}, out = {OUT, 0};
	char name[32];

	if (master < 0)
		return -1;
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	int slave = open(name, O_RDWR | O_NONBLOCK | (random_below(r, 2) ? O_NOCTTY : 0));
	for (int i = 0; i < 4; i++) {
		int end = random_below(r, 2) ? master : slave;

		if (random_below(r, 2))
			ioctl(end, argument_make(r, &request), argument_make(r, &out));
		else if (random_below(r, 2) &&
			 write(end, "text\n\3\4\032", 1 + random_below(r, 8)) < 0)
			break;
		else if (read(end, name, sizeof(name)) < 0)
			continue;
	}
	long result = slave;
	if (random_below(r, 4))
		close(master);
	if (slave >= 0 && random_below(r, 4))
		close(slave);
	return result;
}

// Seals a mapping in a child, which then tries to change it; the child's memory goes with it.
long action_seal(struct random *r)
{
	struct argument address = {ADDRESS, 0}, size = {SIZE, 0};
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		uint64_t at = argument_make(r, &address), length = argument_make(r, &size);

		mmap((void *)at, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		syscall(SYS_mseal, at, length, 0);
		munmap((void *)at, 4096);
		mprotect((void *)at, 8192, PROT_NONE);
		syscall(SYS_madvise, at, 4096, random_below(r, 26));
		syscall(SYS_mremap, at, 4096, 8192, 1);
		_exit(0);
	}
	return pid < 0 ? -1 : waitpid(pid, &status, 0);
}

// A child that dumps core, from some threads' worth of memory, or returns from no signal at all.
long action_core(struct random *r)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct rlimit limit = {random_below(r, 200000), 200000};

		setrlimit(RLIMIT_CORE, &limit);
		for (int signo = 1; signo < 32; signo++)
			signal(signo, SIG_DFL);
		if (random_below(r, 3) == 0)
			syscall(SYS_rt_sigreturn);
		kill(getpid(), random_below(r, 2) ? SIGABRT : SIGQUIT);
		_exit(0);
	}
	return pid < 0 ? -1 : waitpid(pid, &status, 0);
}
