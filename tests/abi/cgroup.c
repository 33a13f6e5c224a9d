// Control groups: the file system, who is in a group, kinds of groups, and the pids controller.

#include "cgroup.h"
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sys/statfs.h>

// --- The file system ---

static const char *const known[] = {
	"cgroup.procs",       "cgroup.threads",
	"cgroup.controllers", "cgroup.events",
	"cgroup.freeze",      "cgroup.kill",
	"cgroup.max.depth",   "cgroup.max.descendants",
	"cgroup.stat",        "cgroup.subtree_control",
	"cgroup.type",        "pids.current",
	"pids.events",        "pids.events.local",
	"pids.max",           "pids.peak",
};

static void list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char seen[16] = {0};
	int folders = 0;

	while (dir && (entry = readdir(dir))) {
		for (int i = 0; i < 16; i++) {
			if (!strcmp(entry->d_name, known[i]))
				seen[i] += entry->d_type == DT_REG ? 1 : 8;
		}
		folders += entry->d_type == DT_DIR;
	}
	closedir(dir);
	printf("%s: %d folders,", path, folders);
	for (int i = 0; i < 16; i++)
		printf(" %d", seen[i]);
	printf("\n");
}

static void show_modes(const char *group)
{
	for (int i = 0; i < 11; i++) {
		char path[128];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", group, known[i]);
		if (stat(path, &st))
			printf("%s: %s\n", path, strerrorname_np(errno));
		else
			printf("%s: %o %d %d size %ld links %d\n", path, st.st_mode, st.st_uid,
			       st.st_gid, (long)st.st_size, (int)st.st_nlink);
	}
}

ABI_TEST(cgroup, folders)
{
	struct statfs fs;
	struct stat st;

	enter_tree(NULL);
	statfs(".", &fs);
	printf("magic %lx\n", (long)fs.f_type);
	list(".");
	R(mkdir("a", 0755));
	R(mkdir("a", 0755));
	R(mkdir("a/b", 0700));
	R(mkdir("a/new\nline", 0755));
	list("a");
	show_modes("a");
	stat("a/b", &st);
	printf("%o\n", st.st_mode);
	stat("a", &st);
	printf("links %d\n", (int)st.st_nlink);
	R(rmdir("a"));
	R(rmdir("a/cgroup.procs"));
	R(unlink("a/cgroup.procs"));
	R(unlink("a/b"));
	R(rename("a/b", "a/c"));
	R(rename("a/cgroup.procs", "a/c"));
	R(link("a/cgroup.procs", "a/c"));
	R(symlink("x", "a/c"));
	R(mknod("a/c", S_IFREG | 0644, 0));
	R(open("a/c", O_CREAT | O_WRONLY, 0644));
	R(mkdir("a/cgroup.procs", 0755));
	R(mkdir("a/nowhere/c", 0755));
	R(rmdir("a/nowhere"));
	R(open("a", O_WRONLY));
	int procs = open("a/b/cgroup.procs", O_RDWR), dir = open("a/b", O_RDONLY | O_DIRECTORY);
	int stat_fd = open("a/b/cgroup.stat", O_RDONLY);
	char byte[8];
	R(rmdir("a/b"));
	R(read(stat_fd, byte, 8));
	R(write(procs, "0", 1));
	R(openat(dir, "cgroup.procs", O_RDONLY));
	R(mkdirat(dir, "c", 0755));
	close(procs);
	close(dir);
	close(stat_fd);
	show("a/cgroup.stat");
	R(rmdir("a"));
	R(rmdir("a"));
	R(mount("none", "../cg", "cgroup2", 0, "nonsense"));
	leave_tree();
}

ABI_TEST(cgroup, files)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	R(open("a/cgroup.procs", O_RDONLY | O_TRUNC) >= 0);
	R(put("a/cgroup.events", "1"));
	show("a/cgroup.kill");
	R(put("a/cgroup.stat", "1"));
	R(put("a/cgroup.max.depth", "2\n"));
	show("a/cgroup.max.depth");
	R(put("a/cgroup.max.depth", "max\n"));
	show("a/cgroup.max.depth");
	R(put("a/cgroup.max.depth", "-1"));
	R(put("a/cgroup.max.depth", "x"));
	R(put("a/cgroup.max.depth", "99999999999"));
	R(put("a/cgroup.max.descendants", "0x10"));
	show("a/cgroup.max.descendants");
	R(put("a/cgroup.freeze", "2"));
	R(put("a/cgroup.freeze", "-1"));
	R(put("a/cgroup.freeze", ""));
	R(put("a/cgroup.freeze", "yes"));
	R(put("a/cgroup.kill", "0"));
	R(put("a/cgroup.kill", "2"));
	R(put("a/cgroup.kill", "x"));
	R(put("a/cgroup.kill", "1"));
	R(put("a/cgroup.type", "domain"));
	R(put("a/cgroup.subtree_control", "pids"));
	R(put("a/cgroup.subtree_control", "+nonsense"));
	R(put("a/cgroup.subtree_control", "+pids"));
	R(put("a/cgroup.subtree_control", ""));
	R(put("a/cgroup.procs", "x"));
	R(put("a/cgroup.procs", "-1"));
	R(put("a/cgroup.procs", "999999"));
	R(put("a/cgroup.procs", "99999999999"));
	R(put("a/cgroup.threads", "999999"));
	R(put("a/cgroup.procs", ""));
	R(chmod("a/cgroup.procs", 0600));
	R(chown("a/cgroup.procs", 1000, 1001));
	R(chown("a", 1000, -1));
	show_modes("a");
	R(rmdir("a"));
	leave_tree();
}

ABI_TEST(cgroup, limits_of_the_tree)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	R(put("a/cgroup.max.depth", "1"));
	R(mkdir("a/b", 0755));
	R(mkdir("a/b/c", 0755));
	R(put("a/cgroup.max.depth", "max"));
	R(put("a/cgroup.max.descendants", "2"));
	R(mkdir("a/b/c", 0755));
	R(mkdir("a/b/d", 0755));
	R(mkdir("a/e", 0755));
	show("a/cgroup.stat");
	show("a/b/cgroup.stat");
	R(rmdir("a/b/c"));
	show("a/cgroup.stat");
	R(put("a/cgroup.max.depth", "0"));
	R(mkdir("a/e", 0755));
	R(rmdir("a/b"));
	R(rmdir("a"));
	leave_tree();
}

// --- Members ---

ABI_TEST(cgroup, members)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	show_own("at first");
	show("a/cgroup.events");
	R(put("a/b/cgroup.procs", "0"));
	show_own("moved");
	show("a/cgroup.events");
	show("a/b/cgroup.events");
	printf("%d %d\n", lines_of("a/cgroup.procs"), lines_of("a/b/cgroup.procs"));
	int pid = fork();
	if (pid == 0) {
		show_own("child");
		printf("%d\n", lines_of("a/b/cgroup.procs"));
		R(put_pid("a/cgroup.procs", getpid()));
		show_own("child");
		done(3);
	}
	abi_reap(pid);
	R(rmdir("a/b"));
	R(rmdir("a"));
	R(put("cgroup.procs", "0"));
	until("a/cgroup.events", "populated 0"); // Linux may count the dead child for a while
	show("a/cgroup.events");
	// A zombie does not count, but is remembered.
	pid = sleeper("a/b");
	show("a/cgroup.events");
	kill(pid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	until("a/cgroup.events", "populated 0");
	printf("%d\n", lines_of("a/b/cgroup.procs"));
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	int fd = open(path, O_RDONLY);
	char text[64] = "";
	read(fd, text, 63);
	printf("zombie %s", text);
	close(fd);
	R(put_pid("cgroup.procs", pid));
	R(rmdir("a/b"));
	memset(text, 0, sizeof(text));
	fd = open(path, O_RDONLY);
	read(fd, text, 63);
	printf("zombie %s", text);
	close(fd);
	waitpid(pid, NULL, 0);
	R(rmdir("a"));
	leave_tree();
}

ABI_TEST(cgroup, poll_events)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int fd = open("a/cgroup.events", O_RDONLY);
	struct pollfd waiter = {.fd = fd, .events = POLLPRI};
	char text[64];

	R(poll(&waiter, 1, 0));
	printf("%x\n", waiter.revents);
	R(read(fd, text, sizeof(text)));
	waiter.revents = 0;
	R(poll(&waiter, 1, 0));
	int pid = sleeper("a");
	R(poll(&waiter, 1, 3000));
	printf("%x\n", waiter.revents);
	lseek(fd, 0, SEEK_SET);
	R(read(fd, text, sizeof(text)));
	nap(50); // Linux tells twice what comes close together
	lseek(fd, 0, SEEK_SET);
	read(fd, text, sizeof(text));
	R(poll(&waiter, 1, 0));
	kill(pid, SIGKILL);
	R(poll(&waiter, 1, 3000));
	waitpid(pid, NULL, 0);
	close(fd);
	int procs = open("cgroup.procs", O_RDONLY);
	waiter = (struct pollfd){procs, POLLIN | POLLOUT | POLLPRI, 0};
	R(poll(&waiter, 1, 0));
	printf("%x\n", waiter.revents);
	close(procs);
	R(rmdir("a"));
	leave_tree();
}

static pthread_barrier_t barrier;

static void *thread_main(void *arg)
{
	*(int *)arg = gettid();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

ABI_TEST(cgroup, threaded)
{
	enter_tree(NULL);
	mkdir("d", 0755);
	mkdir("d/t", 0755);
	mkdir("d/t/u", 0755);
	mkdir("d/v", 0755);
	show("d/cgroup.type");
	R(put("d/t/cgroup.type", "threaded"));
	show("d/cgroup.type");
	show("d/t/cgroup.type");
	show("d/t/u/cgroup.type");
	show("d/v/cgroup.type");
	R(put("d/t/cgroup.type", "threaded\n"));
	R(put("d/v/cgroup.procs", "0"));
	R(put("d/t/u/cgroup.procs", "0"));
	R(put("d/v/cgroup.subtree_control", "+pids"));
	R(put("d/t/u/cgroup.type", "threaded"));
	show("d/t/cgroup.procs");
	R(put("d/t/cgroup.kill", "1"));
	int pid = fork();
	if (pid == 0) {
		pthread_t thread;
		int tid = 0;

		pthread_barrier_init(&barrier, NULL, 2);
		R(put("d/cgroup.procs", "0"));
		pthread_create(&thread, NULL, thread_main, &tid);
		pthread_barrier_wait(&barrier);
		printf("%d %d\n", lines_of("d/cgroup.procs"), lines_of("d/cgroup.threads"));
		R(put_pid("d/t/cgroup.threads", tid));
		R(put_pid("cgroup.threads", tid)); // out of the domain
		printf("%d %d %d\n", lines_of("d/cgroup.procs"), lines_of("d/cgroup.threads"),
		       lines_of("d/t/cgroup.threads"));
		show("d/t/cgroup.events");
		show("d/cgroup.type");
		show_own("leader");
		R(put("d/t/cgroup.procs", "0")); // all threads
		printf("%d %d %d\n", lines_of("d/cgroup.procs"), lines_of("d/cgroup.threads"),
		       lines_of("d/t/cgroup.threads"));
		R(put("d/cgroup.subtree_control", "+pids"));
		show("d/t/cgroup.controllers");
		show("d/t/pids.current");
		R(put("d/cgroup.subtree_control", "-pids"));
		pthread_barrier_wait(&barrier);
		pthread_join(thread, NULL);
		R(put("d/v/cgroup.type", "threaded"));
		R(rmdir("d/t"));
		done(0);
	}
	abi_reap(pid);
	until("d/cgroup.events", "populated 0");
	R(rmdir("d/t/u"));
	R(rmdir("d/t"));
	show("d/cgroup.type");
	R(rmdir("d/v"));
	show("d/cgroup.type");
	// A group with members cannot become threaded; nor can one whose parent has domains with members.
	mkdir("d/x", 0755);
	mkdir("d/y", 0755);
	pid = sleeper("d/x");
	R(put("d/x/cgroup.type", "threaded"));
	R(put("d/y/cgroup.type", "threaded"));
	end(pid);
	until("d/cgroup.events", "populated 0");
	R(put("d/y/cgroup.type", "threaded"));
	R(rmdir("d/x"));
	R(rmdir("d/y"));
	R(rmdir("d"));
	leave_tree();
}

// The leader of a process ends before its threads: the process is still told.
static void *outlive(void *arg)
{
	nap(300);
	syscall(SYS_exit_group, 7);
	return NULL;
}

ABI_TEST(cgroup, leader_gone)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int pid = fork();
	if (pid == 0) {
		pthread_t thread;

		put("a/cgroup.procs", "0");
		pthread_create(&thread, NULL, outlive, NULL);
		syscall(SYS_exit, 0);
	}
	until("a/cgroup.events", "populated 1");
	nap(100);
	printf("%d %d\n", lines_of("a/cgroup.procs"), lines_of("a/cgroup.threads"));
	show("a/cgroup.events");
	abi_reap(pid);
	until("a/cgroup.events", "populated 0");
	printf("%d\n", lines_of("a/cgroup.procs"));
	R(rmdir("a"));
	leave_tree();
}

// A thread execs and takes the place of its leader.
static void *exec_in_thread(void *arg)
{
	execl("/proc/self/exe", "x", "cgroup/exec_of_a_thread", NULL);
	return NULL;
}

ABI_TEST(cgroup, exec_of_a_thread)
{
	if (getenv("CGROUP_EXECED")) {
		char byte;

		write(7, "x", 1);
		read(8, &byte, 1);
		_exit(6);
	}
	enter_tree(NULL);
	mkdir("a", 0755);
	int ready[2], go[2];
	char byte;
	pipe(ready);
	pipe(go);
	int pid = fork();
	if (pid == 0) {
		pthread_t thread;

		put("a/cgroup.procs", "0");
		setenv("CGROUP_EXECED", "1", 1);
		dup2(go[0], 20);
		dup2(ready[1], 7);
		dup2(20, 8);
		pthread_create(&thread, NULL, exec_in_thread, NULL);
		for (;;)
			pause();
	}
	read(ready[0], &byte, 1);
	printf("%d %d\n", lines_of("a/cgroup.procs"), lines_of("a/cgroup.threads"));
	printf("same pid %d\n", until("a/cgroup.procs", "") && lines_of("a/cgroup.procs") == 1);
	show("a/cgroup.events");
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	R(put("a/cgroup.freeze", "0"));
	write(go[1], "x", 1);
	abi_reap(pid);
	until("a/cgroup.events", "populated 0");
	printf("%d\n", lines_of("a/cgroup.procs"));
	R(rmdir("a"));
	leave_tree();
}

// Numbers are those of the reader's namespace; who is not in it has none.
ABI_TEST(cgroup, numbers)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int outside = sleeper("a");
	int pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		show("a/cgroup.procs");
		R(put_pid("a/cgroup.procs", outside)); // no such number here
		R(put_pid("a/cgroup.procs", 1));
		show("a/cgroup.procs");
		done(0);
	}
	abi_reap(pid);
	end(outside);
	until("a/cgroup.events", "populated 0");
	R(rmdir("a"));
	leave_tree();
}

// --- Controllers ---

ABI_TEST(cgroup, control)
{
	enter_tree(NULL);
	show("cgroup.controllers");
	show("cgroup.subtree_control");
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	show("a/cgroup.controllers");
	R(put("a/cgroup.subtree_control", "+pids"));
	R(put("cgroup.subtree_control", "+pids"));
	show("a/cgroup.controllers");
	show("a/b/cgroup.controllers");
	list("a");
	list("a/b");
	R(put("a/cgroup.subtree_control", "+pids"));
	list("a/b");
	R(put("cgroup.subtree_control", "-pids")); // a uses it
	// A group with enabled controllers holds no process, if a child does; else it becomes threaded.
	int pid = sleeper("a/b");
	R(put("a/cgroup.procs", "0"));
	end(pid);
	until("a/cgroup.events", "populated 0");
	R(put("a/cgroup.procs", "0"));
	show("a/cgroup.type");
	show("a/b/cgroup.type");
	R(put("a/b/cgroup.procs", "0"));
	R(put("a/cgroup.subtree_control", "-pids"));
	show("a/cgroup.type");
	R(put("a/b/cgroup.procs", "0"));
	pid = sleeper("a");
	R(put("a/cgroup.subtree_control", "+pids")); // members here and below
	end(pid);
	R(put("cgroup.procs", "0"));
	R(put("a/cgroup.subtree_control", " +pids  -pids +pids"));
	show("a/cgroup.subtree_control");
	int fd = open("a/b/pids.max", O_RDWR);
	R(put("a/cgroup.subtree_control", "-pids"));
	char byte;
	R(read(fd, &byte, 1));
	R(write(fd, "1", 1));
	close(fd);
	R(open("a/b/pids.max", O_RDONLY));
	R(rmdir("a/b"));
	R(rmdir("a"));
	R(put("cgroup.subtree_control", "-pids"));
	leave_tree();
}

ABI_TEST(cgroup, pids)
{
	enter_tree(NULL);
	R(put("cgroup.subtree_control", "+pids"));
	mkdir("a", 0755);
	R(put("a/cgroup.subtree_control", "+pids"));
	mkdir("a/b", 0755);
	show("a/b/pids.max");
	show("a/b/pids.current");
	show("a/b/pids.events");
	show("a/b/pids.peak");
	R(put("a/b/pids.max", "x"));
	R(put("a/b/pids.max", "-1"));
	R(put("a/b/pids.max", "4194304"));
	R(put("a/b/pids.max", "4194305"));
	R(put("a/b/pids.max", "0x10\n"));
	show("a/b/pids.max");
	R(put("a/b/pids.max", "max"));
	show("a/b/pids.max");
	R(put("a/pids.max", "3"));
	R(put("a/b/pids.max", "2"));
	int events = open("a/b/pids.events.local", O_RDONLY);
	struct pollfd waiter = {.fd = events, .events = POLLPRI};
	char text[64];
	read(events, text, sizeof(text));
	int pid = fork();
	if (pid == 0) {
		R(put("a/b/cgroup.procs", "0"));
		int one = sleeper(NULL);
		R(fork());
		show("a/b/pids.current");
		show("a/b/pids.events");
		show("a/b/pids.events.local");
		show("a/pids.events");
		show("a/pids.events.local");
		show("a/b/pids.peak");
		kill(one, SIGKILL);
		siginfo_t info;
		waitid(P_PID, one, &info, WEXITED | WNOWAIT);
		show("a/b/pids.current"); // a zombie counts
		R(fork());
		waitpid(one, NULL, 0);
		nap(50);
		show("a/b/pids.current");
		R(put("a/b/pids.max", "max"));
		int two = sleeper(NULL), three = sleeper(NULL);
		R(fork()); // by the parent's limit
		show("a/pids.events");
		show("a/pids.events.local");
		show("a/b/pids.events");
		show("a/b/pids.events.local");
		show("a/pids.peak");
		pthread_t thread;
		printf("thread %d\n", pthread_create(&thread, NULL, outlive, NULL));
		end(two);
		end(three);
		done(0);
	}
	abi_reap(pid);
	R(poll(&waiter, 1, 0));
	printf("%x\n", waiter.revents);
	close(events);
	// Moving goes beyond a limit.
	R(put("a/b/pids.max", "0"));
	pid = sleeper("a/b");
	show("a/b/pids.current");
	show("a/pids.current");
	R(put_pid("cgroup.procs", pid));
	show("a/pids.current");
	show("a/pids.peak");
	end(pid);
	R(rmdir("a/b"));
	R(put("cgroup.subtree_control", "-pids"));
	R(rmdir("a"));
	R(put("cgroup.subtree_control", "-pids"));
	leave_tree();
}

ABI_TEST(cgroup, pids_local_events)
{
	enter_tree("pids_localevents");
	show_options();
	R(put("cgroup.subtree_control", "+pids"));
	mkdir("a", 0755);
	R(put("a/cgroup.subtree_control", "+pids"));
	mkdir("a/b", 0755);
	R(put("a/pids.max", "1"));
	int pid = fork();
	if (pid == 0) {
		R(put("a/b/cgroup.procs", "0"));
		R(fork());
		show("a/pids.events");
		show("a/pids.events.local");
		show("a/b/pids.events");
		show("a/b/pids.events.local");
		done(0);
	}
	abi_reap(pid);
	nap(20);
	R(rmdir("a/b"));
	R(rmdir("a"));
	R(put("cgroup.subtree_control", "-pids"));
	leave_tree();
}
