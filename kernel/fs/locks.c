// Advisory locks. An inode has a list of them; one mutex guards all lists, since locks are few and
// held long. Who must wait, waits on one of a few queues, chosen by inode.

#include <core/errno.h>
#include <core/init.h>
#include <fs/files.h>
#include <fs/locks.h>
#include <mm/slab.h>
#include <sched/pid.h>
#include <sched/pid_namespace.h>
#include <sched/task.h>
#include <sched/wait.h>
#include <uapi/errno.h>

#define QUEUES 16

// Legend: [locks] locks_mutex.
struct file_lock {
	struct file_lock *next; // [locks] of the inode
	const void *owner;
	enum lock_kind kind;
	struct lock_range range;
};

struct lock_waiter {
	struct list_head link; // [locks]
	const void *owner, *holder;
};

static struct mutex locks_mutex = MUTEX_INIT(locks_mutex, LOCK_MODULE);
static struct wait_queue queues[QUEUES];
static LIST_HEAD(waiters); // [locks] of POSIX locks, to find circles

static struct wait_queue *queue_of(const struct inode *inode)
{
	return &queues[((uintptr_t)inode >> 7) % QUEUES];
}

static const void *owner_of(struct file *file, enum lock_kind kind)
{
	return kind == LOCK_KIND_POSIX ? (const void *)current->files : file;
}

static bool conflicts(const struct file_lock *lock, enum lock_kind kind, const void *owner,
		      const struct lock_range *range)
{
	if ((lock->kind == LOCK_KIND_FLOCK) != (kind == LOCK_KIND_FLOCK) || lock->owner == owner)
		return false;
	if (lock->range.end < range->start || lock->range.start > range->end)
		return false;
	return lock->range.type == F_WRLCK || range->type == F_WRLCK;
}

static struct file_lock *find_conflict(struct inode *inode, enum lock_kind kind, const void *owner,
				       const struct lock_range *range)
{
	struct file_lock *lock = inode->locks;

	while (lock && !conflicts(lock, kind, owner, range))
		lock = lock->next;
	return lock;
}

// Whether a chain of waiters leads from `holder` back to `owner`.
static bool would_deadlock(const void *owner, const void *holder)
{
	struct lock_waiter *waiter;

	for (int steps = 0; steps < 64; steps++) {
		const void *next = NULL;

		if (holder == owner)
			return true;
		list_for_each_entry (waiter, &waiters, link) {
			if (waiter->owner == holder)
				next = waiter->holder;
		}
		if (!next)
			return false;
		holder = next;
	}
	return false;
}

// Makes the owner's locks agree with the range: those inside go, those across its ends are cut,
// neighbours of the same type join it. `spare` holds two fresh locks; what is used becomes NULL.
static void apply_locked(struct inode *inode, enum lock_kind kind, const void *owner,
			 struct lock_range range, struct file_lock *spare[2])
{
	struct file_lock **link = &inode->locks, *lock;

	while ((lock = *link)) {
		struct lock_range *have = &lock->range;
		bool same = have->type == range.type;
		// One byte wider for neighbours that join.
		u64 low = same && range.start ? range.start - 1 : range.start;
		u64 high = same && range.end != ~0ul ? range.end + 1 : range.end;

		if (lock->kind != kind || lock->owner != owner || have->end < low ||
		    have->start > high) {
			link = &lock->next;
			continue;
		}
		if (same) {
			range.start = MIN(range.start, have->start);
			range.end = MAX(range.end, have->end);
		} else if (have->start < range.start && have->end > range.end) {
			struct file_lock *rest = spare[1];

			spare[1] = NULL;
			*rest = *lock;
			rest->range.start = range.end + 1;
			have->end = range.start - 1;
			lock->next = rest;
			link = &rest->next;
			continue;
		} else if (have->start < range.start) {
			have->end = range.start - 1;
			link = &lock->next;
			continue;
		} else if (have->end > range.end) {
			have->start = range.end + 1;
			link = &lock->next;
			continue;
		}
		*link = lock->next;
		kfree(lock);
	}
	if (range.type == F_UNLCK)
		return;
	lock = spare[0];
	spare[0] = NULL;
	*lock = (struct file_lock){inode->locks, owner, kind, range};
	WRITE_ONCE(inode->locks, lock);
}

// Waits until the conflicting lock may have gone. locks_mutex held, and again on return.
static int wait_locked(struct inode *inode, enum lock_kind kind, const void *owner,
		       const struct lock_range *range, const struct file_lock *conflict)
{
	struct lock_waiter waiter = {.owner = owner, .holder = conflict->owner};
	struct wait_entry entry;

	if (kind == LOCK_KIND_POSIX && would_deadlock(owner, conflict->owner))
		return -EDEADLK;
	if (kind == LOCK_KIND_POSIX)
		list_add(&waiter.link, &waiters);
	wait_entry_init(&entry, wake_autoremove, 0);
	int error = prepare_to_wait(queue_of(inode), &entry, TASK_INTERRUPTIBLE);
	mutex_unlock(&locks_mutex);
	if (!error)
		schedule();
	finish_wait(queue_of(inode), &entry);
	mutex_lock(&locks_mutex);
	if (kind == LOCK_KIND_POSIX)
		list_del(&waiter.link);
	return error;
}

int lock_set(struct file *file, enum lock_kind kind, const struct lock_range *want, bool wait)
{
	struct inode *inode = file->inode;
	const void *owner = owner_of(file, kind);
	struct file_lock *spare[2], *conflict;
	struct lock_range range = *want;
	int error = 0;

	range.pid = kind == LOCK_KIND_OFD ? -1 : task_tgid_nr(current);
	spare[0] = kmalloc(sizeof(**spare), GFP_KERNEL);
	spare[1] = kmalloc(sizeof(**spare), GFP_KERNEL);
	mutex_lock(&locks_mutex);
	if (!spare[0] || !spare[1])
		error = -ENOLCK;
	// flock(2) lets go of the old type first: two that upgrade do not block each other.
	if (!error && kind == LOCK_KIND_FLOCK && range.type != F_UNLCK) {
		struct file_lock *have = inode->locks;

		while (have && (have->kind != kind || have->owner != owner))
			have = have->next;
		if (have && have->range.type != range.type) {
			struct lock_range none = {0, ~0ul, F_UNLCK, 0};

			apply_locked(inode, kind, owner, none, spare);
			wake_up_all(queue_of(inode));
		}
	}
	while (!error && range.type != F_UNLCK &&
	       (conflict = find_conflict(inode, kind, owner, &range)))
		error = wait ? wait_locked(inode, kind, owner, &range, conflict) : -EAGAIN;
	if (!error)
		apply_locked(inode, kind, owner, range, spare);
	mutex_unlock(&locks_mutex);
	if (!error)
		wake_up_all(queue_of(inode));
	kfree(spare[0]);
	kfree(spare[1]);
	return error;
}

// The holder as current knows it: 0 if it does not, or if it is gone; -1 for an open file.
static int holder_seen(int pid)
{
	struct pid_namespace *viewer = task_active_pid_ns(current);

	if (pid < 0 || viewer == &init_pid_ns)
		return pid;
	rcu_read_lock();
	struct pid *holder = pid_find(pid, &init_pid_ns);
	pid = holder ? pid_nr_ns(holder, viewer) : 0;
	rcu_read_unlock();
	return pid;
}

int lock_get(struct file *file, enum lock_kind kind, struct lock_range *range)
{
	mutex_lock(&locks_mutex);
	struct file_lock *conflict = find_conflict(file->inode, kind, owner_of(file, kind), range);
	if (conflict)
		*range = conflict->range;
	else
		range->type = F_UNLCK;
	mutex_unlock(&locks_mutex);
	range->pid = holder_seen(range->pid);
	return 0;
}

void locks_release(struct inode *inode, enum lock_kind kind, const void *owner)
{
	struct file_lock **link, *lock;

	mutex_lock(&locks_mutex);
	link = &inode->locks;
	while ((lock = *link)) {
		bool posix = lock->kind == LOCK_KIND_POSIX;

		if (lock->owner != owner || posix != (kind == LOCK_KIND_POSIX)) {
			link = &lock->next;
			continue;
		}
		WRITE_ONCE(*link, lock->next);
		kfree(lock);
	}
	mutex_unlock(&locks_mutex);
	wake_up_all(queue_of(inode));
}

static int locks_init(void)
{
	for (int i = 0; i < QUEUES; i++)
		wait_queue_init(&queues[i]);
	return 0;
}
INITCALL(FS, locks_init);
