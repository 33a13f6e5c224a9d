// Storms of signals: threads, forks and signals at once on several harts. Every delivery of a real-time
// signal is counted: none may be lost, none come twice.

#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define SENDERS     4
#define TAKERS      3
#define EACH        300 // signals of each sender
#define IN_FLIGHT   64  // at most so many are queued: below any limit
#define STORM       (SIGRTMIN + 2)
#define PAUSES_MAX  1000 // of 10 ms, until what is missing counts as lost
#define SIGNAL_MANY (SENDERS * EACH)

static atomic_uchar seen[SIGNAL_MANY];
static atomic_int taken, wrong_info;

static void note(const siginfo_t *info)
{
	int value = info->si_value.sival_int;

	if (info->si_code != SI_QUEUE || value < 0 || value >= SIGNAL_MANY)
		atomic_fetch_add(&wrong_info, 1);
	else
		atomic_fetch_add(&seen[value], 1);
	atomic_fetch_add(&taken, 1);
}

static void storm_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	note(info);
}

static void reset(void)
{
	for (int i = 0; i < SIGNAL_MANY; i++)
		seen[i] = 0;
	taken = wrong_info = 0;
}

// Waits until `count` were taken, and then a little for some that are too many.
static void wait_taken(int count)
{
	struct timespec pause = {0, 10000000};

	for (int i = 0; i < PAUSES_MAX && taken < count; i++)
		nanosleep(&pause, NULL);
	nanosleep(&pause, NULL);
}

static void report(const char *what)
{
	int lost = 0, doubled = 0;

	for (int i = 0; i < SIGNAL_MANY; i++) {
		lost += seen[i] == 0;
		doubled += seen[i] > 1;
	}
	printf("%s: %d taken, %d lost, %d doubled, %d with wrong information\n", what, (int)taken,
	       lost, doubled, (int)wrong_info);
}

static void set_storm(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, STORM);
	pthread_sigmask(how, &set, NULL);
}

static void set_handler(int flags)
{
	struct sigaction action = {.sa_sigaction = storm_handler, .sa_flags = SA_SIGINFO | flags};

	sigaction(STORM, &action, NULL);
}

// --- Who sends ---

static pid_t target;
static pthread_t threads[TAKERS];
static int to_threads; // round robin to the threads, not to the process
static atomic_int failed;

static void send_one(int number)
{
	union sigval value = {.sival_int = number};

	for (int i = 0; i < PAUSES_MAX * 100; i++) {
		int error = to_threads ? pthread_sigqueue(threads[number % TAKERS], STORM, value)
			    : sigqueue(target, STORM, value) ? errno
							     : 0;
		if (!error)
			return;
		if (error != EAGAIN)
			break;
		sched_yield();
	}
	atomic_fetch_add(&failed, 1);
}

static void *sender(void *arg)
{
	int number = (int)(long)arg;

	set_storm(SIG_BLOCK);
	for (int i = 0; i < EACH; i++) {
		send_one(number * EACH + i);
		// A sender in the same process sees how far the takers are.
		for (int n = 0; target == getpid() && n < 200 && i > 0 &&
				(i + 1) * SENDERS - taken > IN_FLIGHT * SENDERS;
		     n++)
			sched_yield();
	}
	return NULL;
}

static atomic_int stop;

// Is interrupted all the time, between blocking and not blocking.
static void *handling_taker(void *arg)
{
	(void)arg;
	set_storm(SIG_UNBLOCK);
	while (!stop) {
		set_storm(SIG_BLOCK);
		sched_yield();
		set_storm(SIG_UNBLOCK);
	}
	set_storm(SIG_BLOCK);
	return NULL;
}

static void *waiting_taker(void *arg)
{
	struct timespec short_time = {0, 5000000};
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, STORM);
	while (!stop) {
		siginfo_t info;

		if (sigtimedwait(&set, &info, &short_time) == STORM)
			note(&info);
	}
	return NULL;
}

// Forks without end; a child must not see what was sent to its parent.
static atomic_int forks, children_hit;

static void *forker(void *arg)
{
	(void)arg;
	for (int i = 0; i < 40 && !stop; i++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			sigset_t pending;

			sigpending(&pending);
			_exit(sigismember(&pending, STORM));
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			atomic_fetch_add(&children_hit, 1);
		atomic_fetch_add(&forks, 1);
	}
	return NULL;
}

static void run_threads(void *(*take)(void *), const char *what)
{
	pthread_t senders[SENDERS], fork_thread;

	reset();
	stop = failed = forks = children_hit = 0;
	target = getpid();
	set_storm(SIG_BLOCK);
	for (int i = 0; i < TAKERS; i++)
		pthread_create(&threads[i], NULL, take, NULL);
	pthread_create(&fork_thread, NULL, forker, NULL);
	for (int i = 0; i < SENDERS; i++)
		pthread_create(&senders[i], NULL, sender, (void *)(long)i);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i], NULL);
	wait_taken(SIGNAL_MANY);
	stop = 1;
	for (int i = 0; i < TAKERS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(fork_thread, NULL);
	report(what);
	printf("%d not sent, %d children were hit, %s\n", (int)failed, (int)children_hit,
	       forks ? "forks went on" : "no fork at all");
}

ABI_TEST(signal_storm, process_to_handlers)
{
	set_handler(SA_RESTART);
	to_threads = 0;
	run_threads(handling_taker, "to the process, handlers");
}

ABI_TEST(signal_storm, process_to_waiters)
{
	set_handler(SA_RESTART);
	to_threads = 0;
	run_threads(waiting_taker, "to the process, sigtimedwait");
}

ABI_TEST(signal_storm, threads_to_handlers)
{
	set_handler(SA_RESTART);
	to_threads = 1;
	run_threads(handling_taker, "to threads, handlers");
}

// --- From other processes ---

static void sending_process(int number)
{
	struct timespec pause = {0, 1000000};

	for (int i = 0; i < EACH; i++) {
		send_one(number * EACH + i);
		if (i % 16 == 15)
			nanosleep(&pause, NULL);
	}
	_exit(failed != 0);
}

ABI_TEST(signal_storm, from_processes)
{
	pid_t senders[SENDERS];
	pthread_t takers[TAKERS];

	reset();
	stop = failed = to_threads = 0;
	set_handler(0);
	set_storm(SIG_BLOCK);
	target = getpid();
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = fork();
		if (senders[i] == 0)
			sending_process(i);
	}
	for (int i = 0; i < TAKERS; i++)
		pthread_create(&takers[i], NULL, i ? handling_taker : waiting_taker, NULL);
	for (int i = 0; i < SENDERS; i++)
		abi_reap(senders[i]);
	wait_taken(SIGNAL_MANY);
	stop = 1;
	for (int i = 0; i < TAKERS; i++)
		pthread_join(takers[i], NULL);
	report("from processes");
}

// Real-time signals of one number from one sender stay in order, whatever else goes on.
static atomic_int last_value, out_of_order;

static void order_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	if (info->si_value.sival_int != last_value + 1)
		atomic_fetch_add(&out_of_order, 1);
	last_value = info->si_value.sival_int;
}

ABI_TEST(signal_storm, order)
{
	struct sigaction action = {.sa_sigaction = order_handler, .sa_flags = SA_SIGINFO};
	struct timespec pause = {0, 10000000};

	last_value = -1;
	out_of_order = failed = to_threads = 0;
	sigaction(STORM, &action, NULL);
	target = getpid();
	set_storm(SIG_BLOCK);
	pid_t pid = fork();
	if (pid == 0)
		sending_process(0);
	set_storm(SIG_UNBLOCK);
	for (int i = 0; i < PAUSES_MAX && last_value < EACH - 1; i++)
		nanosleep(&pause, NULL);
	set_storm(SIG_BLOCK);
	abi_reap(pid);
	printf("the last is %d, %d out of order\n", (int)last_value, (int)out_of_order);
	signal(STORM, SIG_IGN);
}
