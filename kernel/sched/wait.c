// Wait queues, completions and timed sleep; see wait.h and, for the protocol, sched.h.

#include <sched/completion.h>
#include <sched/wait.h>
#include <uapi/errno.h>

void wait_queue_init_rank(struct wait_queue *wq, enum lock_rank rank)
{
	spin_init(&wq->lock, rank);
	list_init(&wq->entries);
}

void wait_queue_init(struct wait_queue *wq)
{
	wait_queue_init_rank(wq, LOCK_WAIT_QUEUE);
}

bool wake_default(struct wait_entry *entry, u32 state_mask, u64 key)
{
	(void)key;
	return task_wake(entry->task, state_mask);
}

bool wake_autoremove(struct wait_entry *entry, u32 state_mask, u64 key)
{
	struct task *task = entry->task;

	(void)key;
	// Off the queue first: once the task runs, the entry on its stack may be gone.
	if (!(READ_ONCE(task->state) & state_mask))
		return false;
	list_del_init(&entry->link);
	return task_wake(task, state_mask);
}

void wait_entry_init(struct wait_entry *entry, wake_fn wake, u32 flags)
{
	list_init(&entry->link);
	entry->task = current;
	entry->wake = wake;
	entry->flags = flags;
}

static void add_locked(struct wait_queue *wq, struct wait_entry *entry)
{
	if ((entry->flags & WAIT_EXCLUSIVE) && !(entry->flags & WAIT_PRIORITY))
		list_add_tail(&entry->link, &wq->entries);
	else
		list_add(&entry->link, &wq->entries);
}

void wait_add(struct wait_queue *wq, struct wait_entry *entry)
{
	unsigned long flags = spin_lock_irqsave(&wq->lock);

	add_locked(wq, entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void wait_remove(struct wait_queue *wq, struct wait_entry *entry)
{
	unsigned long flags = spin_lock_irqsave(&wq->lock);

	list_del_init(&entry->link);
	spin_unlock_irqrestore(&wq->lock, flags);
}

int prepare_to_wait(struct wait_queue *wq, struct wait_entry *entry, u32 state)
{
	unsigned long flags = spin_lock_irqsave(&wq->lock);
	int error = 0;

	if ((state & TASK_INTERRUPTIBLE) && task_signal_pending(current))
		error = -ERESTARTSYS;
	else if ((state & TASK_WAKEKILL) && task_kill_pending(current))
		error = -EINTR;
	if (error) {
		list_del_init(&entry->link);
	} else {
		if (list_empty(&entry->link))
			add_locked(wq, entry);
		set_current_state(state);
	}
	spin_unlock_irqrestore(&wq->lock, flags);
	return error;
}

void finish_wait(struct wait_queue *wq, struct wait_entry *entry)
{
	set_current_running();
	if (!list_empty(&entry->link))
		wait_remove(wq, entry);
}

void wake_up_common_locked(struct wait_queue *wq, u32 state_mask, int nr, u64 key, u32 flags)
{
	struct wait_entry *entry, *next;
	bool limited = nr != 0;

	(void)flags;
	list_for_each_entry_safe (entry, next, &wq->entries, link) {
		bool exclusive = entry->flags & WAIT_EXCLUSIVE;

		if (entry->wake(entry, state_mask, key) && exclusive && limited && --nr == 0)
			break;
	}
}

void wake_up_common(struct wait_queue *wq, u32 state_mask, int nr, u64 key, u32 flags)
{
	unsigned long irq = spin_lock_irqsave(&wq->lock);

	wake_up_common_locked(wq, state_mask, nr, key, flags);
	spin_unlock_irqrestore(&wq->lock, irq);
}

// --- Timed sleep ---

struct sleep_timer {
	struct timer timer;
	struct task *task;
};

static void sleep_timer_fire(struct timer *timer)
{
	task_wake(container_of(timer, struct sleep_timer, timer)->task,
		  TASK_NORMAL | TASK_WAKEKILL);
}

u64 schedule_timeout(u64 deadline_ns)
{
	struct sleep_timer sleep;

	if (deadline_ns == TIME_NEVER) {
		schedule();
		return TIME_NEVER;
	}
	u64 now = clock_monotonic_ns();
	if (now >= deadline_ns) {
		set_current_running();
		return 0;
	}
	sleep.task = current;
	timer_init(&sleep.timer, sleep_timer_fire);
	timer_start(&sleep.timer, deadline_ns);
	schedule();
	timer_cancel_sync(&sleep.timer);
	now = clock_monotonic_ns();
	return now >= deadline_ns ? 0 : deadline_ns - now;
}

void sleep_until(u64 deadline_ns)
{
	do {
		set_current_state(TASK_UNINTERRUPTIBLE);
	} while (schedule_timeout(deadline_ns));
}

// --- Completions ---

void completion_init(struct completion *c)
{
	c->done = 0;
	wait_queue_init(&c->wq);
}

void complete(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->wq.lock);

	if (c->done != COMPLETION_ALL)
		c->done++;
	wake_up_common_locked(&c->wq, TASK_NORMAL | TASK_WAKEKILL, 1, 0, 0);
	spin_unlock_irqrestore(&c->wq.lock, flags);
}

void complete_all(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->wq.lock);

	c->done = COMPLETION_ALL;
	wake_up_common_locked(&c->wq, TASK_NORMAL | TASK_WAKEKILL, 0, 0, 0);
	spin_unlock_irqrestore(&c->wq.lock, flags);
}

bool try_wait_for_completion(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->wq.lock);
	bool done = c->done != 0;

	if (done && c->done != COMPLETION_ALL)
		c->done--;
	spin_unlock_irqrestore(&c->wq.lock, flags);
	return done;
}

// The look goes through the lock, so that the completer has let go of *c when we return.
static int wait_common(struct completion *c, u32 state, u64 deadline_ns)
{
	return wait_event_loop(&c->wq, try_wait_for_completion(c), state, WAIT_EXCLUSIVE,
			       deadline_ns, (void)0, (void)0);
}

void wait_for_completion(struct completion *c)
{
	wait_common(c, TASK_UNINTERRUPTIBLE, TIME_NEVER);
}

int wait_for_completion_killable(struct completion *c)
{
	return wait_common(c, TASK_KILLABLE, TIME_NEVER);
}

int wait_for_completion_interruptible(struct completion *c)
{
	return wait_common(c, TASK_INTERRUPTIBLE, TIME_NEVER);
}

int wait_for_completion_timeout(struct completion *c, u64 deadline_ns)
{
	return wait_common(c, TASK_UNINTERRUPTIBLE, deadline_ns);
}
