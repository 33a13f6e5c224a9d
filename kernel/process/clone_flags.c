// The rules for the flags of clone(2), clone3(2) and unshare(2): pure functions, also built for
// the host, where every combination is compared with a second statement of the rules.

#include <process/clone_flags.h>
#include <uapi/errno.h>
#include <uapi/sched.h>
#include <uapi/signal.h>

static bool has_all(u64 flags, u64 wanted)
{
	return (flags & wanted) == wanted;
}

// clone3 has a field for the exit signal, and so refuses one among the flags.
static int clone3_flags_check(u64 flags, int exit_signal)
{
	u64 known = 0xffffffffu | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP | CLONE_AUTOREAP |
		    CLONE_NNP | CLONE_PIDFD_AUTOKILL | CLONE_EMPTY_MNTNS;

	if (flags & ~known)
		return -EINVAL;
	if (flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)))
		return -EINVAL;
	if (has_all(flags, CLONE_SIGHAND | CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_PARENT)) && exit_signal)
		return -EINVAL;
	// Who is reaped by nobody tells nobody; and whose end a descriptor brings must have one.
	if ((flags & CLONE_AUTOREAP) && (exit_signal || (flags & (CLONE_THREAD | CLONE_PARENT))))
		return -EINVAL;
	if ((flags & CLONE_PIDFD_AUTOKILL) && !has_all(flags, CLONE_PIDFD | CLONE_AUTOREAP))
		return -EINVAL;
	if (has_all(flags, CLONE_NNP | CLONE_THREAD))
		return -EINVAL;
	return 0;
}

u64 clone_flags_expand(u64 flags)
{
	return flags & CLONE_EMPTY_MNTNS ? flags | CLONE_NEWNS : flags;
}

int clone_flags_check(u64 flags, const struct clone_facts *facts)
{
	if (facts->clone3) {
		int error = clone3_flags_check(flags, facts->exit_signal);
		if (error)
			return error;
	}
	if (has_all(flags, CLONE_PIDFD | CLONE_PARENT_SETTID) && facts->one_tid_address)
		return -EINVAL;
	// A root directory or a set of ids that is shared cannot be in two namespaces at once.
	if (has_all(flags, CLONE_NEWNS | CLONE_FS) || has_all(flags, CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	// Threads share handlers, and handlers are addresses in a shared memory.
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	// The first process of a pid namespace must not have siblings: nobody could reap them.
	if ((flags & CLONE_PARENT) && facts->caller_is_init)
		return -EINVAL;
	// All threads of a process are in the same pid and user namespace.
	if ((flags & CLONE_THREAD) &&
	    ((flags & (CLONE_NEWUSER | CLONE_NEWPID)) || facts->pid_ns_for_children_differs))
		return -EINVAL;
	if (has_all(flags, CLONE_PIDFD | CLONE_DETACHED))
		return -EINVAL;
	return 0;
}

u64 unshare_flags_expand(u64 flags)
{
	if (flags & UNSHARE_EMPTY_MNTNS)
		flags = (flags & ~UNSHARE_EMPTY_MNTNS) | CLONE_EMPTY_MNTNS | CLONE_NEWNS;
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_VM)
		flags |= CLONE_SIGHAND;
	if (flags & CLONE_SIGHAND)
		flags |= CLONE_THREAD;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	if (flags & CLONE_NEWIPC)
		flags |= CLONE_SYSVSEM;
	return flags;
}
