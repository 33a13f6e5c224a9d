// System V semaphores: sets of numbers, and lists of operations that are done as a whole or wait.
//
// Who waits leaves its operations with the set; whoever changes a value tries them, in order of
// arrival, does those that can be done, and wakes their owners. So nobody is woken for nothing.
// (gdb: `p *set`, and the list set->waiters.)

#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#include "sem.h"

struct sem_wait {
	struct list_head link; // [lock] empty: done
	struct task *task;
	const struct sembuf *ops;
	u32 count;
	u32 blocked_by; // which operation cannot be done
	struct sem_undo *undo;
	struct pid *pid;
	long result; // [lock] 1: still waiting
};

struct pid *sem_own_pid(void)
{
	return current->group_leader->pid;
}

static int sem_create(struct ipc_ns *ns, u64 count, int flags, struct ipc_object **out)
{
	if (!count || count > ns->sem_per_set)
		return -EINVAL;
	if ((u64)atomic64_add_return(&ns->sem_used, count) > ns->sem_all) {
		atomic64_sub(&ns->sem_used, count);
		return -ENOSPC;
	}
	struct sem_set *set = kvmalloc(sizeof(*set) + count * sizeof(struct sem),
				       GFP_KERNEL | GFP_ZERO);
	if (!set) {
		atomic64_sub(&ns->sem_used, count);
		return -ENOMEM;
	}
	ipc_object_init(&set->object, &sem_kind, flags);
	set->ns = ns;
	set->count = count;
	list_init(&set->waiters);
	list_init(&set->undos);
	*out = &set->object;
	return 0;
}

static int sem_check(struct ipc_object *object, u64 count)
{
	return count > container_of(object, struct sem_set, object)->count ? -EINVAL : 0;
}

static void sem_free(struct ipc_object *object)
{
	struct sem_set *set = container_of(object, struct sem_set, object);

	for (u32 i = 0; i < set->count; i++)
		pid_put(set->sems[i].pid);
	kvfree(set);
}

// --- Doing ---

static void take_back(struct sem_set *set, const struct sembuf *ops, u32 n, struct sem_undo *undo)
{
	while (n--) {
		set->sems[ops[n].sem_num].value -= ops[n].sem_op;
		if (undo && (ops[n].sem_flg & SEM_UNDO))
			undo->adjust[ops[n].sem_num] += ops[n].sem_op;
	}
}

// All of it or nothing. 0; 1: operation *blocked must wait; -EAGAIN, -ERANGE. lock held.
static long try(struct sem_set *set, const struct sembuf *ops, u32 n, struct sem_undo *undo,
		struct pid *pid, u32 *blocked)
{
	long result = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		struct sem *sem = &set->sems[ops[i].sem_num];
		int value = sem->value + ops[i].sem_op;

		if ((!ops[i].sem_op && sem->value) || value < 0)
			result = (ops[i].sem_flg & IPC_NOWAIT) ? -EAGAIN : 1;
		else if (value > SEMVMX)
			result = -ERANGE;
		if (result)
			break;
		if (undo && (ops[i].sem_flg & SEM_UNDO)) {
			int adjust = undo->adjust[ops[i].sem_num] - ops[i].sem_op;

			if (adjust < -SEMAEM - 1 || adjust > SEMAEM) {
				result = -ERANGE;
				break;
			}
			undo->adjust[ops[i].sem_num] = adjust;
		}
		sem->value = value;
	}
	if (result) {
		*blocked = i;
		take_back(set, ops, i, undo);
		return result;
	}
	for (i = 0; i < n; i++) {
		struct pid **last = &set->sems[ops[i].sem_num].pid;

		if (*last == pid)
			continue;
		pid_put(*last);
		*last = pid_get(pid);
	}
	set->otime = ipc_now();
	return 0;
}

static bool alters(const struct sembuf *ops, u32 n)
{
	while (n--) {
		if (ops[n].sem_op)
			return true;
	}
	return false;
}

static void finish(struct sem_wait *wait, long result)
{
	list_del_init(&wait->link);
	wait->result = result;
	task_wake(wait->task, TASK_NORMAL);
}

void sem_wake(struct sem_set *set)
{
	struct sem_wait *wait, *next;
	bool again;

	do {
		again = false;
		list_for_each_entry_safe (wait, next, &set->waiters, link) {
			long result = try(set, wait->ops, wait->count, wait->undo, wait->pid,
					  &wait->blocked_by);
			if (result == 1)
				continue;
			again = !result && alters(wait->ops, wait->count);
			finish(wait, result);
			if (again)
				break; // those before it may go now
		}
	} while (again);
}

int sem_waiting(struct sem_set *set, u32 number, bool zero)
{
	struct sem_wait *wait;
	int count = 0;

	list_for_each_entry (wait, &set->waiters, link) {
		const struct sembuf *op = &wait->ops[wait->blocked_by];

		count += op->sem_num == number && (op->sem_op == 0) == zero;
	}
	return count;
}

void sem_set_value(struct sem_set *set, u32 number, int value)
{
	struct pid *pid = sem_own_pid(), *old = set->sems[number].pid;
	struct sem_undo *undo;

	list_for_each_entry (undo, &set->undos, of_set)
		undo->adjust[number] = 0;
	set->sems[number].value = value;
	set->sems[number].pid = pid_get(pid);
	pid_put(old);
}

// --- Waiting ---

// lock held, dropped for the sleep and on return.
static long wait_turn(struct sem_set *set, struct sem_wait *wait, u64 deadline)
{
	bool late = false;

	list_add_tail(&wait->link, &set->waiters);
	while (wait->result == 1 && !late && !task_signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock(&set->object.lock);
		late = !schedule_timeout(deadline);
		set_current_running();
		spin_lock(&set->object.lock);
	}
	if (wait->result == 1) {
		list_del_init(&wait->link);
		wait->result = task_signal_pending(current) ? -EINTR : -EAGAIN;
	}
	spin_unlock(&set->object.lock);
	return wait->result;
}

static long check(struct sem_set *set, const struct sembuf *ops, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (ops[i].sem_num >= set->count)
			return -EFBIG;
	}
	return ipc_permission(set->ns, &set->object, alters(ops, n) ? 0222 : 0444);
}

long sem_operate(struct sem_set *set, const struct sembuf *ops, u32 n, struct sem_undo *undo,
		 u64 deadline)
{
	struct sem_wait wait = {
		.task = current, .ops = ops, .count = n, .undo = undo, .pid = sem_own_pid()};
	long result = check(set, ops, n);

	if (result)
		return result;
	spin_lock(&set->object.lock);
	// An entry of a set that was removed is not one of this set's any more.
	if (set->object.removed || (undo && list_empty(&undo->of_set)))
		result = -EIDRM;
	else
		result = try(set, ops, n, undo, wait.pid, &wait.blocked_by);
	if (result == 1) {
		wait.result = 1;
		return wait_turn(set, &wait, deadline);
	}
	if (!result && alters(ops, n))
		sem_wake(set);
	spin_unlock(&set->object.lock);
	return result;
}

void sem_remove(struct sem_set *set)
{
	struct sem_wait *wait, *next;

	if (!ipc_unlink(&set->object))
		return;
	atomic64_sub(&set->ns->sem_used, set->count);
	spin_lock(&set->object.lock);
	set->object.removed = true;
	list_for_each_entry_safe (wait, next, &set->waiters, link)
		finish(wait, -EIDRM);
	sem_undo_detach(set);
	spin_unlock(&set->object.lock);
	ipc_object_put(&set->object);
}

static void sem_kind_remove(struct ipc_object *object)
{
	sem_remove(container_of(object, struct sem_set, object));
}

const struct ipc_kind sem_kind = {
	.create = sem_create,
	.check = sem_check,
	.free = sem_free,
	.remove = sem_kind_remove,
};
