// System calls of clocks and sleeping. See clock_gettime(2), clock_nanosleep(2).

#include <core/errno.h>
#include <core/hart.h>
#include <core/printk.h>
#include <core/timer.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/time_ns.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <signal/clocks.h>
#include <signal/timers.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/time.h>

static struct timespec to_timespec(u64 ns)
{
	return (struct timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

// What a clock can be used for, or 0 for a number that is no clock.
enum clock_ability {
	CLOCK_EXISTS = 1 << 0,
	CLOCK_SLEEPS = 1 << 1,
	CLOCK_COARSE = 1 << 2, // as exact as a tick
};

#define COARSE_NS (4 * NSEC_PER_MSEC)

static bool is_device_clock(int clock)
{
	return clock < 0 && (clock & (CPU_CLOCK_PER_THREAD | 3)) == CPU_CLOCK_FD;
}

static int clock_abilities(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_PROCESS_CPUTIME_ID:
		return CLOCK_EXISTS | CLOCK_SLEEPS;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
		return CLOCK_EXISTS;
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return CLOCK_EXISTS | CLOCK_COARSE;
	}
	if (clock >= 0)
		return 0; // the alarm clocks too: there is nothing that would wake the machine
	if (is_device_clock(clock))
		return CLOCK_EXISTS; // but no descriptor is one
	bool samples = (clock & 3) != CPU_CLOCK_SCHED;
	return CLOCK_EXISTS | CLOCK_SLEEPS | (samples ? CLOCK_COARSE : 0);
}

SYSCALL2(clock_gettime, int, clock, u64, address)
{
	u64 ns;
	int error = clock_abilities(clock) ? clock_read(clock, &ns) : -EINVAL;

	if (error)
		return error;
	struct timespec ts = to_timespec(ns);
	return copy_to_user(address, &ts, sizeof(ts));
}

SYSCALL2(clock_getres, int, clock, u64, address)
{
	int abilities = clock_abilities(clock);
	struct timespec ts = {0, (abilities & CLOCK_COARSE) ? COARSE_NS : 1};
	u64 ns;
	int error = abilities ? clock_read(clock, &ns) : -EINVAL;

	if (error || !address)
		return error;
	return copy_to_user(address, &ts, sizeof(ts));
}

// The real-time clock never shows less than the time since boot.
static int set_realtime(u64 ns)
{
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (ns < clock_monotonic_ns())
		return -EINVAL;
	clock_settime(ns);
	return 0;
}

SYSCALL2(clock_settime, int, clock, u64, address)
{
	struct cpu_clock cpu;
	u64 ns;

	// Of CPU clocks only those that name their process pretend that they could be set.
	if (clock != CLOCK_REALTIME && clock >= 0)
		return -EINVAL;
	int error = timespec_from_user(address, &ns);
	if (error == -EFAULT)
		return error;
	if (clock_is_cpu(clock)) {
		error = cpu_clock_find(clock, false, &cpu);
		if (!error)
			pid_put(cpu.pid);
		return error ?: -EPERM;
	}
	return error ?: set_realtime(ns);
}

static struct timezone system_timezone; // settimeofday(2) keeps it for others, no more

SYSCALL2(gettimeofday, u64, tv_at, u64, tz_at)
{
	u64 now = clock_realtime_ns();
	struct timeval tv = {now / NSEC_PER_SEC, now % NSEC_PER_SEC / NSEC_PER_USEC};
	struct timezone tz = system_timezone;

	if (tv_at && copy_to_user(tv_at, &tv, sizeof(tv)))
		return -EFAULT;
	return tz_at ? copy_to_user(tz_at, &tz, sizeof(tz)) : 0;
}

SYSCALL2(settimeofday, u64, tv_at, u64, tz_at)
{
	struct timeval tv;
	struct timezone tz;

	if (tv_at && copy_from_user(&tv, tv_at, sizeof(tv)))
		return -EFAULT;
	if (tv_at && (u64)tv.tv_usec > 1000000)
		return -EINVAL;
	if (tz_at && copy_from_user(&tz, tz_at, sizeof(tz)))
		return -EFAULT;
	if (tv_at && (tv.tv_sec < 0 || (u64)tv.tv_sec > TIME_NEVER / NSEC_PER_SEC / 4 ||
		      tv.tv_usec == 1000000))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (tz_at && (tz.tz_minuteswest > 15 * 60 || tz.tz_minuteswest < -15 * 60))
		return -EINVAL;
	if (tz_at)
		system_timezone = tz;
	return tv_at ? set_realtime(tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC) : 0;
}

// --- adjtimex: the clock is not disciplined; its state can be read, and time can be set by it ---

static int adjust_check(const struct timex *timex)
{
	u32 known = ADJ_SETOFFSET | ADJ_MICRO | ADJ_NANO, modes = timex->modes;

	if (modes == ADJ_OFFSET_SS_READ)
		return 0;
	if (modes && !capable(CAP_SYS_TIME))
		return -EPERM;
	// What is left of an earlier adjustment is called off: there never is any.
	if (modes == ADJ_OFFSET_SINGLESHOT && !timex->offset)
		return 0;
	if (modes & ~known) {
		printk_ratelimited(LOG_INFO, "adjtimex: mode %x: the clock cannot be steered\n",
				   modes & ~known);
		return -EINVAL;
	}
	return 0;
}

static int adjust_offset(const struct timex *timex)
{
	bool nano = timex->modes & ADJ_NANO;
	s64 unit = nano ? 1 : NSEC_PER_USEC, limit = NSEC_PER_SEC / unit;
	s64 seconds = timex->time.tv_sec, part = timex->time.tv_usec;

	if (part < 0 || part >= limit || seconds > 1l << 32 || seconds < -(1l << 32))
		return -EINVAL;
	s64 now = clock_realtime_ns() + seconds * (s64)NSEC_PER_SEC + part * unit;
	return now < 0 ? -EINVAL : set_realtime(now);
}

static long adjust(u64 address)
{
	struct timex timex, out = {0};

	if (copy_from_user(&timex, address, sizeof(timex)))
		return -EFAULT;
	int error = adjust_check(&timex);
	if (!error && timex.modes != ADJ_OFFSET_SS_READ && (timex.modes & ADJ_SETOFFSET))
		error = adjust_offset(&timex);
	if (error)
		return error;
	u64 now = clock_realtime_ns();
	out.modes = timex.modes;
	out.maxerror = out.esterror = 16000000; // unsynchronized: 16 s, in microseconds
	out.status = STA_UNSYNC;
	out.constant = 2;
	out.precision = 1;
	out.tolerance = 500l << 16; // parts per million
	out.tick = 10000;
	out.time = (struct timeval){now / NSEC_PER_SEC, now % NSEC_PER_SEC / NSEC_PER_USEC};
	if (copy_to_user(address, &out, sizeof(out)))
		return -EFAULT;
	return TIME_ERROR;
}

SYSCALL1(adjtimex, u64, address)
{
	return adjust(address);
}

SYSCALL2(clock_adjtime, int, clock, u64, address)
{
	struct timex probe;

	if (copy_from_user(&probe, address, sizeof(probe)))
		return -EFAULT;
	if (clock != CLOCK_REALTIME)
		return clock_abilities(clock) && !is_device_clock(clock) ? -EOPNOTSUPP : -EINVAL;
	return adjust(address);
}

SYSCALL3(getcpu, u64, cpu_at, u64, node_at, u64, unused)
{
	(void)unused; // a cache, once
	u32 hart = hart_index();

	if (cpu_at && put_user_u32(cpu_at, hart))
		return -EFAULT;
	return node_at && put_user_u32(node_at, 0) ? -EFAULT : 0;
}

// --- Sleeping ---

// A sleep that can be continued: until a time of one of the three kinds of clock.
enum sleep_kind {
	SLEEP_MONOTONIC,
	SLEEP_REALTIME,
	SLEEP_CPU,
};

struct cpu_sleeper {
	struct cpu_timer timer;
	struct task *task;
	bool done; // written once, by whoever took it off the list
};

static void cpu_sleeper_wake(struct cpu_timer *timer, bool gone)
{
	struct cpu_sleeper *sleeper = container_of(timer, struct cpu_sleeper, timer);
	struct task *task = task_get(sleeper->task);

	(void)gone;
	smp_store_release(&sleeper->done, true); // it may be gone after this
	task_wake(task, TASK_NORMAL);
	task_put(task);
}

// Whether it slept until the CPU clock showed `until`; false: a signal.
static bool sleep_cpu(int clock, u64 until, int *error)
{
	struct cpu_sleeper sleeper = {.timer.fire = cpu_sleeper_wake, .task = current};

	*error = cpu_clock_find(clock, false, &sleeper.timer.clock);
	if (*error)
		return true;
	list_init(&sleeper.timer.link);
	if (cpu_clock_read(&sleeper.timer.clock) >= until)
		smp_store_release(&sleeper.done, true);
	else
		*error = cpu_timer_arm(&sleeper.timer, until);
	while (!*error && !smp_load_acquire(&sleeper.done) && !task_signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!smp_load_acquire(&sleeper.done))
			schedule();
		set_current_running();
	}
	if (!*error && !sleeper.done && !cpu_timer_disarm(&sleeper.timer)) {
		while (!smp_load_acquire(&sleeper.done)) // it is being fired
			arch_cpu_relax();
	}
	pid_put(sleeper.timer.clock.pid);
	return *error || sleeper.done;
}

struct realtime_sleeper {
	struct realtime_timer timer;
	struct task *task;
	bool done;
};

static void realtime_sleeper_wake(struct realtime_timer *timer)
{
	struct realtime_sleeper *sleeper = container_of(timer, struct realtime_sleeper, timer);

	WRITE_ONCE(sleeper->done, true);
	task_wake(sleeper->task, TASK_NORMAL);
}

static bool sleep_realtime(u64 until)
{
	struct realtime_sleeper sleeper = {.task = current};

	realtime_timer_init(&sleeper.timer, realtime_sleeper_wake);
	realtime_timer_start(&sleeper.timer, until);
	while (!READ_ONCE(sleeper.done) && !task_signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!READ_ONCE(sleeper.done))
			schedule();
		set_current_running();
	}
	realtime_timer_cancel_sync(&sleeper.timer);
	return sleeper.done;
}

static bool sleep_monotonic(u64 until)
{
	u64 left;

	do {
		set_current_state(TASK_INTERRUPTIBLE);
		left = schedule_timeout(until);
	} while (left && !task_signal_pending(current));
	set_current_running();
	return !left;
}

// Sleeps until the clock shows `until`. A signal: what is left goes to *left_at, if wanted.
static long sleep_until_clock(enum sleep_kind kind, int clock, u64 until, u64 left_at)
{
	int error = 0;
	u64 now = 0;
	bool slept = kind == SLEEP_CPU        ? sleep_cpu(clock, until, &error)
		     : kind == SLEEP_REALTIME ? sleep_realtime(until)
					      : sleep_monotonic(until);

	if (slept)
		return error;
	if (left_at) {
		if (kind == SLEEP_CPU)
			clock_read(clock, &now);
		else
			now = clock_monotonic_ns();
		struct timespec ts = to_timespec(until > now ? until - now : 0);
		if (copy_to_user(left_at, &ts, sizeof(ts)))
			return -EFAULT;
	}
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_again(struct task *task)
{
	return sleep_until_clock(task->restart.arg[0], task->restart.arg[3], task->restart.arg[1],
				 task->restart.arg[2]);
}

static long sleep_relative(enum sleep_kind kind, int clock, u64 ns, u64 left_at)
{
	u64 now = 0;

	if (kind == SLEEP_CPU)
		clock_read(clock, &now);
	else
		kind = SLEEP_MONOTONIC; // setting the clock does not change how long it takes
	u64 until = kind == SLEEP_CPU ? now + ns : timer_deadline_after(ns);
	long result = sleep_until_clock(kind, clock, until, left_at);

	if (result == -ERESTART_RESTARTBLOCK) {
		current->restart.fn = sleep_again;
		current->restart.arg[0] = kind;
		current->restart.arg[1] = until;
		current->restart.arg[2] = left_at;
		current->restart.arg[3] = clock;
	}
	return result;
}

SYSCALL2(nanosleep, u64, request_at, u64, left_at)
{
	u64 ns;
	int error = timespec_from_user(request_at, &ns);

	return error ?: sleep_relative(SLEEP_MONOTONIC, CLOCK_MONOTONIC, ns, left_at);
}

// A thread cannot wait for its own CPU time.
static int cpu_sleep_check(int clock)
{
	struct cpu_clock cpu;
	int error = cpu_clock_find(clock, false, &cpu);

	if (error)
		return error;
	if (cpu.per_thread && cpu.pid == current->pid)
		error = -EINVAL;
	pid_put(cpu.pid);
	return error;
}

SYSCALL4(clock_nanosleep, int, clock, int, flags, u64, request_at, u64, left_at)
{
	enum sleep_kind kind = clock_is_cpu(clock)                             ? SLEEP_CPU
			       : clock == CLOCK_REALTIME || clock == CLOCK_TAI ? SLEEP_REALTIME
									       : SLEEP_MONOTONIC;
	int abilities = clock_abilities(clock);
	u64 ns;

	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
		return -EOPNOTSUPP; // nothing would wake the machine
	if (!(abilities & CLOCK_SLEEPS))
		return abilities ? -EOPNOTSUPP : -EINVAL;
	int error = timespec_from_user(request_at, &ns);
	if (!error && kind == SLEEP_CPU)
		error = cpu_sleep_check(clock);
	if (error)
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(kind, clock, ns, left_at);
	long result = sleep_until_clock(kind, clock, time_ns_to_machine(clock, ns), 0);
	return result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}
