// The queues of one hart: real-time tasks by priority, then fair ones by virtual runtime.
//
// A fair task's virtual runtime grows with its time on the hart, divided by its weight; the one
// with the least runs next, so each gets its share. min_vruntime follows the least and never goes
// back. A task that slept is placed near it (half a slice before), so that it runs soon but
// cannot save up credit; one that moves to another hart takes along its distance to the minimum.
//
// A real-time task keeps its place among its equals when something more urgent pushes it aside: it
// comes back before all that wait with its priority, for whom its turn is not over. That ends only
// when it sleeps, when it yields, or when SCHED_RR's time is used up, which goes on counting where it
// was before. A task whose priority is changed goes behind its new equals when it has become more
// urgent, and before them when it has become less so. See sched(7).

#include <lib/bits.h>
#include <sched/process.h>
#include <sched/run_queue.h>

#define WAKEUP_CREDIT_NS  (SLICE_NS / 2)
#define CPU_TIMER_TICK_NS (4 * NSEC_PER_MSEC) // how exact timers of CPU time are

// Each step of nice changes the share by a quarter; 1024 is nice 0. As on Linux.
static const u32 weights[40] = {88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705,
				14949, 11916, 9548,  7620,  6100,  4904,  3906,  3121,
				2501,  1991,  1586,  1277,  1024,  820,   655,   526,
				423,   335,   272,   215,   172,   137,   110,   87,
				70,    56,    45,    36,    29,    23,    18,    15};

u32 weight_of_nice(int nice)
{
	return weights[nice + 20];
}

bool rq_task_is_fair(const struct task *task)
{
	return !task_effective_rt(task);
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static struct task *task_of(struct rb_node *node)
{
	return rb_entry(node, struct task, se.node);
}

// --- Fair ---

static void fair_insert(struct run_queue *rq, struct task *task)
{
	struct rb_node **link = &rq->fair.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = before(task->se.vruntime_ns, task_of(parent)->se.vruntime_ns)
			       ? &parent->left
			       : &parent->right;
	}
	rb_link_node(&task->se.node, parent, link);
	rb_insert_color(&task->se.node, &rq->fair);
	rq->fair_count++;
}

static struct task *fair_first(const struct run_queue *rq)
{
	struct rb_node *node = rb_first(&rq->fair);

	return node ? task_of(node) : NULL;
}

static void advance_minimum(struct run_queue *rq)
{
	struct task *first = fair_first(rq), *running = rq->current;
	u64 least = rq->min_vruntime_ns;
	bool runs_fair = running && running != rq->idle && rq_task_is_fair(running) &&
			 running->se.on_queue;

	if (runs_fair)
		least = running->se.vruntime_ns;
	if (first && (!runs_fair || before(first->se.vruntime_ns, least)))
		least = first->se.vruntime_ns;
	if (before(rq->min_vruntime_ns, least))
		rq->min_vruntime_ns = least;
}

bool task_has_cpu_timers(const struct task *task)
{
	return task->process && READ_ONCE(task->process->cpu_timers_armed);
}

// What is left of its turn; the turn may have become shorter meanwhile.
static u64 rr_left_ns(const struct sched_entity *se)
{
	u64 slice = READ_ONCE(sched_rr_slice_ns);

	return slice - MIN(slice, se->rr_ran_ns);
}

u64 rq_slice_ns(const struct run_queue *rq)
{
	const struct task *task = rq->current;
	u64 most = task_has_cpu_timers(task) ? CPU_TIMER_TICK_NS : TIME_NEVER;

	if (task_effective_rt(task))
		return task->se.policy == SCHED_RR ? MIN(rr_left_ns(&task->se), most) : most;
	return rq->fair_count || rcu_needs_tick() ? MIN(SLICE_NS, most) : most;
}

// --- Both ---

static void rt_insert(struct run_queue *rq, struct task *task, u8 rt, bool first)
{
	if (first)
		list_add(&task->se.rt_link, &rq->rt[rt]);
	else
		list_add_tail(&task->se.rt_link, &rq->rt[rt]);
	rq->rt_bits[rt / 64] |= 1ul << rt % 64;
	hartmask_set_atomic(&harts_rt_waiting, rq->index);
}

void rq_enqueue(struct run_queue *rq, struct task *task, bool first)
{
	u8 rt = task_effective_rt(task);

	task->se.on_queue = 1;
	task->se.turn_over = 0;
	if (rt) {
		rt_insert(rq, task, rt, first);
		return;
	}
	// Whoever comes from sleep or from elsewhere is placed near the minimum.
	u64 floor = rq->min_vruntime_ns - WAKEUP_CREDIT_NS;
	if (before(task->se.vruntime_ns, floor))
		task->se.vruntime_ns = floor;
	fair_insert(rq, task);
}

void rq_dequeue(struct run_queue *rq, struct task *task)
{
	u8 rt = task_effective_rt(task);

	task->se.on_queue = 0;
	if (rt) {
		list_del_init(&task->se.rt_link);
		if (list_empty(&rq->rt[rt]))
			rq->rt_bits[rt / 64] &= ~(1ul << rt % 64);
		if (!(rq->rt_bits[0] | rq->rt_bits[1]))
			hartmask_clear_atomic(&harts_rt_waiting, rq->index);
		return;
	}
	rb_erase(&task->se.node, &rq->fair);
	rq->fair_count--;
}

static struct task *rt_first(const struct run_queue *rq)
{
	for (int word = 1; word >= 0; word--) {
		if (!rq->rt_bits[word])
			continue;
		int priority = (int)ilog2(rq->rt_bits[word]) + 64 * word;
		return list_first_entry(&rq->rt[priority], struct task, se.rt_link);
	}
	return NULL;
}

struct task *rq_pick(struct run_queue *rq)
{
	struct task *task = NULL;

	if (unlikely(rq->rt_bits[0] | rq->rt_bits[1]))
		task = rt_first(rq);
	if (!task)
		task = fair_first(rq);
	return task ?: rq->idle;
}

static void rr_account(struct task *task, u64 ran)
{
	task->se.rr_ran_ns += ran;
	if (task->se.rr_ran_ns >= READ_ONCE(sched_rr_slice_ns)) {
		task->se.rr_ran_ns = 0;
		task->se.turn_over = 1;
	}
}

void rq_account(struct run_queue *rq)
{
	struct task *task = rq->current;
	u64 now = clock_monotonic_ns(), ran = now - task->se.exec_start_ns;

	task->se.exec_start_ns = now;
	if (task == rq->idle) {
		rq->idle_ns += ran;
		return;
	}
	task->se.sum_exec_ns += ran;
	rq->busy_ns += ran;
	if (unlikely(task->se.policy == SCHED_RR))
		rr_account(task, ran);
	if (likely(task->se.weight == 1024))
		task->se.vruntime_ns += ran;
	else
		task->se.vruntime_ns += ran * 1024 / task->se.weight;
	advance_minimum(rq);
}

bool rq_preempts(const struct run_queue *rq, const struct task *task)
{
	const struct task *running = rq->current;

	if (running == rq->idle)
		return true;
	u8 rt = task_effective_rt(task), running_rt = task_effective_rt(running);
	if (rt || running_rt)
		return rt > running_rt;
	if (task->se.policy != SCHED_OTHER)
		return false; // BATCH and IDLE push nobody aside
	if (running->se.policy == SCHED_IDLE)
		return true;
	return before(task->se.vruntime_ns + WAKEUP_CREDIT_NS / 2, running->se.vruntime_ns);
}
