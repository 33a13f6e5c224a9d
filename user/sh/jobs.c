// Jobs: groups of processes that run, are stopped, or have ended. In an interactive shell each has
// a process group of its own, and the terminal belongs to the one in the foreground.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sh.h"

static struct job *jobs; // newest first
static struct termios shell_modes;
static pid_t shell_group;

static void job_free(struct job *job)
{
	for (struct job **at = &jobs; *at; at = &(*at)->next) {
		if (*at == job) {
			*at = job->next;
			break;
		}
	}
	free(job->processes);
	free(job->text);
	free(job);
}

struct job *job_new(const char *text)
{
	struct job *job = xmalloc(sizeof(*job));

	*job = (struct job){.text = xstrdup(text), .next = jobs};
	// A number only when others can see it: in the background or stopped.
	jobs = job;
	return job;
}

static void job_number(struct job *job)
{
	for (struct job *j = jobs; j && !job->id; j = j->next) {
		int highest = 0;

		for (struct job *k = jobs; k; k = k->next)
			highest = MAX(highest, k->id);
		job->id = highest + 1;
	}
}

static bool job_done(const struct job *job)
{
	for (int i = 0; i < job->process_count; i++) {
		if (!job->processes[i].done)
			return false;
	}
	return true;
}

// All that is left of it is stopped.
static bool job_stopped(const struct job *job)
{
	bool any = false;

	for (int i = 0; i < job->process_count; i++) {
		if (!job->processes[i].done && !job->processes[i].stopped)
			return false;
		any |= job->processes[i].stopped;
	}
	return any;
}

static int job_status(const struct job *job)
{
	return job->process_count ? job->processes[job->process_count - 1].status : 0;
}

int wait_status(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return 128 + (WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status));
}

static void give_terminal(pid_t group)
{
	if (sh.job_control && sh.terminal >= 0)
		tcsetpgrp(sh.terminal, group);
}

pid_t job_fork(struct job *job, bool background)
{
	sigset_t all, before;

	fflush(NULL);
	// A signal that comes before the child has put the handlers back waits, or it would be taken
	// for one of those that the shell itself ignores, and be lost.
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = fork();
	if (pid)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		shell_error("cannot fork: %s", strerror(errno));
		return -1;
	}
	if (sh.job_control && job) {
		pid_t group = job->group ? job->group : pid ? pid : getpid();

		// Both sides do it, whoever comes first.
		setpgid(pid, group);
		job->group = group;
		if (!background && (!pid || !job->process_count))
			give_terminal(group);
	}
	if (pid == 0) {
		bool jobs_before = sh.job_control;

		sh.subshell = true;
		sh.interactive = sh.job_control = false;
		traps_reset();
		signals_default();
		if (background && !jobs_before) {
			signal(SIGINT, SIG_IGN);
			signal(SIGQUIT, SIG_IGN);
			int null = open("/dev/null", O_RDONLY);

			if (null > 0) {
				dup2(null, 0);
				close(null);
			}
		}
		jobs_forget();
		sigprocmask(SIG_SETMASK, &before, NULL);
		return 0;
	}
	if (job) {
		job->processes = xrealloc(job->processes, (size_t)(job->process_count + 1) *
								  sizeof(*job->processes));
		job->processes[job->process_count++] = (struct process){.pid = pid};
	}
	return pid;
}

static void process_changed(pid_t pid, int status)
{
	for (struct job *job = jobs; job; job = job->next) {
		for (int i = 0; i < job->process_count; i++) {
			struct process *p = &job->processes[i];

			if (p->pid != pid)
				continue;
			p->stopped = WIFSTOPPED(status);
			p->done = !p->stopped && !WIFCONTINUED(status);
			if (!WIFCONTINUED(status))
				p->status = status;
			if (!p->done)
				job->told = false;
			return;
		}
	}
}

// Waits for any child to change. False if there is none, or a signal has come.
static bool wait_change(int options)
{
	int status;
	pid_t pid = waitpid(-1, &status, WUNTRACED | options);

	if (pid <= 0)
		return false;
	process_changed(pid, status);
	return true;
}

void jobs_collect(void)
{
	while (wait_change(WNOHANG | WCONTINUED))
		;
}

static void put_state(const struct job *job, char *out, size_t size)
{
	int status = job_status(job);

	if (job_stopped(job))
		snprintf(out, size, "Stopped");
	else if (!job_done(job))
		snprintf(out, size, "Running");
	else if (WIFSIGNALED(status))
		snprintf(out, size, "%s%s", strsignal(WTERMSIG(status)),
			 WCOREDUMP(status) ? " (core dumped)" : "");
	else if (WEXITSTATUS(status))
		snprintf(out, size, "Done(%d)", WEXITSTATUS(status));
	else
		snprintf(out, size, "Done");
}

// The job that %+ means: the newest that is stopped, else the newest.
static struct job *job_current(void)
{
	struct job *newest = NULL;

	for (struct job *job = jobs; job; job = job->next) {
		if (!job->id || job_done(job))
			continue;
		if (job_stopped(job))
			return job;
		if (!newest)
			newest = job;
	}
	return newest;
}

static void show_job(FILE *out, const struct job *job, bool pids)
{
	char state[48], mark = job == job_current() ? '+' : ' ';

	put_state(job, state, sizeof(state));
	fprintf(out, "[%d]%c  ", job->id, mark);
	if (pids)
		fprintf(out, "%d ", job->processes[0].pid);
	bool runs = !job_done(job) && !job_stopped(job);

	fprintf(out, "%-22s %s%s\n", state, job->text, runs ? " &" : "");
}

// At the prompt: what has ended or stopped in the background.
void jobs_tell(void)
{
	struct job *next;

	jobs_collect();
	for (struct job *job = jobs; job; job = next) {
		next = job->next;
		if (!job->id)
			continue;
		if (sh.interactive && !job->told && (job_done(job) || job_stopped(job)))
			show_job(stderr, job, false);
		job->told = true;
		if (job_done(job))
			job_free(job);
	}
}

void jobs_forget(void)
{
	// The list belongs to the parent; its processes are no children of this one.
	jobs = NULL;
	sh.terminal = -1;
}

bool jobs_stopped(void)
{
	for (struct job *job = jobs; job; job = job->next) {
		if (job_stopped(job))
			return true;
	}
	return false;
}

// Tells what ended a job in the foreground, if that was no ordinary end.
static void tell_signal(const struct job *job)
{
	int status = job_status(job), number = WTERMSIG(status);

	if (!WIFSIGNALED(status) || number == SIGPIPE)
		return;
	if (number == SIGINT) {
		if (sh.interactive)
			fputs("\n", stderr);
		// Ctrl-C was meant for the whole line.
		if (sh.interactive || sh.function_depth || sh.loop_depth)
			sh.interrupted = sh.interactive;
	} else if (sh.interactive) {
		fprintf(stderr, "%s%s\n", strsignal(number),
			WCOREDUMP(status) ? " (core dumped)" : "");
	}
}

int job_wait(struct job *job)
{
	if (!job->process_count) { // the fork has failed
		job_free(job);
		return 1;
	}
	while (!job_done(job) && !job_stopped(job)) {
		if (!wait_change(0) && errno == ECHILD)
			break;
	}
	int status = job_status(job);

	if (sh.job_control && sh.terminal >= 0 && job->group) {
		give_terminal(shell_group);
		// A program that was killed may have left the terminal in a state of its own.
		if (WIFSIGNALED(status) || WIFSTOPPED(status))
			tcsetattr(sh.terminal, TCSETSW - TCSETS, &shell_modes);
		else
			tcgetattr(sh.terminal, &shell_modes);
	}
	if (job_stopped(job)) {
		job_number(job);
		for (int i = 0; i < job->process_count; i++)
			status = job->processes[i].stopped ? job->processes[i].status : status;
		if (sh.interactive) {
			fputs("\n", stderr);
			show_job(stderr, job, false);
			job->told = true;
			sh.interrupted = true; // the rest of the line does not run
		}
		int result = wait_status(status);

		return result;
	}
	tell_signal(job);
	job_free(job);
	return wait_status(status);
}

int job_finish_background(struct job *job)
{
	job_number(job);
	job->background = true;
	sh.last_background = job->processes[job->process_count - 1].pid;
	if (sh.interactive)
		fprintf(stderr, "[%d] %d\n", job->id, sh.last_background);
	return 0;
}

struct job *job_find(const char *name)
{
	struct job *found = NULL;

	if (!name || !strcmp(name, "%") || !strcmp(name, "%%") || !strcmp(name, "%+")) {
		found = job_current();
		if (!found)
			shell_error("there is no current job");
		return found;
	}
	if (*name == '%')
		name++;
	for (struct job *job = jobs; job; job = job->next) {
		if (!job->id)
			continue;
		if (isdigit(*name) ? atoi(name) == job->id : str_starts_with(job->text, name))
			found = found ? found : job;
		if (*name == '-' && !name[1] && job != job_current())
			found = found ? found : job;
	}
	if (!found)
		shell_error("%s: there is no such job", name);
	return found;
}

// --- The builtins ---

int builtin_jobs(int argc, char **argv)
{
	bool pids = argc > 1 && !strcmp(argv[1], "-l"), only = argc > 1 && !strcmp(argv[1], "-p");
	struct job *next, *list[64];
	int n = 0;

	jobs_collect();
	for (struct job *job = jobs; job; job = job->next) {
		if (job->id && n < (int)ARRAY_SIZE(list))
			list[n++] = job;
	}
	while (n--) {
		if (only)
			printf("%d\n", list[n]->processes[0].pid);
		else
			show_job(stdout, list[n], pids);
		list[n]->told = true;
	}
	for (struct job *job = jobs; job; job = next) {
		next = job->next;
		if (job->id && job_done(job))
			job_free(job);
	}
	return 0;
}

static void job_continue(struct job *job)
{
	for (int i = 0; i < job->process_count; i++)
		job->processes[i].stopped = false;
	job->told = false;
	killpg(job->group, SIGCONT);
}

int builtin_fg(int argc, char **argv)
{
	struct job *job;

	if (!sh.job_control) {
		shell_error("%s: there is no job control here", argv[0]);
		return 1;
	}
	job = job_find(argc > 1 ? argv[1] : NULL);
	if (!job)
		return 1;
	printf("%s\n", job->text);
	fflush(stdout);
	give_terminal(job->group);
	job->background = false;
	job_continue(job);
	return job_wait(job);
}

int builtin_bg(int argc, char **argv)
{
	struct job *job;

	if (!sh.job_control) {
		shell_error("%s: there is no job control here", argv[0]);
		return 1;
	}
	job = job_find(argc > 1 ? argv[1] : NULL);
	if (!job)
		return 1;
	job_continue(job);
	job->background = true;
	printf("[%d] %s &\n", job->id, job->text);
	return 0;
}

static struct job *job_of(pid_t pid)
{
	for (struct job *job = jobs; job; job = job->next) {
		for (int i = 0; i < job->process_count; i++) {
			if (job->processes[i].pid == pid)
				return job;
		}
	}
	return NULL;
}

// Until the job, or all if NULL, has ended; a signal with a trap, or Ctrl-C, ends the wait.
static int wait_for(struct job *wanted)
{
	for (;;) {
		struct job *running = NULL;

		if (wanted && (job_done(wanted) || job_stopped(wanted)))
			break;
		for (struct job *job = jobs; !wanted && job; job = job->next) {
			if (job->process_count && !job_done(job) && !job_stopped(job))
				running = job;
		}
		if (!wanted && !running)
			return 0;
		if (wait_change(0))
			continue;
		if (errno == ECHILD)
			break;
		if (sh.interrupted)
			return 130;
		traps_run();
		if (sh.unwind)
			return sh.status;
	}
	if (!wanted)
		return 0;
	int status = wait_status(job_status(wanted));

	if (job_done(wanted))
		job_free(wanted);
	return status;
}

int builtin_wait(int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		return wait_for(NULL);
	for (int i = 1; i < argc && !sh.unwind; i++) {
		struct job *job = *argv[i] == '%' ? job_find(argv[i]) : job_of(atoi(argv[i]));

		// Unknown to this shell: as POSIX wants it.
		status = job ? wait_for(job) : 127;
	}
	return status;
}

int builtin_kill(int argc, char **argv)
{
	int kill_main(int argc, char **argv);
	struct arena *arena = arena_new();
	char **words = arena_alloc(arena, ((size_t)argc + 2) * sizeof(*words));
	int count = 0, status = 1;

	// Jobs become groups, the rest is the tool's business.
	for (int i = 0; i < argc; i++) {
		words[count++] = argv[i];
		if (!i || *argv[i] != '%')
			continue;
		struct job *job = job_find(argv[i]);

		if (!job)
			goto out;
		// A group is negative: it must not look like an option.
		if (i == 1)
			words[count++ - 1] = "--";
		words[count - 1] = arena_alloc(arena, 16);
		snprintf(words[count - 1], 16, "%d",
			 job->group ? -job->group : job->processes[0].pid);
	}
	status = kill_main(count, words);
out:
	arena_put(arena);
	return status;
}

// Takes the terminal, once the shell is in the foreground itself.
void jobs_init(void)
{
	sh.terminal = fcntl(0, F_DUPFD_CLOEXEC, 10);
	if (sh.terminal < 0)
		return;
	pid_t owner;

	while ((owner = tcgetpgrp(sh.terminal)) >= 0 && owner != getpgrp())
		killpg(getpgrp(), SIGTTIN);
	if (owner < 0) {
		shell_error("no terminal of its own: no job control");
		close(sh.terminal);
		sh.terminal = -1;
		return;
	}
	shell_group = getpid();
	setpgid(0, shell_group);
	shell_group = getpgrp();
	tcsetpgrp(sh.terminal, shell_group);
	tcgetattr(sh.terminal, &shell_modes);
	sh.job_control = true;
}

// Stopped jobs must not wait for ever for a shell that is gone.
void jobs_end(void)
{
	for (struct job *job = jobs; job; job = job->next) {
		if (job->group && !job_done(job)) {
			killpg(job->group, SIGHUP);
			killpg(job->group, SIGCONT);
		}
	}
}
