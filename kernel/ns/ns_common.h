// Making and ending namespaces of any kind.
#pragma once

#include <sched/ns_common.h>

extern const struct ns_kind user_ns_kind, uts_ns_kind, pid_ns_kind, time_ns_kind, cgroup_ns_kind;

// Fills a new namespace with one reference, a number that no other has, its owner, and counts it
// on current's user in the owner and on all that made user namespaces above (user/max_*). -ENOSPC
// beyond a limit, -ENOMEM; then nothing is held.
int ns_common_init(struct ns_common *ns, const struct ns_kind *kind, struct user_ns *owner);
// The opposite, but for the memory.
void ns_common_end(struct ns_common *ns);

// A number for nsfs that no other living or dead namespace has.
u64 ns_number_next(void);
// Its id, which no other namespace has or gets.
u64 ns_id(const struct ns_common *ns);
// Takes one off the limits that ns_common_init() counted on.
void ns_uncharge(struct user_counts *charged, enum ns_type type);
int ns_charge(struct user_ns *owner, enum ns_type type, struct user_counts **charged);
