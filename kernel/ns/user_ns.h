// User namespaces: maps of ids, and the tree that capabilities are relative to.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/base.h>
#include <lib/list.h>

#define OVERFLOW_ID	   65534u
#define USER_NS_MAX_LEVEL  32
#define ID_MAP_MAX_EXTENTS 340
#define INVALID_ID	   0xffffffffu

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
};

struct user_ns;
extern struct user_ns init_user_ns;

struct user_ns *user_ns_get(struct user_ns *ns);
void user_ns_put(struct user_ns *ns);

// From the id a program of `ns` says to the kernel's (INVALID_ID if unmapped), and back.
u32 uid_from_user(struct user_ns *ns, u32 id);
u32 gid_from_user(struct user_ns *ns, u32 id);
u32 uid_to_user(struct user_ns *ns, u32 id);       // INVALID_ID if unmapped
u32 gid_to_user(struct user_ns *ns, u32 id);
u32 uid_to_user_munged(struct user_ns *ns, u32 id); // OVERFLOW_ID if unmapped
u32 gid_to_user_munged(struct user_ns *ns, u32 id);

// Finds or makes the counts of a user. NULL: no memory.
struct user_counts *user_counts_get(struct user_ns *ns, u32 uid);
struct user_counts *user_counts_grab(struct user_counts *counts);
void user_counts_put(struct user_counts *counts);
