// User namespaces: references, the translation of ids, and the counts of what each user has in
// use. Creation, and the writing of the maps, are in ns/user_ns_create.c.
//
// Ids inside the kernel are those of the first namespace. A map is written once and never
// changes: it is published by a release store of its count, and read without a lock.

#include <core/init.h>
#include <lib/hash.h>
#include <mm/slab.h>
#include <ns/ns_common.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#define COUNTS_HASH_BITS 7

static struct hlist_head counts_hash[1 << COUNTS_HASH_BITS];
static struct spinlock counts_lock = SPINLOCK_INIT(LOCK_USER_COUNTS);
static struct slab_cache *counts_cache;

static struct id_extent whole_range = {.first = 0, .lower_first = 0, .count = 0xffffffffu};

struct user_ns init_user_ns = {
	.common = {.refs = REFCOUNT_INIT(3), .kind = &user_ns_kind, .number = 0xeffffffdu},
	.uid_map = {.count = 1, .extents = &whole_range},
	.gid_map = {.count = 1, .extents = &whole_range},
	.projid_map = {.count = 1, .extents = &whole_range},
	.setgroups_allowed = true,
	.parent_could_setfcap = true,
};

struct user_counts root_counts = {
	.refs = REFCOUNT_INIT(2),
	.ns = &init_user_ns,
	.processes = {1},
};

struct user_ns *user_ns_get(struct user_ns *ns)
{
	refcount_get(&ns->common.refs);
	return ns;
}

void user_ns_put(struct user_ns *ns)
{
	while (ns && refcount_put(&ns->common.refs)) {
		struct user_ns *parent = ns->common.owner;

		kfree(ns->uid_map.extents);
		kfree(ns->gid_map.extents);
		kfree(ns->projid_map.extents);
		ns_uncharge(ns->counts, NS_USER);
		kfree(ns);
		ns = parent;
	}
}

static void user_ns_free(struct ns_common *common)
{
	refcount_init(&common->refs, 1);
	user_ns_put((struct user_ns *)common);
}

static struct ns_common *parent_of(struct ns_common *common)
{
	return common->owner ? &common->owner->common : NULL;
}

const struct ns_kind user_ns_kind = {
	.type = NS_USER,
	.name = "user",
	.flag = CLONE_NEWUSER,
	.free = user_ns_free,
	.parent = parent_of,
};
_Static_assert(offsetof(struct user_ns, common) == 0, "see ns_common.h");

bool user_ns_within(const struct user_ns *ns, const struct user_ns *ancestor)
{
	while (ns->level > ancestor->level)
		ns = ns->common.owner;
	return ns == ancestor;
}

bool user_ns_may_setgroups(struct user_ns *ns)
{
	return __atomic_load_n(&ns->gid_map.count, __ATOMIC_ACQUIRE) &&
	       READ_ONCE(ns->setgroups_allowed);
}

// --- Translation ---

// The maps of a nested namespace are stored with lower ids already translated to the kernel's,
// so that one step suffices at any depth.
static u32 map_down(const struct id_map *map, u32 id)
{
	u32 count = __atomic_load_n(&map->count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < count; i++) {
		const struct id_extent *extent = &map->extents[i];

		if (id - extent->first < extent->count)
			return extent->lower_first + (id - extent->first);
	}
	return INVALID_ID;
}

static u32 map_up(const struct id_map *map, u32 id)
{
	u32 count = __atomic_load_n(&map->count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < count; i++) {
		const struct id_extent *extent = &map->extents[i];

		if (id - extent->lower_first < extent->count)
			return extent->first + (id - extent->lower_first);
	}
	return INVALID_ID;
}

static u32 or_overflow(u32 id)
{
	return id == INVALID_ID ? OVERFLOW_ID : id;
}

u32 uid_from_user(struct user_ns *ns, u32 id)
{
	return map_down(&ns->uid_map, id);
}

u32 gid_from_user(struct user_ns *ns, u32 id)
{
	return map_down(&ns->gid_map, id);
}

u32 uid_to_user(struct user_ns *ns, u32 id)
{
	return map_up(&ns->uid_map, id);
}

u32 gid_to_user(struct user_ns *ns, u32 id)
{
	return map_up(&ns->gid_map, id);
}

u32 uid_to_user_munged(struct user_ns *ns, u32 id)
{
	return or_overflow(uid_to_user(ns, id));
}

u32 gid_to_user_munged(struct user_ns *ns, u32 id)
{
	return or_overflow(gid_to_user(ns, id));
}

// --- Counts by user ---

static struct hlist_head *counts_bucket(const struct user_ns *ns, u32 uid)
{
	return &counts_hash[hash_u64(((uintptr_t)ns >> 4) + uid, COUNTS_HASH_BITS)];
}

// counts_lock held.
static struct user_counts *counts_find_locked(struct user_ns *ns, u32 uid)
{
	struct user_counts *counts;

	hlist_for_each_entry (counts, counts_bucket(ns, uid), node) {
		if (counts->ns == ns && counts->uid == uid) {
			refcount_get(&counts->refs);
			return counts;
		}
	}
	return NULL;
}

struct user_counts *user_counts_get(struct user_ns *ns, u32 uid)
{
	unsigned long flags = spin_lock_irqsave(&counts_lock);
	struct user_counts *found = counts_find_locked(ns, uid);
	spin_unlock_irqrestore(&counts_lock, flags);
	if (found)
		return found;

	struct user_counts *counts = slab_alloc(counts_cache, GFP_KERNEL | GFP_ZERO);
	if (!counts)
		return NULL;
	refcount_init(&counts->refs, 1);
	counts->ns = ns;
	counts->uid = uid;
	flags = spin_lock_irqsave(&counts_lock);
	found = counts_find_locked(ns, uid);
	if (!found)
		hlist_add_head(&counts->node, counts_bucket(ns, uid));
	spin_unlock_irqrestore(&counts_lock, flags);
	if (!found)
		return counts;
	slab_free(counts_cache, counts);
	return found;
}

struct user_counts *user_counts_grab(struct user_counts *counts)
{
	refcount_get(&counts->refs);
	return counts;
}

void user_counts_put(struct user_counts *counts)
{
	if (!counts)
		return;
	// The last drop happens under the lock, or a finder could revive what is being freed.
	unsigned long flags = spin_lock_irqsave(&counts_lock);
	bool last = refcount_put(&counts->refs);
	if (last)
		hlist_del(&counts->node);
	spin_unlock_irqrestore(&counts_lock, flags);
	if (last)
		slab_free(counts_cache, counts);
}

void user_ns_init(void)
{
	counts_cache = slab_cache_create("user_counts", sizeof(struct user_counts), 0,
					 SLAB_PANIC | SLAB_HWALIGN, NULL);
	hlist_add_head(&root_counts.node, counts_bucket(&init_user_ns, 0));
	for (int type = 0; type < NS_TYPES; type++)
		init_user_ns.ns_max[type] = INT32_MAX; // until the number of tasks is known
}

static int user_ns_module_init(void)
{
	user_ns_init();
	return 0;
}
INITCALL(EARLY, user_ns_module_init);
