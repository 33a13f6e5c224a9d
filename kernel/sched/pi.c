// Priority inheritance: who waits for a lock lends its urgency to who holds it.
//
// A task of low priority holds a lock, one of high priority waits for it, and one in between keeps
// the first from running: the high one waits for the middle one, for as long as that likes. So the
// holder runs as urgently as the most urgent of those who wait for it; and if it waits for another
// lock itself, so does that one's holder, and on along the chain.
//
// A task waits for at most one lock, so the graph (task -> lock it waits for -> holder) is a forest
// as long as nobody closes a ring; pi_wait() walks to the root first and refuses that. Each lock
// orders its waiters by urgency, each task the locks that it holds by that of their first waiters:
// what is lent to a task is at hand, and a change costs a logarithm for each link of the chain.
//
// Rings and chains cross locks, processes and harts, and a walk must see them as they are at one
// moment. Hence one spinlock for all of them: it is taken only for locks that somebody waits for,
// for a walk of at most PI_CHAIN_MAX links.
//
// A lock is handed on: who unlocks it names the next holder, there and then. Nobody can come in
// between, and there is no time at which it has waiters but no holder.
//
// Urgency is a number from 0 (nice 19) over 39 (nice -20) to 139 (real-time priority 99). Fair tasks
// are not ordered among themselves by it, for nice is no order but a share.

#include <core/errno.h>
#include <sched/pi.h>
#include <sched/sched.h>

struct spinlock pi_graph_lock = SPINLOCK_INIT(LOCK_PI_GRAPH);

void pi_lock_init(struct pi_lock *lock)
{
	*lock = (struct pi_lock){0};
}

void pi_waiter_init(struct pi_waiter *waiter)
{
	*waiter = (struct pi_waiter){.state = PI_IDLE};
}

// --- The two orders ---

static u8 rank_of(u8 urgency)
{
	return MAX(urgency, URGENCY_FAIR_MAX);
}

static struct pi_waiter *waiter_of(struct rb_node *node)
{
	return rb_entry(node, struct pi_waiter, node);
}

static struct pi_waiter *first_waiter(const struct pi_lock *lock)
{
	struct rb_node *node = rb_first(&lock->waiters);

	return node ? waiter_of(node) : NULL;
}

static void waiter_insert(struct pi_lock *lock, struct pi_waiter *waiter)
{
	struct rb_node **link = &lock->waiters.node, *parent = NULL;

	waiter->urgency = task_urgency(waiter->task);
	while (*link) {
		parent = *link;
		link = rank_of(waiter->urgency) > rank_of(waiter_of(parent)->urgency)
			       ? &parent->left
			       : &parent->right;
	}
	rb_link_node(&waiter->node, parent, link);
	rb_insert_color(&waiter->node, &lock->waiters);
}

static struct pi_lock *held_of(struct rb_node *node)
{
	return rb_entry(node, struct pi_lock, held);
}

static void held_insert(struct task *holder, struct pi_lock *lock)
{
	struct rb_node **link = &holder->pi_held.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = lock->urgency > held_of(parent)->urgency ? &parent->left : &parent->right;
	}
	rb_link_node(&lock->held, parent, link);
	rb_insert_color(&lock->held, &holder->pi_held);
}

struct pi_lock *pi_first_held(const struct task *task)
{
	struct rb_node *node = rb_first(&task->pi_held);

	return node ? held_of(node) : NULL;
}

struct task *pi_first_waiter(const struct pi_lock *lock)
{
	struct pi_waiter *waiter = first_waiter(lock);

	return waiter ? waiter->task : NULL;
}

// --- Lending ---

// The first waiter of the lock may be another, or more or less urgent: the holder feels it.
static void lock_changed(struct pi_lock *lock)
{
	struct pi_waiter *waiter = first_waiter(lock);
	struct task *holder = lock->holder;
	u8 urgency = waiter ? waiter->urgency : 0;

	if (urgency == lock->urgency)
		return;
	if (holder)
		rb_erase(&lock->held, &holder->pi_held);
	lock->urgency = urgency;
	if (holder)
		held_insert(holder, lock);
}

static void lend(struct task *task)
{
	struct pi_lock *lock = pi_first_held(task);

	task_lend(task, lock ? lock->urgency : 0);
}

// The task may have become more or less urgent: carries that along the chain that it waits in.
static void carry_on(struct task *task)
{
	for (int links = 0; links < PI_CHAIN_MAX; links++) {
		struct pi_waiter *waiter = task->pi_blocked_on;

		if (!waiter || waiter->urgency == task_urgency(task))
			return;
		struct pi_lock *lock = waiter->lock;
		rb_erase(&waiter->node, &lock->waiters);
		waiter_insert(lock, waiter);
		lock_changed(lock);
		task = lock->holder;
		if (!task)
			return;
		lend(task);
	}
}

static void holder_changed(struct task *holder)
{
	if (!holder)
		return;
	lend(holder);
	carry_on(holder);
}

void pi_task_changed(struct task *task)
{
	spin_lock(&pi_graph_lock);
	carry_on(task);
	spin_unlock(&pi_graph_lock);
}

// --- Holding and waiting ---

void pi_set_holder(struct pi_lock *lock, struct task *holder)
{
	struct task *old = lock->holder;

	assert_spin_held(&pi_graph_lock);
	if (old)
		rb_erase(&lock->held, &old->pi_held);
	lock->holder = holder;
	if (holder)
		held_insert(holder, lock);
	holder_changed(old);
	holder_changed(holder);
}

static bool would_deadlock(const struct pi_lock *lock, const struct task *task)
{
	for (int links = 0; links < PI_CHAIN_MAX; links++) {
		const struct task *holder = lock->holder;

		if (!holder)
			return false;
		if (holder == task)
			return true;
		if (!holder->pi_blocked_on)
			return false;
		lock = holder->pi_blocked_on->lock;
	}
	return true;
}

int pi_wait(struct pi_lock *lock, struct pi_waiter *waiter, struct task *task)
{
	assert_spin_held(&pi_graph_lock);
	if (would_deadlock(lock, task))
		return -EDEADLK;
	waiter->task = task;
	waiter->lock = lock;
	WRITE_ONCE(waiter->state, PI_WAITS);
	task->pi_blocked_on = waiter;
	waiter_insert(lock, waiter);
	lock_changed(lock);
	holder_changed(lock->holder);
	return 0;
}

static void leave(struct pi_waiter *waiter, enum pi_state state)
{
	rb_erase(&waiter->node, &waiter->lock->waiters);
	waiter->task->pi_blocked_on = NULL;
	WRITE_ONCE(waiter->state, state);
	lock_changed(waiter->lock);
}

void pi_unwait(struct pi_waiter *waiter)
{
	assert_spin_held(&pi_graph_lock);
	leave(waiter, PI_IDLE);
	holder_changed(waiter->lock->holder);
}

struct task *pi_hand_on(struct pi_lock *lock)
{
	struct pi_waiter *next = first_waiter(lock);
	struct task *task = next ? next->task : NULL;

	assert_spin_held(&pi_graph_lock);
	if (next)
		leave(next, PI_GIVEN);
	pi_set_holder(lock, task);
	if (task)
		task_wake(task, TASK_NORMAL);
	return task;
}
