// Robust futexes: locks that a thread holds when it ends. See set_robust_list(2).
//
// The thread keeps a list of them in its own memory. When it ends, the kernel walks that list, marks
// each word that still names the thread, and wakes one who waits. Nothing in the list is trusted.

#include <mm/uaccess.h>
#include <process/futex.h>
#include <process/futex_queue.h>
#include <process/ptrace_access.h>
#include <sched/pid.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/futex.h>

#define ROBUST_MAX 2048

SYSCALL2(set_robust_list, u64, head, size_t, size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

SYSCALL3(get_robust_list, int, pid, u64, head_at, u64, size_at)
{
	u64 head = 0;
	long error = -ESRCH;

	rcu_read_lock();
	struct task *task = pid ? task_find(pid) : current;
	if (task && !refcount_get_not_zero(&task->refs))
		task = NULL;
	rcu_read_unlock();
	if (task) {
		head = READ_ONCE(task->robust_list);
		error = ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS) ? 0 : -EPERM;
		task_put(task);
	}
	if (error)
		return error;
	if (put_user_u64(size_at, sizeof(struct robust_list_head)))
		return -EFAULT;
	return put_user_u64(head_at, head);
}

// Marks the word at the address if it names current. `inherits`: it is a lock with priority
// inheritance, which futex_pi.c hands on. `pending`: current was just taking or releasing it.
// Returns false if there is no sense in going on.
static bool owner_died(u64 address, bool inherits, bool pending)
{
	u32 value, seen;

	if ((address & 3) || get_user_u32(address, &value))
		return false;
	// It died between the release and the wake-up.
	if (pending && !inherits && !(value & FUTEX_TID_MASK))
		futex_wake_address(address, 1);
	while ((value & FUTEX_TID_MASK) == (u32)task_pid_vnr(current)) {
		u32 new = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;

		if (user_cmpxchg_u32(address, value, new, &seen))
			return false;
		if (seen == value) {
			if (!inherits && (value & FUTEX_WAITERS))
				futex_wake_address(address, 1);
			break;
		}
		value = seen;
	}
	return true;
}

// Bit 0 of a pointer to an entry says that the lock inherits priorities.
static void walk_robust_list(u64 list)
{
	struct robust_list_head head;

	if (copy_from_user(&head, list, sizeof(head)))
		return;
	u64 entry = head.list.next, pending = head.list_op_pending & ~1ul;
	for (int i = 0; i < ROBUST_MAX && (entry & ~1ul) != list; i++) {
		u64 next, at = entry & ~1ul;
		bool bad = get_user_u64(at, &next); // before the lock may be used by others

		if (at != pending && !owner_died(at + head.futex_offset, entry & 1, false))
			return;
		if (bad)
			return;
		entry = next;
		cond_resched();
	}
	if (pending)
		owner_died(pending + head.futex_offset, head.list_op_pending & 1, true);
}

void futex_exit_cleanup(struct task *task, bool exiting)
{
	futex_exit_begin(task);
	if (task->robust_list)
		walk_robust_list(task->robust_list);
	task->robust_list = 0;
	futex_exit_end(task, exiting);
}
