// Timers: per hart a tree of deadlines, and one hardware timer that is set to the earliest. The
// hardware is only ever moved to an earlier time; when it fires too early (what it was set
// for has been cancelled) the handler sets it anew. That makes cancelling free of device accesses.
//
// gdb: p harts[0], p ((struct timer_queue *)((char *)&timer_queue + harts[1].perhart_offset))->tree

#include <arch/timer.h>
#include <core/hart.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/timer.h>

struct timer_queue {
	struct spinlock lock;
	struct rb_root_cached tree; // [lock] by deadline
	struct timer *running;      // [lock] whose function is being called
	u32 count;                  // [lock]
	u64 tick_deadline;          // [own hart, irqs off] the scheduler's
	u64 programmed;             // [own hart, irqs off] what the hardware is set to
};
static PER_HART(struct timer_queue, timer_queue);

void (*timer_tick_hook)(u64 now_ns, bool from_user);

void timer_init_hart(void)
{
	struct timer_queue *q = &this_hart_var(timer_queue);

	spin_init(&q->lock, LOCK_TIMER);
	q->tree = RB_ROOT_CACHED;
	q->tick_deadline = TIME_NEVER;
	q->programmed = TIME_NEVER;
	arch_timer_set(TIME_NEVER);
}

static void program(struct timer_queue *q, u64 deadline)
{
	q->programmed = deadline;
	arch_timer_set(deadline == TIME_NEVER ? TIME_NEVER : clock_to_machine(deadline));
}

static struct timer *first_timer(struct timer_queue *q)
{
	struct rb_node *node = rb_first_cached(&q->tree);

	return node ? rb_entry(node, struct timer, node) : NULL;
}

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
	*t = (struct timer){.fn = fn};
}

// The queue of a timer may change while we wait for its lock: look again.
static struct timer_queue *lock_queue(struct timer *t, unsigned long *flags)
{
	for (;;) {
		struct timer_queue *q = READ_ONCE(t->queue);

		if (!q)
			return NULL;
		*flags = spin_lock_irqsave(&q->lock);
		if (likely(t->queue == q))
			return q;
		spin_unlock_irqrestore(&q->lock, *flags);
	}
}

static void dequeue_locked(struct timer_queue *q, struct timer *t)
{
	rb_erase_cached(&t->node, &q->tree);
	q->count--;
	WRITE_ONCE(t->pending, false);
}

static bool timer_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct timer, node)->deadline_ns <
	       rb_entry(b, const struct timer, node)->deadline_ns;
}

void timer_start(struct timer *t, u64 deadline_ns)
{
	unsigned long flags = arch_irq_save();
	struct timer_queue *q = &this_hart_var(timer_queue);

	if (unlikely(t->queue != q)) {
		// Moves here. Nobody else starts it meanwhile: that is its owner's business.
		timer_cancel(t);
		spin_lock(&q->lock);
		WRITE_ONCE(t->queue, q);
	} else {
		spin_lock(&q->lock);
		if (t->pending)
			dequeue_locked(q, t);
	}
	t->deadline_ns = deadline_ns;
	rb_add_cached(&t->node, &q->tree, timer_before);
	q->count++;
	WRITE_ONCE(t->pending, true);
	spin_unlock(&q->lock);
	if (deadline_ns < q->programmed)
		program(q, deadline_ns);
	arch_irq_restore(flags);
}

bool timer_cancel(struct timer *t)
{
	unsigned long flags;
	struct timer_queue *q = lock_queue(t, &flags);
	bool pending;

	if (!q)
		return false;
	pending = t->pending;
	if (pending)
		dequeue_locked(q, t);
	spin_unlock_irqrestore(&q->lock, flags);
	return pending;
}

bool timer_cancel_sync(struct timer *t)
{
	bool pending = false;

	for (;;) {
		unsigned long flags;
		struct timer_queue *q = lock_queue(t, &flags);
		bool running;

		if (!q)
			return pending;
		if (t->pending) {
			dequeue_locked(q, t);
			pending = true;
		}
		running = q->running == t;
		spin_unlock_irqrestore(&q->lock, flags);
		if (likely(!running))
			return pending;
		arch_cpu_relax();
	}
}

u64 timer_deadline_after(u64 delta_ns)
{
	u64 now = clock_monotonic_ns();

	return delta_ns < TIME_NEVER - 1 - now ? now + delta_ns : TIME_NEVER - 1;
}

void timer_set_tick(u64 deadline_ns)
{
	struct timer_queue *q = &this_hart_var(timer_queue);

	q->tick_deadline = deadline_ns;
	if (deadline_ns < q->programmed)
		program(q, deadline_ns);
}

static void run_expired(struct timer_queue *q, u64 now)
{
	struct timer *t;

	spin_lock(&q->lock);
	while ((t = first_timer(q)) && t->deadline_ns <= now) {
		dequeue_locked(q, t);
		q->running = t;
		spin_unlock(&q->lock);
		t->fn(t); // may free t
		spin_lock(&q->lock);
		q->running = NULL;
	}
	spin_unlock(&q->lock);
}

void timer_interrupt(bool from_user)
{
	struct timer_queue *q = &this_hart_var(timer_queue);
	u64 now = clock_monotonic_ns();
	u64 next;

	// Nothing that starts a timer in here needs to touch the hardware: it is set at the end.
	q->programmed = 0;
	run_expired(q, now);
	if (q->tick_deadline <= now) {
		q->tick_deadline = TIME_NEVER;
		if (timer_tick_hook)
			timer_tick_hook(now, from_user);
	}
	next = timer_next_deadline();
	program(q, next);
}

u64 timer_next_deadline(void)
{
	unsigned long flags = arch_irq_save();
	struct timer_queue *q = &this_hart_var(timer_queue);
	struct timer *first;
	u64 next = q->tick_deadline;

	spin_lock(&q->lock);
	first = first_timer(q);
	if (first && first->deadline_ns < next)
		next = first->deadline_ns;
	spin_unlock(&q->lock);
	arch_irq_restore(flags);
	return next;
}

u32 timer_count(void)
{
	u32 n = 0;

	for_each_online_hart (h)
		n += READ_ONCE(hart_var(timer_queue, h->index).count);
	return n;
}
