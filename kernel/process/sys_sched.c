// The sched_* calls: arguments, permissions and results; sched/policy.c does it.

#include <core/hart.h>
#include <core/printk.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/resource.h>
#include <uapi/time.h>

#define SCHED_ATTR_SIZE_FIRST  48 // what the first version of struct sched_attr had
#define SCHED_FLAG_RESET_FORK  0x01
#define SCHED_FLAG_KEEP_POLICY 0x08
#define SCHED_FLAG_KEEP_PARAMS 0x10
#define SCHED_FLAG_UTIL_CLAMP  0x60
// SCHED_FLAG_RECLAIM and SCHED_FLAG_DL_OVERRUN: they mean something with SCHED_DEADLINE only, which is
// refused, but are nowhere forbidden.
#define SCHED_FLAGS_DEADLINE   0x06
#define SCHED_FLAGS                                                                \
	(SCHED_FLAG_RESET_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS | \
	 SCHED_FLAGS_DEADLINE)
#define POLICY_KEEP (-1)

// The task that is meant (0: current), with a reference; NULL if there is none.
static struct task *task_meant(int pid)
{
	if (!pid)
		return task_get(current);
	rcu_read_lock();
	struct task *task = task_find(pid);
	if (task && !refcount_get_not_zero(&task->refs))
		task = NULL;
	rcu_read_unlock();
	return task;
}

static bool same_owner(const struct cred *other)
{
	return current_cred()->euid == other->euid || current_cred()->euid == other->uid;
}

// What may be asked for without CAP_SYS_NICE; see sched(7).
static bool change_is_modest(struct task *task, const struct sched_params *old,
			     const struct sched_params *new)
{
	const struct rlimit *limits = task->process->rlimits;
	u64 nice_limit = READ_ONCE(limits[RLIMIT_NICE].rlim_cur);
	u64 rt_limit = READ_ONCE(limits[RLIMIT_RTPRIO].rlim_cur);
	bool nice_is_fine = (u64)(20 - new->nice) <= nice_limit;

	if (policy_is_rt(new->policy)) {
		if (new->policy != old->policy && !rt_limit)
			return false;
		if (new->priority > old->priority &&new->priority > rt_limit)
			return false;
	} else if (new->nice < old->nice && !nice_is_fine) {
		return false;
	}
	if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE && !nice_is_fine)
		return false;
	return !old->reset_on_fork || new->reset_on_fork;
}

// Judges `new` as a whole; then with `keep` only its reset_on_fork is taken.
static int params_change(struct task *task, const struct sched_params *new, bool keep)
{
	struct sched_params old;
	int error = sched_params_check(new);

	if (error)
		return error;
	sched_get_params(task, &old);
	const struct cred *other = task_cred_get(task);
	if ((!same_owner(other) || !change_is_modest(task, &old, new)) && !capable(CAP_SYS_NICE))
		error = -EPERM;
	else if (!cred_may_schedule(other))
		error = -EPERM;
	cred_put(other);
	old.reset_on_fork = new->reset_on_fork;
	return error ?: sched_set_params(task, keep ? &old : new);
}

// The part of sched_setscheduler and sched_setparam.
static long set_scheduler(int pid, int policy, u64 param_at)
{
	struct sched_param param;
	struct sched_params params;

	if (!param_at || pid < 0)
		return -EINVAL;
	if (copy_from_user(&param, param_at, sizeof(param)))
		return -EFAULT;
	struct task *task = task_meant(pid);
	if (!task)
		return -ESRCH;
	sched_get_params(task, &params);
	if (policy != POLICY_KEEP) {
		params.policy = policy & ~SCHED_RESET_ON_FORK;
		params.reset_on_fork = policy & SCHED_RESET_ON_FORK;
	}
	params.priority = param.sched_priority;
	long error = params_change(task, &params, false);
	task_put(task);
	return error;
}

SYSCALL3(sched_setscheduler, int, pid, int, policy, u64, param)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, policy, param);
}

SYSCALL2(sched_setparam, int, pid, u64, param)
{
	return set_scheduler(pid, POLICY_KEEP, param);
}

// Reads the parameters of the task with that id.
static long params_of(int pid, struct sched_params *params)
{
	struct task *task = task_meant(pid);

	if (!task)
		return -ESRCH;
	sched_get_params(task, params);
	task_put(task);
	return 0;
}

SYSCALL1(sched_getscheduler, int, pid)
{
	struct sched_params params;

	if (pid < 0)
		return -EINVAL;
	long error = params_of(pid, &params);
	return error ?: (long)(params.policy | (params.reset_on_fork ? SCHED_RESET_ON_FORK : 0));
}

SYSCALL2(sched_getparam, int, pid, u64, param_at)
{
	struct sched_params params;

	if (!param_at || pid < 0)
		return -EINVAL;
	long error = params_of(pid, &params);
	return error ?: put_user_u32(param_at, params.priority);
}

// --- sched_setattr, sched_getattr ---

static int attr_from_user(u64 address, struct sched_attr *attr)
{
	u32 size;

	if (get_user_u32(address, &size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_FIRST;
	int error = size < SCHED_ATTR_SIZE_FIRST || size > PAGE_SIZE
			    ? -E2BIG
			    : copy_struct_from_user(attr, sizeof(*attr), address, size);
	if (error == -E2BIG)
		(void)put_user_u32(address, sizeof(*attr)); // so that the caller learns ours
	return error;
}

static int attr_check(const struct sched_attr *attr)
{
	if (attr->sched_flags & ~(u64)(SCHED_FLAGS | SCHED_FLAG_UTIL_CLAMP))
		return -EINVAL;
	if (attr->sched_flags & SCHED_FLAG_UTIL_CLAMP) {
		printk_ratelimited(LOG_INFO, "%s[%d]: sched_setattr: no utilization clamping\n",
				   current->name, task_pid_nr(current));
		return attr->size < sizeof(*attr) ? -EINVAL : -EOPNOTSUPP;
	}
	return 0;
}

SYSCALL3(sched_setattr, int, pid, u64, attr_at, unsigned, flags)
{
	struct sched_attr attr;
	struct sched_params params;

	if (!attr_at || pid < 0 || flags)
		return -EINVAL;
	int error = attr_from_user(attr_at, &attr);
	if (error)
		return error;
	if ((int)attr.sched_policy < 0)
		return -EINVAL;
	struct task *task = task_meant(pid);
	if (!task)
		return -ESRCH;
	sched_get_params(task, &params);
	if (!(attr.sched_flags & SCHED_FLAG_KEEP_POLICY)) {
		params.policy = attr.sched_policy;
		params.reset_on_fork = attr.sched_flags & SCHED_FLAG_RESET_FORK;
	}
	bool keep = attr.sched_flags & SCHED_FLAG_KEEP_PARAMS;
	if (!keep) {
		params.priority = attr.sched_priority;
		if (params.policy == SCHED_OTHER || params.policy == SCHED_BATCH)
			params.nice = CLAMP(attr.sched_nice, -20, 19);
	}
	error = attr_check(&attr) ?: params_change(task, &params, keep);
	task_put(task);
	return error;
}

SYSCALL4(sched_getattr, int, pid, u64, attr_at, unsigned, size, unsigned, flags)
{
	struct sched_params params;
	struct sched_attr attr = {.size = MIN(size, (unsigned)sizeof(attr))};

	if (!attr_at || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_FIRST || flags)
		return -EINVAL;
	long error = params_of(pid, &params);
	if (error)
		return error;
	attr.sched_policy = params.policy;
	attr.sched_flags = params.reset_on_fork ? SCHED_FLAG_RESET_FORK : 0;
	attr.sched_priority = params.priority;
	attr.sched_nice = policy_is_rt(params.policy) ? 0 : params.nice;
	// What the caller has more room for is zero.
	if (copy_to_user(attr_at, &attr, attr.size) ||
	    clear_user(attr_at + attr.size, size - attr.size) != size - attr.size)
		return -EFAULT;
	return 0;
}

// --- Affinity ---

SYSCALL3(sched_setaffinity, int, pid, unsigned, size, u64, mask_at)
{
	struct hartmask mask = {0};

	if (copy_from_user(&mask, mask_at, MIN((size_t)size, sizeof(mask))))
		return -EFAULT;
	struct task *task = task_meant(pid);
	if (!task)
		return -ESRCH;
	const struct cred *other = task_cred_get(task);
	bool ours = same_owner(other) || ns_capable(other->user_ns, CAP_SYS_NICE);
	long error = ours && cred_may_schedule(other) ? 0 : -EPERM;
	cred_put(other);
	if (!error)
		error = sched_set_affinity(task, &mask);
	task_put(task);
	return error;
}

SYSCALL3(sched_getaffinity, int, pid, unsigned, size, u64, mask_at)
{
	struct hartmask mask;

	if (size * 8ul < hart_count || (size & 7))
		return -EINVAL;
	struct task *task = task_meant(pid);
	if (!task)
		return -ESRCH;
	sched_get_affinity(task, &mask);
	task_put(task);
	size = MIN(size, (unsigned)sizeof(mask));
	return copy_to_user(mask_at, &mask, size) ? -EFAULT : (long)size;
}

// --- Facts ---

static long priority_bound(int policy, long rt_bound)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return rt_bound;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ||
			       policy == SCHED_DEADLINE
		       ? 0
		       : -EINVAL;
}

SYSCALL1(sched_get_priority_max, int, policy)
{
	return priority_bound(policy, 99);
}

SYSCALL1(sched_get_priority_min, int, policy)
{
	return priority_bound(policy, 1);
}

SYSCALL2(sched_rr_get_interval, int, pid, u64, interval_at)
{
	if (pid < 0)
		return -EINVAL;
	struct task *task = task_meant(pid);
	if (!task)
		return -ESRCH;
	u64 ns = sched_interval_ns(task);
	task_put(task);
	struct timespec interval = {.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC};
	return copy_to_user(interval_at, &interval, sizeof(interval));
}
