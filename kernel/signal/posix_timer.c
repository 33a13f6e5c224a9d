// The timers of timer_create(2).
//
// A timer that expires queues its one signal and stops. When the signal is taken the periods that
// have passed since are counted as overruns, and the next one begins; so a timer never costs more
// than its signals are worth. A signal that is ignored when it is due is not queued, and the timer
// waits until the signal is no longer ignored.
//
// Each setting has a number (`setting`), which the queued signal bears: if the timer was set anew
// or deleted meanwhile, the signal is thrown away when it is taken.
//
// References: one by the process's table, one while the signal is queued, one while it waits for CPU
// time, and one for each caller. Lock order: timer->lock > sighand->lock; timer->lock > timers_lock.

#include <core/init.h>
#include <core/refcount.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <signal/posix_timer.h>
#include <signal/queue.h>
#include <signal/timers.h>
#include <uapi/errno.h>
#include <uapi/time.h>

enum timer_state {
	TIMER_OFF,   // not set, or a single one that has expired
	TIMER_ARMED, // runs
	TIMER_DUE,   // a period is over and its signal was not taken yet
};

// Legend: [I] immutable; [lock]; [timers] process->timers_lock.
struct posix_timer {
	struct refcount refs;
	struct spinlock lock;        // LOCK_POSIX_TIMER_STATE, irq-safe
	struct rb_node node;         // [timers]
	bool in_table;               // [timers]
	struct process *process;     // [I] whose it is; valid while it is in the table
	struct pid *target;          // [I] counted: a process or, for SIGEV_THREAD_ID, a thread
	struct queued_signal *entry; // [I] its signal; NULL for SIGEV_NONE
	int id;                      // [I]
	int clock;                   // [I]
	int notify;                  // [I] SIGEV_...
	bool cpu_time;               // [I] `cpu` is used, else `real` or `timer`

	enum timer_state state; // [lock]
	bool follows_realtime;  // [lock] set for a point of real time, so armed through `real`
	u64 expires_ns;         // [lock] of real, CPU or else monotonic time
	u64 interval_ns;        // [lock]
	u64 overruns;           // [lock] periods that ended since a signal was taken
	int overruns_told;      // [lock] with the last signal
	u32 setting;            // [lock] grows with each timer_settime()

	struct timer timer;
	struct realtime_timer real;
	struct cpu_timer cpu;
};

static struct slab_cache *timer_cache;

// --- References ---

static struct posix_timer *timer_get(struct posix_timer *timer)
{
	refcount_get(&timer->refs);
	return timer;
}

void posix_timer_put(struct posix_timer *timer)
{
	if (!refcount_put(&timer->refs))
		return;
	if (timer->entry) {
		timer->entry->timer = NULL;
		queued_signal_free(timer->entry);
	}
	if (timer->cpu_time)
		pid_put(timer->cpu.clock.pid);
	pid_put(timer->target);
	slab_free(timer_cache, timer);
}

int posix_timer_id(const struct posix_timer *timer)
{
	return timer->id;
}

// --- Its clock ---

static u64 now_of(const struct posix_timer *timer)
{
	if (timer->cpu_time)
		return cpu_clock_read(&timer->cpu.clock);
	return timer->follows_realtime ? clock_realtime_ns() : clock_monotonic_ns();
}

// timer->lock held; state is set by the caller. -ESRCH: its clock stands still for ever.
static int start_locked(struct posix_timer *timer)
{
	if (timer->cpu_time) {
		timer_get(timer);
		int error = cpu_timer_arm(&timer->cpu, timer->expires_ns);
		if (error)
			posix_timer_put(timer);
		return error;
	}
	if (timer->follows_realtime)
		realtime_timer_start(&timer->real, timer->expires_ns);
	else
		timer_start(&timer->timer, timer->expires_ns);
	return 0;
}

// timer->lock held. What fires at this moment finds that the timer is off.
static void stop_locked(struct posix_timer *timer)
{
	if (timer->cpu_time) {
		if (cpu_timer_disarm(&timer->cpu))
			posix_timer_put(timer); // never the last: the caller has one
		return;
	}
	realtime_timer_cancel(&timer->real);
	timer_cancel(&timer->timer);
}

// Moves an interval timer on to its first point after `now`. timer->lock held.
static void forward_locked(struct posix_timer *timer, u64 now)
{
	if (now < timer->expires_ns)
		return;
	u64 periods = (now - timer->expires_ns) / timer->interval_ns + 1;
	timer->overruns += periods;
	timer->expires_ns += periods * timer->interval_ns;
}

// --- Expiring ---

// timer->lock held. The signal goes to whom it is meant for, unless that is ignored or gone.
static void send_locked(struct posix_timer *timer)
{
	bool thread = timer->notify == SIGEV_THREAD_ID;

	rcu_read_lock();
	struct task *task = pid_task(timer->target, thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (task) {
		// Most often the process that runs: spares the way to its first thread.
		if (!thread && task->process == current->process)
			task = current;
		timer->entry->timer_setting = timer->setting;
		timer_get(timer);
		if (!signal_send_entry(task, timer->entry, !thread))
			posix_timer_put(timer);
	}
	rcu_read_unlock();
}

// timer->lock held.
static void expire_locked(struct posix_timer *timer)
{
	timer->state = timer->interval_ns ? TIMER_DUE : TIMER_OFF;
	if (timer->notify != SIGEV_NONE)
		send_locked(timer);
}

static void machine_timer_fired(struct posix_timer *timer)
{
	unsigned long flags = spin_lock_irqsave(&timer->lock);

	// It may have been set anew while we waited for the lock.
	if (timer->state == TIMER_ARMED && now_of(timer) >= timer->expires_ns)
		expire_locked(timer);
	spin_unlock_irqrestore(&timer->lock, flags);
}

static void timer_fired(struct timer *t)
{
	machine_timer_fired(container_of(t, struct posix_timer, timer));
}

static void realtime_timer_fired(struct realtime_timer *t)
{
	machine_timer_fired(container_of(t, struct posix_timer, real));
}

static void cpu_timer_fired(struct cpu_timer *t, bool gone)
{
	struct posix_timer *timer = container_of(t, struct posix_timer, cpu);
	unsigned long flags = spin_lock_irqsave(&timer->lock);

	if (timer->state == TIMER_ARMED && !timer->cpu.process) {
		if (gone)
			timer->state = TIMER_OFF;
		else
			expire_locked(timer);
	}
	spin_unlock_irqrestore(&timer->lock, flags);
	posix_timer_put(timer);
}

bool posix_timer_signal_taken(struct queued_signal *entry, struct siginfo *info)
{
	struct posix_timer *timer = entry->timer;
	unsigned long flags = spin_lock_irqsave(&timer->lock);
	bool valid = entry->timer_setting == timer->setting;

	if (valid) {
		if (timer->interval_ns && timer->state == TIMER_DUE) {
			forward_locked(timer, now_of(timer));
			timer->state = start_locked(timer) ? TIMER_OFF : TIMER_ARMED;
		}
		// One of them is the period that this signal is for.
		timer->overruns_told = timer->overruns ? MIN(timer->overruns - 1, 0x7ffffffful) : 0;
		timer->overruns = 0;
		info->si_overrun = timer->overruns_told;
	}
	spin_unlock_irqrestore(&timer->lock, flags);
	posix_timer_put(timer);
	return valid;
}

void posix_timer_signal_dropped(struct queued_signal *entry)
{
	posix_timer_put(entry->timer);
}

void posix_timers_unignore(int sig)
{
	struct process *process = current->process;
	int id = 0;

	// By id, for the lock of a timer comes before that of the table.
	for (;;) {
		struct posix_timer *timer = NULL;
		struct rb_node *node;

		spin_lock_irq(&process->timers_lock);
		rb_for_each (node, &process->posix_timers) {
			timer = rb_entry(node, struct posix_timer, node);
			if (timer->id >= id && timer->entry && timer->entry->info.si_signo == sig)
				break;
		}
		if (node)
			timer_get(timer);
		spin_unlock_irq(&process->timers_lock);
		if (!node)
			return;
		spin_lock_irq(&timer->lock);
		if (timer->state == TIMER_DUE)
			send_locked(timer);
		spin_unlock_irq(&timer->lock);
		id = timer->id + 1;
		posix_timer_put(timer);
		if (id <= 0)
			return;
	}
}

// --- Setting and reading ---

// What is left and the interval, as timer_gettime(2) says it. timer->lock held.
static void read_locked(struct posix_timer *timer, u64 times[2])
{
	u64 now;

	times[0] = 0;
	times[1] = timer->interval_ns;
	if (timer->state == TIMER_OFF)
		return;
	now = now_of(timer);
	// A period whose signal waits is over: the time is that to the next one.
	if (timer->interval_ns && (timer->state == TIMER_DUE || timer->notify == SIGEV_NONE))
		forward_locked(timer, now);
	if (timer->expires_ns > now)
		times[0] = timer->expires_ns - now;
	else if (timer->notify != SIGEV_NONE)
		times[0] = 1; // about to fire
}

void posix_timer_get_time(struct posix_timer *timer, u64 times[2])
{
	spin_lock_irq(&timer->lock);
	read_locked(timer, times);
	spin_unlock_irq(&timer->lock);
}

int posix_timer_overrun(struct posix_timer *timer)
{
	return READ_ONCE(timer->overruns_told);
}

int posix_timer_set(struct posix_timer *timer, bool absolute, u64 value, u64 interval, u64 old[2])
{
	int error = 0;

	spin_lock_irq(&timer->lock);
	read_locked(timer, old);
	stop_locked(timer);
	timer->setting++;
	timer->overruns = 0;
	timer->overruns_told = 0;
	timer->state = TIMER_OFF;
	timer->interval_ns = value ? interval : 0;
	if (value) {
		timer->follows_realtime = absolute && (timer->clock == CLOCK_REALTIME ||
						       timer->clock == CLOCK_TAI);
		timer->expires_ns = absolute ? time_ns_to_machine(timer->clock, value)
					     : now_of(timer) + value;
		timer->state = TIMER_ARMED;
		if (timer->notify != SIGEV_NONE)
			error = start_locked(timer);
		if (error)
			timer->state = TIMER_OFF;
	}
	spin_unlock_irq(&timer->lock);
	return error;
}

// --- The table of a process ---

static struct posix_timer *find_locked(struct process *process, int id)
{
	struct rb_node *node = process->posix_timers.node;

	while (node) {
		struct posix_timer *timer = rb_entry(node, struct posix_timer, node);

		if (timer->id == id)
			return timer;
		node = id < timer->id ? node->left : node->right;
	}
	return NULL;
}

struct posix_timer *posix_timer_find(int id)
{
	struct process *process = current->process;

	spin_lock_irq(&process->timers_lock);
	struct posix_timer *timer = find_locked(process, id);
	if (timer)
		timer_get(timer);
	spin_unlock_irq(&process->timers_lock);
	return timer;
}

bool posix_timer_before(struct process *process, s64 id, struct posix_timer_about *out)
{
	struct posix_timer *found = NULL;

	spin_lock_irq(&process->timers_lock);
	for (struct rb_node *node = process->posix_timers.node; node;) {
		struct posix_timer *timer = rb_entry(node, struct posix_timer, node);

		if (timer->id < id)
			found = timer;
		node = timer->id < id ? node->right : node->left;
	}
	if (found) {
		const struct siginfo *info = &found->entry->info;

		*out = (struct posix_timer_about){.id = found->id,
						  .clock = found->clock,
						  .notify = found->notify,
						  .sig = info->si_signo,
						  .value = (u64)info->si_timer_value.sival_ptr,
						  .target = pid_get(found->target)};
	}
	spin_unlock_irq(&process->timers_lock);
	return found;
}

// Gives it the next free number. `tell_id`: its value is the number.
static void insert(struct process *process, struct posix_timer *timer, bool tell_id)
{
	struct rb_node **link = &process->posix_timers.node, *parent = NULL;

	spin_lock_irq(&process->timers_lock);
	do {
		timer->id = process->next_timer_id;
		process->next_timer_id = (process->next_timer_id + 1) & 0x7fffffff;
	} while (find_locked(process, timer->id));
	timer->entry->info.si_timerid = timer->id;
	if (tell_id)
		timer->entry->info.si_timer_value.sival_int = timer->id;
	while (*link) {
		parent = *link;
		link = timer->id < rb_entry(parent, struct posix_timer, node)->id ? &parent->left
										  : &parent->right;
	}
	rb_link_node(&timer->node, parent, link);
	rb_insert_color(&timer->node, &process->posix_timers);
	timer->in_table = true;
	timer_get(timer);
	spin_unlock_irq(&process->timers_lock);
}

int posix_timer_delete(struct posix_timer *timer)
{
	struct process *process = timer->process;

	spin_lock_irq(&process->timers_lock);
	bool ours = timer->in_table;
	if (ours) {
		rb_erase(&timer->node, &process->posix_timers);
		timer->in_table = false;
	}
	spin_unlock_irq(&process->timers_lock);
	if (!ours)
		return -EINVAL;
	spin_lock_irq(&timer->lock);
	stop_locked(timer);
	timer->state = TIMER_OFF;
	timer->setting++; // a signal that waits is not delivered
	spin_unlock_irq(&timer->lock);
	realtime_timer_cancel_sync(&timer->real);
	timer_cancel_sync(&timer->timer);
	posix_timer_put(timer);
	return 0;
}

void posix_timers_delete_all(struct process *process)
{
	for (;;) {
		struct posix_timer *timer = NULL;

		spin_lock_irq(&process->timers_lock);
		struct rb_node *node = rb_first(&process->posix_timers);
		if (node)
			timer = timer_get(rb_entry(node, struct posix_timer, node));
		spin_unlock_irq(&process->timers_lock);
		if (!timer)
			return;
		posix_timer_delete(timer);
		posix_timer_put(timer);
	}
}

void process_timers_exec(void)
{
	struct sighand *sighand = current->sighand;

	posix_timers_delete_all(current->process);
	spin_lock_irq(&sighand->lock);
	signal_remove_timers_locked(&current->pending);
	signal_remove_timers_locked(&current->process->shared_pending);
	signal_recalc_locked(current);
	spin_unlock_irq(&sighand->lock);
}

// --- Making ---

// Whether timers may run on that clock at all.
static int check_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM: // nothing could wake the machine: it never sleeps
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	}
	return clock_is_cpu(clock) ? 0 : -EINVAL;
}

// The pid that is to hear of the timer, with a reference; NULL: the event makes no sense.
static struct pid *event_target(const struct sigevent *event)
{
	struct pid *pid = current->process->pids[PIDTYPE_TGID];
	bool thread = event->sigev_notify == SIGEV_THREAD_ID;

	if (event->sigev_notify == SIGEV_NONE)
		return pid_get(pid);
	if (!thread && event->sigev_notify != SIGEV_SIGNAL && event->sigev_notify != SIGEV_THREAD)
		return NULL;
	if (event->sigev_signo < 1 || event->sigev_signo > SIGRTMAX)
		return NULL;
	if (!thread)
		return pid_get(pid);
	rcu_read_lock();
	struct task *task = task_find(event->sigev_tid);
	pid = task && task->process == current->process ? pid_get(task->pid) : NULL;
	rcu_read_unlock();
	return pid;
}

static int set_event(struct posix_timer *timer, const struct sigevent *event)
{
	struct siginfo *info = &timer->entry->info;

	timer->notify = event->sigev_notify;
	timer->target = event_target(event);
	if (!timer->target)
		return -EINVAL;
	*info = (struct siginfo){.si_signo = event->sigev_signo, .si_code = SI_TIMER};
	info->si_timer_value = event->sigev_value;
	return 0;
}

static struct posix_timer *timer_alloc(void)
{
	struct posix_timer *timer = slab_alloc(timer_cache, GFP_KERNEL | GFP_ZERO);

	if (!timer)
		return NULL;
	timer->entry = queued_signal_alloc(current, false, GFP_KERNEL);
	if (!timer->entry) {
		slab_free(timer_cache, timer);
		return NULL;
	}
	timer->entry->timer = timer;
	refcount_init(&timer->refs, 1);
	spin_init(&timer->lock, LOCK_POSIX_TIMER_STATE);
	timer_init(&timer->timer, timer_fired);
	realtime_timer_init(&timer->real, realtime_timer_fired);
	list_init(&timer->cpu.link);
	timer->cpu.fire = cpu_timer_fired;
	timer->process = current->process;
	return timer;
}

int posix_timer_create(int clock, const struct sigevent *event, struct posix_timer **out)
{
	struct sigevent standard = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	int error = check_clock(clock);

	if (error)
		return error;
	struct posix_timer *timer = timer_alloc();
	if (!timer)
		return -EAGAIN;
	timer->clock = clock;
	error = set_event(timer, event ?: &standard);
	if (!error && clock_is_cpu(clock)) {
		error = cpu_clock_find(clock, false, &timer->cpu.clock);
		timer->cpu_time = !error;
	}
	if (error) {
		posix_timer_put(timer);
		return error;
	}
	insert(current->process, timer, !event);
	*out = timer;
	return 0;
}

static int posix_timers_init(void)
{
	timer_cache = slab_cache_create("posix_timer", sizeof(struct posix_timer), 0,
					SLAB_PANIC | SLAB_ACCOUNT, NULL);
	return 0;
}
INITCALL(EARLY, posix_timers_init);
