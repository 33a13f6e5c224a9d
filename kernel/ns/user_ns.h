// User namespaces: maps of ids, and the tree that capabilities are relative to.
#pragma once

#include <core/atomic.h>
#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <lib/list.h>
#include <sched/ns_common.h>

#define OVERFLOW_ID        65534u
#define USER_NS_MAX_LEVEL  33 // as Linux counts its 32
#define ID_MAP_MAX_EXTENTS 340
#define INVALID_ID         0xffffffffu

struct id_extent {
	u32 first, lower_first, count;
};

struct id_map {
	u32 count; // 0 = not yet written; published with release
	struct id_extent *extents;
};

// What one user of one user namespace has in use.
struct user_counts {
	struct refcount refs;
	struct hlist_node node;
	struct user_ns *ns;
	u32 uid;
	struct atomic64 processes, pending_signals, mqueue_bytes, locked_pages;
	struct atomic64 namespaces[NS_TYPES]; // made by it or below; see ns/ns_common.c
};

// Legend: [I] immutable, [map] user_map_lock in user_ns.c, published with release.
struct user_ns {
	struct ns_common common;                    // its owner is the parent
	u32 level;                                  // [I] 0 for the first
	u32 owner, group;                           // [I] kernel ids of who made it
	struct id_map uid_map, gid_map, projid_map; // [map]
	bool setgroups_allowed;                     // [map]
	bool parent_could_setfcap;                  // [I] its maker had CAP_SETFCAP
	struct user_counts *counts;                 // [I] counted: of its maker, in the parent
	long ns_max[NS_TYPES];                      // [a] /proc/sys/user/max_*_namespaces
};

extern struct user_ns init_user_ns;

static inline struct user_ns *user_ns_parent(const struct user_ns *ns)
{
	return ns->common.owner;
}

static inline u32 user_ns_level(const struct user_ns *ns)
{
	return ns->level;
}

static inline u32 user_ns_owner(const struct user_ns *ns)
{
	return ns->owner;
}

struct user_ns *user_ns_get(struct user_ns *ns);
void user_ns_put(struct user_ns *ns);

// From the id a program of `ns` says to the kernel's (INVALID_ID if unmapped), and back.
u32 uid_from_user(struct user_ns *ns, u32 id);
u32 gid_from_user(struct user_ns *ns, u32 id);
u32 uid_to_user(struct user_ns *ns, u32 id); // INVALID_ID if unmapped
u32 gid_to_user(struct user_ns *ns, u32 id);
u32 uid_to_user_munged(struct user_ns *ns, u32 id); // OVERFLOW_ID if unmapped
u32 gid_to_user_munged(struct user_ns *ns, u32 id);

// Finds or makes the counts of a user. NULL: no memory.
struct user_counts *user_counts_get(struct user_ns *ns, u32 uid);
// Takes one more reference.
struct user_counts *user_counts_grab(struct user_counts *counts);
void user_counts_put(struct user_counts *counts);

// Whether setgroups(2) is allowed in it.
bool user_ns_may_setgroups(struct user_ns *ns);
// Puts private credentials into a new user namespace below theirs, with all capabilities in it.
// -ENOSPC too deep, -EPERM the creator's ids are unmapped, -ENOMEM; then they are unchanged.
struct cred;
int user_ns_create(struct cred *cred);

// The same for an existing namespace (setns). -ENOMEM.
int user_ns_enter(struct cred *cred, struct user_ns *ns);
// Whether `ns` is `ancestor` or lies below it.
bool user_ns_within(const struct user_ns *ns, const struct user_ns *ancestor);

void user_ns_init(void);
