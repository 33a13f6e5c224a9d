// The timers of setitimer(2). ITIMER_REAL is a timer of its own; the two that count CPU time are
// two numbers, which cpu_timer.c looks at.
//
// A period of ITIMER_REAL begins when the SIGALRM of the last one is taken, so that one who blocks
// the signal costs no interrupts.

#include <core/errno.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <uapi/errno.h>
#include <uapi/time.h>

// The first thread of a process may change (exec): by its pid.
static void real_timer_fire(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, real_timer);

	signal_send_pid(process->pids[PIDTYPE_TGID], SIGALRM, SIGINFO_PRIV);
}

void process_timers_init(struct process *process)
{
	spin_init(&process->timers_lock, LOCK_POSIX_TIMER);
	list_init(&process->cpu_timers);
	process->posix_timers = (struct rb_root)RB_ROOT_INIT;
	timer_init(&process->real_timer, real_timer_fire);
}

// The next of the points start, start + interval... after now.
static u64 next_period(u64 start, u64 interval, u64 now)
{
	return start > now ? start : start + ((now - start) / interval + 1) * interval;
}

void real_timer_taken_locked(struct process *process)
{
	struct timer *timer = &process->real_timer;

	if (process->real_interval_ns && !timer_pending(timer))
		timer_start(timer, next_period(timer->deadline_ns, process->real_interval_ns,
					       clock_monotonic_ns()));
}

// What is left until a deadline; 0 means off, so what is about to fire has a microsecond.
static u64 left_until(u64 deadline, u64 now)
{
	return deadline > now ? deadline - now : NSEC_PER_USEC;
}

// Exchanges a timer's value and interval; `new` NULL only reads. ITIMER_REAL.
static void exchange_real(const u64 new[2], u64 old[2])
{
	struct process *process = current->process;
	struct sighand *sighand = current->sighand;
	struct timer *timer = &process->real_timer;

	spin_lock_irq(&sighand->lock);
	old[0] = timer_pending(timer) ? left_until(timer->deadline_ns, clock_monotonic_ns()) : 0;
	old[1] = process->real_interval_ns;
	if (new)
		process->real_interval_ns = 0; // nothing starts it from here on
	spin_unlock_irq(&sighand->lock);
	if (!new)
		return;
	timer_cancel_sync(timer);
	spin_lock_irq(&sighand->lock);
	process->real_interval_ns = new[1];
	if (new[0])
		timer_start(timer, timer_deadline_after(new[0]));
	spin_unlock_irq(&sighand->lock);
}

// The same for ITIMER_VIRTUAL and ITIMER_PROF.
static void exchange_cpu(int which, const u64 new[2], u64 old[2])
{
	struct process *process = current->process;
	struct cpu_itimer *timer = &process->cpu_itimers[which - 1];
	u64 sum, utime, stime;

	process_cputime(process, &sum, &utime, &stime);
	u64 now = which == ITIMER_VIRTUAL ? utime : sum;
	spin_lock_irq(&process->timers_lock);
	old[0] = timer->expires_ns ? left_until(timer->expires_ns, now) : 0;
	old[1] = timer->interval_ns;
	if (new) {
		timer->expires_ns = new[0] ? now + new[0] : 0;
		timer->interval_ns = new[1];
		cpu_timers_update_locked(process);
	}
	spin_unlock_irq(&process->timers_lock);
}

int itimer_exchange(int which, const u64 new[2], u64 old[2])
{
	if (which == ITIMER_REAL)
		exchange_real(new, old);
	else if (which == ITIMER_VIRTUAL || which == ITIMER_PROF)
		exchange_cpu(which, new, old);
	else
		return -EINVAL;
	return 0;
}
