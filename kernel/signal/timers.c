// ITIMER_REAL: the interval timer that counts real time and sends SIGALRM to its process. The
// timers of CPU time, and timer_create(2), are not implemented yet and say so.

#include <core/errno.h>
#include <core/printk.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <sched/pid.h>
#include <signal/queue.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/time.h>

static void real_timer_fire(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, real_timer);

	if (process->real_interval_ns) {
		u64 next = timer->deadline_ns + process->real_interval_ns,
		    now = clock_monotonic_ns();
		timer_start(timer, next > now ? next : now + process->real_interval_ns);
	}
	signal_send_pid(process->pids[PIDTYPE_TGID], SIGALRM, SIGINFO_PRIV);
}

void process_timers_init(struct process *process)
{
	timer_init(&process->real_timer, real_timer_fire);
}

void process_timers_exit(struct process *process)
{
	process->real_interval_ns = 0;
	timer_cancel_sync(&process->real_timer);
}

void process_timers_exec(struct process *process)
{
	(void)process; // setitimer's are kept, and there are no others
}

void process_cpu_limit_changed(struct process *process)
{
	(void)process;
	printk_once(LOG_INFO, "RLIMIT_CPU is stored but not enforced yet\n");
}

void real_timer_set(struct process *process, u64 value_ns, u64 interval_ns, u64 *old_value,
		    u64 *old_interval)
{
	u64 now = clock_monotonic_ns();
	u64 deadline = process->real_timer.deadline_ns;

	*old_interval = process->real_interval_ns;
	*old_value = timer_cancel_sync(&process->real_timer)
			     ? (deadline > now ? deadline - now : NSEC_PER_USEC)
			     : 0;
	process->real_interval_ns = interval_ns;
	if (value_ns)
		timer_start(&process->real_timer, timer_deadline_after(value_ns));
}

void timer_signal_taken(struct queued_signal *entry, struct siginfo *info)
{
	(void)entry, (void)info;
}

static struct itimerval to_itimerval(u64 value, u64 interval)
{
	return (struct itimerval){
		{interval / NSEC_PER_SEC, interval % NSEC_PER_SEC / NSEC_PER_USEC},
		{value / NSEC_PER_SEC, value % NSEC_PER_SEC / NSEC_PER_USEC}};
}

static bool valid(const struct timeval *tv)
{
	return tv->tv_sec >= 0 && (u64)tv->tv_usec < 1000000;
}

static int check_kind(int which)
{
	if (which == ITIMER_VIRTUAL || which == ITIMER_PROF)
		printk_ratelimited(LOG_INFO, "setitimer: timers of CPU time are not implemented\n");
	return which == ITIMER_REAL ? 0 : -EINVAL;
}

SYSCALL3(setitimer, int, which, u64, new_at, u64, old_at)
{
	struct itimerval new = {{0, 0}, {0, 0}};
	u64 old_value, old_interval;
	int error = check_kind(which);

	if (error)
		return error;
	if (new_at && copy_from_user(&new, new_at, sizeof(new)))
		return -EFAULT;
	if (!valid(&new.it_value) || !valid(&new.it_interval))
		return -EINVAL;
	real_timer_set(current->process,
		       new.it_value.tv_sec *NSEC_PER_SEC + new.it_value.tv_usec *NSEC_PER_USEC,
		       new.it_interval.tv_sec *NSEC_PER_SEC +
			       new.it_interval.tv_usec *NSEC_PER_USEC,
		       &old_value, &old_interval);
	struct itimerval old = to_itimerval(old_value, old_interval);
	return old_at ? copy_to_user(old_at, &old, sizeof(old)) : 0;
}

SYSCALL2(getitimer, int, which, u64, address)
{
	struct process *process = current->process;
	int error = check_kind(which);

	if (error)
		return error;
	u64 now = clock_monotonic_ns(), deadline = process->real_timer.deadline_ns;
	bool pending = timer_pending(&process->real_timer);
	struct itimerval value = to_itimerval(
		pending ? (deadline > now ? deadline - now : NSEC_PER_USEC) : 0,
		process->real_interval_ns);
	return copy_to_user(address, &value, sizeof(value));
}
