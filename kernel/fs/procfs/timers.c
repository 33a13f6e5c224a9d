// /proc/PID/timers: the timers of timer_create(2), the newest first; see proc_pid_timers(5).

#include <fs/procfs/procfs.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <signal/clocks.h>
#include <signal/posix_timer.h>
#include <uapi/errno.h>
#include <uapi/time.h>

static const char *notify_name(int notify)
{
	switch (notify & ~SIGEV_THREAD_ID) {
	case SIGEV_NONE:
		return "none";
	case SIGEV_THREAD:
		return "thread";
	}
	return "signal";
}

// The two numbers that programs use for their own CPU time are short for these.
static int full_clock(int clock)
{
	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return (int)(~0u << 3) | CPU_CLOCK_SCHED;
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return (int)(~0u << 3) | CPU_CLOCK_SCHED | CPU_CLOCK_PER_THREAD;
	return clock;
}

int proc_show_timers(struct seq *seq, struct task *task)
{
	struct posix_timer_about timer = {0};

	for (s64 below = 1l << 32; posix_timer_before(task->process, below, &timer);
	     below = timer.id) {
		seq_printf(seq, "ID: %d\nsignal: %d/%016lx\n", timer.id, timer.sig, timer.value);
		seq_printf(seq, "notify: %s/%s.%d\n", notify_name(timer.notify),
			   timer.notify & SIGEV_THREAD_ID ? "tid" : "pid",
			   pid_nr_ns(timer.target, seq->pid_ns));
		seq_printf(seq, "ClockID: %d\n", full_clock(timer.clock));
		pid_put(timer.target);
	}
	return 0;
}
