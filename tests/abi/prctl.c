// prctl: every option with plain arguments, and then what those that Cloven has do.

#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define GET_AUXV    0x41555856
#define SET_MDWE    65
#define GET_MDWE    66
#define MM_MAP_SIZE 15
#define THP_EXCEPT  2
#define LAST_OPTION 76

static long call(long option, long a, long b, long c, long d)
{
	return syscall(SYS_prctl, option, a, b, c, d);
}

// Options that Linux has and Cloven refuses: seccomp's strict mode, system-call user dispatch, core
// scheduling, merged memory, riscv's instruction-cache context.
static int refused(int option)
{
	return option == PR_SET_SECCOMP || option == PR_SET_SYSCALL_USER_DISPATCH || option == 62 ||
	       option == 67 || option == 68 || option == 71;
}

static void sweep(long a, long b)
{
	for (int option = 0; option <= LAST_OPTION; option++) {
		int status;

		if (refused(option))
			continue;
		pid_t pid = fork();
		if (!pid) {
			long result = call(option, a, b, 0, 0);

			printf("%d: %ld %s\n", option, result < 0 ? -1 : result,
			       result < 0 ? strerrorname_np(errno) : "");
			fflush(stdout);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			printf("%d: status %x\n", option, status);
	}
}

ABI_TEST(prctl, zeroes)
{
	sweep(0, 0);
}
ABI_TEST(prctl, ones)
{
	sweep(1, 0);
}
ABI_TEST(prctl, ones_ones)
{
	sweep(1, 1);
}
ABI_TEST(prctl, bad_address)
{
	sweep(8, 0);
}
ABI_TEST(prctl, minus_ones)
{
	sweep(-1, -1);
}
ABI_TEST(prctl, unprivileged)
{
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	sweep(0, 0);
	sweep(1, 0);
}

static void show_file(const char *path)
{
	char text[64] = "";
	int file = open(path, O_RDONLY);
	ssize_t got = read(file, text, 63);

	printf("%s: %s", strrchr(path, '/') + 1, got < 0 ? strerrorname_np(errno) : text);
	if (got < 0)
		puts("");
	close(file);
}

static void write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	R(file < 0 ? file : write(file, text, strlen(text)));
	close(file);
}

static void *slack_thread(void *unused)
{
	R(prctl(PR_GET_TIMERSLACK));
	R(prctl(PR_SET_TIMERSLACK, 0));
	R(prctl(PR_GET_TIMERSLACK));
	return NULL;
}

ABI_TEST(prctl, timer_slack)
{
	struct sched_param param = {.sched_priority = 1};
	pthread_t thread;

	R(prctl(PR_GET_TIMERSLACK));
	R(prctl(PR_SET_TIMERSLACK, 1234));
	R(prctl(PR_GET_TIMERSLACK));
	show_file("/proc/self/timerslack_ns");
	pthread_create(&thread, NULL, slack_thread, NULL);
	pthread_join(thread, NULL);
	write_file("/proc/self/timerslack_ns", "4321");
	R(prctl(PR_GET_TIMERSLACK));
	write_file("/proc/self/timerslack_ns", "0");
	R(prctl(PR_GET_TIMERSLACK));
	write_file("/proc/self/timerslack_ns", "x");
	pid_t pid = fork();
	if (!pid) {
		sched_setscheduler(0, SCHED_FIFO, &param);
		R(prctl(PR_GET_TIMERSLACK));
		R(prctl(PR_SET_TIMERSLACK, 77));
		R(prctl(PR_GET_TIMERSLACK));
		show_file("/proc/self/timerslack_ns");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", getppid());
		show_file(path);
		write_file(path, "5555");
		setresuid(1000, 1000, 1000);
		show_file(path);
		write_file(path, "6666");
		write_file("/proc/self/timerslack_ns", "7777");
		R(prctl(PR_GET_TIMERSLACK));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(prctl(PR_GET_TIMERSLACK));
}

ABI_TEST(prctl, auxiliary_vector)
{
	unsigned long vector[256][2] = {};
	long size = call(GET_AUXV, (long)vector, sizeof(vector), 0, 0);
	int same = 0;

	for (int i = 0; i < 256 && vector[i][0]; i++)
		same += vector[i][0] == AT_PAGESZ && vector[i][1] == getauxval(AT_PAGESZ);
	printf("a multiple of 16: %d, page size %d\n", size > 0 && size % 16 == 0, same);
	R(call(GET_AUXV, (long)vector, 16, 0, 0) == size);
	R(call(GET_AUXV, (long)vector, 0, 0, 0) == size);
	R(call(GET_AUXV, 8, 64, 0, 0));
	R(call(GET_AUXV, (long)vector, 64, 1, 0));
	R(call(GET_AUXV, (long)vector, 64, 0, 1));
}

ABI_TEST(prctl, thp)
{
	R(call(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	R(call(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	R(call(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	pid_t pid = fork();
	if (!pid)
		_exit(call(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	abi_reap(pid);
	R(call(PR_SET_THP_DISABLE, 1, THP_EXCEPT, 0, 0));
	R(call(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	R(call(PR_SET_THP_DISABLE, 1, 1, 0, 0));
	R(call(PR_SET_THP_DISABLE, 0, THP_EXCEPT, 0, 0));
	R(call(PR_SET_THP_DISABLE, 0, 0, 1, 0));
	R(call(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	R(call(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	R(call(PR_GET_THP_DISABLE, 1, 0, 0, 0));
}

ABI_TEST(prctl, io_flusher)
{
	R(call(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
	R(call(PR_SET_IO_FLUSHER, 1, 0, 0, 0));
	R(call(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
	R(call(PR_SET_IO_FLUSHER, 2, 0, 0, 0));
	R(call(PR_SET_IO_FLUSHER, 1, 1, 0, 0));
	pid_t pid = fork();
	if (!pid)
		_exit(call(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
	abi_reap(pid);
	R(call(PR_SET_IO_FLUSHER, 0, 0, 0, 0));
	R(call(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
}

ABI_TEST(prctl, mce_kill)
{
	R(call(PR_MCE_KILL_GET, 0, 0, 0, 0));
	R(call(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	R(call(PR_MCE_KILL_GET, 0, 0, 0, 0));
	R(call(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0));
	R(call(PR_MCE_KILL_GET, 0, 0, 0, 0));
	pid_t pid = fork();
	if (!pid)
		_exit(call(PR_MCE_KILL_GET, 0, 0, 0, 0));
	abi_reap(pid);
	R(call(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_DEFAULT, 0, 0));
	R(call(PR_MCE_KILL_GET, 0, 0, 0, 0));
	R(call(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0));
	R(call(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
	R(call(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
	R(call(PR_MCE_KILL, 2, 0, 0, 0));
	R(call(PR_MCE_KILL, PR_MCE_KILL_SET, 0, 1, 0));
	R(call(PR_MCE_KILL_GET, 1, 0, 0, 0));
}

ABI_TEST(prctl, memory_deny_write_execute)
{
	R(call(GET_MDWE, 0, 0, 0, 0));
	R(call(SET_MDWE, 2, 0, 0, 0));
	R(call(SET_MDWE, 4, 0, 0, 0));
	R(call(SET_MDWE, 1, 1, 0, 0));
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(call(SET_MDWE, 1, 0, 0, 0));
	R(call(GET_MDWE, 0, 0, 0, 0));
	R(call(SET_MDWE, 1, 0, 0, 0));
	R(call(SET_MDWE, 0, 0, 0, 0));
	R(call(SET_MDWE, 3, 0, 0, 0));
	R(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	R(mprotect(page, 4096, PROT_READ));
	R(mprotect(code, 4096, PROT_READ | PROT_EXEC));
	R(mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	R(mprotect(code, 4096, PROT_READ | PROT_WRITE));
	OK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	   MAP_FAILED);
	R((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0) < 0
		  ? -1
		  : 0);
	pid_t pid = fork();
	if (!pid)
		_exit(call(GET_MDWE, 0, 0, 0, 0));
	abi_reap(pid);
}

ABI_TEST(prctl, set_mm)
{
	unsigned size = 0;
	char *title = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char line[64] = "";

	strcpy(title, "a title");
	R(call(PR_SET_MM, MM_MAP_SIZE, (long)&size, 0, 0));
	R(size);
	R(call(PR_SET_MM, MM_MAP_SIZE, 8, 0, 0));
	R(call(PR_SET_MM, 0, 0, 0, 0));
	R(call(PR_SET_MM, 16, 0, 0, 0));
	R(call(PR_SET_MM, PR_SET_MM_ARG_START, 8, 0, 0));
	R(call(PR_SET_MM, PR_SET_MM_ARG_START, -1, 0, 0));
	R(call(PR_SET_MM, PR_SET_MM_ARG_START, (long)title, 0, 1));
	R(call(PR_SET_MM, PR_SET_MM_ARG_END, (long)title, 0, 0)); // before the start
	R(call(PR_SET_MM, PR_SET_MM_ARG_START, (long)title, 0, 0));
	R(call(PR_SET_MM, PR_SET_MM_ARG_END, (long)title + 8, 0, 0));
	int file = open("/proc/self/cmdline", O_RDONLY);
	R(read(file, line, sizeof(line)));
	printf("%s\n", line);
	pid_t pid = fork();
	if (!pid) {
		setresuid(1000, 1000, 1000);
		R(call(PR_SET_MM, PR_SET_MM_ARG_START, (long)title, 0, 0));
		R(call(PR_SET_MM, MM_MAP_SIZE, (long)&size, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(prctl, tid_address)
{
	unsigned long address = 0;
	static int word;

	syscall(SYS_set_tid_address, &word);
	R(prctl(PR_GET_TID_ADDRESS, &address));
	printf("%d\n", address == (unsigned long)&word);
	R(prctl(PR_GET_TID_ADDRESS, BAD));
}
