// Policies, priorities and affinity.

#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

struct attr {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
	unsigned util_min, util_max;
};

ABI_TEST(sched, policies)
{
	int policies[] = {0, 1, 2, 3, 4, 5, 6, 8, -1, 0x40000000, 0x40000001, 0x40000002};

	for (size_t i = 0; i < 12; i++) {
		for (int priority = -1; priority <= 100; priority += priority == 1 ? 98 : 1) {
			struct sched_param param = {priority};
			printf("%x %d ", policies[i], priority);
			R(syscall(SYS_sched_setscheduler, 0, policies[i], &param));
		}
		R(syscall(SYS_sched_getscheduler, 0));
		R(sched_get_priority_max(policies[i]));
		R(sched_get_priority_min(policies[i]));
	}
}

ABI_TEST(sched, bad_arguments)
{
	struct sched_param param = {0};

	R(syscall(SYS_sched_setscheduler, -1, 0, &param));
	R(syscall(SYS_sched_setscheduler, 1 << 22, 0, &param));
	R(syscall(SYS_sched_setscheduler, 0, 0, 0));
	R(syscall(SYS_sched_setscheduler, 0, 0, BAD));
	R(syscall(SYS_sched_setparam, 0, 0));
	R(syscall(SYS_sched_setparam, 0, BAD));
	R(syscall(SYS_sched_setparam, 0, &param));
	R(syscall(SYS_sched_getparam, 0, 0));
	R(syscall(SYS_sched_getparam, 0, BAD));
	R(syscall(SYS_sched_getparam, -1, &param));
	R(syscall(SYS_sched_getparam, 0, &param));
	R(syscall(SYS_sched_getscheduler, -1));
	R(syscall(SYS_sched_getscheduler, 1 << 22));
	R(syscall(SYS_sched_rr_get_interval, -1, &param));
	R(syscall(SYS_sched_rr_get_interval, 1 << 22, &param));
	R(syscall(SYS_sched_rr_get_interval, 0, BAD));
	R(syscall(SYS_getcpu, BAD, 0, 0));
	R(syscall(SYS_getcpu, 0, BAD, 0));
	R(syscall(SYS_getcpu, 0, 0, 0));
}

ABI_TEST(sched, attributes)
{
	struct attr attr = {.size = 48, .nice = 5};
	unsigned sizes[] = {0, 8, 47, 48, 52, 56, 4097};

	for (size_t i = 0; i < 7; i++) {
		attr.size = sizes[i];
		printf("%u ", sizes[i]);
		R(syscall(SYS_sched_setattr, 0, &attr, 0));
	}
	R(syscall(SYS_sched_setattr, 0, &attr, 1));
	R(syscall(SYS_sched_setattr, 0, BAD, 0));
	R(syscall(SYS_sched_setattr, 0, 0, 0));
	attr = (struct attr){.size = 48, .flags = 1, .nice = 100};
	R(syscall(SYS_sched_setattr, 0, &attr, 0));
	memset(&attr, 0x55, sizeof(attr));
	R(syscall(SYS_sched_getattr, 0, &attr, 48, 0));
	printf("%u %u %lu %d %u\n", attr.size, attr.policy, attr.flags, attr.nice, attr.priority);
	R(syscall(SYS_sched_getattr, 0, &attr, 47, 0));
	R(syscall(SYS_sched_getattr, 0, &attr, 48, 1));
	R(syscall(SYS_sched_getattr, 0, BAD, 48, 0));
	attr = (struct attr){.size = 48, .policy = SCHED_FIFO, .priority = 7};
	R(syscall(SYS_sched_setattr, 0, &attr, 0));
	attr = (struct attr){.size = 48, .flags = 8 | 16 | 1};
	R(syscall(SYS_sched_setattr, 0, &attr, 0));
	R(syscall(SYS_sched_getattr, 0, &attr, 48, 0));
	printf("%u %u %lu %d %u\n", attr.size, attr.policy, attr.flags, attr.nice, attr.priority);
	fflush(stdout);
	pid_t pid = fork(); // reset on fork
	if (pid == 0) {
		R(syscall(SYS_sched_getscheduler, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(sched, unprivileged)
{
	struct sched_param param = {0}, one = {1};

	R(setuid(1000));
	R(sched_setscheduler(0, SCHED_FIFO, &one));
	R(sched_setscheduler(0, SCHED_BATCH, &param));
	R(sched_setscheduler(0, SCHED_IDLE, &param));
	R(sched_setscheduler(0, SCHED_OTHER, &param));
	R(sched_setscheduler(1, SCHED_BATCH, &param));
	R(nice(3));
	R(nice(-1));
	R(syscall(SYS_sched_setaffinity, 1, 8, &(unsigned long){1}));
}

ABI_TEST(sched, affinity)
{
	unsigned long mask = 0, more[20] = {1};

	R(syscall(SYS_sched_getaffinity, 0, 4, &mask));
	R(syscall(SYS_sched_getaffinity, 0, 9, &mask));
	OK(syscall(SYS_sched_getaffinity, 0, sizeof(more), more));
	printf("%lx\n", more[0] & 1);
	R(syscall(SYS_sched_getaffinity, 0, 8, BAD));
	R(syscall(SYS_sched_getaffinity, 1 << 22, 8, &mask));
	R(syscall(SYS_sched_setaffinity, 0, 8, BAD));
	R(syscall(SYS_sched_setaffinity, 0, 8, &(unsigned long){0}));
	R(syscall(SYS_sched_setaffinity, 0, 8, &(unsigned long){1ul << 40}));
	R(syscall(SYS_sched_setaffinity, 0, 0, &(unsigned long){1}));
	R(syscall(SYS_sched_setaffinity, 1 << 22, 8, &(unsigned long){1}));
	R(syscall(SYS_sched_setaffinity, 0, 8, &(unsigned long){1}));
	R(syscall(SYS_sched_getaffinity, 0, 8, &mask) > 0);
	printf("%lx on %d\n", mask, sched_getcpu());
}

// Priorities change while their tasks fall asleep and are woken, on other harts: no queue may be left
// in disorder.
static volatile int stop_changing;
static int to_pong[2], to_ping[2];
static volatile pid_t players[2];
static volatile long exchanges;

static void *play(void *first)
{
	int in = first ? to_ping[0] : to_pong[0], out = first ? to_pong[1] : to_ping[1];
	char byte = 0;

	players[first ? 0 : 1] = gettid();
	if (first)
		write(out, &byte, 1);
	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		exchanges++;
	close(out);
	return NULL;
}

static void *change_players(void *which)
{
	unsigned seed = which ? 7 : 3;

	while (!stop_changing) {
		struct sched_param param = {.sched_priority = rand_r(&seed) % 50};

		sched_setscheduler(players[rand_r(&seed) % 2],
				   param.sched_priority ? SCHED_FIFO : SCHED_OTHER, &param);
	}
	return NULL;
}

ABI_TEST(sched, changed_while_woken)
{
	pthread_t player[2], changer[2];

	pipe(to_pong);
	pipe(to_ping);
	pthread_create(&player[0], NULL, play, (void *)1);
	pthread_create(&player[1], NULL, play, NULL);
	while (!players[0] || !players[1])
		usleep(1000);
	for (long i = 0; i < 2; i++)
		pthread_create(&changer[i], NULL, change_players, (void *)i);
	sleep(2);
	stop_changing = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(changer[i], NULL);
	printf("%s\n", exchanges > 100 ? "they went on" : "they stood still");
	fflush(stdout);
	_exit(0);
}
