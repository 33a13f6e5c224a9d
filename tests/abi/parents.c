// Who becomes the parent of whom, and who is told: subreapers, PR_SET_PDEATHSIG, parents that are threads,
// and parents that wait in vfork.

#include "abi.h"
#include <linux/capability.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>

// What processes tell each other: in memory that all share.
static struct shared {
	volatile pid_t pid[8];
	volatile int step[8], signal[8];
} * shared;

static void fresh(void)
{
	fflush(stdout);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

// Waits, though not for ever; whether it came.
static int until(volatile int *word, int value)
{
	for (int i = 0; i < 5000 && *word != value; i++)
		usleep(1000);
	return *word == value;
}

// A process that tells its parent whenever it is asked, till it is to go.
static void answer(int self)
{
	shared->pid[self] = getpid();
	for (int i = 0; i < 20000 && shared->step[self] != 9; i++)
		usleep(500);
	_exit(self);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = {0};

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	close(fd);
	char *at = strrchr(text, ')');
	return at ? atoi(at + 4) : 0;
}

static const char *name_of(pid_t pid)
{
	static char text[16];

	for (int i = 0; i < 8; i++) {
		if (pid == shared->pid[i] && pid) {
			snprintf(text, sizeof(text), "process %d", i);
			return text;
		}
	}
	return pid == getpid()    ? "the test"
	       : pid == getppid() ? "the runner"
	       : pid == 1         ? "init"
				  : "none";
}

// Until the parent is another than that; then says who.
static void new_parent(int child, pid_t before)
{
	pid_t now = 0;

	for (int i = 0; i < 2000; i++) {
		now = parent_of(shared->pid[child]);
		if (now != before)
			break;
		usleep(1000);
	}
	printf("process %d has %s\n", child, name_of(now));
}

static void know(int self)
{
	for (int i = 0; i < 5000 && !shared->pid[self]; i++)
		usleep(1000);
}

// 0 (a subreaper) has 1 (perhaps one too), which has 2, which has 3.
static void chain(int second_too, int late)
{
	fresh();
	if (!fork()) {
		if (!late)
			prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (!fork()) {
			if (second_too)
				prctl(PR_SET_CHILD_SUBREAPER, 1);
			if (!fork()) {
				if (!fork())
					answer(3);
				answer(2);
			}
			answer(1);
		}
		if (late) {
			know(3);
			prctl(PR_SET_CHILD_SUBREAPER, 1);
		}
		answer(0);
	}
	for (int i = 0; i < 4; i++)
		know(i);
	printf("second %d, late %d\n", second_too, late);
	shared->step[2] = 9;
	new_parent(3, shared->pid[2]);
	pid_t before = parent_of(shared->pid[3]);
	shared->step[1] = 9;
	if (before == shared->pid[1])
		new_parent(3, before);
	shared->step[0] = 9;
	abi_reap(shared->pid[0]);
	new_parent(3, shared->pid[0]);
	shared->step[3] = 9;
	while (waitpid(-1, NULL, 0) > 0)
		;
}

ABI_TEST(parents, subreapers)
{
	mkdir("/proc", 0555);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	chain(0, 0);
	chain(1, 0);
	chain(0, 1);
	chain(1, 1);
}

static void show_subreaper(const char *who)
{
	int is = -1;

	prctl(PR_GET_CHILD_SUBREAPER, &is);
	printf("%s: %d\n", who, is);
	fflush(stdout);
}

static void *thread_shows(void *unused)
{
	show_subreaper("thread");
	return NULL;
}

ABI_TEST(parents, subreaper_is_of_the_process)
{
	pthread_t thread;

	show_subreaper("at first");
	R(prctl(PR_SET_CHILD_SUBREAPER, 5, 0, 0, 0));
	show_subreaper("set");
	pthread_create(&thread, NULL, thread_shows, NULL);
	pthread_join(thread, NULL);
	pid_t pid = fork();
	if (!pid) {
		show_subreaper("child");
		_exit(0);
	}
	abi_reap(pid);
	R(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
	show_subreaper("unset");
	R(prctl(PR_GET_CHILD_SUBREAPER, BAD));
}

// --- Threads as parents ---

static void *thread_forks(void *signal)
{
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, (long)signal);
		answer(1);
	}
	know(1);
	usleep(20000);
	return NULL;
}

static volatile int signals;

static void count(int signal, siginfo_t *info, void *context)
{
	shared->signal[0] = signal;
	shared->signal[1] = info->si_code;
	shared->pid[7] = info->si_pid;
	signals++;
}

static void catch (int signal)
{
	struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};

	sigaction(signal, &action, NULL);
}

ABI_TEST(parents, threads_first)
{
	pthread_t thread;
	int status;

	fresh();
	mkdir("/proc", 0555);
	catch (SIGUSR1);
	pthread_create(&thread, NULL, thread_forks, (void *)SIGUSR1);
	pthread_join(thread, NULL);
	until(&shared->signal[0], SIGUSR1);
	printf("signal %d code %d from %s\n", shared->signal[0], shared->signal[1],
	       name_of(shared->pid[7]));
	printf("still its parent: %d\n", parent_of(shared->pid[1]) == getpid());
	shared->step[1] = 9;
	R(waitpid(shared->pid[1], &status, __WNOTHREAD) == shared->pid[1]);
	printf("%x\n", status);
}

static void *wait_not_thread(void *unused)
{
	int status;

	R(waitpid(shared->pid[1], &status, __WNOTHREAD | WNOHANG));
	R(waitpid(-1, &status, __WNOTHREAD));
	R(waitpid(shared->pid[1], &status, WNOHANG));
	R(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED | __WNOTHREAD, NULL));
	return NULL;
}

ABI_TEST(parents, children_of_another_thread)
{
	pthread_t thread;

	fresh();
	pid_t pid = fork();
	if (!pid)
		answer(1);
	know(1);
	pthread_create(&thread, NULL, wait_not_thread, NULL);
	pthread_join(thread, NULL);
	shared->step[1] = 9;
	abi_reap(pid);
}

// The first thread of a subreaper is gone, another takes the orphan.
static void *survivor(void *unused)
{
	know(2);
	usleep(20000);
	shared->step[1] = 9;
	new_parent(2, shared->pid[1]);
	shared->step[2] = 9;
	int status, n = 0;
	while (waitpid(-1, &status, 0) > 0)
		n++;
	printf("%d children ended\n", n);
	fflush(stdout);
	_exit(0);
}

ABI_TEST(parents, first_thread_gone)
{
	pthread_t thread;

	fresh();
	mkdir("/proc", 0555);
	pid_t pid = fork();
	if (!pid) {
		shared->pid[0] = getpid();
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (!fork()) {
			if (!fork())
				answer(2);
			answer(1);
		}
		pthread_create(&thread, NULL, survivor, NULL);
		syscall(SYS_exit, 0);
	}
	abi_reap(pid);
}

// --- The signal at the parent's death ---

static void show_pdeath(const char *after)
{
	int signal = -1;

	prctl(PR_GET_PDEATHSIG, &signal);
	printf("%-24s %d\n", after, signal);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
}

static void set_effective(unsigned long caps)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	syscall(SYS_capget, &header, data);
	data[0].effective = caps & data[0].permitted;
	data[1].effective = (caps >> 32) & data[1].permitted;
	syscall(SYS_capset, &header, data);
}

static void *thread_pdeath(void *unused)
{
	show_pdeath("in a new thread");
	return NULL;
}

ABI_TEST(parents, death_signal_forgotten)
{
	pthread_t thread;

	R(prctl(PR_SET_PDEATHSIG, 65));
	R(prctl(PR_SET_PDEATHSIG, -1));
	R(prctl(PR_SET_PDEATHSIG, 64));
	R(prctl(PR_GET_PDEATHSIG, BAD));
	show_pdeath("set to the last");
	R(prctl(PR_SET_PDEATHSIG, 0));
	show_pdeath("set to none");
	pthread_create(&thread, NULL, thread_pdeath, NULL);
	pthread_join(thread, NULL);
	show_pdeath("after the thread");
	setgroups(0, NULL);
	show_pdeath("setgroups");
	setresuid(0, 0, 0);
	show_pdeath("setresuid to the same");
	setfsgid(5);
	show_pdeath("setfsgid");
	setfsuid(5);
	show_pdeath("setfsuid");
	setfsuid(0);
	setresgid(7, -1, -1);
	show_pdeath("setresgid, real");
	setresgid(-1, 7, -1);
	show_pdeath("setresgid, effective");
	setresuid(-1, -1, 8);
	show_pdeath("setresuid, saved");
	set_effective(1 << CAP_SETUID | 1 << CAP_KILL);
	show_pdeath("less effective");
	set_effective(~0ul);
	show_pdeath("more effective");
	prctl(PR_SET_KEEPCAPS, 1);
	setresuid(8, 8, 8);
	show_pdeath("another user");
	set_effective(~0ul);
	show_pdeath("its capabilities");
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		show_pdeath("child");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// A parent with that user id dies; the child is root.
static void die_as(uid_t uid, int signal)
{
	fresh();
	pid_t pid = fork();
	if (!pid) {
		if (!fork()) {
			catch (signal);
			prctl(PR_SET_PDEATHSIG, signal);
			answer(1);
		}
		know(1);
		usleep(10000);
		setresuid(uid, uid, uid);
		shared->pid[0] = getpid();
		_exit(0);
	}
	abi_reap(pid);
	usleep(50000);
	printf("parent of user %d: signal %d code %d from %s\n", uid, shared->signal[0],
	       shared->signal[1], name_of(shared->pid[7]));
	shared->step[1] = 9;
	while (waitpid(-1, NULL, 0) > 0)
		;
}

ABI_TEST(parents, death_signal_needs_permission)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	die_as(0, SIGUSR1);
	die_as(0, SIGRTMIN + 1);
	die_as(1000, SIGUSR1);
}

// An orphan's new parent dies as well.
ABI_TEST(parents, death_signal_again)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fresh();
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (!fork()) {
			if (!fork()) {
				catch (SIGUSR2);
				prctl(PR_SET_PDEATHSIG, SIGUSR2);
				answer(2);
			}
			answer(1);
		}
		answer(0);
	}
	for (int i = 0; i < 3; i++)
		know(i);
	for (int i = 1; i >= 0; i--) {
		shared->signal[0] = 0;
		shared->step[i] = 9;
		printf("%d: ", until(&shared->signal[0], SIGUSR2));
		printf("from %s\n", name_of(shared->pid[7]));
		if (!i)
			abi_reap(pid);
	}
	shared->step[2] = 9;
	while (waitpid(-1, NULL, 0) > 0)
		;
}

// --- Waiting in vfork ---

static void on_term(int signal)
{
	shared->signal[2] = 1 + shared->step[2];
}

static void vfork_and_hit(const char *what, int number, int handled)
{
	int status;

	fresh();
	pid_t pid = fork();
	if (!pid) {
		shared->pid[0] = getpid();
		if (handled)
			signal(SIGTERM, on_term);
		// The child shares memory, and the parent's stack: it only looks at `shared`.
		pid_t child = vfork();
		if (!child)
			answer(1);
		shared->signal[3] = 1;
		_exit(55);
	}
	know(1);
	kill(pid, number);
	usleep(50000);
	pid_t got = waitpid(pid, &status, WNOHANG | WUNTRACED);
	printf("%s: %s", what, got == pid ? "ended or stopped" : "waits");
	if (got == pid)
		printf(", status %x", status);
	printf("; went on %d\n", shared->signal[3]);
	shared->step[2] = 1;
	shared->step[1] = 9;
	if (got != pid) {
		waitpid(pid, &status, WUNTRACED);
		printf("  then status %x, handler ran %d, went on %d\n", status, shared->signal[2],
		       shared->signal[3]);
	}
	kill(pid, SIGCONT);
	kill(pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

ABI_TEST(parents, waiting_in_vfork)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	vfork_and_hit("SIGKILL", SIGKILL, 0);
	vfork_and_hit("SIGTERM", SIGTERM, 0);
	vfork_and_hit("SIGTERM with a handler", SIGTERM, 1);
	vfork_and_hit("SIGSTOP", SIGSTOP, 0);
	vfork_and_hit("SIGABRT", SIGABRT, 0);
}
