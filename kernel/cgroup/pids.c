// The pids controller: a limit on the tasks in a group and below. They are counted in every group,
// so that enabling the controller finds the right number; a group whose parent does not have it
// enabled has no limit. Only fork asks: a migration may go beyond.

#include <cgroup/cgroup.h>
#include <uapi/errno.h>

bool pids_enabled(const struct cgroup *cgroup)
{
	return cgroup->parent && (READ_ONCE(cgroup->parent->control) & CGROUP_PIDS);
}

void pids_reset(struct cgroup *cgroup)
{
	struct cgroup_pids *pids = &cgroup->pids;

	WRITE_ONCE(pids->max, PIDS_UNLIMITED);
	WRITE_ONCE(pids->peak, atomic64_read(&pids->current));
	atomic64_set(&pids->events, 0);
	atomic64_set(&pids->events_local, 0);
	atomic64_set(&pids->failed_here, 0);
}

static void note_peak(struct cgroup_pids *pids, u64 now)
{
	if (now > READ_ONCE(pids->peak))
		WRITE_ONCE(pids->peak, now); // two at once may lose one: Linux's may, too
}

static void uncharge_until(struct cgroup *cgroup, const struct cgroup *end)
{
	for (; cgroup != end; cgroup = cgroup->parent)
		atomic64_sub(&cgroup->pids.current, 1);
}

// A fork in `from` failed by the limit of `by`.
static void tell_failure(struct cgroup *from, struct cgroup *by)
{
	atomic64_add(&from->pids.failed_here, 1);
	if (READ_ONCE(cgroup_options) & CGROUP_PIDS_LOCAL_EVENTS) {
		cgroup_notify(&from->pids.changed_local);
		return;
	}
	atomic64_add(&by->pids.events_local, 1);
	cgroup_notify(&by->pids.changed_local);
	for (; by->parent; by = by->parent) {
		atomic64_add(&by->pids.events, 1);
		cgroup_notify(&by->pids.changed);
	}
}

int pids_charge(struct cgroup *cgroup)
{
	for (struct cgroup *at = cgroup; at->parent; at = at->parent) {
		u64 now = atomic64_add_return(&at->pids.current, 1);

		if (now > READ_ONCE(at->pids.max) && pids_enabled(at)) {
			uncharge_until(cgroup, at->parent);
			tell_failure(cgroup, at);
			return -EAGAIN;
		}
		note_peak(&at->pids, now);
	}
	return 0;
}

void pids_uncharge(struct cgroup *cgroup)
{
	uncharge_until(cgroup, &cgroup_root);
}

void pids_move(struct cgroup *from, struct cgroup *to)
{
	for (struct cgroup *at = to; at->parent; at = at->parent)
		note_peak(&at->pids, atomic64_add_return(&at->pids.current, 1));
	uncharge_until(from, &cgroup_root);
}
