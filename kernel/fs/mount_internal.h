// Shared by the files of the mount tree.
#pragma once

#include <fs/mnt_ns.h>
#include <fs/path.h>
#include <sched/mutex.h>
#include <sched/ns_common.h>
#include <sched/wait.h>

struct mnt_ns {
	struct ns_common common;
	struct list_head all;    // [mutex] those of tasks, by id
	struct mount *root;      // [mounts] counted
	struct list_head mounts; // [mutex] all, by number
	u32 count;               // [mutex]
	u32 pending;             // [mutex] that the operation under way will add
	u64 event;               // [a] of the last change
	struct wait_queue poll;  // woken by changes
	bool anonymous;          // [I] of a tree that hangs nowhere (open_tree, fsmount)
};

extern struct mutex mount_mutex;
// Lets go of it, after the trees of mount namespaces that ended meanwhile were dropped. Always this instead of
// mutex_unlock().
void mount_unlock(void);
extern struct mnt_ns first_mnt_ns;

// What becomes of the sharing of a copied mount: peer of a shared one and slave of the same master,
// unless one of these says something else.
enum copy_how {
	COPY_PRIVATE = 1,         // shares with nobody
	COPY_SLAVE = 2,           // slave of the original
	COPY_SHARED = 4,          // with a peer group of its own if it is in none
	COPY_SHARED_TO_SLAVE = 8, // slave of the original if that is shared
	COPY_UNBINDABLE = 16,     // unbindable mounts too
	COPY_MNT_NS_FILES = 32,   // files of mount namespaces too
};

// All below need mount_mutex.

// A mount of a file system in no tree. NULL: no memory. (Does not need the mutex.)
struct mount *mount_alloc(struct superblock *sb, struct dentry *root, const char *source,
			  u32 flags);
// The same of what current may see of it; takes sb, also on failure. ERR_PTR.
struct mount *mount_create(struct superblock *sb, const char *source, u32 flags);
// A copy of a tree, from `root` of `from` on, in no namespace. ERR_PTR: -ENOMEM, -EINVAL
// (unbindable), -EPERM (a locked mount that would be left out).
struct mount *mount_copy_tree(struct mount *from, struct dentry *root, bool recursive, int how);
// For one that is new: whether it may be shown to current. 0, -EPERM.
int mount_check_visible(struct mount *mount);
// Hangs a tree below a mount, and takes its reference.
void mount_hang(struct mount *tree, struct mount *parent, struct dentry *point);
// The opposite: the tree keeps its own reference, and has no parent.
void mount_unhang(struct mount *tree);
void mount_set_ns(struct mount *tree, struct mnt_ns *ns);
// Takes a tree down with nothing propagated; drops the tree's references. Mounts that are locked
// stay below their parents while somebody still uses these, so that nothing comes to light.
void mount_tree_drop(struct mount *tree);
// The same for all on a list by `work`, which are marked MOUNT_DOOMED. at_once: nothing stays.
void mount_drop_all(struct list_head *doomed, bool at_once);
// The mount after this one, parents first, among those of the tree of `top`; NULL at the end.
struct mount *mount_next(struct mount *mount, const struct mount *top);
u32 mount_tree_count(struct mount *tree);
// Through what is mounted on its root, to the last.
struct mount *mount_topmost(struct mount *mount);
// Hangs a tree in the tree that `parent` is in, and copies where that is shared. `moving`: it hangs
// elsewhere in a tree now. What is there already lies on top of it afterwards. On failure nothing has
// changed. -ENOMEM, -ENOSPC.
int mount_attach_tree(struct mount *tree, struct mount *parent, struct dentry *point, bool moving);
// For a namespace of less privileged users: what they got they may neither lift nor look under.
void mount_lock_tree(struct mount *tree);
bool mount_is_ours(const struct mount *mount); // in current's namespace
static inline bool mount_is_detached(const struct mount *mount)
{
	return mount->ns && mount->ns->anonymous;
}
// A copy of what is at `from`, in no tree. ERR_PTR: as mount_copy_tree, -EINVAL (not ours).
struct mount *mount_copy_for_bind(const struct path *from, bool recursive);
bool mount_may_change_flags(const struct mount *mount, u32 flags); // none is locked
// Stores them. -EBUSY: it would be read-only, and files are open for writing.
int mount_store_flags(struct mount *mount, u32 flags);
int superblock_set_read_only(struct superblock *sb, bool read_only); // the same
bool dentry_is_below(const struct dentry *dentry, const struct dentry *ancestor);

void mnt_ns_init(void);

// A new mount of a file system with nothing in it, where a namespace begins. NULL: no memory.
struct mount *mount_nothing(void);
// Room for `count` more. -ENOSPC.
int mnt_ns_reserve(struct mnt_ns *ns, u32 count);
void mnt_ns_touch(struct mnt_ns *ns); // it has changed: for poll(2)

// The place of a mount as seen from `root`, and what of its file system is seen, each somewhere in the
// buffer. NULL: it cannot be reached from there. dcache_lock is held, too.
char *mount_place_text(const struct mount *mount, const struct path *root, char *buffer,
		       size_t size);
char *mount_root_text(const struct mount *mount, char *buffer, size_t size);

// --- propagate.c ---

static inline bool mount_is_shared(const struct mount *mount)
{
	return mount->flags & MOUNT_SHARED;
}
// MS_SHARED (the mount has a group), MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE.
void propagation_change(struct mount *mount, u32 type);
// Makes one that shares with nobody share as another one does.
void propagation_join(struct mount *from, struct mount *to);
// Whether what is mounted at `point` of `parent` would be mounted on the root of `mount` too.
bool propagation_covers(const struct mount *parent, const struct dentry *point,
			const struct mount *mount);
// Gives a copy its place among peers and slaves. -ENOMEM.
int propagation_copy(struct mount *old, struct mount *copy, int how);
// Numbers for all mounts of a tree that have no group. On -ENOMEM none has got one.
int propagation_add_groups(struct mount *tree, bool recursive);
// Takes them back from those that did not become shared.
void propagation_drop_groups(struct mount *tree);
// Copies of `tree` for all that receive what is mounted at `point` of `parent`; on a list by `work`,
// not yet to be seen. -ENOMEM, -ENOSPC.
int propagation_prepare(struct mount *parent, struct dentry *point, struct mount *tree,
			struct list_head *copies);
void propagation_commit(struct list_head *copies);
void propagation_abandon(struct list_head *copies);
// Whether an unmount that is not lazy must fail, here or where it would propagate.
bool propagation_is_busy(struct mount *mount);
// Adds to a list of doomed mounts those that go with them elsewhere.
void propagation_doom(struct list_head *doomed);
// Whether its root lies at or below `root`, through mounts.
bool mount_can_be_seen(const struct mount *mount, const struct path *root);
// The group of the nearest master that can be seen from `root` in this namespace; 0: none.
int propagation_visible_master(const struct mount *mount, const struct path *root);
