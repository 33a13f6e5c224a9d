// kcmp(2): whether two tasks, or two descriptors, have the same thing behind them.
//
// The answer orders unequal things, so that a caller can sort them; the order must not tell where in
// memory they are, so addresses are disguised by numbers drawn at the first call.

#include <core/printk.h>
#include <core/random.h>
#include <core/rcu.h>
#include <fs/file.h>
#include <fs/files.h>
#include <process/ptrace_access.h>
#include <sched/pid.h>
#include <syscall/define.h>
#include <uapi/errno.h>

enum kcmp_type {
	KCMP_FILE,
	KCMP_VM,
	KCMP_FILES,
	KCMP_FS,
	KCMP_SIGHAND,
	KCMP_IO,
	KCMP_SYSVSEM,
	KCMP_EPOLL_TFD,
};

// A reference to the task that a number names here; NULL if there is none.
static struct task *kcmp_task(int pid)
{
	rcu_read_lock();
	struct task *task = task_find(pid);
	if (task && !refcount_get_not_zero(&task->refs))
		task = NULL;
	rcu_read_unlock();
	return task;
}

// A one-to-one map of addresses to numbers, the same for as long as the machine runs.
static u64 disguise(const void *pointer)
{
	static u64 key; // [a] odd once drawn
	u64 drawn = READ_ONCE(key);

	if (!drawn) {
		u64 none = 0;

		drawn = random_u64() | 1;
		if (!__atomic_compare_exchange_n(&key, &none, drawn, false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			drawn = none;
	}
	return ((u64)pointer ^ (drawn >> 1)) * drawn;
}

// 0: the same; 1: the first comes before the second; 2: after it.
static long compare(const void *first, const void *second)
{
	u64 a = disguise(first), b = disguise(second);

	return a == b ? 0 : a < b ? 1 : 2;
}

static long compare_files(struct task *first, struct task *second, u64 fd1, u64 fd2)
{
	struct file *a, *b;

	if (file_get_of_task(first, (int)fd1, &a))
		return -EBADF;
	if (file_get_of_task(second, (int)fd2, &b)) {
		file_put(a);
		return -EBADF;
	}
	long result = compare(a, b);
	file_put(a);
	file_put(b);
	return result;
}

// The pointers are compared and never followed, so no lock is needed.
static long compare_resources(struct task *first, struct task *second, int type)
{
	switch (type) {
	case KCMP_VM:
		return compare(READ_ONCE(first->mm), READ_ONCE(second->mm));
	case KCMP_FILES:
		return compare(READ_ONCE(first->files), READ_ONCE(second->files));
	case KCMP_FS:
		return compare(READ_ONCE(first->fs), READ_ONCE(second->fs));
	case KCMP_SIGHAND:
		return compare(READ_ONCE(first->sighand), READ_ONCE(second->sighand));
	case KCMP_IO:
		return compare(READ_ONCE(first->io_context), READ_ONCE(second->io_context));
	case KCMP_SYSVSEM:
		return compare(READ_ONCE(first->sem_undo), READ_ONCE(second->sem_undo));
	case KCMP_EPOLL_TFD: // a descriptor that an epoll watches
		printk_ratelimited(LOG_INFO, "kcmp: KCMP_EPOLL_TFD is absent\n");
		return -EINVAL;
	default:
		return -EINVAL;
	}
}

SYSCALL5(kcmp, int, pid1, int, pid2, int, type, u64, fd1, u64, fd2)
{
	struct task *first = kcmp_task(pid1), *second = kcmp_task(pid2);
	long result = -ESRCH;

	if (first && second) {
		if (!ptrace_may_access(first, PTRACE_MODE_READ_REALCREDS) ||
		    !ptrace_may_access(second, PTRACE_MODE_READ_REALCREDS))
			result = -EPERM;
		else if (type == KCMP_FILE)
			result = compare_files(first, second, fd1, fd2);
		else
			result = compare_resources(first, second, type);
	}
	if (first)
		task_put(first);
	if (second)
		task_put(second);
	return result;
}
