// Time namespaces: how far CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead of the machine's.
#pragma once

#include <lib/base.h>
#include <ns/nsproxy.h>
#include <sched/ns_common.h>
#include <sched/task.h>
#include <uapi/time.h>

struct user_ns;
struct vdso_data_page;

// Legend: [offsets] time_ns.c's lock, until the first task has entered; from then on nothing changes
// any more, and whoever is inside reads without it.
struct time_ns {
	struct ns_common common;
	s64 monotonic_ns, boottime_ns;    // [offsets]
	bool frozen;                      // [offsets]
	struct vdso_data_page *vdso_data; // [I] NULL: the machine's
};

extern struct time_ns init_time_ns;

static inline struct time_ns *time_ns_get(struct time_ns *ns)
{
	ns_get(&ns->common);
	return ns;
}
// A copy with the same offsets, which can be changed. -ENOMEM, -ENOSPC.
int time_ns_dup(const struct time_ns *old, struct user_ns *owner, struct time_ns **copy);
// Somebody enters: the offsets stay as they are.
void time_ns_freeze(struct time_ns *ns);

// Offsets to set, or as they are.
struct time_ns_offsets {
	s64 monotonic_ns, boottime_ns;
	bool set_monotonic, set_boottime; // only to set
};
void time_ns_offsets(struct time_ns *ns, struct time_ns_offsets *out);
// -ERANGE: a clock would show a time before 0 or too far ahead; -EACCES: somebody has entered.
int time_ns_set_offsets(struct time_ns *ns, const struct time_ns_offsets *offsets);

// What current adds to the machine's time; 0 for clocks that are the same everywhere.
static inline s64 time_ns_offset(int clock)
{
	const struct time_ns *ns = current->nsproxy->time;

	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		return ns->monotonic_ns;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return ns->boottime_ns;
	}
	return 0;
}
// An absolute time of a clock, as current means it, in the machine's time.
u64 time_ns_to_machine(int clock, u64 ns);
