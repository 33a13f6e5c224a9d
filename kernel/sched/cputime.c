// CPU time of tasks. The sum is exact; its split in user and system time is sampled by ticks, and
// scaled so that the parts add up to the sum and never go back.

#include <sched/process.h>
#include <sched/run_queue.h>

u64 task_sum_exec_ns(struct task *task)
{
	unsigned long flags;
	struct run_queue *rq = task_rq_lock(task, &flags);
	u64 sum = task->se.sum_exec_ns;

	if (rq->current == task)
		sum += clock_monotonic_ns() - task->se.exec_start_ns;
	task_rq_unlock(rq, flags);
	return sum;
}

// part * sum / whole without overflow: the precision of the samples is far below 2^-20.
static u64 scale(u64 part, u64 sum, u64 whole)
{
	while (part >> 32 || sum >> 32) {
		if (part > sum)
			part >>= 1, whole >>= 1;
		else
			return (sum >> 20) * part / MAX(whole, 1ul) << 20;
	}
	return part * sum / MAX(whole, 1ul);
}

void cputime_adjust(u64 sum_exec_ns, u64 utime_samples, u64 stime_samples,
		    struct cputime_split *prev, u64 *utime_ns, u64 *stime_ns)
{
	u64 samples = utime_samples + stime_samples, stime;

	if (!stime_samples)
		stime = 0;
	else if (!utime_samples)
		stime = sum_exec_ns;
	else
		stime = MIN(scale(stime_samples, sum_exec_ns, samples), sum_exec_ns);
	u64 utime = sum_exec_ns - stime;
	if (prev) {
		// Neither may shrink; what one may not lose is taken from the other.
		if (prev->utime_ns + prev->stime_ns >= sum_exec_ns) {
			utime = prev->utime_ns;
			stime = prev->stime_ns;
		} else if (stime < prev->stime_ns) {
			stime = prev->stime_ns;
			utime = sum_exec_ns - stime;
		} else if (utime < prev->utime_ns) {
			utime = prev->utime_ns;
			stime = sum_exec_ns - utime;
		}
		*prev = (struct cputime_split){utime, stime};
	}
	*utime_ns = utime;
	*stime_ns = stime;
}

void task_cputime(struct task *task, u64 *utime_ns, u64 *stime_ns)
{
	u64 sum = task_sum_exec_ns(task);
	unsigned long flags = spin_lock_irqsave(&task->pi_lock);

	cputime_adjust(sum, task->utime_ns, task->stime_ns, &task->cputime_shown, utime_ns,
		       stime_ns);
	spin_unlock_irqrestore(&task->pi_lock, flags);
}

void process_cputime(struct process *process, u64 *sum_ns, u64 *utime_ns, u64 *stime_ns)
{
	struct task *thread;

	rcu_read_lock();
	unsigned long flags = spin_lock_irqsave(&process->stats_lock);
	u64 sum = process->sum_exec_dead_ns, utime = process->self_dead.utime_ns,
	    stime = process->self_dead.stime_ns;
	list_for_each_entry_rcu (thread, &process->threads, thread_node) {
		utime += READ_ONCE(thread->utime_ns);
		stime += READ_ONCE(thread->stime_ns);
		sum += task_sum_exec_ns(thread);
	}
	cputime_adjust(sum, utime, stime, &process->cputime_shown, utime_ns, stime_ns);
	spin_unlock_irqrestore(&process->stats_lock, flags);
	rcu_read_unlock();
	*sum_ns = sum;
}

void sched_hart_times(u32 hart, struct hart_times *times)
{
	struct run_queue *rq = &run_queues[hart];
	unsigned long flags = spin_lock_irqsave(&rq->lock);
	u64 ran = clock_monotonic_ns() - rq->current->se.exec_start_ns;
	bool idle = rq->current == rq->idle;
	u64 busy = rq->busy_ns + (idle ? 0 : ran);

	*times = (struct hart_times){rq->user_ns, rq->nice_ns, rq->system_ns,
				     rq->idle_ns + (idle ? ran : 0)};
	spin_unlock_irqrestore(&rq->lock, flags);
	u64 samples = times->user_ns + times->nice_ns + times->system_ns;
	if (samples) {
		times->user_ns = scale(times->user_ns, busy, samples);
		times->nice_ns = scale(times->nice_ns, busy, samples);
	}
	times->system_ns = busy - MIN(busy, times->user_ns + times->nice_ns);
}
