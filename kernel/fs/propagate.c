// Propagation: what is mounted or unmounted below one mount happens below others too. See
// mount_namespaces(7).
//
// Theory. Mounts that are shared form peer groups: a ring of equals, with a number. A mount may also
// have a master, a member of some group: it is a slave, and receives what happens below the master
// and its peers without giving anything back. A slave may at the same time be shared: then it passes
// on to its own peers and slaves. So the groups form trees, and an event below a mount reaches its
// peers and everything below its group.
//
// When a tree is mounted below M, each receiver of M gets a copy at the same place, if that place
// can be seen through it. The copies mirror the receivers: a copy on a peer is a peer of the tree, a
// copy on a slave is a slave of what its master received. This is why whatever is mounted below a
// shared mount becomes shared first.
//
// Invariants:
// - MOUNT_SHARED is set exactly if the mount is in a group, alone or not; then `group` is not 0.
// - All members of a group have the same master, and each of them is on its list of slaves.
// - A master is shared. Before it leaves its group, its slaves pass to a peer, or to its own master.
// - A mount in no tree that is not on its way into one shares with nobody.
//
// Unmounting may not fail half-way and may not leave anything hanging on nothing. Of the mounts that
// correspond to the unmounted ones elsewhere, those go whose children all go too, but for one that
// covers their root: it slips down to where its parent was.
//
// Everything here is guarded by mount_mutex. Walks are loops, for users decide how deep they go.

#include <core/errno.h>
#include <core/panic.h>
#include <fs/mount_internal.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/mount.h>

// --- Numbers of groups: the lowest that is free ---

static unsigned long *group_map; // [mutex]
static size_t group_bits;        // [mutex]

static int group_alloc(void)
{
	size_t bit = bitmap_find_next_zero(group_map, group_bits, 0);

	if (bit == group_bits) {
		size_t bits = group_bits ? group_bits * 2 : 1024;
		unsigned long *map = kvmalloc(bits / 8, GFP_KERNEL | GFP_ZERO);

		if (!map)
			return -ENOMEM;
		if (group_map)
			memcpy(map, group_map, group_bits / 8);
		kvfree(group_map);
		group_map = map;
		group_bits = bits;
	}
	bitmap_set(group_map, bit);
	return bit + 1;
}

static void group_free(struct mount *mount)
{
	bitmap_clear(group_map, mount->group - 1);
	mount->group = 0;
}

void propagation_drop_groups(struct mount *tree)
{
	for (struct mount *mount = tree; mount; mount = mount_next(mount, tree)) {
		if (mount->group && !mount_is_shared(mount))
			group_free(mount);
	}
}

int propagation_add_groups(struct mount *tree, bool recursive)
{
	for (struct mount *mount = tree; mount;
	     mount = recursive ? mount_next(mount, tree) : NULL) {
		if (mount->group)
			continue;
		int group = group_alloc();
		if (group < 0) {
			propagation_drop_groups(tree);
			return group;
		}
		mount->group = group;
	}
	return 0;
}

// --- Groups and masters ---

static struct mount *next_peer(struct mount *mount)
{
	return list_next_entry(mount, peers);
}

void propagation_join(struct mount *from, struct mount *to)
{
	to->flags &= ~MOUNT_UNBINDABLE;
	if (from->master) {
		to->master = from->master;
		list_add(&to->slave_link, &from->slave_link);
	}
	if (mount_is_shared(from)) {
		to->group = from->group;
		to->flags |= MOUNT_SHARED;
		list_add(&to->peers, &from->peers);
	}
}

bool propagation_covers(const struct mount *parent, const struct dentry *point,
			const struct mount *mount)
{
	if (!mount_is_shared(parent) || mount->root != point)
		return false;
	for (; mount; mount = mount->master) {
		if (mount_is_shared(mount) && mount->group == parent->group)
			return true;
	}
	return false;
}

// Leaves its group; gives the mount that its slaves and itself may be slaves of from now on.
static struct mount *leave_group(struct mount *mount)
{
	struct mount *heir = mount->master;

	if (list_empty(&mount->peers)) {
		group_free(mount);
	} else {
		heir = next_peer(mount);
		for (struct mount *peer = heir; peer != mount; peer = next_peer(peer)) {
			if (peer->root == mount->root) {
				heir = peer; // it sees the same: the better one
				break;
			}
		}
		list_del_init(&mount->peers);
		mount->group = 0;
	}
	mount->flags &= ~MOUNT_SHARED;
	while (!list_empty(&mount->slaves)) {
		struct mount *slave = list_first_entry(&mount->slaves, struct mount, slave_link);

		list_del_init(&slave->slave_link);
		slave->master = heir;
		if (heir)
			list_add_tail(&slave->slave_link, &heir->slaves);
	}
	return heir;
}

void propagation_change(struct mount *mount, u32 type)
{
	struct mount *master = mount->master;

	if (type == MS_SHARED) {
		mount->flags = (mount->flags & ~MOUNT_UNBINDABLE) | MOUNT_SHARED;
		return;
	}
	if (mount_is_shared(mount))
		master = leave_group(mount);
	list_del_init(&mount->slave_link);
	mount->master = NULL;
	if (type == MS_SLAVE) {
		mount->master = master;
		if (master)
			list_add(&mount->slave_link, &master->slaves);
	} else if (type == MS_UNBINDABLE) {
		mount->flags |= MOUNT_UNBINDABLE;
	} else {
		mount->flags &= ~MOUNT_UNBINDABLE;
	}
}

int propagation_copy(struct mount *old, struct mount *copy, int how)
{
	bool slave = (how & COPY_SLAVE) || ((how & COPY_SHARED_TO_SLAVE) && mount_is_shared(old));

	if (!(how & (COPY_SLAVE | COPY_PRIVATE | COPY_SHARED_TO_SLAVE)))
		copy->group = old->group;
	if ((how & COPY_SHARED) && !copy->group) {
		int group = group_alloc();

		if (group < 0)
			return group;
		copy->group = group;
	}
	if (slave) {
		copy->master = old;
		list_add(&copy->slave_link, &old->slaves);
	} else if (!(how & COPY_PRIVATE)) {
		if ((how & COPY_SHARED) || mount_is_shared(old)) {
			list_add(&copy->peers, &old->peers);
			copy->group = old->group;
			copy->flags |= MOUNT_SHARED;
		}
		copy->master = old->master;
		if (copy->master)
			list_add(&copy->slave_link, &old->slave_link);
	}
	if (how & COPY_SHARED)
		propagation_change(copy, MS_SHARED);
	return 0;
}

// --- Receivers ---

// The mount after `at` among those that receive what happens below `origin`: each one's slaves come
// right after it. NULL at the end.
static struct mount *next_receiver(struct mount *at, const struct mount *origin)
{
	if (!list_empty(&at->slaves))
		return list_first_entry(&at->slaves, struct mount, slave_link);
	for (;; at = at->master) {
		if (at->master == origin->master) {
			struct mount *peer = next_peer(at);

			return peer == origin ? NULL : peer;
		}
		if (!list_is_last(&at->slave_link, &at->master->slaves))
			return list_next_entry(at, slave_link);
	}
}

// What the tree is copied from for a receiver, and how. A peer has got its copy already, or someone
// among its masters has: the origin at last.
static struct mount *copy_source(struct mount *receiver, int *how)
{
	bool among_peers = true;

	for (struct mount *group = receiver; group; group = group->master) {
		struct mount *peer = group;

		do {
			if (!peer->received)
				continue;
			*how = among_peers
				       ? COPY_SHARED
				       : COPY_SLAVE | (mount_is_shared(receiver) ? COPY_SHARED : 0);
			return peer->received;
		} while ((peer = next_peer(peer)) != group);
		among_peers = false;
	}
	BUG();
}

// All receivers on a list, each group before its slaves; `origin` is first. Those that are not in
// any namespace yet are part of what is being mounted.
static void gather_receivers(struct mount *origin, struct list_head *list)
{
	struct mount *at = origin, *slave;

	do {
		if (at->ns)
			list_add_tail(&at->work, list);
	} while ((at = next_peer(at)) != origin);
	list_for_each_entry (at, list, work) {
		list_for_each_entry (slave, &at->slaves, slave_link) {
			if (slave->ns)
				list_add_tail(&slave->work, list);
		}
	}
}

static int prepare_one(struct mount *receiver, struct dentry *point, struct list_head *copies)
{
	int how, error;

	if (receiver->ns->anonymous || !dentry_is_below(point, receiver->root))
		return 0;
	struct mount *source = copy_source(receiver, &how);
	struct mount *copy = mount_copy_tree(source, source->root, true, how);
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	error = mnt_ns_reserve(receiver->ns, mount_tree_count(copy));
	if (error) {
		mount_tree_drop(copy);
		return error;
	}
	receiver->received = copy;
	copy->parent = mount_get(receiver); // it hangs there when all have succeeded
	copy->point = dentry_get(point);
	list_add_tail(&copy->work, copies);
	return 0;
}

int propagation_prepare(struct mount *parent, struct dentry *point, struct mount *tree,
			struct list_head *copies)
{
	LIST_HEAD(receivers);
	int error = 0;

	gather_receivers(parent, &receivers);
	parent->received = tree;
	struct mount *at = list_first_entry(&receivers, struct mount, work);
	list_for_each_entry_continue(at, &receivers, work)
	{
		error = prepare_one(at, point, copies);
		if (error)
			break;
	}
	while (!list_empty(&receivers)) {
		at = list_first_entry(&receivers, struct mount, work);
		list_del_init(&at->work);
		at->received = NULL;
	}
	return error;
}

// A copy that was prepared, on its own again.
static struct mount *take_copy(struct list_head *copies, struct path *where)
{
	struct mount *copy = list_first_entry(copies, struct mount, work);

	list_del_init(&copy->work);
	*where = (struct path){copy->parent, copy->point};
	copy->parent = NULL;
	copy->point = NULL;
	where->mount->ns->pending -= mount_tree_count(copy);
	return copy;
}

void propagation_commit(struct list_head *copies)
{
	struct path where;

	while (!list_empty(copies)) {
		struct mount *copy = take_copy(copies, &where);
		struct mnt_ns *ns = where.mount->ns;
		struct mount *there = mount_find_locked(where.mount, where.dentry);

		if (ns->common.owner != current->nsproxy->mnt->common.owner)
			mount_lock_tree(copy);
		copy->flags &= ~MOUNT_LOCKED;
		mount_set_ns(copy, ns);
		if (there) { // what was mounted there lies on top
			struct mount *top = mount_topmost(copy);

			mount_unhang(there);
			mount_hang(there, top, top->root);
		}
		mount_hang(copy, where.mount, where.dentry);
		mnt_ns_touch(ns);
		path_put(&where);
	}
}

void propagation_abandon(struct list_head *copies)
{
	struct path where;

	while (!list_empty(copies)) {
		mount_tree_drop(take_copy(copies, &where));
		path_put(&where);
	}
}

// --- Unmounting ---

// What alone is mounted on a mount, covering its root.
static struct mount *only_cover(struct mount *mount)
{
	if (list_empty(&mount->children))
		return NULL;
	struct mount *child = list_first_entry(&mount->children, struct mount, sibling);
	return list_is_last(&child->sibling, &mount->children) && child->point == mount->root
		       ? child
		       : NULL;
}

// A mount that is used by nobody has the tree's reference and, if it was asked for by a path, the
// caller's.
bool propagation_is_busy(struct mount *mount)
{
	struct mount *parent = mount->parent;

	if (!list_empty(&mount->children) || refcount_read(&mount->refs) > 2)
		return true;
	for (struct mount *at = parent; (at = next_receiver(at, parent));) {
		struct mount *child = mount_find_locked(at, mount->point);
		int expected = 1;

		if (!child)
			continue;
		if (only_cover(child))
			expected = 2;
		else if (!list_empty(&child->children))
			continue; // it will stay
		if (refcount_read(&child->refs) > expected)
			return true;
	}
	return false;
}

static bool is_doomed(const struct mount *mount)
{
	return mount->flags & MOUNT_DOOMED;
}

static void doom(struct mount *mount, struct list_head *list)
{
	mount->flags |= MOUNT_DOOMED;
	list_add_tail(&mount->work, list);
}

static void reprieve(struct mount *mount)
{
	mount->flags &= ~MOUNT_DOOMED;
	list_del_init(&mount->work);
}

// Where a child that covers a doomed mount's root would slip down to; NULL if to nowhere, and then
// *obstacle has to stay.
static struct mount *slips_to(struct mount *mount, struct mount **obstacle)
{
	while (is_doomed(mount->parent)) {
		if (mount->point != mount->parent->root) {
			*obstacle = mount->parent;
			return NULL;
		}
		mount = mount->parent;
	}
	return mount;
}

// Whether a candidate may go, with what is doomed now. If not, *stays is who has to be taken off.
static bool may_go(struct mount *mount, struct mount **stays)
{
	struct mount *child;

	*stays = mount;
	if ((mount->flags & MOUNT_LOCKED) && !is_doomed(mount->parent))
		return false;
	list_for_each_entry (child, &mount->children, sibling) {
		if (is_doomed(child))
			continue;
		if (child->point != mount->root || !slips_to(mount, stays))
			return false;
	}
	return true;
}

// Takes off candidates until what is left can go together. Later ones, which are deeper, first: what
// keeps a child keeps its parents.
static void trim(struct list_head *candidates)
{
	bool again = true;

	while (again) {
		struct list_head *at = candidates->prev;

		again = false;
		while (at != candidates) {
			struct mount *mount = list_entry(at, struct mount, work), *stays;

			at = at->prev;
			if (may_go(mount, &stays))
				continue;
			again = true;
			if (at == &stays->work)
				at = at->prev;
			reprieve(stays);
		}
	}
}

static void slip_down(struct mount *mount)
{
	struct mount *child, *next, *obstacle;

	list_for_each_entry_safe (child, next, &mount->children, sibling) {
		if (is_doomed(child))
			continue;
		struct mount *last = slips_to(mount, &obstacle);
		struct path to = {last->parent, last->point};

		path_get(&to);
		mount_unhang(child);
		// The doomed mount at this place leaves it soon; both are there for a moment.
		mount_hang(child, to.mount, to.dentry);
		path_put(&to);
	}
}

void propagation_doom(struct list_head *doomed)
{
	LIST_HEAD(candidates);
	struct mount *mount, *at;

	list_for_each_entry (mount, doomed, work) {
		struct mount *parent = mount->parent;

		for (at = parent; parent && (at = next_receiver(at, parent));) {
			struct mount *child = mount_find_locked(at, mount->point);

			if (child && !is_doomed(child))
				doom(child, &candidates);
		}
	}
	trim(&candidates);
	list_for_each_entry (mount, &candidates, work)
		slip_down(mount);
	while (!list_empty(&candidates))
		list_move_tail(candidates.next, doomed);
}

// --- What is told ---

bool mount_can_be_seen(const struct mount *mount, const struct path *root)
{
	const struct dentry *dentry = mount->root;

	while (mount != root->mount) {
		if (!mount->parent)
			return false;
		dentry = mount->point;
		mount = mount->parent;
	}
	return dentry_is_below(dentry, root->dentry);
}

int propagation_visible_master(const struct mount *mount, const struct path *root)
{
	for (struct mount *master = mount->master; master; master = master->master) {
		struct mount *peer = master;

		do {
			if (peer->ns == mount->ns && mount_can_be_seen(peer, root))
				return peer->group;
		} while ((peer = next_peer(peer)) != master);
	}
	return 0;
}
