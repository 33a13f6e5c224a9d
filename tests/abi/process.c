// fork, exec, exit and wait as a program sees them.

#include "abi.h"
#include <sched.h>
#include <sys/resource.h>

ABI_TEST(process, exit_codes)
{
	int codes[] = {0, 1, 42, 255, 256, -1};

	for (size_t i = 0; i < 6; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(codes[i]);
		abi_reap(pid);
	}
	R(waitpid(-1, NULL, 0));
	R(waitpid(-1, NULL, WNOHANG));
	R(waitpid(1 << 22, NULL, 0));
	R(wait4(-1, NULL, 0x12345678, NULL));
}

ABI_TEST(process, killed)
{
	int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE, SIGUSR1, SIGALRM};

	for (size_t i = 0; i < 7; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
			raise(signals[i]);
			_exit(7);
		}
		abi_reap(pid);
	}
}

ABI_TEST(process, waitid_kinds)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	memset(&info, 0, sizeof(info));
	R(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	printf("code %d status %d mine %d signo %d\n", info.si_code, info.si_status,
	       info.si_pid == pid, info.si_signo);
	R(waitid(P_ALL, 0, &info, WEXITED));
	R(waitid(P_ALL, 0, &info, WEXITED));
	R(waitid(P_ALL, 0, &info, 0));
	R(waitid(77, 0, &info, WEXITED));
	R(waitid(P_PID, 0, &info, WEXITED));
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	R(waitid(P_PID, pid, &info, WSTOPPED));
	printf("code %d status %d\n", info.si_code, info.si_status);
	kill(pid, SIGCONT);
	R(waitid(P_PID, pid, &info, WCONTINUED));
	printf("code %d status %d\n", info.si_code, info.si_status);
	kill(pid, SIGTERM);
	abi_reap(pid);
}

ABI_TEST(process, vfork_shares_memory)
{
	volatile int seen = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		seen = 2;
		_exit(3);
	}
	printf("seen %d\n", seen);
	abi_reap(pid);
}

static int clone_child(void *argument)
{
	*(int *)argument += 1;
	chdir("/");
	umask(0);
	return 9;
}

ABI_TEST(process, clone_sharing)
{
	static char stack[32768] __attribute__((aligned(16)));
	int flags[] = {0, CLONE_VM, CLONE_FS, CLONE_VM | CLONE_FS | CLONE_FILES};

	for (size_t i = 0; i < 4; i++) {
		int value = 0;
		char before[256], after[256];

		umask(022);
		getcwd(before, sizeof(before));
		pid_t pid = clone(clone_child, stack + sizeof(stack), flags[i] | SIGCHLD, &value);
		abi_reap(pid);
		getcwd(after, sizeof(after));
		printf("flags %x value %d cwd %s umask %o\n", flags[i], value,
		       strcmp(before, after) ? "changed" : "same", umask(022));
		R(chdir(before));
	}
}

ABI_TEST(process, clone_bad_flags)
{
	unsigned long flags[] = {CLONE_THREAD,
				 CLONE_SIGHAND,
				 CLONE_THREAD | CLONE_SIGHAND,
				 CLONE_NEWNS | CLONE_FS,
				 CLONE_NEWUSER | CLONE_FS,
				 CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
				 CLONE_NEWIPC | CLONE_SYSVSEM,
				 CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_DETACHED};

	for (size_t i = 0; i < 8; i++) {
		printf("%lx ", flags[i]);
		long pid = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(0);
		abi_show("clone", pid > 0 ? 1 : pid);
		if (pid > 0)
			abi_reap(pid);
	}
	R(syscall(SYS_clone3, BAD, 88));
	R(syscall(SYS_clone3, BAD, 8));
	R(syscall(SYS_clone3, BAD, 1 << 20));
	R(syscall(SYS_unshare, 1));
	R(unshare(0));
	R(unshare(CLONE_FS | CLONE_FILES));
	R(unshare(CLONE_THREAD));
	R(unshare(CLONE_VM));
}

ABI_TEST(process, exec_errors)
{
	char *argv[] = {"x", NULL};
	int fd = open("script", O_CREAT | O_WRONLY, 0755);

	write(fd, "#!/no/such/file\n", 16);
	R(execve("script", argv, argv));
	close(fd);
	R(execve("script", argv, argv));
	fd = open("text", O_CREAT | O_WRONLY, 0755);
	write(fd, "hello\n", 6);
	close(fd);
	R(execve("text", argv, argv));
	close(open("empty", O_CREAT | O_WRONLY, 0755));
	R(execve("empty", argv, argv));
	R(execve("none", argv, argv));
	R(execve("/tmp", argv, argv));
	R(execve("", argv, argv));
	R(execve(BAD, argv, argv));
	R(execve("/init", BAD, argv));
	chmod("text", 0644);
	R(execve("text", argv, argv));
	R(execve("text/x", argv, argv));
	fd = open("elf", O_CREAT | O_WRONLY, 0755);
	write(fd, "\177ELF\2\1\1", 7);
	close(fd);
	R(execve("elf", argv, argv));
}

ABI_TEST(process, orphan_gets_new_parent)
{
	int pipes[2];
	char byte = 0;

	pipe(pipes);
	pid_t pid = fork();
	if (pid == 0) {
		pid_t middle = getpid();
		if (fork() == 0) {
			while (getppid() == middle)
				usleep(1000);
			write(pipes[1], "p", 1);
			_exit(0);
		}
		_exit(0);
	}
	abi_reap(pid);
	R(read(pipes[0], &byte, 1));
	printf("%c\n", byte);
}

ABI_TEST(process, groups_and_sessions)
{
	pid_t pid = fork();

	if (pid == 0) {
		printf("leader %d\n", getpgrp() == getpid());
		R(setpgid(0, 0));
		printf("leader %d\n", getpgrp() == getpid());
		OK(setsid());
		R(setsid());
		R(setpgid(0, 0));
		R(setpgid(1 << 22, 0));
		R(setpgid(0, -1));
		R(getpgid(1 << 22));
		R(getsid(1 << 22));
		printf("session %d\n", getsid(0) == getpid());
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// Registers that the kernel does not use itself are kept over a call that sleeps while others run.
ABI_TEST(process, registers_stay)
{
	int there[2], back[2], wrong = 0;

	pipe(there);
	pipe(back);
	fflush(stdout);
	pid_t pid = fork();
	for (long i = 0; i < 200; i++) {
		long in = (pid ? 1000 : 2000) + i, out;
		char byte = 0;
		int from = pid ? back[0] : there[0], to = pid ? there[1] : back[1];

		if (pid)
			write(to, "x", 1);
		register long a0 __asm__("a0") = from;
		register void *a1 __asm__("a1") = &byte;
		register long a2 __asm__("a2") = 1;
		register long a7 __asm__("a7") = SYS_read;
		__asm__ volatile("mv gp, %[in]\n ecall\n mv %[out], gp\n .option push\n"
				 ".option norelax\n la gp, __global_pointer$\n .option pop"
				 : [out] "=&r"(out), "+r"(a0)
				 : [in] "r"(in), "r"(a1), "r"(a2), "r"(a7)
				 : "memory");
		wrong += out != in;
		if (!pid)
			write(to, "x", 1);
	}
	printf("wrong %d\n", wrong);
	if (!pid) {
		fflush(stdout);
		_exit(wrong != 0);
	}
	abi_reap(pid);
}

ABI_TEST(process, usage_of_children)
{
	struct rusage usage;

	R(getrusage(RUSAGE_SELF, &usage));
	R(getrusage(RUSAGE_CHILDREN, &usage));
	R(getrusage(RUSAGE_THREAD, &usage));
	R(getrusage(5, &usage));
	R(syscall(SYS_getrusage, RUSAGE_SELF, BAD));
	R(getpriority(PRIO_PROCESS, 0));
	R(setpriority(PRIO_PROCESS, 0, 5));
	R(getpriority(PRIO_PROCESS, 0));
	R(getpriority(9, 0));
	R(setpriority(PRIO_PROCESS, 1 << 22, 0));
}
