// getrusage(2), times(2), prlimit64(2) and its older forms.

#include <core/timer.h>
#include <lib/string.h>
#include <fs/files.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <process/rusage.h>
#include <sched/pid.h>
#include <signal/timers.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/resource.h>
#include <uapi/time.h>

// --- Usage ---

static struct timeval ns_to_timeval(u64 ns)
{
	return (struct timeval){.tv_sec = ns / NSEC_PER_SEC,
				.tv_usec = ns % NSEC_PER_SEC / NSEC_PER_USEC};
}

int rusage_to_user(u64 address, const struct usage *usage)
{
	struct rusage rusage = {
		.ru_utime = ns_to_timeval(usage->utime_ns),
		.ru_stime = ns_to_timeval(usage->stime_ns),
		.ru_maxrss = usage->max_rss_pages * (PAGE_SIZE / KIB),
		.ru_minflt = usage->minor_faults,
		.ru_majflt = usage->major_faults,
		.ru_inblock = usage->in_blocks,
		.ru_oublock = usage->out_blocks,
		.ru_nvcsw = usage->switches_voluntary,
		.ru_nivcsw = usage->switches_forced,
	};

	return copy_to_user(address, &rusage, sizeof(rusage));
}

static void usage_of_children(struct usage *usage)
{
	struct process *process = current->process;
	unsigned long flags = spin_lock_irqsave(&process->stats_lock);

	*usage = process->children;
	spin_unlock_irqrestore(&process->stats_lock, flags);
}

SYSCALL2(getrusage, int, who, u64, address)
{
	struct usage usage;

	switch (who) {
	case RUSAGE_SELF:
		usage_of_process(current->process, &usage);
		break;
	case RUSAGE_CHILDREN:
		usage_of_children(&usage);
		break;
	case RUSAGE_THREAD:
		usage_of_thread(current, &usage);
		break;
	default:
		return -EINVAL;
	}
	return rusage_to_user(address, &usage);
}

SYSCALL1(times, u64, address)
{
	struct usage self, children;

	if (address) {
		usage_of_process(current->process, &self);
		usage_of_children(&children);
		u64 tms[4] = {ns_to_clock_ticks(self.utime_ns), ns_to_clock_ticks(self.stime_ns),
			      ns_to_clock_ticks(children.utime_ns),
			      ns_to_clock_ticks(children.stime_ns)};
		if (copy_to_user(address, tms, sizeof(tms)))
			return -EFAULT;
	}
	return ns_to_clock_ticks(clock_boottime_ns());
}

// --- Limits ---

// Who may see and set another's limits: same ids throughout, or CAP_SYS_RESOURCE over it.
static int limits_permission(struct task *task)
{
	const struct cred *self = current_cred();
	int error = 0;

	if (task->process == current->process)
		return 0;
	const struct cred *other = task_cred_get(task);
	bool same = self->uid == other->euid && self->uid == other->suid &&
		    self->uid == other->uid && self->gid == other->egid &&
		    self->gid == other->sgid && self->gid == other->gid;
	if (!same && !ns_capable(other->user_ns, CAP_SYS_RESOURCE))
		error = -EPERM;
	cred_put(other);
	return error;
}

// alloc_lock of the leader held.
static int limit_check(const struct rlimit *old, const struct rlimit *new, unsigned resource)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (resource == RLIMIT_NOFILE && new->rlim_max > READ_ONCE(nr_open_max))
		return -EPERM;
	if (new->rlim_max > old->rlim_max && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

static int limit_change(struct task *task, unsigned resource, const struct rlimit *new,
			struct rlimit *old)
{
	struct process *process = task->process;
	int error = 0;

	spin_lock(&task->group_leader->alloc_lock);
	struct rlimit *limit = &process->rlimits[resource];
	if (old)
		*old = *limit;
	if (new) {
		error = limit_check(limit, new, resource);
		if (!error)
			*limit = *new;
	}
	spin_unlock(&task->group_leader->alloc_lock);
	if (!error && new && (resource == RLIMIT_CPU || resource == RLIMIT_RTTIME))
		process_cpu_limit_changed(process);
	return error;
}

SYSCALL4(prlimit64, int, pid, unsigned, resource, u64, new_at, u64, old_at)
{
	struct rlimit new, old;
	int error;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (new_at && copy_from_user(&new, new_at, sizeof(new)))
		return -EFAULT;
	rcu_read_lock();
	struct task *task = pid ? task_find(pid) : current;
	if (task && !refcount_get_not_zero(&task->refs))
		task = NULL;
	rcu_read_unlock();
	if (!task)
		return -ESRCH;
	error = limits_permission(task);
	if (!error)
		error = limit_change(task, resource, new_at ? &new : NULL, old_at ? &old : NULL);
	task_put(task);
	if (!error && old_at && copy_to_user(old_at, &old, sizeof(old)))
		return -EFAULT;
	return error;
}

SYSCALL2(getrlimit, unsigned, resource, u64, address)
{
	struct rlimit old;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	limit_change(current, resource, NULL, &old);
	return copy_to_user(address, &old, sizeof(old));
}

SYSCALL2(setrlimit, unsigned, resource, u64, address)
{
	struct rlimit new;

	if (copy_from_user(&new, address, sizeof(new)))
		return -EFAULT;
	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	return limit_change(current, resource, &new, NULL);
}
