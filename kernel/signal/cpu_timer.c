// What waits for CPU time: timers of timer_create(2) and sleepers on CPU clocks (struct cpu_timer),
// ITIMER_VIRTUAL and ITIMER_PROF, RLIMIT_CPU and RLIMIT_RTTIME.
//
// While a process has any of these, the tick runs on each hart that runs a thread of it, and sets
// WORK_CPU_TIMERS; the thread looks on its way to user mode (cpu_timers_run), in task context, so
// nothing here has to work in interrupts. Times are exact to a tick of 4 ms, as on Linux.

#include <core/atomic.h>
#include <core/printk.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <uapi/errno.h>
#include <uapi/time.h>

// --- Whether the tick is needed ---

static bool limit_is_set(struct process *process, int resource)
{
	return READ_ONCE(process->rlimits[resource].rlim_cur) != RLIM_INFINITY;
}

void cpu_timers_update_locked(struct process *process)
{
	bool armed = !list_empty(&process->cpu_timers) || process->cpu_itimers[0].expires_ns ||
		     process->cpu_itimers[1].expires_ns || limit_is_set(process, RLIMIT_CPU) ||
		     limit_is_set(process, RLIMIT_RTTIME);
	bool was = process->cpu_timers_armed;
	struct task *thread;

	WRITE_ONCE(process->cpu_timers_armed, armed);
	if (!armed || was)
		return;
	// Harts that run it alone have no tick: they start one when they schedule.
	rcu_read_lock();
	thread_group_for_each (thread, process)
		task_set_work(thread, WORK_RESCHED);
	rcu_read_unlock();
}

void process_cpu_limit_changed(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->timers_lock);

	cpu_timers_update_locked(process);
	spin_unlock_irqrestore(&process->timers_lock, flags);
}

// --- struct cpu_timer ---

int cpu_timer_arm(struct cpu_timer *timer, u64 expires_ns)
{
	int error = -ESRCH;

	rcu_read_lock();
	struct task *task = pid_task(timer->clock.pid,
				     timer->clock.per_thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (task) {
		struct process *process = task->process;
		unsigned long flags = spin_lock_irqsave(&process->timers_lock);

		if (atomic_read(&process->live)) {
			timer->expires_ns = expires_ns;
			timer->process = process;
			list_add_tail(&timer->link, &process->cpu_timers);
			cpu_timers_update_locked(process);
			error = 0;
		}
		spin_unlock_irqrestore(&process->timers_lock, flags);
	}
	rcu_read_unlock();
	return error;
}

bool cpu_timer_disarm(struct cpu_timer *timer)
{
	bool armed = false;

	rcu_read_lock();
	struct process *process = READ_ONCE(timer->process);
	if (process) {
		unsigned long flags = spin_lock_irqsave(&process->timers_lock);

		armed = timer->process == process;
		if (armed) {
			list_del_init(&timer->link);
			WRITE_ONCE(timer->process, NULL);
			cpu_timers_update_locked(process);
		}
		spin_unlock_irqrestore(&process->timers_lock, flags);
	}
	rcu_read_unlock();
	return armed;
}

// --- Looking ---

struct sample {
	u64 sum, utime, thread_sum, thread_utime;
};

static void sample_take(struct sample *now)
{
	u64 stime;

	process_cputime(current->process, &now->sum, &now->utime, &stime);
	now->thread_sum = task_sum_exec_ns(current);
	task_cputime(current, &now->thread_utime, &stime);
}

static bool has_expired(const struct cpu_timer *timer, const struct sample *now)
{
	bool utime = timer->clock.which == CPU_CLOCK_VIRT;

	if (!timer->clock.per_thread)
		return (utime ? now->utime : now->sum) >= timer->expires_ns;
	return timer->clock.pid == current->pid &&
	       (utime ? now->thread_utime : now->thread_sum) >= timer->expires_ns;
}

// Takes one that has expired off the list; all of them if `now` is NULL.
static struct cpu_timer *take_expired(struct process *process, const struct sample *now)
{
	struct cpu_timer *timer, *found = NULL;
	unsigned long flags = spin_lock_irqsave(&process->timers_lock);

	list_for_each_entry (timer, &process->cpu_timers, link) {
		if (now && !has_expired(timer, now))
			continue;
		found = timer;
		list_del_init(&found->link);
		WRITE_ONCE(found->process, NULL);
		break;
	}
	spin_unlock_irqrestore(&process->timers_lock, flags);
	return found;
}

static void run_itimer(struct process *process, int which, u64 now, int sig)
{
	struct cpu_itimer *timer = &process->cpu_itimers[which];
	unsigned long flags = spin_lock_irqsave(&process->timers_lock);
	bool expired = timer->expires_ns && now >= timer->expires_ns;

	if (expired) {
		u64 periods = timer->interval_ns
				      ? (now - timer->expires_ns) / timer->interval_ns + 1
				      : 0;
		timer->expires_ns = periods ? timer->expires_ns + periods * timer->interval_ns : 0;
	}
	spin_unlock_irqrestore(&process->timers_lock, flags);
	if (expired)
		signal_send_process(current, sig, SIGINFO_PRIV);
}

// A limit with a soft value that moves on by a second each time that it is passed.
static void run_limit(struct rlimit *limit, u64 used_ns, u64 unit_ns, bool whole_process)
{
	u64 soft = READ_ONCE(limit->rlim_cur), hard = READ_ONCE(limit->rlim_max);
	int sig = 0;

	if (soft == RLIM_INFINITY)
		return;
	if (hard != RLIM_INFINITY && used_ns / unit_ns >= hard) {
		sig = SIGKILL;
	} else if (used_ns / unit_ns >= soft) {
		sig = SIGXCPU;
		WRITE_ONCE(limit->rlim_cur, soft + NSEC_PER_SEC / unit_ns);
	}
	if (!sig)
		return;
	printk_ratelimited(LOG_INFO, "%s limit of CPU time: %s[%d] gets signal %d\n",
			   whole_process ? "the" : "the real-time", current->name,
			   task_pid_nr(current), sig);
	signal_send_process(current, sig, SIGINFO_PRIV);
}

void cpu_timers_run(void)
{
	struct process *process = current->process;
	struct cpu_timer *timer;
	struct sample now;

	atomic_fetch_and(&current->work, ~WORK_CPU_TIMERS);
	sample_take(&now);
	while ((timer = take_expired(process, &now)) != NULL)
		timer->fire(timer, false);
	run_itimer(process, ITIMER_VIRTUAL - 1, now.utime, SIGVTALRM);
	run_itimer(process, ITIMER_PROF - 1, now.sum, SIGPROF);
	run_limit(&process->rlimits[RLIMIT_CPU], now.sum, NSEC_PER_SEC, true);
	if (policy_is_rt(current->se.policy))
		run_limit(&process->rlimits[RLIMIT_RTTIME],
			  now.thread_sum - current->se.slept_exec_ns, NSEC_PER_USEC, false);
	process_cpu_limit_changed(process); // perhaps nothing is left to wait for
}

// --- Life of a process ---

void process_timers_exit(struct process *process)
{
	struct cpu_timer *timer;

	process->real_interval_ns = 0;
	timer_cancel_sync(&process->real_timer);
	posix_timers_delete_all(process);
	while ((timer = take_expired(process, NULL)) != NULL)
		timer->fire(timer, true);
}
