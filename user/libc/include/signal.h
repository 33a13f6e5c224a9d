// Signals.
#pragma once

#include <uapi/signal.h>
#include <uapi/time.h>

typedef uint64_t sigset_t;
typedef struct siginfo siginfo_t;
typedef int sig_atomic_t;

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_ERR ((void (*)(int)) - 1)

// As the kernel takes it.
struct sigaction {
	union {
		void (*sa_handler)(int);
		void (*sa_sigaction)(int, siginfo_t *, void *);
	};
	unsigned long sa_flags;
	sigset_t sa_mask;
};

int sigaction(int signal, const struct sigaction *action, struct sigaction *old);
// With SA_RESTART.
void (*signal(int signal, void (*handler)(int)))(int);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int sigsuspend(const sigset_t *mask);
int sigpending(sigset_t *set);
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int kill(pid_t pid, int signal);
int killpg(pid_t group, int signal);
int raise(int signal);

static inline int sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

static inline int sigfillset(sigset_t *set)
{
	*set = ~0ul;
	return 0;
}

static inline int sigaddset(sigset_t *set, int signal)
{
	*set |= 1ul << (signal - 1);
	return 0;
}

static inline int sigdelset(sigset_t *set, int signal)
{
	*set &= ~(1ul << (signal - 1));
	return 0;
}

static inline int sigismember(const sigset_t *set, int signal)
{
	return *set >> (signal - 1) & 1;
}
