// Robust futexes: locks that a thread holds when it ends. See set_robust_list(2).
//
// The thread keeps a list of them in its own memory. When it ends, the kernel walks that list, marks
// each word that still names the thread, and wakes one who waits. Nothing in the list is trusted.

#include <mm/uaccess.h>
#include <process/futex.h>
#include <process/ptrace_access.h>
#include <sched/pid.h>
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

static void owner_died(u64 address, bool pending)
{
	u32 value, seen;

	if (get_user_u32(address, &value))
		return;
	// It died between the release and the wake-up.
	if (pending && !value)
		futex_wake_address(address, 1);
	while ((value & FUTEX_TID_MASK) == (u32)task_pid_vnr(current)) {
		u32 new = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;

		if (user_cmpxchg_u32(address, value, new, &seen))
			return;
		if (seen == value) {
			if (value & FUTEX_WAITERS)
				futex_wake_address(address, 1);
			return;
		}
		value = seen;
	}
}

void futex_exit_cleanup(struct task *task, bool exiting)
{
	struct robust_list_head head;
	u64 at = task->robust_list, entry;

	(void)exiting;
	task->robust_list = 0;
	if (!at || copy_from_user(&head, at, sizeof(head)))
		return;
	entry = head.list.next;
	for (int i = 0; i < ROBUST_MAX && (entry & ~1ul) != at; i++) {
		u64 next;

		if (get_user_u64(entry & ~1ul, &next))
			return;
		if (entry != head.list_op_pending)
			owner_died((entry & ~1ul) + head.futex_offset, false);
		entry = next;
	}
	if (head.list_op_pending)
		owner_died((head.list_op_pending & ~1ul) + head.futex_offset, true);
}
