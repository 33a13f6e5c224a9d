// Faults in what signals take memory for: entries of a queue, POSIX timers, signalfds.

#include "fault.h"
#include <sys/signalfd.h>
#include <time.h>

static const int no_memory[] = {ENOMEM, ENFILE, EAGAIN, 0};

static sigset_t one_signal(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return set;
}

static void close_it(void *arg, long fd)
{
	(void)arg;
	close(fd);
}

// --- Queueing ---

static long queue_call(void *arg)
{
	return sigqueue(getpid(), *(int *)arg, (union sigval){.sival_int = 7});
}

static long kill_call(void *arg)
{
	return kill(getpid(), *(int *)arg);
}

// What was sent must be there, whole, and nothing besides.
static void take(void *arg, int code)
{
	sigset_t set = one_signal(*(int *)arg);
	struct timespec none = {0, 0};
	siginfo_t info;

	if (sigtimedwait(&set, &info, &none) != *(int *)arg)
		fault_wrong("a signal that was sent did not come");
	else if (info.si_code != code || info.si_pid != getpid())
		fault_wrong("a signal came with code %d", info.si_code);
	if (sigtimedwait(&set, &info, &none) >= 0)
		fault_wrong("a signal came twice");
}

static void queue_undo(void *arg, long result)
{
	(void)result;
	take(arg, SI_QUEUE);
}

static void kill_undo(void *arg, long result)
{
	(void)result;
	take(arg, SI_USER);
}

// After a call that failed as well as after one that worked and whose signal was taken.
static void nothing_pends(void *arg)
{
	sigset_t set;

	(void)arg;
	sigpending(&set);
	if (!sigisemptyset(&set))
		fault_wrong("a call that failed left a signal");
}

FAULT_TEST(signals, queue)
{
	struct fault_call queues = {.call = queue_call,
				    .undo = queue_undo,
				    .tidy = nothing_pends,
				    .errors = FAULT_ERRORS(EAGAIN)};
	struct fault_call kills = {.call = kill_call,
				   .undo = kill_undo,
				   .tidy = nothing_pends,
				   .errors = FAULT_ERRORS(EAGAIN)};
	int usual = SIGUSR1, real_time = SIGRTMIN + 3;
	sigset_t set = one_signal(usual);

	sigaddset(&set, real_time);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fault_replay("sigqueue(SIGRTMIN)", &queues, &real_time);
	fault_replay("sigqueue(SIGUSR1)", &queues, &usual);
	fault_replay("kill(SIGRTMIN)", &kills, &real_time);
	fault_replay("kill(SIGUSR1)", &kills, &usual);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

// --- Timers ---

static int timer_made; // its number in the kernel

static long timer_call(void *arg)
{
	return syscall(SYS_timer_create, *(int *)arg, NULL, &timer_made);
}

static void timer_undo(void *arg, long result)
{
	(void)arg;
	(void)result;
	syscall(SYS_timer_delete, timer_made);
}

static long settime_call(void *arg)
{
	struct itimerspec far = {.it_value = {1000, 0}}, old;

	return syscall(SYS_timer_settime, *(int *)arg, 0, &far, &old);
}

FAULT_TEST(signals, timers)
{
	struct fault_call create = {.call = timer_call, .undo = timer_undo, .errors = no_memory};
	struct fault_call set = {.call = settime_call, .errors = no_memory};
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
				     CLOCK_THREAD_CPUTIME_ID};

	for (int i = 0; i < 4; i++) {
		char what[40];

		snprintf(what, sizeof(what), "timer_create(%d)", clocks[i]);
		fault_replay(what, &create, (void *)&clocks[i]);
		if (timer_call((void *)&clocks[i]))
			fault_wrong("no timer of clock %d", clocks[i]);
		snprintf(what, sizeof(what), "timer_settime(%d)", clocks[i]);
		fault_replay(what, &set, &timer_made);
		timer_undo(NULL, 0);
	}
}

// --- signalfd ---

static long signalfd_call(void *arg)
{
	return signalfd(-1, arg, SFD_NONBLOCK);
}

static long change_call(void *arg)
{
	sigset_t set = one_signal(SIGUSR2);

	return signalfd(*(int *)arg, &set, 0);
}

FAULT_TEST(signals, signalfd)
{
	struct fault_call create = {.call = signalfd_call, .undo = close_it, .errors = no_memory};
	struct fault_call change = {.call = change_call, .errors = no_memory};
	sigset_t set = one_signal(SIGUSR1);

	fault_replay("signalfd(-1)", &create, &set);
	int fd = signalfd_call(&set);
	fault_replay("signalfd(fd)", &change, &fd);
	close(fd);
}
