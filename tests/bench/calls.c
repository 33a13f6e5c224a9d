// Single system calls: files, signals, clocks.

#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "bench.h"

static int zero_fd;

// Each benchmark makes its call once and gives 0, or -1 with errno.
static long null_call(void)
{
	return syscall(SYS_getppid) < 0 ? -1 : 0;
}

static long read_zero(void)
{
	char byte;

	return read(zero_fd, &byte, 1) == 1 ? 0 : -1;
}

static long write_null(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_WRONLY);
	return write(fd, "x", 1) == 1 ? 0 : -1;
}

static long stat_file(void)
{
	struct stat st;

	return stat("/init", &st);
}

static long open_close(void)
{
	int fd = open("/init", O_RDONLY);

	return fd < 0 ? -1 : close(fd);
}

static long create_unlink(void)
{
	int fd = open("/tmp/bench", O_CREAT | O_RDWR, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return -1;
	close(fd);
	return unlink("/tmp/bench");
}

static void no_handler(int signal)
{
	(void)signal;
}

static long sigaction_call(void)
{
	return sigaction(SIGUSR2, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static long sigaction_raw(void)
{
	struct {
		void *handler;
		unsigned long flags, mask;
	} action = {.handler = SIG_IGN};

	return syscall(SYS_rt_sigaction, SIGUSR2, &action, NULL, 8);
}

static long kill_self(void)
{
	return kill(getpid(), SIGUSR1);
}

static long clock_read(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t);
}

static long clock_call(void)
{
	struct timespec t;

	return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

static long mask_call(void)
{
	unsigned long mask = 0;

	return syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
}

void measure_calls(void)
{
	zero_fd = open("/dev/zero", O_RDONLY);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = no_handler}, NULL);
	measure("null_call", null_call);
	measure("read_zero", read_zero);
	measure("write_null", write_null);
	measure("stat", stat_file);
	measure("open_close", open_close);
	measure("create_write_unlink", create_unlink);
	measure("sigaction", sigaction_raw);
	measure("sigaction_libc", sigaction_call);
	measure("sigprocmask", mask_call);
	measure("kill_handler_return", kill_self);
	measure("clock_gettime", clock_read);
	measure("clock_gettime_call", clock_call);
}
