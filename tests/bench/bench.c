// Benchmarks: one static program, the same on Cloven and on Linux, that runs as init.
//
// Under QEMU's -icount shift=0,sleep=off a nanosecond of guest time is one instruction. The clock
// ticks at 10 MHz, so a tick is 100 instructions: each operation is repeated until two million have
// passed. What cannot run (a call that the kernel lacks) says so, and the rest go on.

#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/stat.h>

#include "bench.h"

#define ENOUGH_NS 2000000

void report(const char *name, long value)
{
	printf("BENCH %s %ld\n", name, value);
	fflush(stdout);
}

void missing(const char *name)
{
	printf("BENCH %s missing %s\n", name,
	       strerrorname_np(errno) ? strerrorname_np(errno) : "?");
	fflush(stdout);
}

int wanted(const char *name)
{
	const char *only = getenv("only");

	return !only || strncmp(name, only, strlen(only)) == 0;
}

long reap(pid_t pid)
{
	int status;

	return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : 0;
}

char *touched(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return p;
}

// What a profile is to be of lies between these two; scripts/profile finds them by name.
__attribute__((noinline)) static void profile_begin(void)
{
	__asm__ volatile("# not the same code as below, or the compiler makes them one");
}

__attribute__((noinline)) static void profile_end(void)
{
	__asm__ volatile("");
}

// Repeats a call until enough time has passed and reports what one costs.
void measure(const char *name, long (*call)(void))
{
	unsigned long start, end;
	long count = 0;

	if (!wanted(name))
		return;
	for (int warm = 0; warm < 8; warm++) {
		errno = 0;
		if (call() < 0) {
			missing(name);
			return;
		}
	}
	profile_begin();
	start = now();
	do {
		for (int i = 0; i < 16; i++)
			call();
		count += 16;
		end = now();
	} while (end - start < ENOUGH_NS);
	profile_end();
	report(name, (end - start) / count);
}

// The addresses of stack and mappings decide what fork shares and what it copies: they are fixed, so
// that two runs, and two kernels, measure the same.
static void fix_addresses(void)
{
	personality(ADDR_NO_RANDOMIZE);
	execl("/init", "/init", "fixed", NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 0;
	int fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
	unsigned long boot = now();
	mkdir("/tmp", 0777);
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	if (!fixed) {
		report("boot_to_init_time", boot);
		fix_addresses();
	}
	// What Linux still does after the start of init is not to be counted.
	usleep(1500000);
	measure_harts();
	if (!getenv("harts")) {
		measure_calls();
		measure_processes(); // before the others leave memory to be copied
		measure_memory();
		measure_ping_pong();
		measure_namespaces();
		measure_fork_sizes();
	}
	printf("BENCH end 0\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
