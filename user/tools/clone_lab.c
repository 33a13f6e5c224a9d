// clone-lab: makes a clone or an unshare with flags by name, and shows what came of it: what parent
// and child share and what was copied, what it cost, or why the kernel refused.
//
// Nothing is assumed: the child changes each thing that can be shared (a word of memory, the current
// directory, a descriptor, a handler, ...), and the parent looks whether it sees the change. For
// unshare the task itself leaves what it shares with a sibling, which looks.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <sys/wait.h>
#include <syscall.h>
#include <time.h>
#include <uapi/ipc.h>
#include <unistd.h>

#include "tool.h"

#define STACK_SIZE (64 * KIB)
#define PROBE_FD   100

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_BEST_EFFORT (2 << 13)

static const struct flag {
	const char *name;
	u64 bit;
} flags[] = {
	{"VM", CLONE_VM},
	{"FS", CLONE_FS},
	{"FILES", CLONE_FILES},
	{"SIGHAND", CLONE_SIGHAND},
	{"PIDFD", CLONE_PIDFD},
	{"PTRACE", CLONE_PTRACE},
	{"VFORK", CLONE_VFORK},
	{"PARENT", CLONE_PARENT},
	{"THREAD", CLONE_THREAD},
	{"NEWNS", CLONE_NEWNS},
	{"SYSVSEM", CLONE_SYSVSEM},
	{"PARENT_SETTID", CLONE_PARENT_SETTID},
	{"SETTLS", CLONE_SETTLS},
	{"CHILD_CLEARTID", CLONE_CHILD_CLEARTID},
	{"DETACHED", CLONE_DETACHED},
	{"UNTRACED", CLONE_UNTRACED},
	{"CHILD_SETTID", CLONE_CHILD_SETTID},
	{"NEWTIME", CLONE_NEWTIME},
	{"NEWCGROUP", CLONE_NEWCGROUP},
	{"NEWUTS", CLONE_NEWUTS},
	{"NEWIPC", CLONE_NEWIPC},
	{"NEWUSER", CLONE_NEWUSER},
	{"NEWPID", CLONE_NEWPID},
	{"NEWNET", CLONE_NEWNET},
	{"IO", CLONE_IO},
	{"CLEAR_SIGHAND", CLONE_CLEAR_SIGHAND},
	{"INTO_CGROUP", CLONE_INTO_CGROUP},
	{"AUTOREAP", CLONE_AUTOREAP},
	{"NNP", CLONE_NNP},
	{"PIDFD_AUTOKILL", CLONE_PIDFD_AUTOKILL},
	{"EMPTY_MNTNS", CLONE_EMPTY_MNTNS},
};

// The rules by which the kernel answers EINVAL, for the explanation only.
static const struct rule {
	u64 all, without;
	const char *text;
} rules[] = {
	{CLONE_SIGHAND, CLONE_VM, "SIGHAND needs VM: handlers are addresses in the memory"},
	{CLONE_THREAD, CLONE_SIGHAND, "THREAD needs SIGHAND (and so VM)"},
	{CLONE_NEWNS | CLONE_FS, 0, "NEWNS excludes FS: a root directory lies in one mount tree"},
	{CLONE_NEWUSER | CLONE_FS, 0, "NEWUSER excludes FS"},
	{CLONE_NEWPID | CLONE_THREAD, 0, "NEWPID excludes THREAD: threads have one process id"},
	{CLONE_NEWUSER | CLONE_THREAD, 0, "NEWUSER excludes THREAD"},
	{CLONE_NEWIPC | CLONE_SYSVSEM, 0, "NEWIPC excludes SYSVSEM"},
	{CLONE_CLEAR_SIGHAND | CLONE_SIGHAND, 0, "CLEAR_SIGHAND excludes SIGHAND"},
	{CLONE_DETACHED, 0, "DETACHED has had no meaning since 2.6, and clone3 refuses it"},
	{CLONE_AUTOREAP | CLONE_PARENT, 0, "AUTOREAP excludes PARENT: whose child it is matters"},
	{CLONE_AUTOREAP | CLONE_THREAD, 0, "AUTOREAP excludes THREAD"},
	{CLONE_NNP | CLONE_THREAD, 0, "NNP excludes THREAD"},
	{CLONE_PIDFD_AUTOKILL, CLONE_PIDFD, "PIDFD_AUTOKILL needs PIDFD"},
	{CLONE_PIDFD_AUTOKILL, CLONE_AUTOREAP, "PIDFD_AUTOKILL needs AUTOREAP"},
	{CLONE_EMPTY_MNTNS | CLONE_FS, 0, "EMPTY_MNTNS excludes FS, as NEWNS does"},
	{CLONE_NEWNET, 0, "NEWNET: this kernel has no network"},
};

// What the child says of itself, and where it waits. In a mapping that every child shares.
struct report {
	volatile int ready, done, vfork; // vfork: the child must not wait
	int pid, tid, ppid, handler_cleared;
	char uts[16], host[65];
	char cgroup[64];
	u64 namespaces[7];
};

static const char *const namespace_names[] = {"mnt", "uts", "ipc", "pid", "user", "cgroup", "time"};

static struct report *report;
static volatile int word; // memory: the child writes it
static int parent_tid, child_tid;
static int undone = -1; // a semaphore of value 1 that the child takes with SEM_UNDO, or -1

static void on_parent(int signal)
{
	(void)signal;
}

static void on_child(int signal)
{
	(void)signal;
}

// --- Flags in words ---

static bool parse_flags(char **argv, const char *text, u64 *out)
{
	char *copy = xstrdup(text), *rest = copy, *name;
	bool good = true;

	while (good && (name = strsep(&rest, ", |+\n"))) {
		bool found = false;

		if (!strncasecmp(name, "CLONE_", 6))
			name += 6;
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
			if (strcasecmp(flags[i].name, name))
				continue;
			*out |= flags[i].bit;
			found = true;
		}
		if (*name && !found && strcasecmp(name, "none")) {
			tool_complain(argv, "%s: is no flag of clone (--help lists them)", name);
			good = false;
		}
	}
	free(copy);
	return good;
}

static void put_flags(u64 set)
{
	const char *between = "";

	if (!set)
		fputs("none", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (set & flags[i].bit) {
			printf("%s%s", between, flags[i].name);
			between = ",";
		}
	}
}

static int explain(const char *call, u64 set, int error)
{
	bool any = false;

	printf("%s(", call);
	put_flags(set);
	printf("): refused: %s\n", strerror(error));
	for (size_t i = 0; i < ARRAY_SIZE(rules) && error == EINVAL; i++) {
		const struct rule *r = &rules[i];

		if ((set & r->all) == r->all && (!r->without || !(set & r->without))) {
			printf("  %s\n", r->text);
			any = true;
		}
	}
	if (error == EPERM)
		puts("  it takes a privilege that this task has not, or the caller is an init");
	else if (!any)
		puts("  the kernel has no such resource, or knows another reason");
	return 1;
}

// --- What can be shared, changed by the child ---

static u64 namespace_id(const char *name)
{
	char path[40], target[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	char *open = strchr(target, '[');

	return open ? strtoul(open + 1, NULL, 10) : 0;
}

static void change_all(void)
{
	struct sigaction action;

	report->pid = (int)syscall_direct(SYS_getpid);
	report->tid = (int)syscall_direct(SYS_gettid);
	report->ppid = (int)syscall_direct(SYS_getppid);
	syscall_direct(SYS_rt_sigaction, SIGUSR2, NULL, &action, 8);
	report->handler_cleared = action.sa_handler != on_parent;
	action = (struct sigaction){.sa_handler = on_child};
	syscall_direct(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
	word = 1;
	syscall_direct(SYS_chdir, "/proc");
	syscall_direct(SYS_dup3, 1, PROBE_FD, 0);
	syscall_direct(SYS_sethostname, "clone-lab-child", 15);
	syscall_direct(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BEST_EFFORT | 7);
	if (undone >= 0) {
		struct sembuf take = {0, -1, SEM_UNDO};

		syscall_direct(SYS_semop, undone, &take, 1);
	}
}

// Where the task is in the tree of control groups: the rest of the line "0::/path".
static void own_cgroup(char *out, size_t size)
{
	long fd = syscall_direct(SYS_openat, AT_FDCWD, "/proc/self/cgroup", O_RDONLY, 0), n = 0;

	if (fd >= 0) {
		n = syscall_direct(SYS_read, fd, out, size - 1);
		syscall_direct(SYS_close, fd);
	}
	out[MAX(n, 0l)] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

// The child's whole life. It may be on a stack of its own, in the parent's memory.
static void child_body(void)
{
	change_all();
	for (size_t i = 0; i < ARRAY_SIZE(namespace_names); i++)
		report->namespaces[i] = namespace_id(namespace_names[i]);
	own_cgroup(report->cgroup, sizeof(report->cgroup));
	report->ready = 1;
}

static void pause_shortly(void)
{
	struct timespec time = {0, 1000000};

	syscall_direct(SYS_nanosleep, &time, NULL);
}

// clone3 on a stack of its own for a child in the same memory; the child never returns from here.
long clone_lab_call(struct clone_args *args, size_t size);

__asm__(".globl clone_lab_call\n"
	"clone_lab_call:\n"
	"	li a7, 435\n"
	"	ecall\n"
	"	bnez a0, 1f\n"
	"	call clone_lab_child\n"
	"	unimp\n"
	"1:	ret\n");

__attribute__((used)) static NORETURN void child_entry(void) __asm__("clone_lab_child");
static void child_entry(void)
{
	child_body();
	for (int i = 0; i < 2000 && !report->done && report->pid != -1; i++) {
		if (report->vfork)
			break;
		pause_shortly();
	}
	for (;;)
		syscall_direct(SYS_exit, 7);
}

// --- What the parent sees ---

static void put_row(const char *what, bool shared, const char *how)
{
	printf("  %-26s %-9s %s\n", what, shared ? "shared" : "separate", how);
}

static void put_namespaces(const u64 *before)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespace_names); i++) {
		char what[40];

		snprintf(what, sizeof(what), "namespace %s", namespace_names[i]);
		if (before[i] && report->namespaces[i])
			put_row(what, before[i] == report->namespaces[i], "/proc/self/ns");
	}
}

static u64 now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static void show_table(const char *host, const u64 *before)
{
	char cwd[PATH_MAX], name[65];
	struct sigaction action;

	sigaction(SIGUSR1, NULL, &action);
	put_row("memory", word, "a word that the child wrote");
	put_row("current directory (fs)", getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/proc"),
		"the child's chdir");
	put_row("descriptors (files)", fcntl(PROBE_FD, F_GETFD) >= 0, "one that the child opened");
	put_row("signal handlers (sighand)", action.sa_handler == on_child,
		"one that the child set");
	put_row("process (thread group)", report->pid == getpid(), "the child's getpid");
	put_row("parent", report->ppid == getppid(), "the child's getppid");
	put_row("I/O priority (io)",
		syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) == (IOPRIO_BEST_EFFORT | 7),
		"the child's ioprio_set");
	gethostname(name, sizeof(name));
	put_row("host name (uts)", !strcmp(name, "clone-lab-child"), "the child's sethostname");
	sethostname(host, strlen(host));
	put_namespaces(before);
	if (*report->cgroup)
		printf("  %-26s %s\n", "control group", report->cgroup);
}

// A control group for the child, opened; -1 with errno.
static int make_cgroup(char *path, size_t size)
{
	snprintf(path, size, "/sys/fs/cgroup/clone-lab-%d", getpid());
	if (mkdir(path, 0755) < 0)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// Of the child that has ended: its semaphores are given back, unless the list that says so is
// shared with this task.
static void show_undo(u64 set)
{
	long value = undone < 0 ? -1 : syscall(SYS_semctl, undone, 0, GETVAL, 0);

	if (value >= 0 && !(set & CLONE_NEWIPC))
		put_row("undo list (sysvsem)", value == 0, "a semaphore after the child's end");
}

static void drop_probes(int group_fd, const char *group)
{
	syscall(SYS_semctl, undone, 0, IPC_RMID, 0);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0);
	undone = -1;
	if (group_fd >= 0) {
		close(group_fd);
		rmdir(group);
	}
}

static int clone_and_show(u64 set)
{
	char *stack = NULL, host[65], cwd[PATH_MAX], group[64];
	u64 before[ARRAY_SIZE(namespace_names)];
	int pidfd = -1, status = 0, group_fd = -1;
	struct clone_args args = {
		.flags = set,
		.pidfd = (u64)&pidfd,
		.child_tid = (u64)&child_tid,
		.parent_tid = (u64)&parent_tid,
		.tls = set & CLONE_SETTLS ? (u64)report : 0, // this library keeps nothing there
		.exit_signal = set & (CLONE_THREAD | CLONE_PARENT | CLONE_AUTOREAP) ? 0 : SIGCHLD,
	};
	struct sigaction action = {.sa_handler = on_parent};

	if (set & CLONE_VM) {
		stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
		args.stack = (u64)stack;
		args.stack_size = STACK_SIZE;
	}
	if (set & CLONE_INTO_CGROUP) {
		group_fd = make_cgroup(group, sizeof(group));
		if (group_fd < 0)
			return tool_error((char *[]){"clone-lab", NULL}, group);
		args.cgroup = (u64)group_fd;
	}
	memset(report, 0, sizeof(*report));
	report->vfork = (set & CLONE_VFORK) != 0;
	word = parent_tid = child_tid = 0;
	// Only who has a priority of his own has something that can be shared.
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BEST_EFFORT | 4);
	undone = (int)syscall(SYS_semget, IPC_PRIVATE, 1, 0600);
	if (undone >= 0)
		syscall(SYS_semctl, undone, 0, SETVAL, 1);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	gethostname(host, sizeof(host));
	if (!getcwd(cwd, sizeof(cwd)))
		strcpy(cwd, "/");
	for (size_t i = 0; i < ARRAY_SIZE(namespace_names); i++)
		before[i] = namespace_id(namespace_names[i]);
	fflush(NULL);
	u64 start = now_ns();
	long child = clone_lab_call(&args, sizeof(args));
	u64 cost = now_ns() - start;

	if (child < 0) {
		drop_probes(group_fd, group);
		return explain("clone3", set, (int)-child);
	}
	for (int i = 0; i < 5000 && !report->ready; i++)
		pause_shortly();
	printf("clone3(");
	put_flags(set);
	printf("): task %ld, its own name %d, in process %d\n", child, report->tid, report->pid);
	show_table(host, before);
	if (set & CLONE_PARENT_SETTID)
		printf("  %-26s %d\n", "parent_tid", parent_tid);
	if (set & CLONE_PIDFD)
		printf("  %-26s descriptor %d\n", "pidfd", pidfd);
	if (set & CLONE_CLEAR_SIGHAND)
		printf("  %-26s %s\n", "handlers at the start",
		       report->handler_cleared ? "cleared" : "kept");
	printf("  the call took %lu us until the parent ran again%s\n", cost / 1000,
	       set & CLONE_VFORK ? ", the child's whole life included (VFORK)" : "");
	report->done = 1;
	if (set & (CLONE_THREAD | CLONE_PARENT))
		sleep(1);
	else if (waitpid((pid_t)child, &status, __WALL) == child)
		printf("  the child ended with status %d\n", WEXITSTATUS(status));
	else
		puts("  the child has ended, and left no status");
	if (pidfd >= 0)
		close(pidfd);
	show_undo(set);
	drop_probes(group_fd, group);
	chdir(cwd);
	close(PROBE_FD);
	return 0;
}

// unshare: in a child, so that this program stays as it is. A sibling that shares the directory,
// the descriptors and so on with it looks whether the changes reach it.
static int unshare_and_show(u64 set)
{
	u64 before[ARRAY_SIZE(namespace_names)];
	struct sigaction action = {.sa_handler = on_parent};
	char host[65];
	int status;

	memset(report, 0, sizeof(*report));
	gethostname(host, sizeof(host));
	sigaction(SIGUSR1, &action, NULL);
	word = 0;
	for (size_t i = 0; i < ARRAY_SIZE(namespace_names); i++)
		before[i] = namespace_id(namespace_names[i]);
	fflush(NULL);
	struct clone_args args = {.flags = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM,
				  .exit_signal = SIGCHLD};

	long child = syscall_direct(SYS_clone3, &args, sizeof(args));

	if (child < 0)
		return explain("clone3", args.flags, (int)-child);
	if (child == 0) {
		u64 start = now_ns();
		u64 asked = set & CLONE_EMPTY_MNTNS // which unshare calls otherwise
				    ? (set & ~CLONE_EMPTY_MNTNS) | UNSHARE_EMPTY_MNTNS
				    : set;
		long answer = syscall_direct(SYS_unshare, asked);

		report->tid = (int)((now_ns() - start) / 1000);
		if (answer < 0)
			_exit(explain("unshare", set, (int)-answer));
		int cost = report->tid;

		child_body();
		report->tid = cost;
		_exit(0);
	}
	waitpid((pid_t)child, &status, 0);
	if (WEXITSTATUS(status)) {
		fflush(stdout);
		return 1;
	}
	char cwd[PATH_MAX], name[65];

	printf("unshare(");
	put_flags(set);
	puts("): seen by a sibling that shared directory and descriptors before:");
	put_row("current directory (fs)", getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/proc"),
		"a chdir afterwards");
	put_row("descriptors (files)", fcntl(PROBE_FD, F_GETFD) >= 0, "one opened afterwards");
	gethostname(name, sizeof(name));
	put_row("host name (uts)", !strcmp(name, "clone-lab-child"), "a sethostname afterwards");
	sethostname(host, strlen(host));
	put_namespaces(before);
	printf("  the call took %d us\n", report->tid);
	close(PROBE_FD);
	return 0;
}

static int run_line(char **argv, const char *text)
{
	bool leave = !strncmp(text, "unshare", 7) && (!text[7] || isspace(text[7]));
	u64 set = 0;

	if (!parse_flags(argv, text + (leave ? 7 : 0), &set))
		return 2;
	return leave ? unshare_and_show(set) : clone_and_show(set);
}

static int interactive(char **argv)
{
	char line[256];

	puts("Flags by name, such as VM,FILES,VFORK; \"none\" is fork; \"unshare FS,FILES\" "
	     "leaves;\n"
	     "an empty line ends.");
	for (;;) {
		fputs("clone> ", stdout);
		if (!fgets(line, sizeof(line), stdin) || *line == '\n')
			return 0;
		run_line(argv, line);
	}
}

int clone_lab_main(int argc, char **argv)
{
	static const char synopsis[] = "[FLAG,FLAG... | unshare FLAG,FLAG...]";

	tool_help(argc, argv, synopsis,
		  "Makes a clone (or an unshare) and shows what is shared, what was copied, and "
		  "what it\n"
		  "cost, or why the kernel refused. Without flags, asks for them.\n\n"
		  "Flags: VM FS FILES SIGHAND PIDFD PTRACE VFORK PARENT THREAD SYSVSEM IO "
		  "SETTLS\n"
		  "PARENT_SETTID CHILD_SETTID CHILD_CLEARTID DETACHED UNTRACED CLEAR_SIGHAND "
		  "INTO_CGROUP\n"
		  "NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWTIME NEWNET\n"
		  "AUTOREAP NNP PIDFD_AUTOKILL EMPTY_MNTNS, or none.\n");
	report = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return tool_error(argv, "memory");
	if (argc == 1)
		return interactive(argv);
	if (argc > 3 || (argc == 3 && strcmp(argv[1], "unshare")))
		return tool_usage(argv, synopsis);
	char *line = NULL;

	if (asprintf(&line, "%s%s%s", argv[1], argc == 3 ? " " : "", argc == 3 ? argv[2] : "") < 0)
		return 1;
	return run_line(argv, line);
}
