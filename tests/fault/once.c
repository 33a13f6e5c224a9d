// Faults in what a process can do but once: each call is made by a child of its own, which tells by its
// status how it went; and in what a child does as it dies, which is a core dump.

#include "fault.h"
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <grp.h>

#define STEPS_MAX 600
#define ENOUGH    8 // successes one after the other: there are no more faults; or its own number

struct once {
	void (*prepare)(void); // in the child, before the faults; or NULL
	int (*call)(void);     // 0 or what errno is
	void (*tidy)(pid_t child);
	int by_signal; // the child is to end by it, dumping core
	int enough;    // where many faults in a row do no harm: a page that is left out of a core
};

// How it ended with the n-th step failing: 0, an errno, or -1: killed for want of memory.
static int try_once(const struct once *once, int nth)
{
	char text[16];
	int status = 0;

	snprintf(text, sizeof(text), "%d", nth);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (once->prepare)
			once->prepare();
		int file = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
		pwrite(file, text, strlen(text), 0);
		int error = once->call();
		pwrite(file, "0", 1, 0);
		_exit(error);
	}
	waitpid(pid, &status, 0);
	if (once->tidy)
		once->tidy(pid);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (once->by_signal && WTERMSIG(status) == once->by_signal)
		return WCOREDUMP(status) ? 0 : ENOMEM;
	if (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGSEGV)
		fault_wrong("fault %d: killed by %d", nth, WTERMSIG(status));
	return -1;
}

static void replay_once(const char *what, const struct once *once)
{
	static const int listed[] = {ENOMEM, EFAULT, EAGAIN, ENFILE, ENOSPC, 0};
	static char before[CENSUS_MAX];
	int successes = 0, failures = 0, nth, enough = once->enough ? once->enough : ENOUGH;
	char step[160];

	fault_census_same("", NULL);
	for (int i = 0; i < 3; i++) {
		int error = try_once(once, 0);

		if (error)
			fault_wrong("%s fails without a fault: %s", what, strerrorname_np(error));
		fault_census(before);
	}
	for (nth = 1; nth < STEPS_MAX && successes < enough; nth++) {
		int error = try_once(once, nth);
		int known = 0;

		successes = error ? 0 : successes + 1;
		failures += error != 0;
		for (const int *e = listed; *e; e++)
			known |= *e == error;
		snprintf(step, sizeof(step), "%s, fault %d", what, nth);
		if (error > 0 && !known)
			fault_wrong("%s: unexpected %s", step, strerrorname_np(error));
		if (!fault_census_same(step, before))
			fault_census(before);
	}
	if (successes < enough)
		fault_wrong("%s never succeeded", what);
	if (!failures)
		fault_wrong("%s never failed", what);
	printf("# %s: %d failures in %d\n", what, failures, nth);
}

static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

// --- Descriptors ---

static int table_call(void)
{
	return outcome(dup2(0, 900));
}

static int owner_call(void)
{
	return outcome(fcntl(0, F_SETOWN, getpid()));
}

static int pipe_fd[2];

static void owner_prepare(void)
{
	dup2(open("/dev/null", O_RDWR), 0);
}

static int signal_fd, set_fd;

static void signalfd_prepare(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal_fd = signalfd(-1, &set, 0);
	set_fd = epoll_create1(0);
}

static int signalfd_call(void)
{
	struct epoll_event event = {.events = EPOLLIN};

	return outcome(epoll_ctl(set_fd, EPOLL_CTL_ADD, signal_fd, &event));
}

static void pipe_prepare(void)
{
	pipe(pipe_fd);
}

// A write may end with a part; nothing of it is an error.
static int pipe_call(void)
{
	static const char data[9000] = {1};

	return outcome(write(pipe_fd[1], data, sizeof(data)));
}

// Pages far from each other: the tree of the file grows.
static int far_call(void)
{
	int file = open("/tmp/far", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (int shift = 0; file >= 0 && shift < 32; shift += 6) {
		if (pwrite(file, "x", 1, 1ll << shift) < 0)
			return errno;
	}
	return file < 0 ? errno : 0;
}

static void far_tidy(pid_t child)
{
	(void)child;
	unlink("/tmp/far");
}

FAULT_TEST(once, descriptors)
{
	replay_once("far pages", &(struct once){.call = far_call, .tidy = far_tidy});
	replay_once("a larger table", &(struct once){.call = table_call});
	replay_once("F_SETOWN", &(struct once){.prepare = owner_prepare, .call = owner_call});
	replay_once("epoll of a signalfd",
		    &(struct once){.prepare = signalfd_prepare, .call = signalfd_call});
	replay_once("write to a pipe", &(struct once){.prepare = pipe_prepare, .call = pipe_call});
}

// --- Credentials, priorities, names ---

static int groups_call(void)
{
	static const gid_t groups[20] = {5, 6, 7};

	return outcome(setgroups(20, groups));
}

static int map_call(void)
{
	int file = open("/proc/self/uid_map", O_WRONLY);
	int result = file < 0 ? errno : outcome(write(file, "0 0 1", 5));

	return result;
}

static void map_prepare(void)
{
	unshare(CLONE_NEWUSER);
}

static int ioprio_call(void)
{
	return outcome(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3));
}

static void *area;

static void area_prepare(void)
{
	area = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int area_call(void)
{
	return outcome(prctl(0x53564d41, 0, area, 4096, "a name"));
}

FAULT_TEST(once, credentials)
{
	replay_once("setgroups()", &(struct once){.call = groups_call});
	replay_once("uid_map", &(struct once){.prepare = map_prepare, .call = map_call});
	replay_once("ioprio_set()", &(struct once){.call = ioprio_call});
	replay_once("PR_SET_VMA", &(struct once){.prepare = area_prepare, .call = area_call});
}

// --- IPC ---

static int set_id;

static void ipc_prepare(void)
{
	unshare(CLONE_NEWIPC | CLONE_NEWNS);
	set_id = semget(IPC_PRIVATE, 4, 0600);
}

static void empty_prepare(void)
{
	unshare(CLONE_NEWIPC | CLONE_NEWNS);
}

static int undo_call(void)
{
	struct sembuf op = {0, 1, SEM_UNDO};

	return outcome(semop(set_id, &op, 1));
}

static int many_call(void)
{
	for (int i = 0; i < 10; i++) {
		if (semget(IPC_PRIVATE, 1, 0600) < 0)
			return errno;
	}
	return 0;
}

// The list of what to undo is made for both.
static int share_call(void)
{
	pid_t pid = syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : outcome(waitpid(pid, NULL, 0));
}

static int queues_call(void)
{
	return outcome(mount("none", "/tmp", "mqueue", 0, NULL));
}

struct note {
	long type;
	char text[100];
};

static void copy_prepare(void)
{
	struct note note = {1, "text"};

	ipc_prepare();
	set_id = msgget(IPC_PRIVATE, 0600);
	msgsnd(set_id, &note, sizeof(note.text), 0);
}

static int copy_call(void)
{
	struct note note;

	return outcome(msgrcv(set_id, &note, sizeof(note.text), 0, 040000 | IPC_NOWAIT));
}

FAULT_TEST(once, ipc)
{
	replay_once("SEM_UNDO", &(struct once){.prepare = ipc_prepare, .call = undo_call});
	replay_once("many sets", &(struct once){.prepare = empty_prepare, .call = many_call});
	replay_once("CLONE_SYSVSEM", &(struct once){.prepare = empty_prepare, .call = share_call});
	replay_once("mount(mqueue)", &(struct once){.prepare = ipc_prepare, .call = queues_call});
	replay_once("MSG_COPY", &(struct once){.prepare = copy_prepare, .call = copy_call});
}

// --- Core dumps ---

static void core_prepare(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
	signal(SIGABRT, SIG_DFL);
	chdir("/tmp");
}

static int core_call(void)
{
	kill(getpid(), SIGABRT);
	return EINVAL;
}

// Whatever became of it.
static void core_tidy(pid_t child)
{
	char name[32];

	snprintf(name, sizeof(name), "/tmp/core.%d", child);
	unlink(name);
	snprintf(name, sizeof(name), "/tmp/core.%d.!init", child);
	unlink(name);
	unlink("/tmp/core");
}

static void put_text(const char *name, const char *text)
{
	int file = open(name, O_WRONLY);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		fault_wrong("cannot write %s", name);
	close(file);
}

FAULT_TEST(once, core_dump)
{
	struct once core = {.prepare = core_prepare,
			    .call = core_call,
			    .tidy = core_tidy,
			    .by_signal = SIGABRT,
			    .enough = 150};

	replay_once("a core", &core);
	put_text("/proc/sys/kernel/core_pattern", "/tmp/core.%p.%E");
	replay_once("a core with a name", &core);
}
