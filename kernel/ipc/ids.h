// What the three kinds of System V objects have in common: identifiers, keys and permissions.
#pragma once

#include <core/errno.h>
#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/list.h>
#include <sched/mutex.h>
#include <uapi/ipc.h>

#define IPC_INDEX_MAX   32768u // an id is a sequence number times this, plus the index
#define IPC_KEY_BUCKETS 32

struct ipc_ids;
struct ipc_kind;
struct ipc_ns;

// Legend: [I], [lock] its own, [ids] of the table.
struct ipc_object {
	struct refcount refs; // the table's, and one of each user
	struct spinlock lock;
	const struct ipc_kind *kind; // [I]
	struct ipc_ids *ids;         // [I] of a namespace that may be gone before its last users
	struct hlist_node by_key;    // [ids] unhashed: IPC_PRIVATE, or no longer to be found
	bool removed;                // [lock]
	int id;                      // [I] once it is in the table
	int key;                     // [lock]
	u32 uid, gid, cuid, cgid;    // [lock] as the kernel counts
	u32 mode;                    // [lock]
	s64 ctime;                   // [lock] seconds
};

// What a kind does.
struct ipc_kind {
	// A new object, with its refs and lock set, for parameters of ...get(2).
	int (*create)(struct ipc_ns *ns, u64 size, int flags, struct ipc_object **out);
	int (*check)(struct ipc_object *object, u64 size); // may it be had with these?
	void (*free)(struct ipc_object *object);           // the last reference has gone
	void (*remove)(struct ipc_object *object);         // IPC_RMID; also when the namespace goes
};

// A table. Legend: [lock].
struct ipc_ids {
	struct mutex create; // one object is made at a time
	struct spinlock lock;
	const struct ipc_kind *kind;               // [I]
	struct ipc_object **slots;                 // [lock] by index
	u32 size, used;                            // [lock]
	int last_index;                            // [lock] that was given
	u32 sequence;                              // [lock]
	u32 max;                                   // limit on objects; a bare word
	struct hlist_head by_key[IPC_KEY_BUCKETS]; // [lock]
};

void ipc_ids_init(struct ipc_ids *ids, const struct ipc_kind *kind, u32 max);
// Removes all objects, and frees the table. Nobody else uses it.
void ipc_ids_destroy(struct ipc_ids *ids);

// shmget(2) and its kin: an id, or -ENOENT, -EEXIST, -ENOSPC, -EACCES, -ENOMEM.
long ipc_get(struct ipc_ns *ns, struct ipc_ids *ids, int key, u64 size, int flags);
// With a reference; ERR_PTR(-EINVAL).
struct ipc_object *ipc_find(struct ipc_ids *ids, int id);
struct ipc_object *ipc_find_index(struct ipc_ids *ids, int index); // NULL: none there
struct ipc_object *ipc_object_get(struct ipc_object *object);
void ipc_object_put(struct ipc_object *object);
int ipc_max_index(struct ipc_ids *ids); // of all that are there; 0 if there is none

void ipc_object_init(struct ipc_object *object, const struct ipc_kind *kind, int flags);
// Nobody can find it by its key any more (it stays as IPC_PRIVATE). The lock is held.
void ipc_forget_key(struct ipc_object *object);
// Takes it out of the table. True for the one who did; the table's reference is the caller's then.
bool ipc_unlink(struct ipc_object *object);

// Whether current may do what `want` says, as the mode of a file (0444, 0222). 0, -EACCES.
int ipc_permission(struct ipc_ns *ns, const struct ipc_object *object, u32 want);
// For IPC_SET and IPC_RMID: 0, -EPERM.
int ipc_may_control(struct ipc_ns *ns, const struct ipc_object *object);
// The lock is held.
void ipc_perm_show(const struct ipc_object *object, struct ipc64_perm *out);
int ipc_perm_set(struct ipc_object *object, const struct ipc64_perm *new); // -EINVAL
s64 ipc_now(void);
