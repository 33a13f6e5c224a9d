// Numbers that are chosen in pid namespaces: clone3's set_tid at several levels, ns_last_pid and pid_max
// of each.

#include "abi.h"
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>

static pid_t clone_in(unsigned long flags)
{
	fflush(stdout);
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void leave(int code)
{
	fflush(stdout);
	_exit(code);
}

static long clone_with(pid_t *tids, size_t count, unsigned long flags, int *status)
{
	struct clone_args args = {.flags = flags,
				  .exit_signal = SIGCHLD,
				  .set_tid = (uintptr_t)tids,
				  .set_tid_size = count};

	fflush(stdout);
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		leave(getpid());
	*status = 0;
	if (pid > 0) {
		waitpid(pid, status, 0);
		*status = WEXITSTATUS(*status);
	}
	return pid;
}

ABI_TEST(ns_pid_numbers, set_tid)
{
	pid_t pid = clone_in(CLONE_NEWPID);
	int status;

	if (pid == 0) {
		R(clone_with((pid_t[]){40}, 1, 0, &status));
		R(status);
		R(clone_with((pid_t[]){1}, 1, 0, &status)); // taken
		R(clone_with((pid_t[]){41, 20041}, 2, 0, &status));
		R(status);
		R(clone_with((pid_t[]){42, 1}, 2, 0, &status));            // taken outside
		R(clone_with((pid_t[]){43, 20043, 20043}, 3, 0, &status)); // too many levels
		R(clone_with((pid_t[]){1, 44}, 2, CLONE_NEWPID, &status));
		R(status);
		R(clone_with((pid_t[]){2, 45}, 2, CLONE_NEWPID, &status)); // no init yet
		R(clone_with((pid_t[]){1, 46, 20046}, 3, CLONE_NEWPID, &status));
		R(status);
		R(clone_with((pid_t[]){1, 47, 20047, 5}, 4, CLONE_NEWPID, &status));
		R(clone_with((pid_t[]){0}, 1, 0, &status));
		R(clone_with((pid_t[]){-1}, 1, 0, &status));
		R(clone_with((pid_t[]){1 << 30}, 1, 0, &status));
		// The last one has no say in what comes next.
		R(clone_with(NULL, 0, 0, &status) > 0);
		leave(0);
	}
	abi_reap(pid);
}

static long last_number(const char *text)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", text ? O_WRONLY : O_RDONLY);
	char number[16] = "";

	if (fd < 0)
		return -1;
	long result = text ? write(fd, text, strlen(text)) : read(fd, number, 15);
	int error = errno;
	close(fd);
	errno = error;
	return result < 0 ? -1 : text ? 0 : atoi(number);
}

ABI_TEST(ns_pid_numbers, last_pid)
{
	pid_t pid = clone_in(CLONE_NEWPID);
	int status;

	if (pid == 0) {
		R(last_number(NULL));
		R(last_number("500"));
		R(last_number(NULL));
		R(clone_with(NULL, 0, 0, &status));
		R(last_number("0"));
		R(clone_with(NULL, 0, 0, &status));
		R(last_number("-1"));
		R(last_number("99999999"));
		pid_t child = clone_in(CLONE_NEWPID);
		if (child == 0) {
			R(last_number(NULL));
			R(last_number("700"));
			R(clone_with(NULL, 0, 0, &status));
			leave(0);
		}
		abi_reap(child);
		R(last_number(NULL));
		leave(0);
	}
	abi_reap(pid);
	R(last_number(NULL) > 700 || last_number(NULL) > 0);
}

static long largest_pid(const char *text)
{
	int fd = open("/proc/sys/kernel/pid_max", text ? O_WRONLY : O_RDONLY);
	char number[16] = "";

	if (fd < 0)
		return -1;
	long result = text ? write(fd, text, strlen(text)) : read(fd, number, 15);
	int error = errno;
	close(fd);
	errno = error;
	return result < 0 ? -1 : text ? 0 : atoi(number);
}

// Each namespace has a largest number of its own.
ABI_TEST(ns_pid_numbers, largest)
{
	pid_t pid = clone_in(CLONE_NEWPID);
	int status;

	if (pid == 0) {
		R(largest_pid(NULL));
		R(largest_pid("300"));
		R(largest_pid("301"));
		R(largest_pid("400"));
		R(largest_pid(NULL));
		R(last_number("398"));
		R(clone_with(NULL, 0, 0, &status));
		R(clone_with(NULL, 0, 0, &status)); // around
		R(clone_with((pid_t[]){399}, 1, 0, &status));
		R(clone_with((pid_t[]){400}, 1, 0, &status));
		R(last_number("400"));
		pid_t child = clone_in(CLONE_NEWPID);
		if (child == 0) {
			R(largest_pid(NULL));
			leave(0);
		}
		abi_reap(child);
		R(largest_pid("4194304"));
		R(largest_pid("4194305"));
		R(largest_pid("x"));
		leave(0);
	}
	abi_reap(pid);
}
