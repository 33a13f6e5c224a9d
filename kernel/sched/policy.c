// Nice values and priorities.

#include <sched/run_queue.h>

// Changes a queued task by taking it off and putting it back.
void sched_set_nice(struct task *task, int nice)
{
	unsigned long flags;
	struct run_queue *rq = task_rq_lock(task, &flags);
	bool waiting = task->se.on_queue && rq->current != task;

	if (waiting)
		rq_dequeue(rq, task);
	task->se.nice = nice;
	task->se.weight = weight_of_nice(nice);
	if (waiting)
		rq_enqueue(rq, task);
	task_rq_unlock(rq, flags);
}
