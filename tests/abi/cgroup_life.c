// Control groups and the life of tasks: the freezer, kill, delegation, and children that are born into
// a group.

#include "cgroup.h"
#include <linux/sched.h>
#include <sys/mman.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif

// --- The freezer ---

static volatile int *shared;

static void shared_make(void)
{
	int fd = syscall(SYS_memfd_create, "x", 0);

	ftruncate(fd, 4096);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
}

static int still(void)
{
	int before = *shared;

	nap(60);
	return *shared == before;
}

static void on_usr1(int sig)
{
}

ABI_TEST(cgroup_life, freeze)
{
	enter_tree(NULL);
	shared_make();
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	R(put("a/cgroup.freeze", "1")); // nobody there: at once
	show("a/cgroup.freeze");
	show("a/cgroup.events");
	show("a/b/cgroup.freeze");
	show("a/b/cgroup.events");
	mkdir("a/c", 0755);
	show("a/c/cgroup.events");
	show("a/cgroup.events");
	R(put("a/cgroup.freeze", "0"));
	show("a/c/cgroup.events");
	rmdir("a/c");
	int pid = fork();
	if (pid == 0) {
		signal(SIGUSR1, on_usr1);
		for (;;)
			(*shared)++;
	}
	R(put_pid("a/b/cgroup.procs", pid));
	nap(50);
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	show("a/b/cgroup.events");
	printf("still %d\n", still());
	R(kill(pid, SIGSTOP));
	R(kill(pid, SIGCONT));
	R(kill(pid, SIGUSR1)); // waits
	nap(50);
	show("a/cgroup.events");
	R(waitpid(pid, NULL, WNOHANG));
	R(put("a/cgroup.freeze", "0"));
	until("a/cgroup.events", "frozen 0");
	nap(50);
	printf("went on %d\n", !still());
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	R(kill(pid, SIGTERM)); // its default action kills
	abi_reap(pid);
	R(put("a/cgroup.freeze", "0"));
	// SIGKILL goes through.
	pid = sleeper("a/b");
	R(put("a/b/cgroup.freeze", "1"));
	until("a/b/cgroup.events", "frozen 1");
	show("a/cgroup.events");
	R(kill(pid, SIGKILL));
	abi_reap(pid);
	until("a/b/cgroup.events", "populated 0");
	show("a/b/cgroup.events");
	// Into a frozen group, and out of it.
	pid = fork();
	if (pid == 0) {
		for (;;)
			(*shared)++;
	}
	R(put_pid("a/b/cgroup.procs", pid));
	until("a/b/cgroup.events", "frozen 1");
	printf("still %d\n", still());
	R(put_pid("a/cgroup.procs", pid));
	nap(50);
	printf("still %d\n", still());
	show("a/b/cgroup.events");
	end(pid);
	R(put("a/b/cgroup.freeze", "0"));
	nap(20);
	R(rmdir("a/b"));
	R(rmdir("a"));
	leave_tree();
}

// A system call that was interrupted by the freezer goes on; a stopped task counts as frozen.
ABI_TEST(cgroup_life, freeze_in_calls)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	int pipes[2];
	pipe(pipes);
	int pid = fork();
	if (pid == 0) {
		char byte = 0;
		struct timespec t = {0, 300000000};

		R(nanosleep(&t, NULL));
		R(read(pipes[0], &byte, 1));
		printf("%c\n", byte);
		done(0);
	}
	R(put_pid("a/cgroup.procs", pid));
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	R(put("a/cgroup.freeze", "0"));
	until("a/cgroup.events", "frozen 0");
	nap(500); // now it reads
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	write(pipes[1], "x", 1);
	nap(50);
	R(waitpid(pid, NULL, WNOHANG));
	fflush(stdout);
	put("a/cgroup.freeze", "0");
	abi_reap(pid);
	pid = sleeper("a");
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	kill(pid, SIGCONT);
	nap(50);
	show("a/cgroup.events");
	R(put("a/cgroup.freeze", "0"));
	until("a/cgroup.events", "frozen 0");
	end(pid);
	// A parent that waits for its vfork's child.
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		put("a/cgroup.procs", "0");
		if (vfork() == 0) {
			nap(300);
			_exit(0);
		}
		_exit(9);
	}
	until("a/cgroup.events", "populated 1");
	nap(50);
	R(put("a/cgroup.freeze", "1"));
	until("a/cgroup.events", "frozen 1");
	R(put("a/cgroup.freeze", "0"));
	abi_reap(pid);
	until("a/cgroup.events", "populated 0");
	R(rmdir("a"));
	leave_tree();
}

ABI_TEST(cgroup_life, kill_all)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	int one = sleeper("a"), two = sleeper("a/b"), three = sleeper("a/b"), four = sleeper(NULL);
	R(put("a/b/cgroup.freeze", "1"));
	R(put("a/cgroup.kill", "1\n"));
	abi_reap(one);
	abi_reap(two);
	abi_reap(three);
	R(waitpid(four, NULL, WNOHANG));
	end(four);
	until("a/cgroup.events", "populated 0");
	R(rmdir("a/b"));
	int pid = fork();
	if (pid == 0) {
		put("a/cgroup.procs", "0");
		for (int i = 0; i < 20; i++) {
			if (fork() == 0)
				for (;;)
					pause();
		}
		put("a/cgroup.kill", "1"); // oneself too
		for (;;)
			pause();
	}
	abi_reap(pid);
	until("a/cgroup.events", "populated 0");
	while (waitpid(-1, NULL, 0) > 0)
		;
	R(rmdir("a"));
	leave_tree();
}

// --- Delegation ---

ABI_TEST(cgroup_life, delegation)
{
	enter_tree(NULL);
	mkdir("d", 0755);
	mkdir("other", 0755);
	chown("d", 1000, 1000);
	chown("d/cgroup.procs", 1000, 1000);
	chown("d/cgroup.subtree_control", 1000, 1000);
	int outside = sleeper(NULL);
	int pid = fork();
	if (pid == 0) {
		int by_root = open("d/cgroup.procs", O_WRONLY);

		put("d/cgroup.procs", "0");
		R(setresgid(1000, 1000, 1000));
		R(setresuid(1000, 1000, 1000));
		R(mkdir("d/x", 0755));
		R(mkdir("d/y", 0755));
		R(mkdir("other/x", 0755));
		struct stat st;
		stat("d/x/cgroup.procs", &st);
		printf("%d %d\n", st.st_uid, st.st_gid);
		R(put("d/x/cgroup.procs", "0"));
		R(put("d/y/cgroup.procs", "0"));
		R(put("cgroup.procs", "0"));
		R(put("other/cgroup.procs", "0"));
		R(put_pid("d/x/cgroup.procs", outside)); // the common ancestor is not ours
		R(put("d/cgroup.max.depth", "3"));
		R(put("d/cgroup.freeze", "1"));
		R(put("d/x/cgroup.freeze", "0"));
		// Whose right counts is that of who opened the file.
		char text[16];
		snprintf(text, sizeof(text), "%d", outside);
		R(write(by_root, text, strlen(text)) > 0);
		R(rmdir("d/x"));
		R(rmdir("d/y"));
		done(0);
	}
	abi_reap(pid);
	end(outside);
	until("d/cgroup.events", "populated 0");
	R(rmdir("d/y"));
	R(rmdir("d"));
	R(rmdir("other"));
	leave_tree();
}

ABI_TEST(cgroup_life, namespace_as_border)
{
	enter_tree("nsdelegate");
	show_options();
	R(put("cgroup.subtree_control", "+pids"));
	mkdir("d", 0755);
	int outside = sleeper(NULL);
	int pid = fork();
	if (pid == 0) {
		R(put("d/cgroup.procs", "0"));
		R(unshare(CLONE_NEWCGROUP));
		R(mkdir("d/x", 0755));
		R(put("d/x/cgroup.procs", "0"));
		R(put("d/cgroup.procs", "0"));
		R(put("cgroup.procs", "0"));
		R(put_pid("d/cgroup.procs", outside));
		R(put("d/cgroup.max.depth", "3"));
		R(put("d/pids.max", "3"));
		R(put("d/cgroup.subtree_control", "+pids"));
		R(put("d/cgroup.subtree_control", "-pids"));
		R(put("d/x/cgroup.max.depth", "3"));
		R(rmdir("d/x"));
		done(0);
	}
	abi_reap(pid);
	end(outside);
	until("d/cgroup.events", "populated 0");
	R(rmdir("d"));
	R(put("cgroup.subtree_control", "-pids"));
	leave_tree();
	enter_tree(NULL); // takes the option away again
	show_options();
	leave_tree();
}

// --- Born into a group ---

static long clone_into(unsigned long fd, unsigned long flags)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | flags, .exit_signal = SIGCHLD, .cgroup = fd};

	fflush(stdout);
	return syscall(SYS_clone3, &args, sizeof(args));
}

static void born(unsigned long fd, unsigned long flags)
{
	long pid = clone_into(fd, flags);

	if (pid == 0) {
		show_own("born");
		done(5);
	}
	if (pid < 0)
		printf("clone into: %s\n", strerrorname_np(errno));
	else
		abi_reap(pid);
}

ABI_TEST(cgroup_life, born_into)
{
	enter_tree(NULL);
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	int fd = open("a", O_RDONLY | O_DIRECTORY), path = open("a/b", O_PATH);
	int file = open("a/cgroup.procs", O_RDWR), other = open("/", O_RDONLY);

	born(fd, 0);
	born(path, 0);
	born(fd, CLONE_VFORK);
	born(file, 0);
	born(other, 0);
	born(77, 0);
	born(-1, 0);
	born(0x80000000ul, 0);
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .cgroup = fd};
	R(syscall(SYS_clone3, &args, 64)); // too old to have the field
	R(put("cgroup.subtree_control", "+pids"));
	R(put("a/pids.max", "1"));
	int pid = sleeper("a");
	born(fd, 0);
	show("a/pids.events");
	end(pid);
	nap(30);
	born(fd, 0);
	until("a/cgroup.events", "populated 0");
	// A group that holds no processes.
	R(put("a/pids.max", "max"));
	R(put("a/cgroup.subtree_control", "+pids"));
	pid = sleeper("a/b");
	born(fd, 0);
	end(pid);
	until("a/cgroup.events", "populated 0");
	R(put("a/cgroup.subtree_control", "-pids"));
	// Threads cannot leave their domain; groups below a threaded one are no good.
	mkdir("t", 0755);
	mkdir("t/u", 0755);
	mkdir("t/u/v", 0755);
	R(put("t/u/cgroup.type", "threaded"));
	int invalid = open("t/u/v", O_PATH), threaded = open("t/u", O_PATH);
	born(invalid, 0);
	born(threaded, 0);
	until("t/cgroup.events", "populated 0");
	R(rmdir("t/u/v"));
	R(rmdir("t/u"));
	born(threaded, 0); // gone
	R(rmdir("t"));
	// A frozen one: stands still from the start.
	R(put("a/cgroup.freeze", "1"));
	pid = clone_into(fd, 0);
	if (pid == 0)
		done(6);
	until("a/cgroup.events", "frozen 1");
	show("a/cgroup.events");
	R(waitpid(pid, NULL, WNOHANG));
	R(put("a/cgroup.freeze", "0"));
	abi_reap(pid);
	// Without the right.
	pid = fork();
	if (pid == 0) {
		setresuid(1000, 1000, 1000);
		born(fd, 0);
		done(0);
	}
	abi_reap(pid);
	chown("a/cgroup.procs", 1000, 1000);
	pid = fork();
	if (pid == 0) {
		setresuid(1000, 1000, 1000);
		born(fd, 0); // the common ancestor is root's
		done(0);
	}
	abi_reap(pid);
	close(fd);
	close(path);
	close(file);
	close(invalid);
	close(threaded);
	until("a/cgroup.events", "populated 0");
	R(rmdir("a/b"));
	R(rmdir("a"));
	R(put("cgroup.subtree_control", "-pids"));
	leave_tree();
}

// A thread that is born into another group of its process's threaded domain. It runs on its own stack
// without the C library: it tells its number, waits and ends.
static volatile int thread_tid, thread_go;
static char thread_stack[8192] __attribute__((aligned(16)));

static long thread_into(int fd)
{
	struct clone_args args = {.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS |
					   CLONE_FILES | CLONE_INTO_CGROUP | CLONE_PARENT_SETTID,
				  .parent_tid = (unsigned long)&thread_tid,
				  .stack = (unsigned long)thread_stack,
				  .stack_size = sizeof(thread_stack),
				  .cgroup = fd};
	register long a0 asm("a0") = (long)&args;
	register long a1 asm("a1") = sizeof(args);
	register long a7 asm("a7") = SYS_clone3;

	asm volatile("ecall\n"
		     "bnez a0, 2f\n"
		     "1: li a7, 124\n" // sched_yield
		     "ecall\n"
		     "lw a2, (%3)\n"
		     "beqz a2, 1b\n"
		     "li a7, 93\n" // exit
		     "li a0, 0\n"
		     "ecall\n"
		     "2:\n"
		     : "+r"(a0), "+r"(a7)
		     : "r"(a1), "r"(&thread_go)
		     : "a2", "memory");
	return a0;
}

ABI_TEST(cgroup_life, thread_born_into)
{
	enter_tree(NULL);
	mkdir("d", 0755);
	mkdir("d/t", 0755);
	mkdir("e", 0755);
	R(put("d/t/cgroup.type", "threaded"));
	int pid = fork();
	if (pid == 0) {
		int threaded = open("d/t", O_PATH), other = open("e", O_PATH);

		put("d/cgroup.procs", "0");
		printf("out of the domain: %ld\n", thread_into(other));
		printf("within: %d\n", thread_into(threaded) > 0);
		printf("%d %d %d\n", lines_of("d/cgroup.procs"), lines_of("d/cgroup.threads"),
		       lines_of("d/t/cgroup.threads"));
		show("d/t/cgroup.events");
		thread_go = 1;
		until("d/t/cgroup.events", "populated 0");
		printf("%d\n", lines_of("d/t/cgroup.threads"));
		done(0);
	}
	abi_reap(pid);
	until("d/cgroup.events", "populated 0");
	R(rmdir("d/t"));
	R(rmdir("d"));
	R(rmdir("e"));
	leave_tree();
}
