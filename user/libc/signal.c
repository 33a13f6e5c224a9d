// Signals, their names, and jumps.

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <unistd.h>

int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	return (int)syscall(SYS_rt_sigaction, signal, action, old, sizeof(sigset_t));
}

void (*signal(int signal, void (*handler)(int)))(int)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	return sigaction(signal, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return (int)syscall(SYS_rt_sigprocmask, how, set, old, sizeof(sigset_t));
}

int sigsuspend(const sigset_t *mask)
{
	return (int)syscall(SYS_rt_sigsuspend, mask, sizeof(sigset_t));
}

int sigpending(sigset_t *set)
{
	return (int)syscall(SYS_rt_sigpending, set, sizeof(sigset_t));
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	return (int)syscall(SYS_rt_sigtimedwait, set, info, timeout, sizeof(sigset_t));
}

int kill(pid_t pid, int signal)
{
	return (int)syscall(SYS_kill, pid, signal);
}

int killpg(pid_t group, int signal)
{
	return kill(-group, signal);
}

int raise(int signal)
{
	return (int)syscall(SYS_tkill, gettid(), signal);
}

int pause(void)
{
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	return sigsuspend(&mask);
}

NORETURN void abort(void)
{
	raise(SIGABRT);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_exit(127);
}

// clang-format off
static const struct {
	const char *name, *text;
} names[] = {
	[SIGHUP] = {"HUP", "Hangup"}, [SIGINT] = {"INT", "Interrupt"}, [SIGQUIT] = {"QUIT", "Quit"},
	[SIGILL] = {"ILL", "Illegal instruction"}, [SIGTRAP] = {"TRAP", "Trace/breakpoint trap"},
	[SIGABRT] = {"ABRT", "Aborted"}, [SIGBUS] = {"BUS", "Bus error"},
	[SIGFPE] = {"FPE", "Floating point exception"}, [SIGKILL] = {"KILL", "Killed"},
	[SIGUSR1] = {"USR1", "User defined signal 1"}, [SIGSEGV] = {"SEGV", "Segmentation fault"},
	[SIGUSR2] = {"USR2", "User defined signal 2"}, [SIGPIPE] = {"PIPE", "Broken pipe"},
	[SIGALRM] = {"ALRM", "Alarm clock"}, [SIGTERM] = {"TERM", "Terminated"},
	[SIGSTKFLT] = {"STKFLT", "Stack fault"}, [SIGCHLD] = {"CHLD", "Child exited"},
	[SIGCONT] = {"CONT", "Continued"}, [SIGSTOP] = {"STOP", "Stopped (signal)"},
	[SIGTSTP] = {"TSTP", "Stopped"}, [SIGTTIN] = {"TTIN", "Stopped (tty input)"},
	[SIGTTOU] = {"TTOU", "Stopped (tty output)"}, [SIGURG] = {"URG", "Urgent I/O condition"},
	[SIGXCPU] = {"XCPU", "CPU time limit exceeded"},
	[SIGXFSZ] = {"XFSZ", "File size limit exceeded"},
	[SIGVTALRM] = {"VTALRM", "Virtual timer expired"},
	[SIGPROF] = {"PROF", "Profiling timer expired"}, [SIGWINCH] = {"WINCH", "Window changed"},
	[SIGIO] = {"IO", "I/O possible"}, [SIGPWR] = {"PWR", "Power failure"},
	[SIGSYS] = {"SYS", "Bad system call"},
};
// clang-format on

const char *signal_name(int signal)
{
	return signal > 0 && (size_t)signal < ARRAY_SIZE(names) ? names[signal].name : NULL;
}

const char *strsignal(int signal)
{
	static char unknown[32];

	if (signal > 0 && (size_t)signal < ARRAY_SIZE(names))
		return names[signal].text;
	if (signal >= SIGRTMIN && signal <= SIGRTMAX)
		snprintf(unknown, sizeof(unknown), "Real-time signal %d", signal - SIGRTMIN);
	else
		snprintf(unknown, sizeof(unknown), "Unknown signal %d", signal);
	return unknown;
}

int signal_number(const char *name)
{
	char *end;
	long n = strtol(name, &end, 10);

	if (end != name)
		return *end || n < 0 || n > SIGRTMAX ? -1 : (int)n;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (size_t i = 1; i < ARRAY_SIZE(names); i++) {
		if (!strcasecmp(names[i].name, name))
			return (int)i;
	}
	return -1;
}

// The registers that a function must keep: ra, sp, s0 to s11.
__asm__(".globl setjmp\n"
	"setjmp:\n"
	"	sd ra, 0(a0)\n	sd sp, 8(a0)\n"
	"	sd s0, 16(a0)\n	sd s1, 24(a0)\n	sd s2, 32(a0)\n	sd s3, 40(a0)\n"
	"	sd s4, 48(a0)\n	sd s5, 56(a0)\n	sd s6, 64(a0)\n	sd s7, 72(a0)\n"
	"	sd s8, 80(a0)\n	sd s9, 88(a0)\n	sd s10, 96(a0)\n	sd s11, 104(a0)\n"
	"	li a0, 0\n	ret\n"
	".globl longjmp\n"
	"longjmp:\n"
	"	ld ra, 0(a0)\n	ld sp, 8(a0)\n"
	"	ld s0, 16(a0)\n	ld s1, 24(a0)\n	ld s2, 32(a0)\n	ld s3, 40(a0)\n"
	"	ld s4, 48(a0)\n	ld s5, 56(a0)\n	ld s6, 64(a0)\n	ld s7, 72(a0)\n"
	"	ld s8, 80(a0)\n	ld s9, 88(a0)\n	ld s10, 96(a0)\n	ld s11, 104(a0)\n"
	"	seqz a0, a1\n	add a0, a0, a1\n	ret\n");
