// Debug checks of sleeping locks: each task keeps the list of what it holds. See lock_owner.h.

#include <core/printk.h>
#include <sched/task.h>

#if CONFIG_DEBUG

static struct held_lock *find(const void *lock)
{
	struct lock_debug *debug = &current->locks_held;

	for (unsigned i = debug->depth; i-- > 0;) {
		if (debug->held[i].lock == lock)
			return &debug->held[i];
	}
	return NULL;
}

void sleeping_lock_acquire(struct lock_info *info, const void *lock, bool nested, bool shared)
{
	struct lock_debug *debug = &current->locks_held;

	(void)shared;
	if (find(lock)) {
		lock_report("recursion", info, lock, "sleeping lock");
		return;
	}
	for (unsigned i = 0; i < debug->depth; i++) {
		u16 held = debug->held[i].info->rank;

		if (held && info->rank && (held > info->rank || (held == info->rank && !nested))) {
			lock_report("order", info, lock, "sleeping lock");
			return;
		}
	}
}

void sleeping_lock_acquired(struct lock_info *info, const void *lock, bool shared)
{
	struct lock_debug *debug = &current->locks_held;

	if (debug->depth == SLEEPING_LOCKS_MAX) {
		lock_report("too many", info, lock, "sleeping lock");
		return;
	}
	debug->held[debug->depth++] = (struct held_lock){lock, info, __builtin_return_address(0),
							 shared};
}

void sleeping_lock_release(struct lock_info *info, const void *lock, bool shared)
{
	struct lock_debug *debug = &current->locks_held;
	struct held_lock *held = find(lock);

	(void)shared;
	if (!held) {
		lock_report("not owner", info, lock, "sleeping lock");
		return;
	}
	*held = debug->held[--debug->depth];
}

bool sleeping_lock_held(const void *lock)
{
	return find(lock) != NULL;
}

void sleeping_lock_check_none(void)
{
	struct lock_debug *debug = &current->locks_held;

	if (debug->depth)
		lock_report("leak", debug->held[0].info, debug->held[0].lock, "return to user");
}

#endif
