// Policies, nice values, priorities, and the harts where a task may run.

#include <sched/pi.h>
#include <sched/run_queue.h>
#include <uapi/errno.h>

static void store_params(struct task *task, const struct sched_params *params)
{
	task->se.policy = params->policy;
	task->se.rt_priority = params->priority;
	task->se.nice = params->nice;
	task->se.reset_on_fork = params->reset_on_fork;
	// Real-time tasks have no slack; who stops being one gets it back.
	if (policy_is_rt(params->policy))
		WRITE_ONCE(task->timer_slack_ns, 0);
	else if (!READ_ONCE(task->timer_slack_ns))
		WRITE_ONCE(task->timer_slack_ns, task->default_timer_slack_ns);
}

u32 sched_weight(const struct sched_entity *se)
{
	// The least weight that there is for who only wants what others leave.
	u32 own = se->policy == SCHED_IDLE ? 3 : weight_of_nice(se->nice);

	if (likely(!se->lent))
		return own;
	return MAX(own, weight_of_nice(19 - MIN(se->lent, 39)));
}

// Changes a queued task by taking it off and putting it back, and has the harts look again. Without
// `params` only what is lent to it becomes `lent`.
//
// The lock of the queue that the task was last on is not enough: who wakes it meanwhile puts it on
// another queue, by the priority of that moment. Were that changed now, the task would be taken off
// the wrong list later, and leave a priority behind that says that somebody waits there.
static void change(struct task *task, const struct sched_params *params, u8 lent)
{
	unsigned long flags, inner;

	flags = spin_lock_irqsave(&task->pi_lock);
	struct run_queue *rq = task_rq_lock(task, &inner);
	u8 lent_after = params ? task->se.lent : lent;
	u8 before = task_effective_rt(task);
	u8 after = params ? effective_rt(params->policy, params->priority, lent_after)
			  : effective_rt(task->se.policy, task->se.rt_priority, lent_after);
	// Who is as urgent as before keeps its place.
	bool moves = task->se.on_queue && rq->current != task && after != before;

	if (moves)
		rq_dequeue(rq, task);
	if (params)
		store_params(task, params);
	task->se.lent = lent_after;
	task->se.weight = sched_weight(&task->se);
	if (moves)
		rq_enqueue(rq, task, after < before);
	else if (after != before)
		task->se.turn_over = after > before;
	if (task->se.on_queue && rq->current != rq->idle)
		task_set_work(rq->current, WORK_RESCHED);
	task_rq_unlock(rq, inner);
	spin_unlock_irqrestore(&task->pi_lock, flags);
}

void task_lend(struct task *task, u8 urgency)
{
	if (task->se.lent != urgency)
		change(task, NULL, urgency);
}

void sched_get_params(struct task *task, struct sched_params *params)
{
	unsigned long flags;
	struct run_queue *rq = task_rq_lock(task, &flags);

	*params = (struct sched_params){.policy = task->se.policy,
					.reset_on_fork = task->se.reset_on_fork,
					.nice = task->se.nice,
					.priority = task->se.rt_priority};
	task_rq_unlock(rq, flags);
}

int sched_params_check(const struct sched_params *params)
{
	bool rt = policy_is_rt(params->policy);

	if (!rt && params->policy != SCHED_OTHER && params->policy != SCHED_BATCH &&
	    params->policy != SCHED_IDLE)
		return -EINVAL; // SCHED_DEADLINE too
	if (params->priority > 99 || rt != (params->priority != 0))
		return -EINVAL;
	return params->nice < -20 || params->nice > 19 ? -EINVAL : 0;
}

int sched_set_params(struct task *task, const struct sched_params *params)
{
	int error = sched_params_check(params);

	if (error)
		return error;
	change(task, params, 0);
	pi_task_changed(task);
	return 0;
}

void sched_set_nice(struct task *task, int nice)
{
	struct sched_params params;

	sched_get_params(task, &params);
	params.nice = nice;
	change(task, &params, 0);
	pi_task_changed(task);
}

u64 sched_rr_slice_ns = SCHED_RR_SLICE_NS;

u64 sched_interval_ns(struct task *task)
{
	if (task->se.policy == SCHED_FIFO)
		return 0;
	return task->se.policy == SCHED_RR ? READ_ONCE(sched_rr_slice_ns) : SLICE_NS;
}

// --- Affinity ---

void sched_get_affinity(struct task *task, struct hartmask *mask)
{
	unsigned long flags;
	struct run_queue *rq = task_rq_lock(task, &flags);

	mask->bits = task->affinity.bits & READ_ONCE(harts_online.bits);
	task_rq_unlock(rq, flags);
}

void sched_leave_hart(void)
{
	// Who sleeps is put on a hart that it may use when it is woken. But the time may be over before it
	// is asleep, again and again on a slow machine: so each time is longer than the last.
	for (u64 ns = NSEC_PER_USEC; !hartmask_test(&current->affinity, hart_index());
	     ns = MIN(2 * ns, NSEC_PER_SEC)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(clock_monotonic_ns() + ns);
	}
}

int sched_set_affinity(struct task *task, const struct hartmask *mask)
{
	struct hartmask wanted = {mask->bits & READ_ONCE(harts_online.bits)};
	unsigned long flags, inner;

	if (hartmask_empty(&wanted))
		return -EINVAL;
	flags = spin_lock_irqsave(&task->pi_lock); // who wakes it chooses a hart by the mask
	struct run_queue *rq = task_rq_lock(task, &inner);
	task->affinity = wanted;
	bool leaves = !hartmask_test(&wanted, rq->index);
	task_rq_unlock(rq, inner);
	spin_unlock_irqrestore(&task->pi_lock, flags);
	if (leaves && task == current)
		sched_leave_hart();
	else if (leaves)
		task_set_work(task, WORK_RESCHED); // on its way to user mode it goes
	return 0;
}
