// /proc/PID/stat and status, field by field: of a process as it is, of one that somebody else looks
// at, of a zombie, of one thread.

#include "abi.h"
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char text[65536];

static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n = fd < 0 ? -1 : 0;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	if (n < 0)
		printf("%s\n", strerrorname_np(errno));
	close(fd);
	text[length] = '\0';
	return text;
}

static char *slurp_of(pid_t pid, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%.90s", pid, name);
	return slurp(path);
}

// Whether a line's value is the same on all kernels and in all runs.
static int is_fixed(const char *line)
{
	static const char *const not [] = {"Tgid:",  "Pid:",    "PPid:",      "NStgid:",
					   "NSpid:", "NSpgid:", "NSsid:",     "Vm",
					   "Rss",    "SigQ:",   "voluntary_", "nonvoluntary_"};

	for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++) {
		if (!strncmp(line, not [i], strlen(not [i])))
			return 0;
	}
	return 1;
}

static void show_status(pid_t pid)
{
	char *rest = slurp_of(pid, "status"), *line;

	while ((line = strsep(&rest, "\n"))) {
		if (is_fixed(line))
			printf("%s\n", line);
		else
			printf("%.*s...\n", (int)strcspn(line, "\t"), line);
	}
}

static void on_one_hart(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

// A child that sleeps; `ready` runs in it first.
static pid_t sleeper(void (*ready)(void))
{
	int fds[2];
	char byte;

	pipe(fds);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		close(fds[0]);
		if (ready)
			ready();
		write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	read(fds[0], &byte, 1);
	close(fds[0]);
	for (int i = 0; i < 1000 && !strstr(slurp_of(pid, "status"), "State:\tS"); i++)
		usleep(1000);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void dress(void)
{
	gid_t groups[] = {7, 3000, 5, 7};

	on_one_hart();
	setgroups(4, groups);
	umask(027);
	prctl(PR_SET_NAME, "a\\b\nc d");
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	dup2(0, 200);
	setresgid(1, 2, 3);
	setresuid(4, 5, 6);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

ABI_TEST(proc_status, status)
{
	pid_t pid;

	on_one_hart();
	show_status(getpid());
	pid = sleeper(dress);
	show_status(pid);
	end(pid);
}

static void drop_files(void)
{
	on_one_hart();
	setgroups(0, NULL);
	dup2(0, 300);
	unshare(CLONE_FILES);
	close_range(3, ~0u, 0);
}

ABI_TEST(proc_status, sizes_of_descriptor_tables)
{
	static const int fds[] = {63, 64, 127, 128, 255, 256, 257, 511, 512, 900};
	pid_t pid = sleeper(drop_files);

	show_status(pid);
	end(pid);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		dup2(1, fds[i]);
		printf("%d: %.12s\n", fds[i], strstr(slurp("/proc/self/status"), "FDSize"));
	}
	close_range(3, ~0u, 0);
	pid = sleeper(NULL);
	printf("child: %.12s\n", strstr(slurp_of(pid, "status"), "FDSize"));
	end(pid);
}

// --- stat ---

struct line {
	char state;
	unsigned long field[53]; // as proc_pid_stat(5) counts, from 4 on
};

static struct line parse(const char *stat)
{
	const char *at = strrchr(stat, ')');
	struct line line = {0};

	if (!at)
		return line;
	line.state = at[2];
	at += 3;
	for (int i = 4; i <= 52; i++) {
		char *next;

		line.field[i] = strtoul(at, &next, 10);
		if (*at == '\0' || next == at)
			printf("field %d is missing\n", i);
		at = next;
	}
	if (strcmp(at, "\n"))
		printf("more: %s", at);
	return line;
}

static struct line stat_of(pid_t pid)
{
	return parse(slurp_of(pid, "stat"));
}

enum {
	FLAGS = 9,
	THREADS = 20,
	RSSLIM = 25,
	STARTCODE,
	ENDCODE,
	STARTSTACK,
	KSTKESP,
	KSTKEIP,
	SIGNAL,
	BLOCKED,
	SIGIGNORE,
	SIGCATCH,
	WCHAN,
	EXIT_SIGNAL = 38,
	PROCESSOR,
	RT_PRIORITY,
	POLICY,
	START_DATA = 45,
	END_DATA,
	START_BRK,
	ARG_START,
	ARG_END,
	ENV_START,
	ENV_END,
	EXIT_CODE
};

extern char __executable_start[], etext[], edata[], __ehdr_start[];
extern char **environ;
static int some_data = 1;

static void show_places(const struct line *line)
{
	R(line->field[STARTCODE]);
	R(line->field[ENDCODE]);
	R(line->field[STARTSTACK]);
	R(line->field[KSTKESP]);
	R(line->field[KSTKEIP]);
	R(line->field[START_DATA]);
	R(line->field[END_DATA]);
	R(line->field[START_BRK]);
	R(line->field[ARG_START]);
	R(line->field[ARG_END]);
	R(line->field[ENV_START]);
	R(line->field[ENV_END]);
	R(line->field[WCHAN]);
	R(line->field[EXIT_CODE]);
}

ABI_TEST(proc_status, places)
{
	struct line line = stat_of(getpid());
	unsigned long brk_now = (unsigned long)sbrk(0);

	R(line.field[STARTCODE] == (unsigned long)__executable_start);
	R(line.field[ENDCODE] - (unsigned long)etext < 1 << 20);
	R(line.field[START_DATA] <= (unsigned long)&some_data);
	R(line.field[END_DATA] - (unsigned long)edata);
	R(line.field[START_BRK] % 4096);
	R(line.field[START_BRK] <= brk_now);
	R(line.field[START_BRK] > line.field[END_DATA]);
	R(line.field[ENV_START] - line.field[ARG_END]);
	R(!strcmp((char *)line.field[ARG_START], "/init"));
	R(line.field[ARG_END] - line.field[ARG_START]);
	R((unsigned long)environ > line.field[STARTSTACK]);
	R(*(long *)line.field[STARTSTACK]);
	R(line.field[ENV_END] > line.field[ENV_START]);
	R(line.field[KSTKESP]);
	R(line.field[KSTKEIP]);
	R(line.field[WCHAN]);
	R(line.field[EXIT_CODE]);
	R(line.state);
}

static void become_somebody(void)
{
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
}

static void become_dumpable(void)
{
	become_somebody();
	prctl(PR_SET_DUMPABLE, 1);
}

ABI_TEST(proc_status, places_that_are_not_told)
{
	pid_t root = sleeper(NULL), hidden = sleeper(become_somebody),
	      open_one = sleeper(become_dumpable);
	struct line line = stat_of(root);

	R(line.field[WCHAN]);
	R(line.field[STARTCODE] > 1);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		setgroups(0, NULL);
		become_somebody();
		line = stat_of(root);
		show_places(&line);
		line = stat_of(hidden);
		show_places(&line);
		line = stat_of(open_one);
		R(line.field[STARTCODE] > 1);
		R(line.field[WCHAN]);
		exit(0);
	}
	abi_reap(pid);
	end(root), end(hidden), end(open_one);
}

static void set_many(void)
{
	struct rlimit limit = {12345, 99999};
	struct sched_param param = {7};

	on_one_hart();
	setrlimit(RLIMIT_RSS, &limit);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))abort);
	sched_setscheduler(0, SCHED_RR, &param);
	prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
}

ABI_TEST(proc_status, other_fields)
{
	pid_t pid = sleeper(set_many);
	struct line line = stat_of(pid);

	R(line.field[RSSLIM]);
	R(line.field[SIGNAL]);
	R(line.field[BLOCKED]);
	R(line.field[SIGIGNORE]);
	R(line.field[SIGCATCH]);
	R(line.field[EXIT_SIGNAL]);
	R(line.field[PROCESSOR]);
	R(line.field[RT_PRIORITY]);
	R(line.field[POLICY]);
	R((int)line.field[18]);
	R(line.field[THREADS]);
	printf("flags %lx\n", line.field[FLAGS]);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	line = stat_of(pid);
	printf("%c %lu %lu\n", line.state, line.field[EXIT_CODE], line.field[WCHAN]);
	end(pid);
}

static struct line zombie(int how)
{
	struct line line;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		if (how < 0) {
			struct rlimit none = {0, 0};

			setrlimit(RLIMIT_CORE, &none);
			kill(getpid(), -how);
		}
		_exit(how);
	}
	siginfo_t info;

	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	for (int i = 0; i < 1000 && !(stat_of(pid).field[FLAGS] & 0x8000); i++)
		usleep(1000);
	line = stat_of(pid);
	printf("%c flags %lx code %lx threads %lu rss %lu\n", line.state, line.field[FLAGS],
	       line.field[EXIT_CODE], line.field[THREADS], line.field[24]);
	if (how == 3)
		show_places(&line), show_status(pid);
	waitpid(pid, NULL, 0);
	return line;
}

ABI_TEST(proc_status, zombies)
{
	on_one_hart();
	zombie(3);
	zombie(0);
	zombie(-SIGKILL);
	zombie(-SIGSEGV);
}

ABI_TEST(proc_status, flags)
{
	setresuid(1000, 1000, 1000);
	printf("%lx\n", stat_of(getpid()).field[FLAGS]);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		printf("%lx\n", stat_of(getpid()).field[FLAGS]);
		fflush(stdout);
		personality(ADDR_NO_RANDOMIZE);
		execl("/proc/self/exe", "/init", "proc_status/flags_after_exec", NULL);
		_exit(1);
	}
	abi_reap(pid);
}

ABI_TEST(proc_status, flags_after_exec)
{
	printf("%lx\n", stat_of(getpid()).field[FLAGS]);
	personality(PER_LINUX);
	printf("%lx\n", stat_of(getpid()).field[FLAGS]);
}

static pthread_barrier_t barrier;
static pid_t tid;

static void *thread_main(void *unused)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	tid = gettid();
	prctl(PR_SET_NAME, "worker");
	sigset_t block;

	sigfillset(&block);
	pthread_sigmask(SIG_BLOCK, &block, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

ABI_TEST(proc_status, threads)
{
	struct line line;
	pthread_t thread;
	char path[128];

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, thread_main, NULL);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "task/%d/stat", tid);
		line = parse(slurp_of(getpid(), path));
		if (line.state == 'S')
			break;
		usleep(1000);
	}
	R(line.state);
	R(line.field[THREADS]);
	R(line.field[SIGNAL]);
	R(line.field[BLOCKED]);
	R(line.field[WCHAN]);
	R((int)line.field[EXIT_SIGNAL]);
	R(line.field[STARTCODE] > 1);
	printf("flags %lx\n", line.field[FLAGS]);
	R(parse(slurp_of(tid, "stat")).field[WCHAN]);
	snprintf(path, sizeof(path), "task/%d/status", tid);
	char *status = slurp_of(getpid(), path);

	printf("%.12s\n", status);
	printf("%.9s\n", strstr(status, "Threads:"));
	printf("%.24s\n", strstr(status, "SigPnd:"));
	printf("%.24s\n", strstr(status, "ShdPnd:"));
	printf("%.14s\n", strstr(status, "Cpus_allowed:"));
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
}

// The status of a process is that of its last thread, and not of its leader.
static void *exits_last(void *unused)
{
	while (parse(slurp("/proc/self/stat")).state != 'Z')
		usleep(1000);
	syscall(SYS_exit, 2);
	return NULL;
}

ABI_TEST(proc_status, leader_that_goes_first)
{
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		pthread_t thread;

		pthread_create(&thread, NULL, exits_last, NULL);
		syscall(SYS_exit, 1);
	}
	siginfo_t info;

	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	R(info.si_status);
	printf("code %lx\n", stat_of(pid).field[EXIT_CODE]);
	waitpid(pid, &status, 0);
	printf("status %x\n", status);
}
