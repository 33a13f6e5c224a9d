// Namespaces: unshare and nsenter start a program in new or in other ones; lsns lists them.
// The options are those of util-linux, so that what people know works here too.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <sys/wait.h>
#include <syscall.h>
#include <unistd.h>

#include "tool.h"

// In the order in which nsenter enters them: what gives rights comes first, and the mount namespace
// last of those that are found by a path.
static const struct kind {
	char letter; // of the options
	const char *option, *file;
	u64 flag;
} kinds[] = {
	{'U', "user", "user", CLONE_NEWUSER}, {'C', "cgroup", "cgroup", CLONE_NEWCGROUP},
	{'i', "ipc", "ipc", CLONE_NEWIPC},    {'u', "uts", "uts", CLONE_NEWUTS},
	{'n', "net", "net", CLONE_NEWNET},    {'p', "pid", "pid", CLONE_NEWPID},
	{'T', "time", "time", CLONE_NEWTIME}, {'m', "mount", "mnt", CLONE_NEWNS},
};

static const struct kind *kind_of(int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].letter == letter)
			return &kinds[i];
	}
	return NULL;
}

#define KIND_OPTIONS(argument)                                              \
	{"user", argument, NULL, 'U'}, {"cgroup", argument, NULL, 'C'},     \
		{"ipc", argument, NULL, 'i'}, {"uts", argument, NULL, 'u'}, \
		{"net", argument, NULL, 'n'}, {"pid", argument, NULL, 'p'}, \
		{"time", argument, NULL, 'T'},                              \
	{                                                                   \
		"mount", argument, NULL, 'm'                                \
	}

// --- Shared by unshare and nsenter ---

// Runs what is left on the command line, or a shell. Returns only when it cannot.
static int run_rest(char **argv, char **rest)
{
	char *shell[] = {getenv("SHELL"), NULL};

	if (!shell[0])
		shell[0] = "/bin/sh";
	if (!rest[0])
		rest = shell;
	execvp(rest[0], rest);
	int error = errno;

	tool_error(argv, rest[0]);
	return error == ENOENT ? 127 : 126;
}

// Ends as a child did.
NORETURN static void end_as(int status)
{
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		kill(getpid(), WTERMSIG(status));
		exit(128 + WTERMSIG(status));
	}
	exit(WEXITSTATUS(status));
}

// The child returns, and the parent ends when it does.
static void go_on_in_child(char **argv, int death_signal)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		exit(tool_error(argv, "fork"));
	if (!child) {
		if (death_signal)
			prctl(PR_SET_PDEATHSIG, death_signal);
		return;
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			exit(tool_error(argv, "wait"));
	}
	end_as(status);
}

static int become(char **argv, long uid, long gid)
{
	if (gid >= 0 && setgroups(0, NULL) < 0 && errno != EPERM)
		return tool_error(argv, "setgroups");
	if (gid >= 0 && setgid((gid_t)gid) < 0)
		return tool_error(argv, "setgid");
	if (uid >= 0 && setuid((uid_t)uid) < 0)
		return tool_error(argv, "setuid");
	return 0;
}

// --- unshare ---

struct unshare_plan {
	u64 flags;
	const char *keep[ARRAY_SIZE(kinds)]; // a file on which the namespace is kept, or NULL
	bool fork, map_root, map_current;
	long map_user, map_group, uid, gid; // -1: not asked for
	int kill_child;                     // a signal, or 0
	const char *proc, *root, *directory, *setgroups, *monotonic, *boottime;
	unsigned long propagation; // 0: unchanged
};

// Writes one file of /proc/self; says so when it fails.
static int write_own(char **argv, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
		return tool_error(argv, path);
	close(fd);
	return 0;
}

static int map_ids(char **argv, const struct unshare_plan *plan, uid_t uid, gid_t gid)
{
	char text[64];
	long user = plan->map_user, group = plan->map_group;

	if (plan->map_root)
		user = group = 0;
	if (plan->map_current) {
		user = (long)uid;
		group = (long)gid;
	}
	if (user >= 0) {
		snprintf(text, sizeof(text), "%ld %u 1\n", user, uid);
		if (write_own(argv, "uid_map", text))
			return 1;
	}
	// Without privilege outside, a group map needs that setgroups(2) is given up first.
	const char *groups = plan->setgroups ? plan->setgroups : group >= 0 ? "deny" : NULL;

	if (groups && write_own(argv, "setgroups", groups))
		return 1;
	if (group >= 0) {
		snprintf(text, sizeof(text), "%ld %u 1\n", group, gid);
		return write_own(argv, "gid_map", text);
	}
	return 0;
}

// A child that stays in the old namespaces and keeps the new ones: it binds their files, once a byte
// comes through *go. -1 when nothing is to be kept.
static pid_t start_keeper(char **argv, const struct unshare_plan *plan, int *go)
{
	int fds[2];
	bool any = false;
	char byte, path[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		any |= plan->keep[i] != NULL;
	if (!any)
		return -1;
	pid_t target = getpid();

	if (pipe2(fds, O_CLOEXEC) < 0)
		exit(tool_error(argv, "pipe"));
	pid_t keeper = fork();

	if (keeper < 0)
		exit(tool_error(argv, "fork"));
	if (keeper) {
		close(fds[0]);
		*go = fds[1];
		return keeper;
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!plan->keep[i])
			continue;
		const char *file = kinds[i].flag & CLONE_NEWPID    ? "pid_for_children"
				   : kinds[i].flag & CLONE_NEWTIME ? "time_for_children"
								   : kinds[i].file;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", target, file);
		if (mount(path, plan->keep[i], NULL, MS_BIND, NULL) < 0)
			exit(tool_error(argv, plan->keep[i]));
	}
	exit(0);
}

static void let_keeper_go(pid_t keeper, int go)
{
	int status;

	if (keeper < 0)
		return;
	write_all(go, "", 1);
	close(go);
	waitpid(keeper, &status, 0);
	if (status)
		end_as(status);
}

static int set_clock_offsets(char **argv, const struct unshare_plan *plan)
{
	char text[64];

	if (plan->monotonic) {
		snprintf(text, sizeof(text), "monotonic %s 0", plan->monotonic);
		if (write_own(argv, "timens_offsets", text))
			return 1;
	}
	if (plan->boottime) {
		snprintf(text, sizeof(text), "boottime %s 0", plan->boottime);
		return write_own(argv, "timens_offsets", text);
	}
	return 0;
}

// What happens inside, after the fork.
static int settle(char **argv, const struct unshare_plan *plan)
{
	if (plan->root && chroot(plan->root) < 0)
		return tool_error(argv, plan->root);
	if (plan->root && chdir("/") < 0)
		return tool_error(argv, "/");
	if (plan->directory && chdir(plan->directory) < 0)
		return tool_error(argv, plan->directory);
	// A mount over the old /proc keeps what it shows of the outside from being seen.
	if (plan->proc &&
	    mount("proc", plan->proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return tool_error(argv, plan->proc);
	return become(argv, plan->uid, plan->gid);
}

static int unshare_run(char **argv, const struct unshare_plan *plan, char **rest)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int go = -1;
	pid_t keeper = start_keeper(argv, plan, &go);

	if (unshare(plan->flags) < 0)
		return tool_error(argv, "unshare");
	let_keeper_go(keeper, go);
	if (map_ids(argv, plan, uid, gid) || set_clock_offsets(argv, plan))
		return 1;
	// A copy of the tree may be a peer of the original: cut, unless asked otherwise.
	if ((plan->flags & CLONE_NEWNS) && plan->propagation &&
	    mount("none", "/", NULL, MS_REC | plan->propagation, NULL) < 0)
		return tool_error(argv, "/: propagation");
	if (plan->fork)
		go_on_in_child(argv, plan->kill_child);
	if (settle(argv, plan))
		return 1;
	return run_rest(argv, rest);
}

static bool parse_propagation(const char *text, unsigned long *out)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} names[] = {{"private", MS_PRIVATE},
		     {"shared", MS_SHARED},
		     {"slave", MS_SLAVE},
		     {"unchanged", 0}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i].name, text)) {
			*out = names[i].flag;
			return true;
		}
	}
	return false;
}

static bool parse_number(char **argv, const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	if (isdigit(*text) && !*end)
		return true;
	tool_complain(argv, "%s: is no number", text);
	return false;
}

static bool unshare_option(char **argv, struct unshare_plan *plan, int c)
{
	const struct kind *kind = kind_of(c);

	if (kind) {
		plan->flags |= kind->flag;
		plan->keep[kind - kinds] = optarg;
		return true;
	}
	switch (c) {
	case 'f':
		plan->fork = true;
		return true;
	case 'k':
		plan->kill_child = optarg ? signal_number(optarg) : SIGKILL;
		plan->fork = true;
		return plan->kill_child > 0;
	case 'P':
		plan->proc = optarg ? optarg : "/proc";
		plan->flags |= CLONE_NEWNS;
		return true;
	case 'r':
	case 'c':
		plan->map_root = c == 'r';
		plan->map_current = c == 'c';
		plan->flags |= CLONE_NEWUSER;
		return true;
	case 'x':
	case 'y':
		plan->flags |= CLONE_NEWUSER;
		return parse_number(argv, optarg, c == 'x' ? &plan->map_user : &plan->map_group);
	case 'o':
		return parse_propagation(optarg, &plan->propagation);
	case 's':
		plan->setgroups = optarg;
		return !strcmp(optarg, "allow") || !strcmp(optarg, "deny");
	case 'M':
	case 'B':
		*(c == 'M' ? &plan->monotonic : &plan->boottime) = optarg;
		return true;
	case 'R':
		plan->root = optarg;
		return true;
	case 'w':
		plan->directory = optarg;
		return true;
	case 'S':
	case 'G':
		return parse_number(argv, optarg, c == 'S' ? &plan->uid : &plan->gid);
	default:
		return false;
	}
}

int unshare_main(int argc, char **argv)
{
	static const char synopsis[] = "[options] [PROGRAM [ARGUMENT...]]";
	static const struct option words[] = {
		KIND_OPTIONS(optional_argument),
		{"fork", 0, NULL, 'f'},
		{"kill-child", 2, NULL, 'k'},
		{"mount-proc", 2, NULL, 'P'},
		{"map-root-user", 0, NULL, 'r'},
		{"map-current-user", 0, NULL, 'c'},
		{"map-user", 1, NULL, 'x'},
		{"map-group", 1, NULL, 'y'},
		{"propagation", 1, NULL, 'o'},
		{"setgroups", 1, NULL, 's'},
		{"monotonic", 1, NULL, 'M'},
		{"boottime", 1, NULL, 'B'},
		{"root", 1, NULL, 'R'},
		{"wd", 1, NULL, 'w'},
		{"setuid", 1, NULL, 'S'},
		{"setgid", 1, NULL, 'G'},
		{0},
	};
	struct unshare_plan plan = {
		.map_user = -1, .map_group = -1, .uid = -1, .gid = -1, .propagation = MS_PRIVATE};
	int c;

	tool_help(argc, argv, synopsis,
		  "Runs a program (a shell) in new namespaces.\n\n"
		  "  -m --mount, -u --uts, -i --ipc, -p --pid, -U --user, -C --cgroup, -T --time:\n"
		  "       the kinds; --KIND=FILE keeps the namespace at FILE by a bind mount\n"
		  "  -f --fork            run it in a child (--pid and --time are for children)\n"
		  "  --kill-child[=SIG]   the child gets SIG (KILL) when unshare ends; implies "
		  "--fork\n"
		  "  --mount-proc[=DIR]   mount a new proc; implies --mount\n"
		  "  -r --map-root-user, -c --map-current-user, --map-user=ID, --map-group=ID\n"
		  "                       who one is inside; implies --user\n"
		  "  --setgroups allow|deny, --propagation private|shared|slave|unchanged\n"
		  "  --monotonic SECONDS, --boottime SECONDS   offsets of the clocks\n"
		  "  -R --root DIR, -w --wd DIR, -S --setuid ID, -G --setgid ID\n");
	while ((c = getopt_long(argc, argv, "+muinpUCTfrcR:w:S:G:", words, NULL)) != -1) {
		if (c == '?')
			return 2;
		if (!unshare_option(argv, &plan, c))
			return tool_usage(argv, synopsis);
	}
	return unshare_run(argv, &plan, argv + optind);
}

// --- nsenter ---

struct nsenter_plan {
	long target;
	u64 flags;                            // kinds of the target to enter
	const char *files[ARRAY_SIZE(kinds)]; // kinds to enter by a file
	bool fork;                            // when the pid namespace changes
	long uid, gid;
	const char *root, *directory; // "" : those of the target
};

static int open_of_target(char **argv, const struct nsenter_plan *plan, const char *what,
			  const char *given, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/%s", plan->target, what);
	if (!given && plan->target < 0) {
		tool_complain(argv, "no target process: --target PID");
		exit(2);
	}
	int fd = open(given ? given : path, flags | O_CLOEXEC);

	if (fd < 0)
		exit(tool_error(argv, given ? given : path));
	return fd;
}

// Whether the task is already in the namespace of that file: to enter one's own user namespace is
// refused, so --all leaves it out.
static bool is_own(const char *name, int fd)
{
	char path[64];
	struct stat own, other;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &own) == 0 && fstat(fd, &other) == 0 && own.st_ino == other.st_ino &&
	       own.st_dev == other.st_dev;
}

// Enters all of them. One that the rights do not allow yet is tried again after the others, for
// the user namespace may be what gives or what takes the right.
static int enter_all(char **argv, const int *fds)
{
	bool left[ARRAY_SIZE(kinds)] = {0};

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (fds[i] < 0 || left[i])
				continue;
			left[i] = setns(fds[i], (int)kinds[i].flag) == 0;
			if (!left[i] && pass)
				return tool_error(argv, kinds[i].file);
		}
	}
	return 0;
}

static int nsenter_run(char **argv, const struct nsenter_plan *plan, bool all, char **rest)
{
	int fds[ARRAY_SIZE(kinds)], root = -1, directory = -1;
	char file[32];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		fds[i] = -1;
		if (!plan->files[i] && !(plan->flags & kinds[i].flag))
			continue;
		snprintf(file, sizeof(file), "/proc/self/ns/%s", kinds[i].file);
		if (all && access(file, F_OK) < 0)
			continue; // --all: those that this kernel has
		snprintf(file, sizeof(file), "ns/%s", kinds[i].file);
		fds[i] = open_of_target(argv, plan, file, plan->files[i], O_RDONLY);
		if (all && is_own(kinds[i].file, fds[i])) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
	if (plan->root)
		root = open_of_target(argv, plan, "root", *plan->root ? plan->root : NULL,
				      O_RDONLY);
	if (plan->directory)
		directory = open_of_target(argv, plan, "cwd",
					   *plan->directory ? plan->directory : NULL, O_RDONLY);
	bool children = fds[kind_of('p') - kinds] >= 0 || fds[kind_of('T') - kinds] >= 0;

	if (enter_all(argv, fds))
		return 1;
	if (root >= 0 && (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0))
		return tool_error(argv, "root");
	if (directory >= 0 && fchdir(directory) < 0)
		return tool_error(argv, "working directory");
	if (children && plan->fork)
		go_on_in_child(argv, 0);
	if (become(argv, plan->uid, plan->gid))
		return 1;
	return run_rest(argv, rest);
}

int nsenter_main(int argc, char **argv)
{
	static const char synopsis[] = "[options] [PROGRAM [ARGUMENT...]]";
	static const struct option words[] = {
		KIND_OPTIONS(optional_argument),
		{"target", 1, NULL, 't'},
		{"all", 0, NULL, 'a'},
		{"root", 2, NULL, 'r'},
		{"wd", 2, NULL, 'w'},
		{"no-fork", 0, NULL, 'F'},
		{"setuid", 1, NULL, 'S'},
		{"setgid", 1, NULL, 'G'},
		{0},
	};
	struct nsenter_plan plan = {.target = -1, .fork = true, .uid = -1, .gid = -1};
	bool all = false;
	int c;

	tool_help(argc, argv, synopsis,
		  "Runs a program (a shell) in the namespaces of another process.\n\n"
		  "  -t --target PID   whose\n"
		  "  -a --all          all kinds in which it differs\n"
		  "  -m --mount, -u --uts, -i --ipc, -p --pid, -U --user, -C --cgroup, -T --time:\n"
		  "                    the kinds; --KIND=FILE takes the namespace from a file\n"
		  "  -r --root[=DIR], -w --wd[=DIR]   the target's root and working directory\n"
		  "  -S --setuid ID, -G --setgid ID   who one is inside\n"
		  "  -F --no-fork      do not run it in a child when --pid or --time is given\n");
	while ((c = getopt_long(argc, argv, "+m::u::i::n::p::U::C::T::t:ar::w::FS:G:", words,
				NULL)) != -1) {
		const struct kind *kind = kind_of(c);

		if (c == '?')
			return 2;
		if (kind && optarg)
			plan.files[kind - kinds] = optarg;
		else if (kind)
			plan.flags |= kind->flag;
		else if (c == 'a')
			all = true;
		else if (c == 'F')
			plan.fork = false;
		else if (c == 'r' || c == 'w')
			*(c == 'r' ? &plan.root : &plan.directory) = optarg ? optarg : "";
		else if (!parse_number(argv, optarg,
				       c == 't'   ? &plan.target
				       : c == 'S' ? &plan.uid
						  : &plan.gid))
			return 2;
	}
	for (size_t i = 0; all && i < ARRAY_SIZE(kinds); i++)
		plan.flags |= kinds[i].flag;
	return nsenter_run(argv, &plan, all, argv + optind);
}

// --- lsns ---

struct namespace
{
	u64 inode;
	const char *type;
	int processes, pid; // the first that is in it
	u32 uid;
};

struct namespace_list {
	struct namespace *all;
	size_t count;
};

static void note_namespace(struct namespace_list *list, int pid, const char *type)
{
	char path[64], text[64], *at;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, type);
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return; // gone, or not ours to see
	text[n] = '\0';
	at = strchr(text, '[');
	u64 inode = at ? strtoul(at + 1, NULL, 10) : 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->all[i].inode == inode) {
			list->all[i].processes++;
			return;
		}
	}
	snprintf(path, sizeof(path), "/proc/%d", pid);
	list->all = xrealloc(list->all, (list->count + 1) * sizeof(*list->all));
	list->all[list->count++] = (struct namespace){inode, type, 1, pid,
						      stat(path, &st) == 0 ? st.st_uid : 0};
}

static int by_inode(const void *a, const void *b)
{
	const struct namespace *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

int lsns_main(int argc, char **argv)
{
	static const char synopsis[] = "[-n] [-t TYPE] [-p PID]";
	static const struct option words[] = {
		{"noheadings", 0, NULL, 'n'}, {"type", 1, NULL, 't'}, {"task", 1, NULL, 'p'}, {0}};
	struct namespace_list list = {0};
	const char *type = NULL;
	bool headings = true;
	long task = -1;
	size_t count;
	int c;

	tool_help(argc, argv, synopsis,
		  "Lists the namespaces that have processes.\n\n"
		  "  -t --type TYPE    only mnt, uts, ipc, pid, user, cgroup or time\n"
		  "  -p --task PID     only those of one process\n"
		  "  -n --noheadings   without the line of titles\n");
	while ((c = getopt_long(argc, argv, "nt:p:", words, NULL)) != -1) {
		if (c == '?')
			return 2;
		if (c == 'n')
			headings = false;
		if (c == 't')
			type = optarg;
		if (c == 'p' && !parse_number(argv, optarg, &task))
			return 2;
	}
	int *pids = process_list(&count);

	for (size_t p = 0; p < count; p++) {
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			if ((!type || !strcmp(type, kinds[i].file)) &&
			    (task < 0 || task == pids[p]))
				note_namespace(&list, pids[p], kinds[i].file);
		}
	}
	free(pids);
	if (list.count)
		qsort(list.all, list.count, sizeof(*list.all), by_inode);
	if (headings)
		printf("%10s %-6s %6s %6s %5s %s\n", "NS", "TYPE", "NPROCS", "PID", "UID",
		       "COMMAND");
	for (size_t i = 0; i < list.count; i++) {
		struct namespace *ns = &list.all[i];
		char *command = process_command(ns->pid);

		printf("%10lu %-6s %6d %6d %5u %s\n", ns->inode, ns->type, ns->processes, ns->pid,
		       ns->uid, command);
		free(command);
	}
	return 0;
}
