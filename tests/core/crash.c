// Init of a machine for the test of core files: a child crashes three calls deep, and the core file
// goes to the console as hexadecimal lines.

#include <pthread.h>
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

static void *pausing_thread(void *arg)
{
	pause();
	return arg;
}

static void *spinning_thread(void *arg)
{
	while (*(volatile int *)arg >= 0)
		*(volatile int *)arg = (*(volatile int *)arg + 1) & 0xffffff;
	return NULL;
}

// With two threads beside: one that sleeps in a call and one that never makes any.
static void crash(void)
{
	static volatile int turns;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10); // all of it goes over the console
	pthread_create(&thread, &attributes, pausing_thread, NULL);
	pthread_create(&thread, &attributes, spinning_thread, (void *)&turns);
	while (turns < 1000)
		usleep(1000);
	outer();
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
		crash();
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
