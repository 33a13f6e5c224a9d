// Timers that expire at a point of real time. Each runs as an ordinary timer on monotonic time; all
// that wait are on one list, and are started anew whenever the real-time clock is set.

#include <core/init.h>
#include <core/timer.h>

static struct spinlock waiting_lock = SPINLOCK_INIT(LOCK_REALTIME_TIMERS);
static LIST_HEAD(waiting); // [waiting_lock]

static void start_locked(struct realtime_timer *t)
{
	u64 offset = clock_realtime_offset_ns();

	timer_start(&t->timer, t->expires_ns > offset ? t->expires_ns - offset : 0);
}

static void fire(struct timer *timer)
{
	struct realtime_timer *t = container_of(timer, struct realtime_timer, timer);
	unsigned long flags = spin_lock_irqsave(&waiting_lock);
	bool due = !list_empty(&t->link) && clock_realtime_ns() >= t->expires_ns;

	if (due)
		list_del_init(&t->link);
	else if (!list_empty(&t->link) && !timer_pending(timer))
		start_locked(t); // the clock was set back just now
	spin_unlock_irqrestore(&waiting_lock, flags);
	if (due)
		t->fn(t);
}

void realtime_timer_init(struct realtime_timer *t, void (*fn)(struct realtime_timer *))
{
	timer_init(&t->timer, fire);
	list_init(&t->link);
	t->fn = fn;
}

void realtime_timer_start(struct realtime_timer *t, u64 realtime_ns)
{
	unsigned long flags = spin_lock_irqsave(&waiting_lock);

	t->expires_ns = realtime_ns;
	if (list_empty(&t->link))
		list_add(&t->link, &waiting);
	start_locked(t);
	spin_unlock_irqrestore(&waiting_lock, flags);
}

void realtime_timer_cancel(struct realtime_timer *t)
{
	unsigned long flags = spin_lock_irqsave(&waiting_lock);

	list_del_init(&t->link);
	timer_cancel(&t->timer);
	spin_unlock_irqrestore(&waiting_lock, flags);
}

void realtime_timer_cancel_sync(struct realtime_timer *t)
{
	realtime_timer_cancel(t);
	timer_cancel_sync(&t->timer);
}

static void clock_was_set(void)
{
	struct realtime_timer *t;
	unsigned long flags = spin_lock_irqsave(&waiting_lock);

	list_for_each_entry (t, &waiting, link)
		start_locked(t);
	spin_unlock_irqrestore(&waiting_lock, flags);
}

static struct clock_listener listener = {.fn = clock_was_set};

static int realtime_timers_init(void)
{
	clock_listen(&listener);
	return 0;
}
INITCALL(EARLY, realtime_timers_init);
