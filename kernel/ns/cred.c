// Credentials: references, copy-and-replace, and the one test of capabilities.
//
// A task's pointers to its credentials are written by the task alone and read by others under
// rcu; a struct cred itself never changes after cred_commit().

#include <core/init.h>
#include <core/printk.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

static struct slab_cache *cred_cache;
static struct groups no_groups = {.refs = REFCOUNT_INIT(1)};
extern struct user_counts root_counts;

struct cred init_cred = {
	.refs = REFCOUNT_INIT(2), // the boot task, and for ever
	.cap_permitted = CAP_FULL_SET,
	.cap_effective = CAP_FULL_SET,
	.cap_bounding = CAP_FULL_SET,
	.user_ns = &init_user_ns,
	.counts = &root_counts,
	.groups = &no_groups,
};

// --- Groups ---

struct groups *groups_alloc(u32 count)
{
	struct groups *groups = kvmalloc(sizeof(*groups) + count * sizeof(u32), GFP_KERNEL);

	if (groups) {
		refcount_init(&groups->refs, 1);
		groups->count = count;
	}
	return groups;
}

void groups_put(struct groups *groups)
{
	if (groups && refcount_put(&groups->refs))
		kvfree(groups);
}

// Binary search: groups are kept sorted.
static bool groups_contain(const struct groups *groups, u32 gid)
{
	u32 low = 0, high = groups->count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (groups->gid[middle] == gid)
			return true;
		if (groups->gid[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool cred_may_schedule(const struct cred *other)
{
	return !(other->cap_permitted & ~current_cred()->cap_permitted) ||
	       ns_capable(other->user_ns, CAP_SYS_NICE);
}

bool cred_in_group(const struct cred *cred, u32 gid)
{
	return cred->fsgid == gid || groups_contain(cred->groups, gid);
}

bool cred_in_egroup(const struct cred *cred, u32 gid)
{
	return cred->egid == gid || groups_contain(cred->groups, gid);
}

// --- References ---

const struct cred *cred_get(const struct cred *cred)
{
	refcount_get(&((struct cred *)cred)->refs);
	return cred;
}

static void cred_free_rcu(struct rcu_head *head)
{
	struct cred *cred = container_of(head, struct cred, rcu);

	groups_put(cred->groups);
	user_counts_put(cred->counts);
	user_ns_put(cred->user_ns);
	slab_free(cred_cache, cred);
}

void cred_put(const struct cred *shared)
{
	struct cred *cred = (struct cred *)shared;

	if (cred && refcount_put(&cred->refs))
		call_rcu(&cred->rcu, cred_free_rcu);
}

const struct cred *task_cred_get(struct task *task)
{
	const struct cred *cred;

	rcu_read_lock();
	do {
		cred = rcu_dereference(task->real_cred);
	} while (!refcount_get_not_zero(&((struct cred *)cred)->refs));
	rcu_read_unlock();
	return cred;
}

// --- Change by copy ---

struct cred *cred_copy(const struct cred *old)
{
	struct cred *cred = slab_alloc(cred_cache, GFP_KERNEL);

	if (!cred)
		return NULL;
	memcpy(cred, old, sizeof(*cred));
	refcount_init(&cred->refs, 1);
	refcount_get(&cred->groups->refs);
	user_counts_grab(cred->counts);
	user_ns_get(cred->user_ns);
	return cred;
}

struct cred *cred_prepare(void)
{
	return cred_copy(current->cred);
}

// The process count of a user follows the real uid of its processes.
static void counts_move(const struct cred *old, const struct cred *cred)
{
	if (old->counts != cred->counts) {
		atomic64_add(&cred->counts->processes, 1);
		atomic64_sub(&old->counts->processes, 1);
	}
}

// Whether who has `old` could do all that `cred` allows: it has the capabilities, or it made the
// user namespace that they are for.
static bool covers(const struct cred *old, const struct cred *cred)
{
	if (old->user_ns == cred->user_ns)
		return !(cred->cap_permitted & ~old->cap_permitted);
	for (struct user_ns *ns = cred->user_ns; user_ns_parent(ns); ns = user_ns_parent(ns)) {
		if (user_ns_parent(ns) == old->user_ns && user_ns_owner(ns) == old->euid)
			return true;
	}
	return false;
}

void cred_commit(struct cred *cred)
{
	const struct cred *old = current->real_cred;

	// Who changed identity can no longer be looked into by who it was.
	if (old->euid != cred->euid || old->egid != cred->egid || old->fsuid != cred->fsuid ||
	    old->fsgid != cred->fsgid || !covers(old, cred)) {
		current->pdeath_signal = 0;
		if (cred_dumpable_reset)
			cred_dumpable_reset(current);
	}
	counts_move(old, cred);
	cred_get(cred); // one for each of the two pointers
	rcu_assign_pointer(current->real_cred, cred);
	rcu_assign_pointer(current->cred, cred);
	cred_put(old);
	cred_put(old);
}

void (*cred_dumpable_reset)(struct task *task);

void cred_discard(struct cred *cred)
{
	cred_put(cred);
}

const struct cred *cred_override(const struct cred *cred)
{
	const struct cred *old = current->cred;

	cred_get(cred);
	rcu_assign_pointer(current->cred, cred);
	return old;
}

void cred_revert(const struct cred *old)
{
	const struct cred *override = current->cred;

	rcu_assign_pointer(current->cred, old);
	cred_put(override);
}

// Whether setuid may move the counts to `cred` under RLIMIT_NPROC is judged at the next exec, as
// on Linux; see process/exec.c.
int cred_set_user(struct cred *cred, u32 uid)
{
	struct user_counts *counts = user_counts_get(cred->user_ns, uid);

	if (!counts)
		return -EAGAIN;
	user_counts_put(cred->counts);
	cred->counts = counts;
	cred->uid = uid;
	return 0;
}

// --- Capabilities ---

// The rule of user_namespaces(7): a capability counts in one's own namespace and in all below
// it, and who created a namespace (the parent's euid that owns it) has all of them inside.
bool cred_capable(const struct cred *cred, struct user_ns *target, int cap)
{
	for (struct user_ns *ns = target;; ns = user_ns_parent(ns)) {
		if (ns == cred->user_ns)
			return cred->cap_effective & (1ul << cap);
		if (user_ns_level(ns) <= user_ns_level(cred->user_ns))
			return false;
		if (user_ns_parent(ns) == cred->user_ns && user_ns_owner(ns) == cred->euid)
			return true;
	}
}

bool ns_capable(struct user_ns *ns, int cap)
{
	if (!cred_capable(current->cred, ns, cap))
		return false;
	current->flags |= TF_SUPERPRIV;
	return true;
}

bool capable(int cap)
{
	return ns_capable(&init_user_ns, cap);
}

void cred_init(void)
{
	cred_cache = slab_cache_create("cred", sizeof(struct cred), 0,
				       SLAB_PANIC | SLAB_HWALIGN | SLAB_ACCOUNT, NULL);
}

static int cred_module_init(void)
{
	cred_init();
	return 0;
}
INITCALL(EARLY, cred_module_init);
