// Clocks by their numbers: those of the machine, and the CPU time of processes and threads.

#include <core/errno.h>
#include <mm/uaccess.h>
#include <ns/time_ns.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <signal/clocks.h>
#include <uapi/errno.h>
#include <uapi/time.h>

int timespec_from_user(u64 address, u64 *ns)
{
	struct timespec ts;

	if (copy_from_user(&ts, address, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*ns = (u64)ts.tv_sec > TIME_NEVER / NSEC_PER_SEC / 4
		      ? TIME_NEVER / 4
		      : ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

int deadline_from_user(u64 address, u64 *deadline)
{
	u64 ns;
	int error = timespec_from_user(address, &ns);

	if (!error)
		*deadline = timer_deadline_after(ns);
	return error;
}

// --- CPU time ---

// Whose clock it is; threads are only those of current's own process. Within rcu.
static struct pid *find_owner(int nr, bool per_thread, bool reading)
{
	if (!nr)
		return per_thread ? current->pid : current->process->pids[PIDTYPE_TGID];
	struct pid *pid = pid_find(nr, task_active_pid_ns(current));
	if (!pid)
		return NULL;
	if (per_thread) {
		struct task *task = pid_task(pid, PIDTYPE_PID);
		return task && task->process == current->process ? pid : NULL;
	}
	if (reading && pid == current->pid)
		return current->process->pids[PIDTYPE_TGID];
	return pid_task(pid, PIDTYPE_TGID) ? pid : NULL;
}

int cpu_clock_find(int clock, bool reading, struct cpu_clock *out)
{
	int nr = 0;

	if (clock >= 0) {
		out->which = CPU_CLOCK_SCHED;
		out->per_thread = clock == CLOCK_THREAD_CPUTIME_ID;
	} else {
		out->which = clock & 3;
		out->per_thread = clock & CPU_CLOCK_PER_THREAD;
		nr = ~(clock >> 3);
	}
	if (out->which == CPU_CLOCK_FD)
		return -EINVAL;
	rcu_read_lock();
	out->pid = pid_get(find_owner(nr, out->per_thread, reading));
	rcu_read_unlock();
	return out->pid ? 0 : -EINVAL;
}

u64 cpu_clock_read(const struct cpu_clock *clock)
{
	u64 sum = 0, utime = 0, stime = 0;

	rcu_read_lock();
	struct task *task = pid_task(clock->pid, clock->per_thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (task && clock->per_thread) {
		sum = task_sum_exec_ns(task);
		if (clock->which == CPU_CLOCK_VIRT)
			task_cputime(task, &utime, &stime);
	} else if (task) {
		process_cputime(task->process, &sum, &utime, &stime);
	}
	rcu_read_unlock();
	return clock->which == CPU_CLOCK_VIRT ? utime : sum;
}

static int read_cpu(int number, u64 *ns)
{
	struct cpu_clock clock;
	int error = cpu_clock_find(number, true, &clock);

	if (error)
		return error;
	*ns = cpu_clock_read(&clock);
	pid_put(clock.pid);
	return 0;
}

int clock_read(int clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: // no leap seconds are known
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*ns = clock_monotonic_ns() + time_ns_offset(clock);
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_boottime_ns() + time_ns_offset(clock);
		return 0;
	}
	return clock_is_cpu(clock) ? read_cpu(clock, ns) : -EINVAL;
}
