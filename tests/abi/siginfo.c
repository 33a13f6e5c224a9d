// What a signal says of where it comes from, for each source; which thread takes it; and what init and
// forks see of signals. See sigaction(2).

#include <mqueue.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "abi.h"

static volatile int count;
static siginfo_t got;
static pid_t got_by;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	got = *info;
	got_by = syscall(SYS_gettid);
	count++;
}

static void catch (int sig)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigaction(sig, &action, NULL);
}

static void until_count(int value)
{
	for (int i = 0; i < 2000 && count < value; i++)
		usleep(1000);
}

static void show(const char *what)
{
	until_count(1);
	printf("%s: %s", what, count ? sigabbrev_np(got.si_signo) ?: "RT" : "none");
	if (count)
		printf(" errno %d code %d pid %s uid %d value %d", got.si_errno, got.si_code,
		       got.si_pid == getpid()    ? "own"
		       : got.si_pid == getppid() ? "parent"
		       : got.si_pid              ? "other"
						 : "0",
		       got.si_uid, got.si_value.sival_int);
	printf(", %d\n", count);
	count = 0;
}

ABI_TEST(siginfo, sent)
{
	catch (SIGUSR1);
	catch (SIGRTMIN);
	kill(getpid(), SIGUSR1);
	show("kill");
	kill(0, SIGUSR1);
	show("kill of the group");
	raise(SIGUSR1);
	show("raise");
	syscall(SYS_tkill, getpid(), SIGUSR1);
	show("tkill");
	kill(getpid(), SIGRTMIN);
	show("kill, real-time");
	sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 7});
	show("sigqueue");
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 8});
	show("sigqueue, real-time");
	pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){.sival_int = 9});
	show("to a thread");
	siginfo_t info = {.si_signo = 99, .si_code = -60, .si_errno = 5};
	info.si_value.sival_int = 10;
	syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info);
	show("own code");
	info.si_code = SI_USER;
	syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info);
	show("pretended kill");
	pid_t pid = fork();
	if (!pid) {
		setresuid(1000, 2000, 1000);
		R(kill(getppid(), SIGUSR1));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pid = fork();
	if (!pid) {
		setresuid(0, 0, 0);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show("from a child");
}

ABI_TEST(siginfo, timers)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 77};
	struct itimerspec once = {.it_value.tv_nsec = 1000000};
	struct itimerval soon = {.it_value.tv_usec = 1000};
	timer_t timer;

	catch (SIGUSR2);
	catch (SIGALRM);
	catch (SIGVTALRM);
	catch (SIGPROF);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &once, NULL);
	until_count(1);
	printf("timer: code %d value %d overrun %d, timer %s\n", got.si_code,
	       got.si_value.sival_int, got.si_overrun, got.si_timerid >= 0 ? "named" : "?");
	count = 0;
	timer_delete(timer);
	setitimer(ITIMER_REAL, &soon, NULL);
	show("ITIMER_REAL");
	setitimer(ITIMER_VIRTUAL, &soon, NULL);
	for (volatile long i = 0; i < 1000000000 && !count; i++)
		;
	show("ITIMER_VIRTUAL");
	setitimer(ITIMER_PROF, &soon, NULL);
	for (volatile long i = 0; i < 1000000000 && !count; i++)
		;
	show("ITIMER_PROF");
	alarm(1);
	show("alarm");
}

ABI_TEST(siginfo, kernel)
{
	int ends[2], master, slave;
	mqd_t mq = mq_open("/siginfo", O_RDWR | O_CREAT, 0600,
			   &(struct mq_attr){.mq_maxmsg = 2, .mq_msgsize = 10});
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 5};

	catch (SIGUSR1);
	catch (SIGPIPE);
	catch (SIGXFSZ);
	catch (SIGXCPU);
	catch (SIGWINCH);
	catch (SIGHUP);
	mq_notify(mq, &event);
	mq_send(mq, "x", 1, 0);
	show("mq_notify");
	mq_unlink("/siginfo");
	pipe(ends);
	close(ends[0]);
	R(write(ends[1], "x", 1));
	show("broken pipe");
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){10, RLIM_INFINITY});
	int file = open("big", O_RDWR | O_CREAT, 0600);
	R(pwrite(file, "x", 1, 10));
	show("file size");
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
	setsid();
	openpty(&master, &slave, NULL, NULL, NULL);
	ioctl(slave, TIOCSCTTY, 0);
	ioctl(master, TIOCSWINSZ, &(struct winsize){10, 20, 0, 0});
	show("window size");
	catch (SIGINT);
	write(master, "\3", 1);
	show("key");
	close(master);
	show("hang-up");
	pid_t pid = fork();
	if (!pid) {
		int up[2];
		pipe(up);
		pid_t inner = fork();
		if (!inner) {
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(up[1], "x", 1);
			show("death of the parent");
			fflush(stdout);
			_exit(0);
		}
		char byte;
		prctl(PR_SET_CHILD_SUBREAPER, 0);
		read(up[0], &byte, 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	usleep(100000);
	setrlimit(RLIMIT_CPU, &(struct rlimit){1, 3});
	for (volatile long i = 0; i < 4000000000 && !count; i++)
		;
	show("processor time");
}

// --- Which thread ---

static volatile int ready, stop;
static volatile pid_t tids[3];
static sigset_t one;

static void *blocking_thread(void *arg)
{
	pthread_sigmask(SIG_BLOCK, &one, NULL);
	tids[(long)arg] = syscall(SYS_gettid);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (!stop)
		usleep(2000);
	return NULL;
}

static void *open_thread(void *arg)
{
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	tids[(long)arg] = syscall(SYS_gettid);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (!stop)
		usleep(2000);
	return NULL;
}

static void *waiting_thread(void *arg)
{
	siginfo_t info;

	pthread_sigmask(SIG_BLOCK, &one, NULL);
	tids[(long)arg] = syscall(SYS_gettid);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	printf("sigwaitinfo %s\n", sigwaitinfo(&one, &info) == SIGUSR1 ? "took it" : "failed");
	return NULL;
}

static const char *who(void)
{
	if (got_by == getpid())
		return "the first thread";
	for (int i = 0; i < 3; i++)
		if (got_by == tids[i])
			return (const char *[]){"thread 0", "thread 1", "thread 2"}[i];
	return "nobody";
}

static void start(pthread_t *threads, void *(*a)(void *), void *(*b)(void *))
{
	ready = stop = 0;
	pthread_create(&threads[0], NULL, a, (void *)0);
	pthread_create(&threads[1], NULL, b, (void *)1);
	for (int i = 0; i < 2000 && ready < 2; i++)
		usleep(1000);
	usleep(20000);
}

static void finish(pthread_t *threads)
{
	stop = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	got_by = 0;
	count = 0;
}

static void send_and_show(const char *what)
{
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 50 && !count; i++)
		usleep(1000);
	printf("%s: %s\n", what, who());
	got_by = 0;
	count = 0;
}

ABI_TEST(siginfo, thread_choice)
{
	pthread_t threads[2];

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	catch (SIGUSR1);
	start(threads, open_thread, open_thread);
	send_and_show("nobody blocks");
	sigprocmask(SIG_BLOCK, &one, NULL);
	kill(tids[1], SIGUSR1); // a thread's number is its process here
	until_count(1);
	printf("kill to a thread's number: %s\n",
	       count && got_by != getpid() ? "one that can" : who());
	count = 0;
	finish(threads);
	start(threads, blocking_thread, open_thread);
	send_and_show("two of three block");
	syscall(SYS_tgkill, getpid(), tids[0], SIGUSR1);
	usleep(20000);
	printf("tgkill to one that blocks: %s\n", who());
	finish(threads);
	start(threads, blocking_thread, blocking_thread);
	send_and_show("all block");
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	printf("then unblocks: %s\n", who());
	sigprocmask(SIG_BLOCK, &one, NULL);
	finish(threads);
	start(threads, blocking_thread, waiting_thread);
	send_and_show("one waits for it");
	pthread_join(threads[1], NULL);
	stop = 1;
	pthread_join(threads[0], NULL);
}

// A thread that was chosen, and blocks the signal before it takes it, gives it to another.
static void *flipping_thread(void *arg)
{
	while (!stop) {
		pthread_sigmask(SIG_BLOCK, &one, NULL);
		pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	}
	return NULL;
}

ABI_TEST(siginfo, handed_on)
{
	pthread_t threads[2];
	int lost = 0;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	catch (SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, NULL);
	pthread_create(&threads[0], NULL, flipping_thread, NULL);
	pthread_create(&threads[1], NULL, flipping_thread, NULL);
	for (int i = 0; i < 500; i++) {
		count = 0;
		kill(getpid(), SIGUSR1);
		for (int n = 0; n < 3000 && !count; n++)
			usleep(100);
		lost += !count;
	}
	finish(threads);
	printf("lost %d\n", lost);
}

// --- Init of a pid namespace ---

static volatile int *shared;

static void on_hup(int sig)
{
	shared[1]++;
}

static int in_namespace(void (*body)(void))
{
	fflush(stdout);
	pid_t pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		body();
		fflush(stdout);
		_exit(3);
	}
	return pid;
}

static void init_body(void)
{
	static const int sigs[] = {SIGTERM, SIGKILL, SIGSTOP, SIGSEGV, SIGALRM, SIGQUIT, SIGTSTP};
	siginfo_t info;

	for (int i = 0; i < 7; i++)
		kill(getpid(), sigs[i]);
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 7; i++)
			kill(1, sigs[i]);
		_exit(0);
	}
	abi_reap(pid);
	printf("init lives\n");
	signal(SIGHUP, on_hup);
	kill(getpid(), SIGHUP);
	printf("handled %d\n", shared[1]);
	fflush(stdout);
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR1, &action, NULL);
	shared[0] = 1;
	while (!count)
		usleep(1000);
	printf("from outside: pid %d uid %d code %d\n", got.si_pid, got.si_uid, got.si_code);
	fflush(stdout);
	shared[0] = 2;
	(void)info;
	for (;;)
		pause();
}

static void faulting_body(void)
{
	*(volatile int *)BAD = 1;
}
static void aborting_body(void)
{
	abort();
}

ABI_TEST(siginfo, init)
{
	static const int harmless[] = {SIGTERM, SIGSEGV, SIGALRM, SIGTSTP};
	siginfo_t info = {0};

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = in_namespace(init_body);
	for (int i = 0; i < 3000 && !shared[0]; i++)
		usleep(1000);
	kill(pid, SIGUSR1);
	for (int i = 0; i < 3000 && shared[0] < 2; i++)
		usleep(1000);
	for (int i = 0; i < 4; i++)
		kill(pid, harmless[i]);
	usleep(20000);
	waitid(P_PID, pid, &info, WEXITED | WSTOPPED | WNOHANG);
	printf("after signals from outside: %s\n", info.si_pid ? "changed" : "lives");
	kill(pid, SIGSTOP);
	waitid(P_PID, pid, &info, WEXITED | WSTOPPED);
	printf("SIGSTOP from outside: code %d status %d\n", info.si_code, info.si_status);
	kill(pid, SIGCONT);
	kill(pid, SIGKILL);
	abi_reap(pid);
	abi_reap(in_namespace(faulting_body));
	abi_reap(in_namespace(aborting_body));
}

// --- Forks ---

// Whoever is in the group when a signal is sent to it gets it, and a child that is made meanwhile too:
// its memory has what its parent had counted, the rest it gets itself. (What comes during a fork has
// no information of its own, and is one with the next of its kind; so there are many kinds.)
#define KINDS    30
#define SIGNALS  600
#define CHILDREN 4 // at a time

static volatile int seen;
static pid_t forker_pid;
static struct {
	volatile int ready, parent_seen, sent, lost, checked;
} * forks;

static void on_count(int sig)
{
	seen++;
	if (getpid() == forker_pid)
		forks->parent_seen = seen;
}

// A child lives until some more were sent, and must have them all.
static void forked_child(void)
{
	int more = 1 + getpid() % 4, target = seen + more < SIGNALS ? seen + more : SIGNALS;

	while (forks->sent < target)
		sched_yield();
	target = forks->sent;
	for (int n = 0; n < 2000 && seen < target; n++)
		usleep(500);
	if (seen < target)
		__atomic_add_fetch(&forks->lost, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&forks->checked, 1, __ATOMIC_SEQ_CST);
	_exit(0);
}

static void forker(void)
{
	struct sigaction action = {.sa_handler = on_count, .sa_flags = SA_RESTART};
	int children = 0;

	forker_pid = getpid();
	setpgid(0, 0);
	sigfillset(&action.sa_mask);
	for (int i = 0; i < KINDS; i++)
		sigaction(SIGRTMIN + i, &action, NULL);
	forks->ready = 1;
	while (seen < SIGNALS) {
		if (children < CHILDREN && ++children && fork() == 0)
			forked_child();
		while (children && waitpid(-1, NULL, children < CHILDREN ? WNOHANG : 0) > 0)
			children--;
	}
	while (children && waitpid(-1, NULL, 0) > 0)
		children--;
	_exit(0);
}

ABI_TEST(siginfo, fork_and_group)
{
	forks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	if (!pid)
		forker();
	while (!forks->ready)
		usleep(100);
	for (int i = 0; i < SIGNALS; i++) {
		kill(-pid, SIGRTMIN + i % KINDS);
		forks->sent = i + 1;
		for (int n = 0; n < 50000 && forks->parent_seen < i; n++)
			sched_yield();
		// Not so fast that there is no time to fork; children wait for signals, though.
		for (int n = 0; n < 50 && forks->checked * 15 < i; n++)
			usleep(100);
	}
	abi_reap(pid);
	printf("parent counted %d, children lost some: %d, %s\n", forks->parent_seen, forks->lost,
	       forks->checked > 20 ? "many were checked" : "too few");
}

// The same where the parent blocks the signal, so that it does not start its fork again: what is sent to
// the group while the fork is under way has to be pending in both. The fork is made to last (many
// areas), and the sender fires well within it; whether it was within is seen from the times. A machine
// that stops in between makes a few of them seem to be within that were not.
#define AREAS  4000
#define ROUNDS 60

static struct {
	volatile int round, sent;
	volatile long long sent_at, delay;
	volatile int has;
} * window;

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void fire(pid_t group)
{
	for (int round = 1; round <= ROUNDS; round++) {
		while (window->round < round)
			;
		for (long long until = now_ns() + window->delay; now_ns() < until;)
			;
		window->sent_at = now_ns();
		kill(-group, SIGUSR1);
		window->sent = round;
	}
	_exit(0);
}

// A fork whose child says whether the signal of this round waits for it. How long the call took.
static long long fork_once(int round)
{
	sigset_t pending;
	long long start = now_ns();

	window->round = round;
	pid_t pid = fork();
	long long took = now_ns() - start;

	if (!pid) {
		while (window->sent < round)
			sched_yield();
		sigpending(&pending);
		window->has = sigismember(&pending, SIGUSR1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return took;
}

ABI_TEST(siginfo, group_signal_within_fork)
{
	long page = sysconf(_SC_PAGESIZE);
	char *areas = mmap(NULL, 2 * AREAS * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec soon = {1, 0};
	int within = 0, missed = 0;
	sigset_t set;

	window = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < AREAS; i++) {
		areas[2 * i * page] = 1;
		mprotect(areas + 2 * i * page, page, PROT_READ);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	long long lasts = fork_once(0);
	for (int i = 0; i < 4; i++) {
		long long took = fork_once(0);

		lasts = took < lasts ? took : lasts;
	}
	pid_t group = getpid();
	pid_t sender = fork();

	if (!sender) {
		setpgid(0, 0);
		fire(group);
	}
	setpgid(sender, sender);
	for (int round = 1; round <= ROUNDS; round++) {
		long long start = now_ns();

		window->delay = lasts / 3 + lasts * (round % 10) / 20;
		fork_once(round);
		sigtimedwait(&set, NULL, &soon); // the parent's own
		if (window->sent_at > start + lasts / 4) {
			within++;
			missed += !window->has;
		}
	}
	abi_reap(sender);
	printf("%s within, %s of them missed\n", within > ROUNDS / 3 ? "enough" : "too few",
	       missed * 4 < within ? "hardly any" : "many");
}

// What waits for the parent alone is not the child's.
ABI_TEST(siginfo, not_inherited)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR2);
	pid_t pid = fork();
	if (!pid) {
		sigpending(&pending);
		printf("child: pending %d %d\n", sigismember(&pending, SIGUSR1),
		       sigismember(&pending, SIGUSR2));
		sigprocmask(SIG_BLOCK, NULL, &pending);
		printf("child: blocked %d %d\n", sigismember(&pending, SIGUSR1),
		       sigismember(&pending, SIGUSR2));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	sigpending(&pending);
	printf("parent: pending %d %d\n", sigismember(&pending, SIGUSR1),
	       sigismember(&pending, SIGUSR2));
}
