// RCU. Theory:
//
// A grace period begins with a snapshot of the harts that are online and not idle; each leaves the
// set at its next quiescent point (rcu_note_quiet: a task switch, or a tick that hit user mode, or
// going idle). When the set is empty, every read section that ran at the beginning has ended.
//
// An idle hart holds nothing: it sets its bit in harts_idle with a full barrier when it has nothing
// to run, and clears it with one before anything else, interrupt handlers included. So either the
// snapshot sees it busy, or its later reads see all that was unlinked before the snapshot.
//
// Callbacks are kept per hart, in order, in three lists: `next` (wait for a grace period to begin),
// `wait` (done when period wait_gp has ended), `done` (to be called by rcu_poll()). The hart alone
// touches them, interrupts off. A switch costs one load and branch while nothing is asked of the
// hart (hart->rcu_urgent); on a machine with one busy hart, a batch's period begins and ends
// within one rcu_note_quiet().
//
// A hart that never switches is seen in user mode by its tick, but it has a tick only while others
// wait for it or while it has callbacks. Who finds a period open for LATE_NS with callbacks of its
// own waiting for it interrupts the harts that are late (kick_late_locked), and they pass schedule().
// Ready callbacks are run by schedule() and by the idle loop.

#include <arch/irq.h>
#include <core/hart.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/rcu.h>
#include <core/spinlock.h>
#include <core/timer.h>

#define BATCH_START 64  // callbacks after which a hart does not wait for the tick
#define BATCH_RUN   256 // called at a time, unless they pile up
#define BACKLOG     4096
#define LATE_NS     (5 * NSEC_PER_MSEC)

struct rcu_list {
	struct rcu_head *head, **tail; // tail NULL = not initialised
	u32 count;
};

// [own hart, irqs off]
struct rcu_hart {
	struct rcu_list next, wait, done;
	u64 wait_gp;
	bool polling;
};
static PER_HART(struct rcu_hart, rcu_hart);

static struct {
	struct spinlock lock;
	u64 started, completed;  // [lock] numbers of grace periods; equal: none is running
	u64 wanted;              // [lock] highest number that somebody waits for
	struct hartmask waiting; // [lock] harts that have not yet been quiet in this one
	u64 late_ns;             // [lock] when they are late
} rcu = {.lock = SPINLOCK_INIT(LOCK_RCU)};
static bool rcu_running;

static void list_append(struct rcu_list *to, struct rcu_head *head, struct rcu_head **tail, u32 n)
{
	if (!to->head)
		to->tail = &to->head;
	*to->tail = head;
	to->tail = tail;
	to->count += n;
}

static void rcu_list_move(struct rcu_list *to, struct rcu_list *from)
{
	if (!from->head)
		return;
	list_append(to, from->head, from->tail, from->count);
	from->head = NULL;
	from->count = 0;
}

// Called with this hart in a quiescent point.
static void begin_locked(struct hart *self)
{
	rcu.started++;
	smp_mb(); // what was unlinked before is visible to whoever leaves idle after the snapshot
	rcu.waiting.bits = READ_ONCE(harts_online.bits) & ~READ_ONCE(harts_idle.bits) &
			   ~(1ul << self->index);
	if (!rcu.waiting.bits) {
		rcu.completed = rcu.started;
		return;
	}
	for_each_hart_in(i, &rcu.waiting) WRITE_ONCE(harts[i].rcu_urgent, true);
	rcu.late_ns = clock_monotonic_ns() + LATE_NS;
}

// Interrupts the harts that a period waits for too long.
static void kick_late_locked(struct hart *self)
{
	struct hartmask late = rcu.waiting;
	u64 now = clock_monotonic_ns();

	if (rcu.started == rcu.completed || now < rcu.late_ns)
		return;
	rcu.late_ns = now + LATE_NS;
	hartmask_clear(&late, self->index);
	for_each_hart_in(i, &late)
	{
		WRITE_ONCE(harts[i].rcu_urgent, true);
		ipi_send(i, IPI_RESCHED);
	}
}

static void quiet_locked(struct hart *self)
{
	hartmask_clear(&rcu.waiting, self->index);
	// A hart may have gone idle in the same moment as the snapshot was taken.
	rcu.waiting.bits &= ~READ_ONCE(harts_idle.bits);
	if (rcu.started != rcu.completed && !rcu.waiting.bits)
		rcu.completed = rcu.started;
	while (rcu.started == rcu.completed && rcu.wanted > rcu.completed)
		begin_locked(self);
}

// This hart is in a quiescent point: tells so, and moves its callbacks on. Interrupts off.
void rcu_note_quiet(void)
{
	struct hart *self = this_hart();
	struct rcu_hart *own = &this_hart_var(rcu_hart);

	WRITE_ONCE(self->rcu_urgent, false);
	if (!rcu_running)
		return;
	spin_lock(&rcu.lock);
	quiet_locked(self);
	if (own->wait.head && rcu.completed >= own->wait_gp)
		rcu_list_move(&own->done, &own->wait);
	if (own->next.head && !own->wait.head) {
		// A period that runs already may have begun before these were unlinked.
		rcu_list_move(&own->wait, &own->next);
		own->wait_gp = rcu.started + 1;
		if (own->wait_gp > rcu.wanted)
			rcu.wanted = own->wait_gp;
		quiet_locked(self);
		if (rcu.completed >= own->wait_gp)
			rcu_list_move(&own->done, &own->wait);
	}
	if (own->wait.head)
		kick_late_locked(self);
	spin_unlock(&rcu.lock);
	if (own->done.head)
		WRITE_ONCE(self->rcu_ready, true);
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	unsigned long flags = arch_irq_save();
	struct rcu_hart *own = &this_hart_var(rcu_hart);

	head->fn = fn;
	head->next = NULL;
	list_append(&own->next, head, &head->next, 1);
	this_hart()->rcu_callbacks++;
	if (unlikely(own->next.count >= BATCH_START))
		WRITE_ONCE(this_hart()->rcu_urgent, true);
	arch_irq_restore(flags);
}

void (*rcu_free_hook)(void *object);

void rcu_poll(void)
{
	unsigned long flags = arch_irq_save();
	struct rcu_hart *own = &this_hart_var(rcu_hart);
	struct rcu_head *head;
	u32 limit;

	// A callback never sleeps, so it never gets back here; a handler might.
	if (own->polling) {
		arch_irq_restore(flags);
		return;
	}
	own->polling = true;
	limit = own->done.count > BACKLOG ? own->done.count : BATCH_RUN;
	while (limit-- && (head = own->done.head)) {
		own->done.head = head->next;
		own->done.count--;
		this_hart()->rcu_callbacks--;
		arch_irq_restore(flags);
		// A small number is the head's offset in an object to be freed (kfree_rcu).
		if ((uintptr_t)head->fn < PAGE_SIZE)
			rcu_free_hook((char *)head - (uintptr_t)head->fn);
		else
			head->fn(head);
		arch_irq_disable();
	}
	own->polling = false;
	WRITE_ONCE(this_hart()->rcu_ready, own->done.head != NULL);
	arch_irq_restore(flags);
}

// Returns whether the interrupted task should pass through schedule() soon.
bool rcu_tick(bool quiet)
{
	if (!rcu_needs_tick())
		return false;
	if (quiet)
		rcu_note_quiet();
	return rcu_needs_tick();
}

// Idle: no read section can run until rcu_idle_exit(), not even in an interrupt.
void rcu_idle_enter(void)
{
	if (rcu_needs_tick())
		rcu_note_quiet();
	hartmask_set_atomic(&harts_idle, hart_index());
	// The snapshot may have been taken just before the bit was set.
	if (unlikely(READ_ONCE(this_hart()->rcu_urgent)))
		rcu_note_quiet();
}

void rcu_idle_exit(void)
{
	hartmask_clear_atomic(&harts_idle, hart_index());
}

void rcu_start(void)
{
	WRITE_ONCE(rcu_running, true);
}

// Makes a grace period happen now: this task is in a quiescent point, busy harts are interrupted
// so that they pass through schedule() on their way to user mode.
static void expedite(void)
{
	unsigned long flags = arch_irq_save();
	struct hartmask busy;

	rcu_note_quiet();
	busy.bits = READ_ONCE(rcu.waiting.bits);
	hartmask_clear(&busy, hart_index());
	for_each_hart_in(i, &busy) ipi_send(i, IPI_RESCHED);
	arch_irq_restore(flags);
}

struct rcu_waiter {
	struct rcu_head head;
	u32 *count;
};

static void waiter_done(struct rcu_head *head)
{
	struct rcu_waiter *w = container_of(head, struct rcu_waiter, head);

	rcu_waiter_wake(w->count);
}

// Waiting needs the scheduler, which is a floor above: it registers how to sleep until *count is 0
// and how to count down and wake.
void (*rcu_waiter_sleep)(u32 *count, void (*again)(void));
void (*rcu_waiter_wake)(u32 *count);
void (*rcu_yield)(void);

void synchronize_rcu(void)
{
	struct rcu_waiter w;
	u32 count = 1;

	might_sleep();
	smp_mb();
	if (!rcu_running || !(READ_ONCE(harts_online.bits) & ~READ_ONCE(harts_idle.bits) &
			      ~(1ul << hart_index()))) {
		smp_mb();
		return; // nobody else can be reading
	}
	w.count = &count;
	call_rcu(&w.head, waiter_done);
	expedite();
	rcu_waiter_sleep(&count, expedite);
}

static void queue_barrier(void *arg)
{
	struct rcu_waiter *w = arg;

	w += hart_index();
	call_rcu(&w->head, waiter_done);
	WRITE_ONCE(this_hart()->rcu_urgent, true);
}

// A hart that went idle with callbacks of its own learns of the end of their period only when it
// wakes, and runs them then.
static void nudge_all(void)
{
	struct hartmask others = {READ_ONCE(harts_online.bits)};

	expedite();
	unsigned long flags = arch_irq_save();
	hartmask_clear(&others, hart_index());
	for_each_hart_in(i, &others) ipi_send(i, IPI_RESCHED);
	arch_irq_restore(flags);
}

void rcu_barrier(void)
{
	static struct rcu_waiter waiters[MAX_HARTS]; // guarded by `busy`
	static u32 busy;
	struct hartmask online = {READ_ONCE(harts_online.bits)};
	u32 count = hartmask_weight(&online);

	might_sleep();
	if (!rcu_running)
		return;
	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE)) {
		synchronize_rcu();
		rcu_yield();
	}
	for (u32 i = 0; i < MAX_HARTS; i++)
		waiters[i].count = &count;
	ipi_call(&online, queue_barrier, waiters, true);
	nudge_all();
	rcu_waiter_sleep(&count, nudge_all);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}
