// The tables of System V objects: an id names a slot and how often the slots have been used; a key
// leads to an id through a hash. Objects live until their last user lets go of them.

#include <core/timer.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

#include "ids.h"
#include "ipc_ns.h"

#define SEQUENCES  (0x80000000u / IPC_INDEX_MAX)
#define CIRCLE_MIN 64u

void ipc_ids_init(struct ipc_ids *ids, const struct ipc_kind *kind, u32 max)
{
	mutex_init(&ids->create, LOCK_IPC);
	spin_init(&ids->lock, LOCK_NS);
	ids->kind = kind;
	ids->last_index = -1;
	ids->max = max;
}

void ipc_ids_destroy(struct ipc_ids *ids)
{
	for (u32 i = 0; i < ids->size; i++) {
		if (ids->slots[i])
			ids->kind->remove(ids->slots[i]);
	}
	kvfree(ids->slots);
}

s64 ipc_now(void)
{
	return clock_realtime_ns() / NSEC_PER_SEC;
}

// --- Objects ---

void ipc_object_init(struct ipc_object *object, const struct ipc_kind *kind, int flags)
{
	const struct cred *cred = current_cred();

	refcount_init(&object->refs, 1);
	object->kind = kind;
	spin_init(&object->lock, LOCK_IPC_SPIN);
	object->uid = object->cuid = cred->euid;
	object->gid = object->cgid = cred->egid;
	object->mode = flags & 0777;
	object->ctime = ipc_now();
}

struct ipc_object *ipc_object_get(struct ipc_object *object)
{
	refcount_get(&object->refs);
	return object;
}

void ipc_object_put(struct ipc_object *object)
{
	if (refcount_put(&object->refs))
		object->kind->free(object);
}

// --- The table ---

static struct hlist_head *bucket(struct ipc_ids *ids, int key)
{
	return &ids->by_key[((u32)key * 0x9e3779b1u) >> 27];
}

// New objects take slot after slot in a circle of this many, so that an old id is not soon a new
// object's.
static u32 circle(const struct ipc_ids *ids)
{
	u32 size = MAX(CIRCLE_MIN, ids->used * 3 / 2);

	return MIN(size, IPC_INDEX_MAX);
}

// ids->create held: nobody else makes the table larger.
static int make_slot(struct ipc_ids *ids)
{
	u32 size = circle(ids);

	if (size <= ids->size)
		return 0;
	size = MAX(size, MIN(ids->size * 2, IPC_INDEX_MAX));
	struct ipc_object **slots = kvmalloc(size * sizeof(*slots), GFP_KERNEL | GFP_ZERO);
	if (!slots)
		return -ENOMEM;
	spin_lock(&ids->lock);
	struct ipc_object **old = ids->slots;
	if (old)
		memcpy(slots, old, ids->size * sizeof(*slots));
	ids->slots = slots;
	ids->size = size;
	spin_unlock(&ids->lock);
	kvfree(old);
	return 0;
}

// There is a slot.
static void add(struct ipc_ids *ids, struct ipc_object *object, int key)
{
	spin_lock(&ids->lock);
	u32 size = circle(ids), index = (ids->last_index + 1) % size;
	while (ids->slots[index])
		index = (index + 1) % size;
	if ((int)index <= ids->last_index)
		ids->sequence = (ids->sequence + 1) % SEQUENCES;
	ids->last_index = index;
	ids->used++;
	object->ids = ids;
	object->id = ids->sequence * IPC_INDEX_MAX + index;
	object->key = key;
	if (key != IPC_PRIVATE)
		hlist_add_head(&object->by_key, bucket(ids, key));
	ids->slots[index] = object;
	spin_unlock(&ids->lock);
}

bool ipc_unlink(struct ipc_object *object)
{
	struct ipc_ids *ids = object->ids;
	u32 index = object->id % IPC_INDEX_MAX;

	spin_lock(&ids->lock);
	bool was_there = ids->slots[index] == object;
	if (was_there) {
		ids->slots[index] = NULL;
		ids->used--;
		hlist_del_init(&object->by_key);
	}
	spin_unlock(&ids->lock);
	return was_there;
}

void ipc_forget_key(struct ipc_object *object)
{
	struct ipc_ids *ids = object->ids;

	spin_unlock(&object->lock);
	spin_lock(&ids->lock);
	hlist_del_init(&object->by_key);
	spin_unlock(&ids->lock);
	spin_lock(&object->lock);
	object->key = IPC_PRIVATE;
}

static struct ipc_object *find_key(struct ipc_ids *ids, int key)
{
	struct ipc_object *object, *found = NULL;

	spin_lock(&ids->lock);
	hlist_for_each_entry (object, bucket(ids, key), by_key) {
		if (object->key == key) {
			found = ipc_object_get(object);
			break;
		}
	}
	spin_unlock(&ids->lock);
	return found;
}

struct ipc_object *ipc_find_index(struct ipc_ids *ids, int index)
{
	struct ipc_object *object = NULL;

	spin_lock(&ids->lock);
	if (index >= 0 && (u32)index < ids->size && ids->slots[index])
		object = ipc_object_get(ids->slots[index]);
	spin_unlock(&ids->lock);
	return object;
}

struct ipc_object *ipc_find(struct ipc_ids *ids, int id)
{
	struct ipc_object *object = id < 0 ? NULL : ipc_find_index(ids, (u32)id % IPC_INDEX_MAX);

	if (object && object->id == id)
		return object;
	if (object)
		ipc_object_put(object);
	return ERR_PTR(-EINVAL);
}

int ipc_max_index(struct ipc_ids *ids)
{
	int index;

	spin_lock(&ids->lock);
	for (index = ids->size; index > 0 && !ids->slots[index - 1]; index--)
		;
	spin_unlock(&ids->lock);
	return index > 0 ? index - 1 : 0;
}

// --- ...get(2) ---

// ids->create held.
static long create(struct ipc_ns *ns, struct ipc_ids *ids, int key, u64 size, int flags)
{
	struct ipc_object *object;

	int error = make_slot(ids);
	if (!error && READ_ONCE(ids->used) >= MIN(READ_ONCE(ids->max), IPC_INDEX_MAX))
		error = -ENOSPC;
	if (!error)
		error = ids->kind->create(ns, size, flags, &object);
	if (error)
		return error;
	add(ids, object, key);
	return object->id;
}

static long have(struct ipc_ns *ns, struct ipc_object *object, u64 size, int flags)
{
	long result = object->id;
	u32 want = (flags >> 6) | (flags >> 3) | flags;

	if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		result = -EEXIST;
	else if (object->kind->check && object->kind->check(object, size))
		result = -EINVAL;
	else if (ipc_permission(ns, object, (want & 7) * 0111))
		result = -EACCES;
	ipc_object_put(object);
	return result;
}

long ipc_get(struct ipc_ns *ns, struct ipc_ids *ids, int key, u64 size, int flags)
{
	long result;

	mutex_lock(&ids->create);
	struct ipc_object *object = key == IPC_PRIVATE ? NULL : find_key(ids, key);
	if (object)
		result = have(ns, object, size, flags);
	else if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
		result = -ENOENT;
	else
		result = create(ns, ids, key, size, flags);
	mutex_unlock(&ids->create);
	return result;
}

// --- Permissions ---

int ipc_permission(struct ipc_ns *ns, const struct ipc_object *object, u32 want)
{
	const struct cred *cred = current_cred();
	u32 granted = object->mode;

	if (cred->euid == object->cuid || cred->euid == object->uid)
		granted >>= 6;
	else if (cred_in_egroup(cred, object->cgid) || cred_in_egroup(cred, object->gid))
		granted >>= 3;
	if (!(want & 7 & ~granted) || ns_capable(ns->common.owner, CAP_IPC_OWNER))
		return 0;
	return -EACCES;
}

int ipc_may_control(struct ipc_ns *ns, const struct ipc_object *object)
{
	u32 euid = current_cred()->euid;

	if (euid == object->cuid || euid == object->uid ||
	    ns_capable(ns->common.owner, CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

void ipc_perm_show(const struct ipc_object *object, struct ipc64_perm *out)
{
	struct user_ns *ns = current_cred()->user_ns;

	*out = (struct ipc64_perm){
		.key = object->key,
		.uid = uid_to_user_munged(ns, object->uid),
		.gid = gid_to_user_munged(ns, object->gid),
		.cuid = uid_to_user_munged(ns, object->cuid),
		.cgid = gid_to_user_munged(ns, object->cgid),
		.mode = object->mode,
		.seq = object->id / IPC_INDEX_MAX,
	};
}

int ipc_perm_set(struct ipc_object *object, const struct ipc64_perm *new)
{
	struct user_ns *ns = current_cred()->user_ns;
	u32 uid = uid_from_user(ns, new->uid), gid = gid_from_user(ns, new->gid);

	if (uid == INVALID_ID || gid == INVALID_ID)
		return -EINVAL;
	object->uid = uid;
	object->gid = gid;
	object->mode = (object->mode & ~0777) | (new->mode & 0777);
	object->ctime = ipc_now();
	return 0;
}
