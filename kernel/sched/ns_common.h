// What all kinds of namespaces have in common; each embeds it as its first member. It lies here
// because pid namespaces do; counting and numbering are in ns/ns_common.c.
#pragma once

#include <core/refcount.h>
#include <lib/base.h>

struct ns_common;
struct user_counts;
struct user_ns;

// Also the order in which setns(2) enters several at once.
enum ns_type {
	NS_USER,
	NS_MNT,
	NS_UTS,
	NS_IPC,
	NS_PID,
	NS_CGROUP,
	NS_TIME,
	NS_TYPES,
};

struct ns_kind {
	enum ns_type type;
	const char *name;                   // in /proc/PID/ns, and "name:[number]"
	u64 flag;                           // CLONE_NEW...
	void (*free)(struct ns_common *ns); // after the last reference
	// The namespace that this one lies in, not counted; NULL for the first one. Absent: this kind
	// has no hierarchy.
	struct ns_common *(*parent)(struct ns_common *ns);
};

// Legend: [I] immutable once it can be found.
struct ns_common {
	struct refcount refs;
	const struct ns_kind *kind;  // [I]
	u64 number;                  // [I] of its inode in nsfs
	struct user_ns *owner;       // [I] counted; NULL: the first user namespace of all
	struct user_counts *charged; // [I] counted: whose limit it counts on; NULL: nobody's
};

static inline struct ns_common *ns_get(struct ns_common *ns)
{
	refcount_get(&ns->refs);
	return ns;
}

// Drops a reference; NULL is let through.
static inline void ns_put(struct ns_common *ns)
{
	if (ns && refcount_put(&ns->refs))
		ns->kind->free(ns);
}
