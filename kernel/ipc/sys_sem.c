// semget(2), semop(2), semtimedop(2), semctl(2).

#include <core/timer.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <sched/pid.h>
#include <syscall/define.h>
#include <uapi/errno.h>

#include "sem.h"

int timespec_from_user(u64 address, u64 *ns);

SYSCALL3(semget, int, key, int, count, int, flags)
{
	struct ipc_ns *ns = ipc_ns_current();

	if (count < 0 || (u32)count > ns->sem_per_set)
		return -EINVAL;
	return ipc_get(ns, &ns->ids[IPC_SEM], key, count, flags);
}

// --- semop ---

static bool wants_undo(const struct sembuf *ops, u32 n)
{
	while (n--) {
		if (ops[n].sem_flg & SEM_UNDO)
			return true;
	}
	return false;
}

static long operate(int id, const struct sembuf *ops, u32 n, u64 deadline)
{
	struct ipc_object *object = ipc_find(&ipc_ns_current()->ids[IPC_SEM], id);
	struct sem_undo *undo = NULL;
	long result = 0;

	if (IS_ERR(object))
		return PTR_ERR(object);
	struct sem_set *set = container_of(object, struct sem_set, object);
	if (wants_undo(ops, n))
		result = sem_undo_find(set, &undo);
	if (!result)
		result = sem_operate(set, ops, n, undo, deadline);
	ipc_object_put(object);
	return result;
}

static long semop_common(int id, u64 ops_at, u32 n, u64 deadline)
{
	struct sembuf few[8], *ops = few;
	long result;

	if (id < 0 || n < 1)
		return -EINVAL;
	if (n > ipc_ns_current()->sem_ops)
		return -E2BIG;
	if (n > ARRAY_SIZE(few))
		ops = kvmalloc(n * sizeof(*ops), GFP_KERNEL);
	if (!ops)
		return -ENOMEM;
	result = copy_from_user(ops, ops_at, n * sizeof(*ops));
	if (!result)
		result = operate(id, ops, n, deadline);
	if (ops != few)
		kvfree(ops);
	return result;
}

SYSCALL3(semop, int, id, u64, ops_at, u32, n)
{
	return semop_common(id, ops_at, n, TIME_NEVER);
}

SYSCALL4(semtimedop, int, id, u64, ops_at, u32, n, u64, timeout_at)
{
	u64 ns;

	if (!timeout_at)
		return semop_common(id, ops_at, n, TIME_NEVER);
	int error = timespec_from_user(timeout_at, &ns);
	return error ?: semop_common(id, ops_at, n, timer_deadline_after(ns));
}

// --- semctl: limits and status ---

static long give_limits(struct ipc_ns *ns, bool usage, u64 out)
{
	struct ipc_ids *ids = &ns->ids[IPC_SEM];
	struct seminfo info = {
		.semmap = ns->sem_all,
		.semmni = ids->max,
		.semmns = ns->sem_all,
		.semmnu = ns->sem_all,
		.semmsl = ns->sem_per_set,
		.semopm = ns->sem_ops,
		.semume = ns->sem_ops,
		.semusz = usage ? ids->used : 20,
		.semvmx = SEMVMX,
		.semaem = usage ? atomic64_read(&ns->sem_used) : SEMAEM,
	};

	return copy_to_user(out, &info, sizeof(info)) ?: ipc_max_index(ids);
}

static long give_status(struct sem_set *set, u64 out)
{
	struct semid64_ds status = {.sem_nsems = set->count};

	spin_lock(&set->object.lock);
	ipc_perm_show(&set->object, &status.sem_perm);
	status.sem_otime = set->otime;
	status.sem_ctime = set->object.ctime;
	spin_unlock(&set->object.lock);
	return copy_to_user(out, &status, sizeof(status));
}

static long set_status(struct sem_set *set, u64 in)
{
	struct semid64_ds status;

	if (copy_from_user(&status, in, sizeof(status)))
		return -EFAULT;
	long error = ipc_may_control(set->ns, &set->object);
	if (error)
		return error;
	spin_lock(&set->object.lock);
	error = ipc_perm_set(&set->object, &status.sem_perm);
	spin_unlock(&set->object.lock);
	return error;
}

// --- semctl: values ---

static long get_one(struct sem_set *set, int number, int command)
{
	long result = -EINVAL;

	if (number < 0 || (u32)number >= set->count)
		return -EINVAL;
	spin_lock(&set->object.lock);
	if (command == GETVAL)
		result = set->sems[number].value;
	else if (command == GETPID)
		result = set->sems[number].pid ? pid_vnr(set->sems[number].pid) : 0;
	else
		result = sem_waiting(set, number, command == GETZCNT);
	if (set->object.removed)
		result = -EIDRM;
	spin_unlock(&set->object.lock);
	return result;
}

static long set_one(struct sem_set *set, int number, int value)
{
	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	if (number < 0 || (u32)number >= set->count)
		return -EINVAL;
	spin_lock(&set->object.lock);
	sem_set_value(set, number, value);
	set->object.ctime = ipc_now();
	sem_wake(set);
	spin_unlock(&set->object.lock);
	return 0;
}

static long get_all(struct sem_set *set, u16 *values, u64 out)
{
	spin_lock(&set->object.lock);
	for (u32 i = 0; i < set->count; i++)
		values[i] = set->sems[i].value;
	spin_unlock(&set->object.lock);
	return copy_to_user(out, values, set->count * sizeof(*values));
}

static long set_all(struct sem_set *set, u16 *values, u64 in)
{
	if (copy_from_user(values, in, set->count * sizeof(*values)))
		return -EFAULT;
	for (u32 i = 0; i < set->count; i++) {
		if (values[i] > SEMVMX)
			return -ERANGE;
	}
	spin_lock(&set->object.lock);
	for (u32 i = 0; i < set->count; i++)
		sem_set_value(set, i, values[i]);
	set->object.ctime = ipc_now();
	sem_wake(set);
	spin_unlock(&set->object.lock);
	return 0;
}

static long all_values(struct sem_set *set, int command, u64 argument)
{
	u16 *values = kvmalloc(set->count * sizeof(*values), GFP_KERNEL);

	if (!values)
		return -ENOMEM;
	long result = command == GETALL ? get_all(set, values, argument)
					: set_all(set, values, argument);
	kvfree(values);
	return result;
}

static long control(struct sem_set *set, int number, int command, u64 argument)
{
	bool writes = command == SETVAL || command == SETALL;
	long error = 0;

	if (command != SEM_STAT_ANY && command != IPC_SET && command != IPC_RMID)
		error = ipc_permission(set->ns, &set->object, writes ? 0222 : 0444);
	if (error)
		return error;
	switch (command) {
	case IPC_STAT:
		return give_status(set, argument);
	case SEM_STAT:
	case SEM_STAT_ANY:
		return give_status(set, argument) ?: set->object.id;
	case IPC_SET:
		return set_status(set, argument);
	case IPC_RMID:
		error = ipc_may_control(set->ns, &set->object);
		if (!error)
			sem_remove(set);
		return error;
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return get_one(set, number, command);
	case SETVAL:
		return set_one(set, number, (int)argument);
	case GETALL:
	case SETALL:
		return all_values(set, command, argument);
	}
	return -EINVAL;
}

SYSCALL4(semctl, int, id, int, number, int, command, u64, argument)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_ids *ids = &ns->ids[IPC_SEM];
	bool by_index = command == SEM_STAT || command == SEM_STAT_ANY;

	if (id < 0)
		return -EINVAL;
	if (command == IPC_INFO || command == SEM_INFO)
		return give_limits(ns, command == SEM_INFO, argument);
	if (command == SETVAL && ((int)argument < 0 || (int)argument > SEMVMX))
		return -ERANGE;
	struct ipc_object *object = by_index ? ipc_find_index(ids, id) : ipc_find(ids, id);
	if (!object)
		return -EINVAL;
	if (IS_ERR(object))
		return PTR_ERR(object);
	long result = control(container_of(object, struct sem_set, object), number, command,
			      argument);
	ipc_object_put(object);
	return result;
}
