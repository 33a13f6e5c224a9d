// Init of a machine for the test of core files: a child crashes three calls deep, and the core file
// goes to the console as hexadecimal lines.

#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int depth_seen;

__attribute__((noinline)) static void innermost(volatile int *where)
{
	depth_seen++;
	*where = 42;
}

__attribute__((noinline)) static void middle(int marker)
{
	innermost((volatile int *)(long)(marker * 16));
	depth_seen++;
}

__attribute__((noinline)) static void outer(void)
{
	middle(77);
	depth_seen++;
}

int main(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	unsigned char line[32];
	int status, n;

	mkdir("/tmp", 0777);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	chdir("/tmp");
	setrlimit(RLIMIT_CORE, &limit);
	if (fork() == 0)
		outer();
	wait(&status);
	printf("CORE status %x\n", status);
	FILE *core = fopen("core", "r");
	while (core && (n = fread(line, 1, sizeof(line), core)) > 0) {
		int zero = 1;

		for (int i = 0; i < n; i++)
			zero &= !line[i];
		printf("C ");
		for (int i = 0; i < n && !zero; i++)
			printf("%02x", line[i]);
		printf("\n");
	}
	printf("CORE end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
