// Lock checks of debug builds. Each hart keeps a stack of the spinlocks it holds; see lock_check.h
// for what is checked. The checks use no locks themselves: a hart's stack is its own, and
// what is noted in a lock is either written while holding it or only ever set.

#include <arch/irq.h>
#include <core/hart.h>
#include <core/lock_check.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/printk.h>
#include <core/rcu.h>
#include <core/refcount.h>

#define HELD_MAX    24
#define REPORTS_MAX 16

struct lock_report *lock_report_capture;
static unsigned reports;

static const char *report_intro(const char *what)
{
	if (++reports <= REPORTS_MAX)
		return what;
	return NULL;
}

#if CONFIG_DEBUG
struct held_spin {
	const void *lock;
	struct lock_info *info;
	const void *where;
	bool shared;
	bool in_irq; // taken by an interrupt handler
};

struct hart_locks {
	unsigned depth;
	unsigned rcu_depth;
	struct held_spin held[HELD_MAX];
};
static PER_HART(struct hart_locks, hart_locks);

static bool sleep_armed;

void lock_check_arm_sleep(void)
{
	sleep_armed = true;
}

void lock_check_dump(void)
{
	struct hart_locks *h = &this_hart_var(hart_locks);

	for (unsigned i = 0; i < h->depth && i < HELD_MAX; i++)
		printk(LOG_EMERG, "  holds %pS (rank %u%s), taken at %pS\n", h->held[i].lock,
		       h->held[i].info->rank, h->held[i].shared ? ", shared" : "",
		       h->held[i].where);
}

void lock_report(const char *what, const struct lock_info *info, const void *lock,
		 const char *detail)
{
	if (lock_report_capture) {
		lock_report_capture->what = what;
		lock_report_capture->count++;
		return;
	}
	if (panicking || !report_intro(what))
		return;
	kernel_fault_noted();
	printk(LOG_EMERG, "lock misuse: %s: %s: %pS (rank %u, last taken at %pS)\n", what, detail,
	       lock, info ? info->rank : 0, info ? info->where : NULL);
	lock_check_dump();
	dump_stack();
}

// Locks of the interrupted code have no order with those of the handler. In return no lock that is
// held with interrupts on may be taken inside one that handlers take: another hart could wait for
// the first, holding the second, while the handler waits for the second on top of the first.
static bool rank_used_in_irq[LOCK_RANKS], rank_held_irqs_on[LOCK_RANKS];

static void check_order(struct hart_locks *h, struct lock_info *info, const void *lock, bool nested)
{
	bool handler = in_irq();

	for (unsigned i = 0; i < h->depth && i < HELD_MAX; i++) {
		u16 held = h->held[i].info->rank;

		if (held == LOCK_UNRANKED || info->rank == LOCK_UNRANKED ||
		    h->held[i].in_irq != handler)
			continue;
		if (rank_used_in_irq[held] && rank_held_irqs_on[info->rank])
			lock_report("irq order", info, lock,
				    "held with interrupts on elsewhere, taken inside an irq lock");
		if (held > info->rank || (held == info->rank && !nested))
			lock_report("order", info, lock, "taken after a lock of higher rank");
	}
}

// A lock that an interrupt handler takes must never be held with interrupts on, or the handler
// may wait on its own hart. Readers do not keep readers out, so only writers matter there.
static void check_irq_use(struct lock_info *info, const void *lock, bool shared)
{
	if (in_irq()) {
		info->used_in_irq = true;
		rank_used_in_irq[info->rank] = true;
	} else if (arch_irqs_enabled()) {
		info->taken_irqs_on |= !shared;
		rank_held_irqs_on[info->rank] = true;
	}
	if (info->used_in_irq && info->taken_irqs_on) {
		lock_report("irq-unsafe", info, lock, "taken in interrupts, and with them enabled");
		info->taken_irqs_on = false;
	}
}

void lock_check_acquire(struct lock_info *info, const void *lock, bool nested, bool shared)
{
	if (unlikely(panicking))
		return;
	if (info->owner == hart_index() + 1) {
		lock_report("recursion", info, lock, "held by this hart already");
		if (!lock_report_capture)
			panic("spinlock %pS taken twice", lock);
	}
	check_order(&this_hart_var(hart_locks), info, lock, nested);
	check_irq_use(info, lock, shared);
}

void lock_check_acquired(struct lock_info *info, const void *lock, bool shared)
{
	struct hart_locks *h = &this_hart_var(hart_locks);
	const void *where = __builtin_return_address(0);
	// An interrupt between the entry and its count would leave its own lock in this place.
	unsigned long flags = arch_irq_save();

	if (h->depth < HELD_MAX)
		h->held[h->depth] = (struct held_spin){lock, info, where, shared, in_irq()};
	h->depth++;
	info->where = where;
	if (!shared)
		info->owner = hart_index() + 1;
	arch_irq_restore(flags);
}

// Locks may be released in any order; the usual is the last one.
void lock_check_release(struct lock_info *info, const void *lock, bool shared)
{
	struct hart_locks *h = &this_hart_var(hart_locks);
	unsigned long flags = arch_irq_save();
	unsigned i = h->depth;

	while (i > 0 && !(i <= HELD_MAX && h->held[i - 1].lock == lock))
		i--;
	if (!i) {
		if (!panicking)
			lock_report("not owner", info, lock, "released by a hart that has it not");
	} else {
		for (; i < h->depth && i < HELD_MAX; i++)
			h->held[i - 1] = h->held[i];
		h->depth--;
	}
	if (!shared)
		info->owner = 0;
	arch_irq_restore(flags);
}

bool lock_check_held(const struct lock_info *info, const void *lock)
{
	struct hart_locks *h = &this_hart_var(hart_locks);

	(void)info;
	if (panicking)
		return true;
	for (unsigned i = 0; i < h->depth && i < HELD_MAX; i++)
		if (h->held[i].lock == lock)
			return true;
	return false;
}

unsigned lock_check_depth(void)
{
	return this_hart_var(hart_locks).depth;
}

void might_sleep(void)
{
	struct hart_locks *h = &this_hart_var(hart_locks);
	const char *why = NULL;

	if (!sleep_armed || panicking)
		return;
	if (h->depth)
		why = "may sleep while holding a spinlock";
	else if (h->rcu_depth)
		why = "may sleep in an RCU read section";
	else if (in_irq())
		why = "may sleep in an interrupt";
	else if (!arch_irqs_enabled())
		why = "may sleep with interrupts off";
	if (why)
		lock_report("sleep", NULL, __builtin_return_address(0), why);
}

void lock_check_none_held(void)
{
	struct hart_locks *h = &this_hart_var(hart_locks);

	if (unlikely(h->depth || h->rcu_depth) && !panicking) {
		lock_report("leak", NULL, __builtin_return_address(0),
			    h->depth ? "a spinlock is still held" : "still in an RCU read section");
		h->depth = 0;
		h->rcu_depth = 0;
	}
}

void rcu_read_lock(void)
{
	this_hart_var(hart_locks).rcu_depth++;
}

void rcu_read_unlock(void)
{
	struct hart_locks *h = &this_hart_var(hart_locks);

	if (!WARN_ON(!h->rcu_depth))
		h->rcu_depth--;
}

bool rcu_read_lock_held(void)
{
	return this_hart_var(hart_locks).rcu_depth != 0;
}
#else
void lock_report(const char *what, const struct lock_info *info, const void *lock,
		 const char *detail)
{
	(void)info;
	if (!panicking && report_intro(what))
		printk(LOG_ERR, "lock misuse: %s: %s: %pS\n", what, detail, lock);
}
#endif

void refcount_broken(struct refcount *r, int seen, const char *what)
{
	refcount_init(r, REFCOUNT_SATURATED + REFCOUNT_SATURATED / 2);
	if (lock_report_capture) {
		lock_report_capture->what = "refcount";
		lock_report_capture->count++;
		return;
	}
	printk_ratelimited(LOG_ERR, "reference count %p: %s at %d: leaked\n", r, what, seen);
	warn_report(__FILE__, __LINE__, "reference count is broken");
}
