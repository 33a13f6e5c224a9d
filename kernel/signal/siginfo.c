// What siginfo_t of user space means: which of its many layouts it has, and its copies.

#include <lib/string.h>
#include <mm/uaccess.h>
#include <signal/signal.h>
#include <uapi/errno.h>

// The codes above SI_USER that a signal has; 0: it has none of its own.
static int codes_of(int sig)
{
	switch (sig) {
	case SIGILL:
		return NSIGILL;
	case SIGFPE:
		return NSIGFPE;
	case SIGSEGV:
		return NSIGSEGV;
	case SIGBUS:
		return NSIGBUS;
	case SIGTRAP:
		return NSIGTRAP;
	case SIGCHLD:
		return NSIGCHLD;
	case SIGPOLL:
		return NSIGPOLL;
	case SIGSYS:
		return NSIGSYS;
	}
	return 0;
}

bool signal_has_codes(int sig)
{
	return codes_of(sig) != 0;
}

static bool layout_is_known(int sig, int code)
{
	if (code == SI_KERNEL || code == SI_ASYNCNL)
		return true;
	if (code <= SI_USER)
		return code >= SI_DETHREAD;
	int codes = codes_of(sig);
	return code <= (codes ? codes : NSIGPOLL);
}

enum siginfo_layout siginfo_layout(const struct siginfo *info)
{
	int sig = info->si_signo, code = info->si_code;

	if (code == SI_TIMER)
		return SIGINFO_TIMER;
	if (code == SI_SIGIO)
		return SIGINFO_POLL;
	if (code < SI_USER)
		return SIGINFO_QUEUE;
	if (code == SI_USER || code >= SI_KERNEL)
		return SIGINFO_KILL;
	if (!codes_of(sig))
		return code <= NSIGPOLL ? SIGINFO_POLL : SIGINFO_KILL;
	if (code > codes_of(sig))
		return SIGINFO_KILL;
	return sig == SIGCHLD   ? SIGINFO_CHILD
	       : sig == SIGPOLL ? SIGINFO_POLL
	       : sig == SIGSYS  ? SIGINFO_SYSCALL
				: SIGINFO_FAULT;
}

bool siginfo_names_sender(const struct siginfo *info)
{
	enum siginfo_layout layout = siginfo_layout(info);

	return layout == SIGINFO_KILL || layout == SIGINFO_CHILD || layout == SIGINFO_QUEUE;
}

int siginfo_from_user(int sig, u64 address, struct siginfo *info)
{
	u8 whole[SIGINFO_SIZE];

	if (copy_from_user(info, address, sizeof(*info)))
		return -EFAULT;
	if (sig)
		info->si_signo = sig;
	if (layout_is_known(info->si_signo, info->si_code))
		return 0;
	// What lies behind must be nothing.
	if (copy_from_user(whole, address, sizeof(whole)))
		return -EFAULT;
	for (size_t i = sizeof(*info); i < sizeof(whole); i++) {
		if (whole[i])
			return -E2BIG;
	}
	return 0;
}

int siginfo_to_user(u64 address, const struct siginfo *info)
{
	u8 whole[SIGINFO_SIZE] = {0};

	memcpy(whole, info, sizeof(*info));
	return copy_to_user(address, whole, sizeof(whole));
}
