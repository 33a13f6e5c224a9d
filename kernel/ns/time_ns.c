// Time namespaces. The machine's clocks know nothing of them: offsets are added where user space
// reads a monotonic time and taken away where it gives an absolute one. A program reads its clocks
// through the vDSO without asking the kernel, so each namespace has a data page of its own, which
// is mapped into the memory of whoever enters. See time_namespaces(7).

#include <arch/vdso.h>
#include <core/timer.h>
#include <mm/slab.h>
#include <ns/ns_common.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <sched/mutex.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

// Half of what a signed count of nanoseconds holds: sums with times of today do not overflow.
#define CLOCK_MAX (INT64_MAX / 2)

static struct mutex offsets_lock = MUTEX_INIT(offsets_lock, LOCK_MODULE);

struct time_ns init_time_ns = {
	.common = {.refs = REFCOUNT_INIT(1),
		   .kind = &time_ns_kind,
		   .number = 0xeffffffau, // PROC_TIME_INIT_INO
		   .owner = &init_user_ns},
	.frozen = true,
};

static void time_ns_free(struct ns_common *common)
{
	struct time_ns *ns = container_of(common, struct time_ns, common);

	arch_vdso_data_free(ns->vdso_data);
	ns_common_end(common);
	kfree(ns);
}

const struct ns_kind time_ns_kind = {
	.type = NS_TIME,
	.name = "time",
	.flag = CLONE_NEWTIME,
	.free = time_ns_free,
};
_Static_assert(offsetof(struct time_ns, common) == 0, "see ns_common.h");

int time_ns_dup(const struct time_ns *old, struct user_ns *owner, struct time_ns **copy)
{
	struct time_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	int error = arch_vdso_data_create(&ns->vdso_data);
	if (!error) {
		error = ns_common_init(&ns->common, &time_ns_kind, owner);
		if (error)
			arch_vdso_data_free(ns->vdso_data);
	}
	if (error) {
		kfree(ns);
		return error;
	}
	mutex_lock(&offsets_lock);
	ns->monotonic_ns = old->monotonic_ns;
	ns->boottime_ns = old->boottime_ns;
	mutex_unlock(&offsets_lock);
	arch_vdso_data_set(ns->vdso_data, ns->monotonic_ns, ns->boottime_ns);
	*copy = ns;
	return 0;
}

void time_ns_freeze(struct time_ns *ns)
{
	if (READ_ONCE(ns->frozen))
		return;
	mutex_lock(&offsets_lock);
	WRITE_ONCE(ns->frozen, true);
	mutex_unlock(&offsets_lock);
}

void time_ns_offsets(struct time_ns *ns, struct time_ns_offsets *out)
{
	mutex_lock(&offsets_lock);
	*out = (struct time_ns_offsets){ns->monotonic_ns, ns->boottime_ns, true, true};
	mutex_unlock(&offsets_lock);
}

static bool in_range(s64 now, s64 offset)
{
	s64 shown;

	return !__builtin_add_overflow(now, offset, &shown) && shown >= 0 && shown <= CLOCK_MAX;
}

int time_ns_set_offsets(struct time_ns *ns, const struct time_ns_offsets *offsets)
{
	int error = 0;

	if (offsets->set_monotonic && !in_range(clock_monotonic_ns(), offsets->monotonic_ns))
		return -ERANGE;
	if (offsets->set_boottime && !in_range(clock_boottime_ns(), offsets->boottime_ns))
		return -ERANGE;
	mutex_lock(&offsets_lock);
	if (ns->frozen) {
		error = -EACCES;
	} else {
		if (offsets->set_monotonic)
			ns->monotonic_ns = offsets->monotonic_ns;
		if (offsets->set_boottime)
			ns->boottime_ns = offsets->boottime_ns;
		arch_vdso_data_set(ns->vdso_data, ns->monotonic_ns, ns->boottime_ns);
	}
	mutex_unlock(&offsets_lock);
	return error;
}

u64 time_ns_to_machine(int clock, u64 ns)
{
	s64 offset = time_ns_offset(clock), at;

	if (likely(!offset))
		return ns;
	if ((s64)ns < offset)
		return 0;
	return __builtin_sub_overflow((s64)ns, offset, &at) ? (u64)INT64_MAX : (u64)at;
}
