// POSIX message queues: sending, receiving, and telling a process that a queue is no longer empty.

#include <core/errno.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <uapi/errno.h>

#include "mqueue.h"

// The first message after a time of none, and nobody waits for it: the process that asked is told,
// once. lock held; the reference to *pid is the caller's.
static void take_notification(struct mqueue *queue, struct pid **pid, struct siginfo *info)
{
	*pid = NULL;
	if (!queue->notify || queue->count != 1 || queue->waiting_receivers)
		return;
	*pid = queue->notify;
	queue->notify = NULL;
	*info = (struct siginfo){.si_signo = queue->notify_event.sigev_signo, .si_code = SI_MESGQ};
	info->si_value = queue->notify_event.sigev_value;
	if (queue->notify_event.sigev_notify != SIGEV_SIGNAL)
		info->si_signo = 0;
}

static void tell(struct pid *pid, struct siginfo *info)
{
	struct task *task = pid_task_get(pid, PIDTYPE_TGID);

	if (task && info->si_signo) {
		info->si_pid = task_nr_ns(current, PIDTYPE_TGID, task_active_pid_ns(task));
		rcu_read_lock();
		info->si_uid = uid_to_user_munged(rcu_dereference(task->cred)->user_ns,
						  current_cred()->uid);
		rcu_read_unlock();
		signal_send_process(task, info->si_signo, info);
	}
	if (task)
		task_put(task);
	pid_put(pid);
}

// Behind all of its priority. False: the queue is full.
static bool put(struct mqueue *queue, struct mq_message *message)
{
	struct list_head *at = queue->messages.prev;
	struct siginfo info;
	struct pid *pid;

	spin_lock(&queue->lock);
	if (queue->count >= queue->max_messages) {
		spin_unlock(&queue->lock);
		return false;
	}
	for (at = queue->messages.prev;
	     at != &queue->messages &&
	     container_of(at, struct mq_message, link)->priority < message->priority;)
		at = at->prev;
	list_add(&message->link, at);
	WRITE_ONCE(queue->count, queue->count + 1);
	queue->bytes += message->size;
	take_notification(queue, &pid, &info);
	spin_unlock(&queue->lock);
	if (pid)
		tell(pid, &info);
	return true;
}

int mqueue_send(struct mqueue *queue, struct mq_message *message, bool wait, u64 deadline)
{
	while (!put(queue, message)) {
		if (!wait)
			return -EAGAIN;
		int error = wait_event_interruptible_timeout(
			&queue->senders, READ_ONCE(queue->count) < queue->max_messages, deadline);
		if (error)
			return error == -ETIME ? -ETIMEDOUT : error;
	}
	wake_up_all_key(&queue->receivers, POLLIN | POLLRDNORM);
	return 0;
}

static struct mq_message *take(struct mqueue *queue)
{
	struct mq_message *message = NULL;

	spin_lock(&queue->lock);
	if (queue->count) {
		message = list_first_entry(&queue->messages, struct mq_message, link);
		list_del(&message->link);
		WRITE_ONCE(queue->count, queue->count - 1);
		queue->bytes -= message->size;
	}
	spin_unlock(&queue->lock);
	return message;
}

static void count_waiting(struct mqueue *queue, int change)
{
	spin_lock(&queue->lock);
	queue->waiting_receivers += change;
	spin_unlock(&queue->lock);
}

int mqueue_receive(struct mqueue *queue, bool wait, u64 deadline, struct mq_message **out)
{
	while (!(*out = take(queue))) {
		if (!wait)
			return -EAGAIN;
		count_waiting(queue, 1);
		int error = wait_event_interruptible_timeout(&queue->receivers,
							     READ_ONCE(queue->count), deadline);
		count_waiting(queue, -1);
		if (error)
			return error == -ETIME ? -ETIMEDOUT : error;
	}
	wake_up_all_key(&queue->senders, POLLOUT | POLLWRNORM);
	return 0;
}

int mqueue_notify(struct mqueue *queue, const struct sigevent *event)
{
	struct pid *own = current->group_leader->pid, *gone = NULL;
	int error = 0;

	spin_lock(&queue->lock);
	if (!event) {
		if (queue->notify == own) {
			gone = queue->notify;
			queue->notify = NULL;
		}
	} else if (queue->notify) {
		error = -EBUSY;
	} else {
		queue->notify = pid_get(own);
		queue->notify_event = *event;
	}
	spin_unlock(&queue->lock);
	pid_put(gone);
	return error;
}
