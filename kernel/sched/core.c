// The heart of the scheduler: waking, switching, starting and ending tasks.
//
// A task's state and its place on a queue change under the lock of the queue of its hart. A waker
// takes pi_lock of the task first, so that two wakers do not both enqueue it, then waits until a
// task that is just going to sleep elsewhere has left its hart (on_hart), and puts it on a queue:
// that of its last hart, or of an idle one it may use. See sched.h for why no wake-up is lost.
//
// Lock order: task.pi_lock > run queue (two of them: lower index first).

#include <arch/context.h>
#include <arch/irq.h>
#include <arch/power.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/rcu.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <sched/run_queue.h>
#include <sched/stack_mark.h>

struct run_queue run_queues[MAX_HARTS];
struct hartmask harts_rt_waiting;
struct sched_hooks sched_hooks;

struct run_queue *task_rq_lock(struct task *task, unsigned long *flags)
{
	for (;;) {
		*flags = arch_irq_save();
		struct run_queue *rq = &run_queues[READ_ONCE(task->hart)->index];
		spin_lock(&rq->lock);
		if (likely(rq->index == READ_ONCE(task->hart)->index))
			return rq;
		spin_unlock_irqrestore(&rq->lock, *flags);
	}
}

void task_rq_unlock(struct run_queue *rq, unsigned long flags)
{
	spin_unlock_irqrestore(&rq->lock, flags);
}

// --- Preemption ---

// Makes the hart of the queue look again. rq->lock held.
static void resched(struct run_queue *rq)
{
	u32 old = atomic_fetch_or(&rq->current->work, WORK_RESCHED);

	if (!(old & WORK_RESCHED) && rq->index != hart_index())
		ipi_send(rq->index, IPI_RESCHED);
}

// A hart ticks often only while somebody waits for it. A task that is alone is looked at now and then, so
// that user and system time can be told apart; an idle hart does not tick at all.
static void update_tick(struct run_queue *rq)
{
	u64 slice = rq_slice_ns(rq);

	if (rq->current != rq->idle)
		slice = MIN(slice, SAMPLE_NS);
	timer_set_tick(slice == TIME_NEVER ? TIME_NEVER : clock_monotonic_ns() + slice);
}

static void tick(u64 now_ns, bool from_user)
{
	struct run_queue *rq = this_rq();

	spin_lock(&rq->lock);
	struct task *task = rq->current;
	u64 ran = now_ns - task->se.exec_start_ns;
	rq_account(rq);
	if (task != rq->idle) {
		*(from_user ? &task->utime_ns : &task->stime_ns) += ran;
		*(from_user ? task->se.nice > 0 ? &rq->nice_ns : &rq->user_ns
			    : &rq->system_ns) += ran;
		if (rq_slice_ns(rq) != TIME_NEVER) // not only a sample
			atomic_fetch_or(&task->work, task_has_cpu_timers(task)
							     ? WORK_RESCHED | WORK_CPU_TIMERS
							     : WORK_RESCHED);
	}
	update_tick(rq);
	spin_unlock(&rq->lock);
	if (rcu_tick(from_user || task == rq->idle))
		atomic_fetch_or(&task->work, WORK_RESCHED);
}

// --- Waking ---

// A real-time task does not wait behind another while a hart runs something less urgent. What runs
// is looked at without the lock: who was wrong is put right by steal_rt().
static u32 choose_for_rt(const struct task *task, const struct hartmask *allowed, u32 last)
{
	u32 best = hartmask_empty(allowed) ? 0 : hartmask_first(allowed);

	if (hartmask_test(allowed, last))
		best = last;
	u8 least = task_effective_rt(harts[best].current);
	for_each_hart_in(i, allowed)
	{
		u8 running = task_effective_rt(READ_ONCE(harts[i].current));

		if (least >= task_effective_rt(task) && running < least) {
			least = running;
			best = i;
		}
	}
	return best;
}

// Where a waking task should run: where it was, unless that hart is busy and another is idle.
static u32 choose_hart(const struct task *task)
{
	u32 last = task->hart->index;
	struct hartmask allowed = {task->affinity.bits & READ_ONCE(harts_online.bits)};

	if (hartmask_test(&allowed, last) && hartmask_test(&harts_idle, last))
		return last;
	struct hartmask idle = {allowed.bits & READ_ONCE(harts_idle.bits)};
	if (!hartmask_empty(&idle))
		return hartmask_first(&idle);
	if (unlikely(task_effective_rt(task)))
		return choose_for_rt(task, &allowed, last);
	if (hartmask_test(&allowed, last))
		return last;
	return hartmask_empty(&allowed) ? 0 : hartmask_first(&allowed);
}

// Whether a task that sleeps in this state counts in the load average.
static bool is_load(u32 state)
{
	return (state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE;
}

// Puts a task that is off its hart on queue `index` as runnable. task.pi_lock held.
static void activate(struct task *task, u32 index)
{
	struct run_queue *old = &run_queues[task->hart->index], *rq = &run_queues[index];

	if (old != rq) {
		// Keep its distance to the minimum. Reading without the other's lock is good enough.
		task->se.vruntime_ns += rq->min_vruntime_ns - READ_ONCE(old->min_vruntime_ns);
	}
	spin_lock(&rq->lock);
	WRITE_ONCE(task->hart, &harts[index]);
	rq->uninterruptible -= is_load(READ_ONCE(task->state));
	WRITE_ONCE(task->state, TASK_RUNNING);
	rq_enqueue(rq, task, false);
	rq->runnable++;
	if (rq_preempts(rq, task))
		resched(rq);
	else if (rq->index == hart_index() && rq->fair_count == 1)
		update_tick(rq);
	else if (rq->index != hart_index() && rq->fair_count == 1)
		resched(rq); // so that it starts its tick
	spin_unlock(&rq->lock);
}

// The task is still on its queue (it has not got to schedule() yet): only the state changes.
static bool wake_running(struct task *task)
{
	struct run_queue *rq = &run_queues[task->hart->index];
	bool done = false;

	spin_lock(&rq->lock);
	if (task->se.on_queue) {
		WRITE_ONCE(task->state, TASK_RUNNING);
		done = true;
	}
	spin_unlock(&rq->lock);
	return done;
}

static bool wake(struct task *task, u32 state_mask, bool sync)
{
	bool woken = false;

	smp_mb(); // the condition that the caller made true, before the look at the state
	unsigned long flags = spin_lock_irqsave(&task->pi_lock);
	if (!(READ_ONCE(task->state) & state_mask))
		goto out;
	woken = true;
	if (task == current) { // it has not gone to sleep yet
		WRITE_ONCE(task->state, TASK_RUNNING);
		goto out;
	}
	if (wake_running(task))
		goto out;
	while (smp_load_acquire(&task->on_hart))
		arch_cpu_relax();
	u32 index = sync && hartmask_test(&task->affinity, hart_index()) ? hart_index()
									 : choose_hart(task);
	activate(task, index);
out:
	spin_unlock_irqrestore(&task->pi_lock, flags);
	return woken;
}

bool task_wake(struct task *task, u32 state_mask)
{
	return wake(task, state_mask, false);
}

bool task_wake_sync(struct task *task, u32 state_mask)
{
	return wake(task, state_mask, true);
}

void task_kick(struct task *task)
{
	u32 index = READ_ONCE(task->hart)->index;

	if (task != current && task_running(task))
		ipi_send(index, IPI_RESCHED);
}

void task_set_work(struct task *task, u32 bits)
{
	if ((atomic_fetch_or(&task->work, bits) & bits) != bits)
		task_kick(task);
}

// --- Switching ---

// First thing after a switch, on the new task's stack: interrupts off, rq->lock held.
static void finish_switch(struct task *prev)
{
	struct run_queue *rq = this_rq();
	struct mm *drop = rq->drop_mm;
	bool dead = prev->state == TASK_DEAD;

	rq->drop_mm = NULL;
	smp_store_release(&prev->on_hart, false);
	spin_unlock(&rq->lock);
	arch_irq_enable();
	if (drop)
		sched_hooks.mm_drop_lazy(drop);
	if (unlikely(dead)) {
		stack_mark_check(prev);
		kstack_free(prev->kstack);
		prev->kstack = NULL;
		task_put(prev);
	}
}

void task_ret_from_fork(struct task *prev)
{
	finish_switch(prev);
	if (current->mm && sched_hooks.child_start)
		sched_hooks.child_start(current);
}

// Whether a signal forbids this sleep.
static bool sleep_forbidden(const struct task *task, u32 state)
{
	if ((state & TASK_INTERRUPTIBLE) && task_signal_pending(task))
		return true;
	return (state & TASK_WAKEKILL) && task_kill_pending(task);
}

static struct task *steal(struct run_queue *rq);
static struct task *steal_rt(struct run_queue *rq);

static void switch_to(struct run_queue *rq, struct task *prev, struct task *next)
{
	rq->switches++;
	WRITE_ONCE(harts[rq->index].current, next);
	WRITE_ONCE(next->hart, &harts[rq->index]);
	next->on_hart = true;
	rcu_note_switch(&harts[rq->index]);
	if (prev->mm && prev->mm == next->mm)
		next->active_mm = next->mm;
	else if (sched_hooks.mm_switch)
		rq->drop_mm = sched_hooks.mm_switch(prev, next);
	if (prev->rseq_addr | next->rseq_addr)
		sched_hooks.rseq_switch(prev, next);
	prev = arch_switch_to(prev, next);
	finish_switch(prev);
}

static void check_stack_end(const struct task *task)
{
	if (CONFIG_DEBUG && task->kstack && unlikely(*(u64 *)task->kstack != KSTACK_END))
		panic("the end of the kernel stack of %s was overwritten", task->name);
}

void schedule(void)
{
	might_sleep();
	check_stack_end(current);
	arch_irq_disable();
	struct run_queue *rq = this_rq();
	struct task *prev = current;

	spin_lock(&rq->lock);
	atomic_fetch_and(&prev->work, ~WORK_RESCHED);
	rq_account(rq);
	u32 state = READ_ONCE(prev->state);
	bool sleeps = state && !sleep_forbidden(prev, state);
	if (!sleeps)
		WRITE_ONCE(prev->state, TASK_RUNNING);
	if (prev != rq->idle) {
		if (sleeps) {
			prev->se.on_queue = 0;
			prev->se.slept_exec_ns = prev->se.sum_exec_ns;
			rq->runnable--;
			rq->uninterruptible += is_load(state);
			prev->switches_voluntary++;
		} else {
			rq_enqueue(rq, prev, !prev->se.turn_over);
		}
	}
	struct task *next = rq_pick(rq);
	if (unlikely(READ_ONCE(harts_rt_waiting.bits) & ~(1ul << rq->index)) &&
	    !task_effective_rt(next))
		next = steal_rt(rq) ?: next;
	if (next == rq->idle && hart_count > 1)
		next = steal(rq) ?: next;
	if (next != rq->idle) {
		rq_dequeue(rq, next);
		next->se.on_queue = 1; // running counts as on the queue
	}
	next->se.exec_start_ns = prev->se.exec_start_ns;
	if (next == prev) {
		rcu_note_switch(&harts[rq->index]);
		update_tick(rq);
		spin_unlock(&rq->lock);
		arch_irq_enable();
		if (unlikely(READ_ONCE(this_hart()->rcu_ready)))
			rcu_poll();
		return;
	}
	if (!sleeps)
		prev->switches_forced++;
	rq->current = next;
	update_tick(rq);
	switch_to(rq, prev, next);
	if (unlikely(READ_ONCE(this_hart()->rcu_ready)))
		rcu_poll();
}

// --- Stealing ---

// Both queues are locked.
static void move(struct task *task, struct run_queue *from, struct run_queue *to)
{
	rq_dequeue(from, task);
	from->runnable--;
	task->se.vruntime_ns += to->min_vruntime_ns - from->min_vruntime_ns;
	WRITE_ONCE(task->hart, &harts[to->index]);
	rq_enqueue(to, task, false);
	to->runnable++;
}

// An idle hart takes a waiting task from the hart with most of them. Its lock is held, and may be
// dropped and taken again to keep the order of locks.
static struct task *steal(struct run_queue *rq)
{
	struct run_queue *busiest = NULL;
	u32 most = 0;

	for_each_online_hart (hart) {
		struct run_queue *other = &run_queues[hart->index];
		u32 waiting = READ_ONCE(other->fair_count);

		if (other != rq && waiting > most) {
			most = waiting;
			busiest = other;
		}
	}
	if (!busiest || !spin_trylock(&busiest->lock))
		return NULL;
	struct task *found = NULL;
	for (struct rb_node *n = rb_first(&busiest->fair); n && !found; n = rb_next(n)) {
		struct task *task = rb_entry(n, struct task, se.node);

		if (hartmask_test(&task->affinity, rq->index) && !task->on_hart)
			found = task;
	}
	if (found)
		move(found, busiest, rq);
	spin_unlock(&busiest->lock);
	return found;
}

// The most urgent real-time task that waits on `from` and may run on hart `index`.
static struct task *rt_waiting(const struct run_queue *from, u32 index)
{
	struct task *task;

	for (int priority = RT_PRIORITIES - 1; priority > 0; priority--) {
		if (!(from->rt_bits[priority / 64] >> priority % 64 & 1))
			continue;
		list_for_each_entry (task, &from->rt[priority], se.rt_link) {
			if (hartmask_test(&task->affinity, index) && !task->on_hart)
				return task;
		}
	}
	return NULL;
}

// A hart that has nothing urgent takes a real-time task that waits behind another one elsewhere.
static struct task *steal_rt(struct run_queue *rq)
{
	struct hartmask waiting = {READ_ONCE(harts_rt_waiting.bits) & ~(1ul << rq->index)};
	struct task *found = NULL;

	for_each_hart_in(i, &waiting)
	{
		struct run_queue *other = &run_queues[i];

		if (found || !spin_trylock(&other->lock))
			continue;
		found = rt_waiting(other, rq->index);
		if (found)
			move(found, other, rq);
		spin_unlock(&other->lock);
	}
	return found;
}

// --- Idle ---

NORETURN void sched_idle_loop(void)
{
	struct run_queue *rq = this_rq();

	for (;;) {
		arch_irq_disable();
		hartmask_set_atomic(&harts_idle, rq->index);
		if (!READ_ONCE(rq->fair_count) && !(rq->rt_bits[0] | rq->rt_bits[1]) &&
		    !(atomic_read(&current->work) & WORK_RESCHED)) {
			rcu_idle_enter();
			if (!READ_ONCE(this_hart()->rcu_ready)) // else: callbacks to run first
				arch_idle_wait();
			rcu_idle_exit();
		}
		hartmask_clear_atomic(&harts_idle, rq->index);
		arch_irq_enable();
		rcu_poll();
		schedule();
	}
}

// --- Life ---

void sched_fork(struct task *child)
{
	struct sched_entity *se = &child->se, *from = &current->se;

	spin_init(&child->pi_lock, LOCK_PI);
	list_init(&se->rt_link);
	se->policy = from->policy;
	se->rt_priority = from->rt_priority;
	se->nice = from->nice;
	if (from->reset_on_fork && policy_is_rt(from->policy)) {
		se->policy = SCHED_OTHER;
		se->rt_priority = 0;
		se->nice = 0;
	} else if (from->reset_on_fork) {
		se->nice = MAX(from->nice, 0);
	}
	se->weight = sched_weight(se);
	se->vruntime_ns = from->vruntime_ns;
	child->affinity = current->affinity;
	child->hart = this_hart();
	child->state = TASK_NEW;
}

void sched_start(struct task *child)
{
	task_get(child); // dropped when it has switched away for the last time
	unsigned long flags = spin_lock_irqsave(&child->pi_lock);
	u32 index = choose_hart(child);

	activate(child, index);
	spin_unlock_irqrestore(&child->pi_lock, flags);
}

NORETURN void sched_exit(void)
{
	WRITE_ONCE(current->state, TASK_DEAD);
	schedule();
	BUG();
}

void sched_yield_current(void)
{
	struct run_queue *rq;
	unsigned long flags;

	rq = task_rq_lock(current, &flags);
	rq_account(rq);
	struct rb_node *last = rb_last(&rq->fair);
	if (last && !task_effective_rt(current))
		current->se.vruntime_ns = MAX(current->se.vruntime_ns,
					      rb_entry(last, struct task, se.node)->se.vruntime_ns +
						      1);
	current->se.turn_over = 1;
	task_rq_unlock(rq, flags);
	schedule();
}

bool cond_resched_slow(void)
{
	schedule();
	return true;
}

// --- Boot ---

static void resched_ipi(void)
{
	// The bit in task.work is set; the exit to user mode or the idle loop does the rest. But who
	// sent it for the sake of a grace period does not know the task.
	if (READ_ONCE(this_hart()->rcu_urgent))
		atomic_fetch_or(&current->work, WORK_RESCHED);
}

static void rq_init(u32 index, struct task *idle)
{
	struct run_queue *rq = &run_queues[index];

	spin_init(&rq->lock, LOCK_RUN_QUEUE);
	for (int i = 0; i < RT_PRIORITIES; i++)
		list_init(&rq->rt[i]);
	rq->index = index;
	rq->idle = rq->current = idle;
	harts[index].rq = rq;
	harts[index].idle = idle;
}

void sched_idle_setup(struct task *idle, u32 index)
{
	spin_init(&idle->pi_lock, LOCK_PI);
	idle->flags |= TF_IDLE | TF_KTHREAD;
	idle->hart = &harts[index];
	idle->on_hart = true;
	idle->se.weight = 1024;
	idle->affinity = (struct hartmask){1ul << index};
	rq_init(index, idle);
}

void sched_init(void)
{
	sched_idle_setup(&init_task, 0);
	init_task.affinity = hartmask_all(64);
	harts[0].current = &init_task;
	hartmask_set(&harts_online, 0);
	timer_tick_hook = tick;
	ipi_resched_hook = resched_ipi;
}
