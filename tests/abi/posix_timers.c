// timer_create(2) and its kin, setitimer(2), timerfd: what they return and what signals they send.

#include "abi.h"
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static volatile int count;
static volatile siginfo_t seen;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	count++;
	*(siginfo_t *)&seen = *info;
}

static void catch (int sig)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigaction(sig, &action, NULL);
}

static long create(int clock, struct sigevent *event, int *id)
{
	return syscall(SYS_timer_create, clock, event, id);
}

static long set(int id, int flags, long value_ms, long interval_ms)
{
	struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
				  {value_ms / 1000, value_ms % 1000 * 1000000}};

	return syscall(SYS_timer_settime, id, flags, &spec, NULL);
}

static void show_left(int id)
{
	struct itimerspec now;

	R(syscall(SYS_timer_gettime, id, &now));
	printf("left %s, interval %ld ms\n",
	       now.it_value.tv_sec || now.it_value.tv_nsec ? "some" : "none",
	       now.it_interval.tv_sec * 1000 + now.it_interval.tv_nsec / 1000000);
}

static void burn(int ms)
{
	struct timespec a, b;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < ms);
}

ABI_TEST(posix_timers, making)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	static const int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, -1, -2, -6};
	int id = -1;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		printf("clock %d: ", clocks[i]);
		OK(create(clocks[i], &event, &id));
	}
	R(create(1, BAD, &id));
	R(create(1, &event, BAD));
	event.sigev_signo = 0;
	R(create(1, &event, &id));
	event.sigev_signo = 65;
	R(create(1, &event, &id));
	event.sigev_notify = SIGEV_NONE;
	OK(create(1, &event, &id));
	event.sigev_notify = 77;
	R(create(1, &event, &id));
	event.sigev_signo = SIGUSR1;
	event.sigev_notify = SIGEV_THREAD_ID;
	event._sigev_un._tid = 1;
	R(create(1, &event, &id));
	event._sigev_un._tid = getpid();
	OK(create(1, &event, &id));
	R(syscall(SYS_timer_delete, id));
	R(syscall(SYS_timer_delete, id));
	R(set(id, 0, 1, 1));
	R(syscall(SYS_timer_getoverrun, id));
	R(syscall(SYS_timer_gettime, -1, BAD));
	R(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	R(syscall(SYS_timer_settime, id, 0, BAD, NULL));
}

ABI_TEST(posix_timers, fire)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID,
			CLOCK_THREAD_CPUTIME_ID};
	int id;

	event.sigev_value.sival_int = 4711;
	catch (SIGUSR1);
	for (int i = 0; i < 5; i++) {
		count = 0;
		create(clocks[i], &event, &id);
		show_left(id);
		R(set(id, 0, 20, 0));
		show_left(id);
		while (!count)
			burn(1);
		printf("clock %d: count %d code %d value %d overrun %d id %d\n", clocks[i], count,
		       seen.si_code, seen.si_value.sival_int, seen.si_overrun,
		       seen.si_timerid == id);
		show_left(id);
		R(syscall(SYS_timer_getoverrun, id));
		R(syscall(SYS_timer_delete, id));
	}
}

ABI_TEST(posix_timers, overrun)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
	struct timespec wait = {0, 60000000}, none = {0, 0};
	sigset_t set_of;
	siginfo_t info;
	int id;

	sigemptyset(&set_of);
	sigaddset(&set_of, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set_of, NULL);
	create(CLOCK_MONOTONIC, &event, &id);
	R(set(id, 0, 10, 10));
	nanosleep(&wait, NULL);
	printf("same signal: %d\n", sigtimedwait(&set_of, &info, &wait) == SIGRTMIN + 3);
	printf("overran: %d\n", info.si_overrun >= 4);
	printf("told: %d\n", syscall(SYS_timer_getoverrun, id) == info.si_overrun);
	show_left(id);
	nanosleep(&wait, NULL);
	// Set anew or deleted: what waits is thrown away.
	R(set(id, 0, 10000, 0));
	printf("%s\n", sigtimedwait(&set_of, &info, &none) < 0 ? strerrorname_np(errno) : "got");
	R(set(id, 0, 1, 0));
	nanosleep(&wait, NULL);
	R(syscall(SYS_timer_delete, id));
	printf("%s\n", sigtimedwait(&set_of, &info, &none) < 0 ? strerrorname_np(errno) : "got");
}

ABI_TEST(posix_timers, ignored)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct timespec wait = {0, 60000000};
	int id;

	signal(SIGUSR2, SIG_IGN);
	create(CLOCK_MONOTONIC, &event, &id);
	R(set(id, 0, 10, 10));
	nanosleep(&wait, NULL);
	show_left(id);
	catch (SIGUSR2);
	nanosleep(&wait, NULL);
	printf("comes again: %d\n", count > 0);
}

ABI_TEST(posix_timers, fork_exec)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct itimerval value = {{0, 0}, {1000, 0}};
	int id;

	create(CLOCK_MONOTONIC, &event, &id);
	R(set(id, 0, 100000, 0));
	R(setitimer(ITIMER_REAL, &value, NULL));
	R(setitimer(ITIMER_PROF, &value, NULL));
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		R(syscall(SYS_timer_gettime, id, &value));
		for (int i = 0; i < 3; i++) {
			getitimer(i, &value);
			printf("itimer %d: %d\n", i, value.it_value.tv_sec > 0);
		}
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(posix_timers, itimers)
{
	struct itimerval value = {{0, 20000}, {0, 20000}}, old;
	static const int sigs[] = {SIGALRM, SIGVTALRM, SIGPROF};

	for (int which = 0; which < 3; which++) {
		count = 0;
		catch (sigs[which]);
		R(setitimer(which, &value, NULL));
		while (count < 3)
			burn(1);
		printf("which %d: signal %d code %x pid %d\n", which, seen.si_signo == sigs[which],
		       seen.si_code, seen.si_pid);
		R(getitimer(which, &old));
		printf("interval %ld, left in time %d\n", old.it_interval.tv_usec,
		       old.it_value.tv_usec <= 24000);
		R(setitimer(which, NULL, &old));
		printf("interval %ld\n", old.it_interval.tv_usec);
	}
	value.it_value.tv_usec = 1000000;
	R(setitimer(0, &value, NULL));
	R(setitimer(3, &value, NULL));
	R(getitimer(3, &value));
	R(getitimer(0, BAD));
	R(setitimer(0, BAD, NULL));
}

ABI_TEST(posix_timers, cpu_limit)
{
	struct rlimit {
		unsigned long cur, max;
	} limit = {1, 2};

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		syscall(SYS_prlimit64, 0, 0, &limit, NULL);
		for (;;)
			;
	}
	abi_reap(pid);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		catch (SIGXCPU);
		syscall(SYS_prlimit64, 0, 0, &limit, NULL);
		for (;;)
			;
	}
	abi_reap(pid);
}

ABI_TEST(posix_timers, timerfd)
{
	struct itimerspec spec = {{0, 10000000}, {0, 10000000}}, now;
	struct timespec wait = {0, 55000000};
	unsigned long ticks = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	R(timerfd_settime(fd, 0, &spec, NULL));
	R(read(fd, &ticks, 8));
	nanosleep(&wait, NULL);
	R(timerfd_gettime(fd, &now));
	R(read(fd, &ticks, 8));
	printf("ticks %d\n", ticks >= 5);
	R(read(fd, &ticks, 4));
	R(timerfd_settime(fd, 8, &spec, NULL));
	spec.it_value.tv_nsec = 1000000000;
	R(timerfd_settime(fd, 0, &spec, NULL));
	R(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
	R(timerfd_create(CLOCK_BOOTTIME, 1));
}
