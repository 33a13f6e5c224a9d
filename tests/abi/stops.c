// Stopping and continuing: what the parent hears, what becomes of signals that wait, and that all
// threads stop. See signal(7), waitid(2).

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "abi.h"

static volatile int *shared;

static void share(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void until(volatile int *word, int value)
{
	for (int i = 0; i < 2000 && *word < value; i++)
		usleep(1000);
}

static char state_of(pid_t tid)
{
	char path[60], text[300] = "", *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid); // a thread's, too
	int fd = open(path, O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	close(fd);
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

static const char *code_name(int code)
{
	static const char *const names[] = {"?",       "EXITED",  "KILLED",   "DUMPED",
					    "TRAPPED", "STOPPED", "CONTINUED"};
	return code >= 1 && code <= 6 ? names[code] : "?";
}

static void show_wait(const char *what, pid_t pid, int options)
{
	siginfo_t info = {0};

	if (waitid(P_PID, pid, &info, options))
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (!info.si_pid)
		printf("%s: nothing\n", what);
	else
		printf("%s: %s status %d signo %d %s\n", what, code_name(info.si_code),
		       info.si_status, info.si_signo, info.si_pid == pid ? "of the child" : "?");
}

// --- What the parent hears ---

static struct heard {
	int code, status, uid;
	pid_t pid;
	long utime, stime;
} heard[20];
static volatile int heard_count;

static void on_child(int sig, siginfo_t *info, void *context)
{
	if (heard_count < 20)
		heard[heard_count] = (struct heard){info->si_code, info->si_status, info->si_uid,
						    info->si_pid,  info->si_utime,  info->si_stime};
	heard_count++;
}

static void show_heard(pid_t pid, int at_least)
{
	until(&heard_count, at_least);
	usleep(10000);
	for (int i = 0; i < heard_count; i++)
		printf("  heard %s status %d uid %d %s\n", code_name(heard[i].code),
		       heard[i].status, heard[i].uid, heard[i].pid == pid ? "of the child" : "?");
	printf("  %d times\n", heard_count);
	heard_count = 0;
}

static pid_t sleeper(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		signal(SIGCHLD, SIG_DFL);
		for (;;)
			pause();
	}
	return pid;
}

static void stop_with(pid_t pid, int sig)
{
	kill(pid, sig);
	waitpid(pid, NULL, WUNTRACED);
}

static void hear(int flags)
{
	struct sigaction action = {.sa_sigaction = on_child,
				   .sa_flags = SA_SIGINFO | SA_RESTART | flags};
	static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

	sigaction(SIGCHLD, &action, NULL);
	setpgid(0, 0);
	pid_t pid = sleeper();
	for (int i = 0; i < 4; i++) {
		kill(pid, stops[i]);
		show_wait("stop", pid, WSTOPPED | WEXITED);
		show_heard(pid, !(flags & SA_NOCLDSTOP));
		kill(pid, SIGCONT);
		show_wait("continue", pid, WCONTINUED | WEXITED);
		show_heard(pid, !(flags & SA_NOCLDSTOP));
	}
	kill(pid, SIGTERM);
	show_wait("end, looked at", pid, WEXITED | WNOWAIT);
	show_wait("end", pid, WEXITED);
	show_heard(pid, 1);
	show_wait("no more", pid, WEXITED);
}

ABI_TEST(stops, parent_hears)
{
	hear(0);
}
ABI_TEST(stops, parent_hears_not)
{
	hear(SA_NOCLDSTOP);
}

ABI_TEST(stops, exit_codes)
{
	struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigaction(SIGCHLD, &action, NULL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){1 << 20, 1 << 20});
	for (int how = 0; how < 4; how++) {
		pid_t pid = fork();
		if (!pid) {
			if (how == 1)
				kill(getpid(), SIGKILL);
			if (how == 2)
				abort();
			if (how == 3)
				syscall(SYS_exit, 0x1234);
			_exit(300);
		}
		show_wait("end", pid, WEXITED);
		show_heard(pid, 1);
	}
	unlink("core");
}

// The times of what a child has used so far.
ABI_TEST(stops, times)
{
	struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};

	share();
	sigaction(SIGCHLD, &action, NULL);
	pid_t pid = fork();
	if (!pid) {
		struct rusage usage;
		do {
			for (volatile int i = 0; i < 1000000; i++)
				;
			getrusage(RUSAGE_SELF, &usage);
		} while (usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec < 150000);
		shared[0] = 1;
		raise(SIGSTOP);
		until(&shared[1], 1);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	until(&heard_count, 1);
	printf("%s: user time %s\n", code_name(heard[0].code),
	       heard[0].utime >= 8 ? "told" : "not told");
	kill(pid, SIGCONT);
	until(&heard_count, 2); // else the next would be one with it
	shared[1] = 1;
	waitpid(pid, NULL, 0);
	until(&heard_count, 3);
	for (int i = 1; i < heard_count; i++)
		printf("%s: user time %s\n", code_name(heard[i].code),
		       heard[i].utime >= 8 ? "told" : "not told");
}

ABI_TEST(stops, wait_options)
{
	pid_t pid = sleeper();

	show_wait("running", pid, WSTOPPED | WCONTINUED | WEXITED | WNOHANG);
	stop_with(pid, SIGSTOP);
	show_wait("told already", pid, WSTOPPED | WNOHANG);
	kill(pid, SIGSTOP);
	show_wait("stopped while stopped", pid, WSTOPPED | WNOHANG);
	kill(pid, SIGCONT);
	show_wait("continued, kept", pid, WCONTINUED | WNOWAIT);
	show_wait("continued", pid, WCONTINUED);
	show_wait("told already", pid, WCONTINUED | WNOHANG);
	kill(pid, SIGCONT);
	show_wait("continued while running", pid, WCONTINUED | WNOHANG);
	kill(pid, SIGSTOP);
	usleep(20000);
	kill(pid, SIGCONT);
	usleep(20000);
	show_wait("stop is over", pid, WSTOPPED | WNOHANG);
	show_wait("only the continuation", pid, WSTOPPED | WCONTINUED | WNOHANG);
	stop_with(pid, SIGSTOP);
	kill(pid, SIGTERM);
	usleep(20000);
	show_wait("SIGTERM to the stopped", pid, WEXITED | WNOHANG);
	kill(pid, SIGCONT);
	show_wait("and continued", pid, WEXITED);
	pid = sleeper();
	stop_with(pid, SIGSTOP);
	kill(pid, SIGKILL);
	show_wait("SIGKILL to the stopped", pid, WEXITED);
}

// --- What waits ---

static void show_pending(const char *what)
{
	sigset_t set;

	sigpending(&set);
	printf("%s:", what);
	for (int sig = 1; sig < 32; sig++)
		if (sigismember(&set, sig))
			printf(" %s", sigabbrev_np(sig));
	printf("\n");
}

static volatile int handled;
static void on_signal(int sig)
{
	handled++;
}

ABI_TEST(stops, pending)
{
	static const int all[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGUSR1};
	sigset_t set;

	setpgid(0, 0);
	sigemptyset(&set);
	for (int i = 0; i < 5; i++)
		sigaddset(&set, all[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++)
		raise(all[i]);
	raise(SIGUSR1);
	show_pending("stops");
	raise(SIGCONT);
	show_pending("after SIGCONT");
	kill(getpid(), SIGTSTP);
	show_pending("after SIGTSTP");
	kill(getpid(), SIGCONT);
	kill(getpid(), SIGTTIN);
	kill(getpid(), SIGTTOU);
	show_pending("after both");
	signal(SIGTTIN, on_signal);
	signal(SIGTTOU, SIG_IGN);
	show_pending("one handled, one ignored");
	signal(SIGUSR1, on_signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("handled %d\n", handled);
}

ABI_TEST(stops, continued_anyway)
{
	share();
	for (int how = 0; how < 4; how++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			sigset_t set;
			sigemptyset(&set);
			sigaddset(&set, SIGCONT);
			if (how == 1)
				signal(SIGCONT, SIG_IGN);
			if (how == 2)
				sigprocmask(SIG_BLOCK, &set, NULL);
			if (how == 3)
				signal(SIGCONT, on_signal);
			shared[0] = 1;
			raise(SIGSTOP);
			show_pending("goes on with");
			printf("handled %d\n", handled);
			fflush(stdout);
			_exit(how);
		}
		waitpid(pid, NULL, WUNTRACED);
		kill(pid, SIGCONT);
		abi_reap(pid);
	}
}

// --- Threads ---

static volatile pid_t tids[4];

static void *counting(void *arg)
{
	int me = (int)(long)arg;

	tids[me] = syscall(SYS_gettid);
	while (me == 3 && shared[10] == 0)
		usleep(1000); // one that sleeps most of the time
	while (shared)
		shared[me]++;
	return NULL;
}

ABI_TEST(stops, threads)
{
	int before[4], moved = 0;

	share();
	pid_t pid = fork();
	if (!pid) {
		pthread_t thread;
		for (long i = 1; i < 4; i++)
			pthread_create(&thread, NULL, counting, (void *)i);
		while (!tids[1] || !tids[2] || !tids[3])
			sched_yield();
		for (int i = 1; i < 4; i++)
			shared[20 + i] = tids[i];
		shared[0] = 1;
		counting(NULL);
	}
	until(&shared[0], 1);
	shared[10] = 1;
	for (int i = 1; i < 4; i++)
		until(&shared[i], 1);
	kill(shared[22], SIGSTOP); // a thread's number means its process
	show_wait("stop", pid, WSTOPPED);
	shared[20] = pid;
	for (int i = 0; i < 4; i++) {
		printf("thread is %c\n", state_of(shared[20 + i]));
		before[i] = shared[i];
	}
	usleep(50000);
	for (int i = 0; i < 4; i++)
		moved += before[i] != shared[i];
	printf("%d went on while stopped\n", moved);
	kill(pid, SIGCONT);
	for (int i = 0; i < 4; i++)
		until(&shared[i], before[i] + 1);
	for (int i = 0; i < 4; i++)
		moved += before[i] != shared[i];
	printf("%d went on\n", moved);
	syscall(SYS_tgkill, pid, shared[21], SIGSTOP); // one thread's stop is the process's
	show_wait("stop by tgkill", pid, WSTOPPED);
	syscall(SYS_tgkill, pid, shared[23], SIGCONT);
	show_wait("continued by tgkill", pid, WCONTINUED);
	kill(pid, SIGKILL);
	abi_reap(pid);
}

// --- Groups that nobody could continue ---

ABI_TEST(stops, orphaned_group)
{
	share();
	pid_t pid = fork();
	if (!pid) {
		pid_t inner = fork();
		if (!inner) {
			setsid(); // its group has no parent outside of it in the session
			shared[0] = getpid();
			for (;;)
				usleep(1000), shared[1]++;
		}
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		until(&shared[0], 1);
		static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP};
		for (int i = 0; i < 4; i++) {
			kill(inner, stops[i]);
			for (int n = 0; n < 100 && state_of(inner) != 'T'; n++)
				usleep(1000);
			printf("%s: %s\n", sigabbrev_np(stops[i]),
			       state_of(inner) == 'T' ? "stopped" : "goes on");
		}
		kill(inner, SIGKILL);
		waitpid(inner, NULL, 0);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// A member that is stopped when the group becomes orphaned hears SIGHUP and SIGCONT.
static void on_hup(int sig)
{
	shared[sig == SIGHUP ? 2 : 3]++;
}

ABI_TEST(stops, becomes_orphaned)
{
	share();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (!pid) {
		setsid();
		pid_t inner = fork();
		if (!inner) {
			setpgid(0, 0);
			signal(SIGHUP, on_hup);
			signal(SIGCONT, on_hup);
			shared[0] = getpid();
			raise(SIGSTOP);
			shared[1] = 1;
			_exit(0);
		}
		waitpid(inner, NULL, WUNTRACED);
		_exit(0);
	}
	abi_reap(pid);
	abi_reap(shared[0]);
	printf("went on %d, SIGHUP %d, SIGCONT %d\n", shared[1], shared[2], shared[3]);
}
