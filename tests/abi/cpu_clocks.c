// CPU clocks of other processes and threads, the limit of real-time CPU time (RLIMIT_RTTIME),
// /proc/PID/timers, and the state of the clock as adjtimex(2) tells it.

#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <time.h>

enum {
	PROF,
	VIRT,
	SCHED,
	DEVICE,
	PER_THREAD
};

static int clock_of(pid_t pid, int which)
{
	return (int)(~(unsigned)pid << 3) | which;
}

static long sleep_on(int clock, int flags, long ms, struct timespec *left)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	return syscall(SYS_clock_nanosleep, clock, flags, &time, left);
}

static long read_ms(int clock)
{
	struct timespec now;

	if (syscall(SYS_clock_gettime, clock, &now))
		return -1;
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void spin(void)
{
	for (;;)
		;
}

static pid_t start(void (*run)(void))
{
	fflush(stdout);
	pid_t pid = fork();

	if (!pid) {
		alarm(60); // nothing outlives a test
		run();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	abi_reap(pid);
}

static void idle(void)
{
	for (;;)
		pause();
}

// --- Clocks of a process ---

ABI_TEST(cpu_clocks, read_process)
{
	pid_t pid = start(spin);
	struct timespec time;

	for (int which = PROF; which <= DEVICE; which++) {
		int clock = clock_of(pid, which);

		printf("kind %d\n", which);
		R(syscall(SYS_clock_gettime, clock, &time));
		if (R(syscall(SYS_clock_getres, clock, &time)) == 0)
			printf("%ld s %ld ns\n", (long)time.tv_sec, time.tv_nsec);
		R(syscall(SYS_clock_gettime, clock, BAD));
		R(syscall(SYS_clock_getres, clock, NULL));
		R(syscall(SYS_clock_getres, clock, BAD));
		R(syscall(SYS_clock_settime, clock, &time));
		R(syscall(SYS_clock_gettime, clock | PER_THREAD, &time));
		R(syscall(SYS_clock_getres, clock | PER_THREAD, &time));
		if (which == DEVICE)
			continue;
		while (read_ms(clock) < 30)
			usleep(5000);
		printf("it goes on\n");
	}
	end(pid);
	for (int which = PROF; which <= DEVICE; which++) {
		int clock = clock_of(pid, which);

		R(syscall(SYS_clock_gettime, clock, &time));
		R(syscall(SYS_clock_getres, clock, &time));
		R(syscall(SYS_clock_settime, clock, &time));
		R(sleep_on(clock, 0, 1, NULL));
	}
}

ABI_TEST(cpu_clocks, zombie)
{
	pid_t pid = start(spin);
	siginfo_t info;

	while (read_ms(clock_of(pid, SCHED)) < 20)
		usleep(5000);
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	printf("what it used stays: %d\n", read_ms(clock_of(pid, SCHED)) >= 20);
	R(sleep_on(clock_of(pid, SCHED), TIMER_ABSTIME, 1, NULL));
	abi_reap(pid);
}

ABI_TEST(cpu_clocks, sleep_process)
{
	pid_t pid = start(spin);

	for (int which = PROF; which <= DEVICE; which++) {
		int clock = clock_of(pid, which);
		long before = read_ms(clock);

		printf("kind %d\n", which);
		R(sleep_on(clock, 0, 30, NULL));
		printf("slept long enough: %d\n", read_ms(clock) >= before + 30);
		R(sleep_on(clock, TIMER_ABSTIME, before + 60, NULL));
		printf("slept long enough: %d\n", read_ms(clock) >= before + 60);
		R(sleep_on(clock, TIMER_ABSTIME, 1, NULL)); // long past
		R(sleep_on(clock, 0, -1000, NULL));
		R(syscall(SYS_clock_nanosleep, clock, 0, BAD, NULL));
		R(sleep_on(clock | PER_THREAD, 0, 1, NULL)); // not one of ours
	}
	end(pid);
}

static void on_signal(int sig)
{
}

ABI_TEST(cpu_clocks, sleep_is_interrupted)
{
	struct sigaction action = {.sa_handler = on_signal};
	pid_t parent = getpid(), pid = start(idle);
	struct timespec left = {0, 0};

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 3; i++) {
		fflush(stdout);
		pid_t other = fork();
		if (!other) {
			usleep(50000);
			kill(parent, SIGUSR1);
			_exit(0);
		}
		if (i == 2)
			R(sleep_on(clock_of(pid, SCHED), 0, 20000, BAD));
		else
			R(sleep_on(clock_of(pid, SCHED), i ? TIMER_ABSTIME : 0, 20000, &left));
		printf("left: %d s\n",
		       (int)((left.tv_sec * 1000 + left.tv_nsec / 1000000 + 500) / 1000));
		left = (struct timespec){0, 0};
		abi_reap(other);
	}
	end(pid);
}

// --- Clocks of a thread ---

static atomic_int thread_tid, thread_stop;

static void *spinner(void *unused)
{
	thread_tid = gettid();
	while (!thread_stop)
		;
	return NULL;
}

ABI_TEST(cpu_clocks, threads)
{
	struct timespec time;
	pthread_t thread;

	thread_stop = 0;
	thread_tid = 0;
	pthread_create(&thread, NULL, spinner, NULL);
	while (!thread_tid)
		usleep(1000);
	for (int which = PROF; which <= DEVICE; which++) {
		int clock = clock_of(thread_tid, which | PER_THREAD);
		long before = read_ms(clock);

		printf("kind %d\n", which);
		R(syscall(SYS_clock_gettime, clock, &time));
		if (R(syscall(SYS_clock_getres, clock, &time)) == 0)
			printf("%ld s %ld ns\n", (long)time.tv_sec, time.tv_nsec);
		R(sleep_on(clock, 0, 30, NULL));
		printf("slept long enough: %d\n", read_ms(clock) >= before + 30);
		R(syscall(SYS_clock_settime, clock, &time));
		// Another thread's number does not name the process.
		R(syscall(SYS_clock_gettime, clock & ~PER_THREAD, &time));
		R(sleep_on(clock & ~PER_THREAD, 0, 1, NULL));
		// One's own.
		R(sleep_on(clock_of(gettid(), which | PER_THREAD), 0, 1, NULL));
		R(sleep_on(clock_of(0, which | PER_THREAD), 0, 1, NULL));
	}
	R(sleep_on(CLOCK_THREAD_CPUTIME_ID, 0, 1, NULL));
	R(sleep_on(CLOCK_PROCESS_CPUTIME_ID, 0, 30, NULL));
	R(sleep_on(clock_of(getpid(), SCHED), 0, 30, NULL));
	thread_stop = 1;
	pthread_join(thread, NULL);
}

// --- RLIMIT_RTTIME ---

static void limit_rttime(unsigned long soft_us, unsigned long hard_us, int policy)
{
	struct sched_param param = {.sched_priority = policy == SCHED_OTHER ? 0 : 1};
	struct rlimit limit = {soft_us, hard_us};

	setrlimit(RLIMIT_RTTIME, &limit);
	if (sched_setscheduler(0, policy, &param))
		_exit(100);
}

static void spin_past_soft(void)
{
	limit_rttime(100000, RLIM_INFINITY, SCHED_FIFO);
	spin();
}

static void spin_round_robin(void)
{
	limit_rttime(100000, RLIM_INFINITY, SCHED_RR);
	spin();
}

static atomic_int signals_seen;

static void count_signal(int sig)
{
	signals_seen++;
}

static void spin_past_hard(void)
{
	signal(SIGXCPU, SIG_IGN);
	limit_rttime(100000, 300000, SCHED_FIFO);
	spin();
}

static void see_soft_only(void)
{
	struct rlimit limit;

	signal(SIGXCPU, count_signal);
	limit_rttime(100000, RLIM_INFINITY, SCHED_FIFO);
	while (!signals_seen)
		;
	getrlimit(RLIMIT_RTTIME, &limit);
	printf("the soft limit is now %lu us\n", (unsigned long)limit.rlim_cur);
	fflush(stdout);
	while (signals_seen < 2)
		;
	getrlimit(RLIMIT_RTTIME, &limit);
	printf("and now %lu us\n", (unsigned long)limit.rlim_cur);
	fflush(stdout);
	_exit(0);
}

// Time counts from the last sleep.
static void sleep_between(void)
{
	limit_rttime(200000, 200000, SCHED_FIFO);
	for (int i = 0; i < 10; i++) {
		long until = read_ms(CLOCK_PROCESS_CPUTIME_ID) + 60;

		while (read_ms(CLOCK_PROCESS_CPUTIME_ID) < until)
			;
		usleep(2000);
	}
	_exit(7);
}

static void spin_ordinary(void)
{
	limit_rttime(50000, 50000, SCHED_OTHER);
	while (read_ms(CLOCK_PROCESS_CPUTIME_ID) < 200)
		;
	_exit(8);
}

ABI_TEST(cpu_clocks, rttime)
{
	static void (*const runs[])(void) = {spin_past_soft, spin_round_robin, spin_past_hard,
					     see_soft_only,  sleep_between,    spin_ordinary};

	for (unsigned i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		printf("run %u\n", i);
		abi_reap(start(runs[i]));
	}
}

// --- /proc/PID/timers ---

static void show_file(const char *name)
{
	char line[200];
	FILE *file = fopen(name, "r");

	if (!file) {
		printf("%s\n", strerrorname_np(errno));
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		char *number = strncmp(line, "notify:", 7) ? NULL : strchr(line, '.');

		if (number)
			printf("%.*s.%s\n", (int)(number - line), line,
			       atoi(number + 1) == getpid() ? "self" : "other");
		else
			fputs(line, stdout);
	}
	fclose(file);
}

ABI_TEST(cpu_clocks, proc_timers)
{
	static const int notify[] = {SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID};
	static const int clocks[] = {CLOCK_REALTIME,
				     CLOCK_MONOTONIC,
				     CLOCK_BOOTTIME,
				     CLOCK_TAI,
				     CLOCK_PROCESS_CPUTIME_ID,
				     CLOCK_THREAD_CPUTIME_ID,
				     -6};
	struct itimerspec spec = {{0, 0}, {1000, 0}};
	struct stat stat_of;
	char name[40];
	int ids[7], other;

	show_file("/proc/self/timers");
	R(stat("/proc/self/timers", &stat_of));
	printf("mode %o\n", stat_of.st_mode);
	for (int i = 0; i < 7; i++) {
		struct sigevent event = {.sigev_notify = notify[i % 4], .sigev_signo = SIGUSR1 + i};

		event.sigev_value.sival_ptr = (void *)(0x123456789abul * i);
		event._sigev_un._tid = getpid();
		R(syscall(SYS_timer_create, clocks[i], &event, &ids[i]));
	}
	R(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &other));
	R(syscall(SYS_timer_settime, ids[1], 0, &spec, NULL));
	show_file("/proc/self/timers");
	R(syscall(SYS_timer_delete, ids[2]));
	R(syscall(SYS_timer_delete, other));
	show_file("/proc/self/timers");
	R(open("/proc/self/timers", O_WRONLY) >= 0);

	// Children have none, and what is gone has no file.
	pid_t pid = start(idle);
	snprintf(name, sizeof(name), "/proc/%d/timers", pid);
	show_file(name);
	end(pid);
	show_file(name);
}

// --- adjtimex ---

static void show_timex(const struct timex *timex)
{
	printf("modes %x status %x constant %ld precision %ld tolerance %ld tick %ld\n",
	       timex->modes, timex->status, timex->constant, timex->precision, timex->tolerance,
	       timex->tick);
	printf("offset %ld freq %ld ppsfreq %ld jitter %ld shift %d stabil %ld tai %d\n",
	       timex->offset, timex->freq, timex->ppsfreq, timex->jitter, timex->shift,
	       timex->stabil, timex->tai);
	printf("counts %ld %ld %ld %ld\n", timex->jitcnt, timex->calcnt, timex->errcnt,
	       timex->stbcnt);
	printf("micro %d\n", timex->time.tv_usec < 1000000);
}

ABI_TEST(cpu_clocks, clock_state)
{
	static const int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 99, -1, -2, -6, -5};
	struct timex timex = {0};

	R(syscall(SYS_adjtimex, &timex));
	show_timex(&timex);
	R(syscall(SYS_adjtimex, BAD));
	timex = (struct timex){.modes = ADJ_OFFSET_SS_READ};
	R(syscall(SYS_adjtimex, &timex));
	show_timex(&timex);
	timex = (struct timex){.modes = ADJ_OFFSET_SINGLESHOT}; // adjtime(3) of nothing
	R(syscall(SYS_adjtimex, &timex));
	show_timex(&timex);
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		timex = (struct timex){0};
		printf("clock %d: ", clocks[i]);
		R(syscall(SYS_clock_adjtime, clocks[i], &timex));
	}
	R(syscall(SYS_clock_adjtime, 0, BAD));
	R(syscall(SYS_clock_adjtime, 99, BAD));
	timex = (struct timex){.modes = ADJ_SETOFFSET, .time = {0, 1000000}};
	R(syscall(SYS_adjtimex, &timex));
	timex = (struct timex){.modes = ADJ_SETOFFSET, .time = {0, -1}};
	R(syscall(SYS_adjtimex, &timex));
	timex = (struct timex){.modes = ADJ_SETOFFSET | ADJ_NANO, .time = {0, 1000000000}};
	R(syscall(SYS_adjtimex, &timex));
	R(setuid(1000));
	timex = (struct timex){.modes = ADJ_SETOFFSET};
	R(syscall(SYS_adjtimex, &timex));
	timex = (struct timex){.modes = ADJ_FREQUENCY};
	R(syscall(SYS_adjtimex, &timex));
	timex = (struct timex){0};
	R(syscall(SYS_adjtimex, &timex));
}
