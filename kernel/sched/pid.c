// Process numbers. Each pid namespace keeps a bitmap of the numbers in use, which gives the next
// free one in cyclic order as Linux does, so that a number is not used again at once. One hash
// table over (number, namespace) finds the struct pid; readers walk it under rcu alone.
//
// A struct pid outlives its tasks while somebody holds a reference (a pidfd, a session, /proc).
// Its numbers are given back when the last task that bears it, in any role, is detached.

#include <core/init.h>
#include <core/printk.h>
#include <lib/bitmap.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>

LIST_HEAD(all_processes);

#define PID_HASH_BITS 12

static struct hlist_head pid_hash[1 << PID_HASH_BITS];
static struct spinlock pid_lock = SPINLOCK_INIT(LOCK_PID);
static struct slab_cache *pid_caches[PID_NS_MAX_LEVEL + 1]; // by level; made on demand
static struct slab_cache *pid_namespace_cache;
static struct atomic64 pid_inode_next = {1};

struct pid_namespace init_pid_ns = {
	.common = {.refs = REFCOUNT_INIT(2)}, // ns/pid_ns.c fills in the rest
	.pid_max = PID_MAX_DEFAULT,
};

static struct hlist_head *hash_bucket(int nr, const struct pid_namespace *ns)
{
	u64 key = (u64)nr + ((uintptr_t)ns >> 6) * 31;

	return &pid_hash[hash_u64(key, PID_HASH_BITS)];
}

// --- Numbers in the bitmap of one namespace; pid_lock held ---

static bool number_in_use(const struct pid_namespace *ns, int nr)
{
	const unsigned long *page = ns->map[nr / PID_MAP_PAGE_BITS];

	return page && bitmap_test(page, nr % PID_MAP_PAGE_BITS);
}

// First free number in [from, to), or -1. A missing page of the map is all free.
static int number_search(const struct pid_namespace *ns, int from, int to)
{
	while (from < to) {
		int base = ALIGN_DOWN(from, (int)PID_MAP_PAGE_BITS);
		int end = MIN(base + (int)PID_MAP_PAGE_BITS, to);
		const unsigned long *page = ns->map[base / PID_MAP_PAGE_BITS];

		if (!page)
			return from;
		int bit = bitmap_find_next_zero(page, end - base, from - base);
		if (bit < end - base)
			return base + bit;
		from = base + PID_MAP_PAGE_BITS;
	}
	return -1;
}

// The next free number in cyclic order. The first round starts at 1, later ones at PID_RESERVED.
static int number_next(const struct pid_namespace *ns)
{
	int nr = number_search(ns, ns->last + 1, ns->pid_max);

	if (nr < 0 && ns->last >= PID_RESERVED)
		nr = number_search(ns, PID_RESERVED, MIN(ns->last + 1, ns->pid_max));
	return nr;
}

// Claims `nr`. If its page of the map is missing, *spare becomes that page.
static int number_claim(struct pid_namespace *ns, int nr, unsigned long **spare)
{
	unsigned long **page = &ns->map[nr / PID_MAP_PAGE_BITS];

	if (!*page) {
		if (!*spare)
			return -EAGAIN;
		*page = *spare;
		*spare = NULL;
	}
	bitmap_set(*page, nr % PID_MAP_PAGE_BITS);
	ns->allocated++;
	return 0;
}

static void number_release(struct pid_namespace *ns, int nr)
{
	bitmap_clear(ns->map[nr / PID_MAP_PAGE_BITS], nr % PID_MAP_PAGE_BITS);
	// A fork that was to make the init has failed: the next one shall.
	if (nr == 1 && !READ_ONCE(ns->reaper))
		ns->last = 0;
	// Its init waits for all others to go; and it is told at 1 and 2, for it may be
	// there with one other thread group still attached to its own pid.
	if (--ns->allocated <= 2 && ns->zapper)
		task_wake(ns->zapper, TASK_NORMAL);
}

// --- Making a pid ---

static struct slab_cache *pid_cache(u32 level)
{
	struct slab_cache *cache = __atomic_load_n(&pid_caches[level], __ATOMIC_ACQUIRE);

	if (likely(cache))
		return cache;
	size_t size = sizeof(struct pid) + (level + 1) * sizeof(struct pid_number);
	cache = slab_cache_create(level ? "pid_nested" : "pid", size, 0, SLAB_HWALIGN, NULL);
	if (!cache)
		return NULL;
	struct slab_cache *expected = NULL;
	if (!__atomic_compare_exchange_n(&pid_caches[level], &expected, cache, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		slab_cache_destroy(cache);
		cache = expected;
	}
	return cache;
}

// Which number to take in `ns`: the wanted one, if any, or the next. The caller of pid_alloc() has
// seen that it is in range. pid_lock held.
static int number_choose(const struct pid_namespace *ns, int wanted)
{
	if (ns->closed)
		return -ENOMEM;
	if (!wanted) {
		int nr = number_next(ns);
		return nr < 0 ? -EAGAIN : nr;
	}
	return number_in_use(ns, wanted) ? -EEXIST : wanted;
}

// Claims a number at every level, innermost first, and puts the pid in the hash. All or nothing.
static int numbers_claim_all(struct pid *pid, struct pid_namespace *ns, const int *set_tid,
			     unsigned n, unsigned long **spare, struct pid_namespace **short_of)
{
	struct pid_namespace *at = ns;
	int error = 0;
	int level;

	spin_lock_irq(&pid_lock);
	for (level = ns->level; level >= 0; level--, at = at->parent) {
		unsigned depth = ns->level - level;
		int wanted = depth < n ? set_tid[depth] : 0;
		int nr = number_choose(at, wanted);

		if (nr >= 0 && (error = number_claim(at, nr, spare)) != 0)
			*short_of = at;
		if (nr < 0)
			error = nr;
		if (error)
			break;
		if (!wanted)
			at->last = nr;
		pid->numbers[level].nr = nr;
		pid->numbers[level].ns = at;
	}
	if (error) {
		for (u32 i = ns->level; (int)i > level; i--)
			number_release(pid->numbers[i].ns, pid->numbers[i].nr);
	} else {
		for (u32 i = 0; i <= ns->level; i++)
			hlist_add_head_rcu(&pid->numbers[i].hash_node,
					   hash_bucket(pid->numbers[i].nr, pid->numbers[i].ns));
	}
	spin_unlock_irq(&pid_lock);
	return error;
}

int pid_alloc(struct pid_namespace *ns, const int *set_tid, unsigned n, struct pid **out)
{
	struct slab_cache *cache = pid_cache(ns->level);
	struct pid *pid = cache ? slab_alloc(cache, GFP_KERNEL) : NULL;
	unsigned long *spare = NULL;
	int error;

	if (!pid)
		return -ENOMEM;
	refcount_init(&pid->refs, 1);
	pid->level = ns->level;
	for (int type = 0; type < PIDTYPE_COUNT; type++)
		pid->tasks[type].first = NULL;
	wait_queue_init(&pid->wait_pidfd);
	pid->inode_nr = atomic64_add_return(&pid_inode_next, 1);

	for (;;) {
		struct pid_namespace *short_of = NULL;

		error = numbers_claim_all(pid, ns, set_tid, n, &spare, &short_of);
		if (!short_of)
			break;
		// A page of some map is missing: make one and try again.
		spare = kzalloc(PAGE_SIZE, GFP_KERNEL);
		if (!spare) {
			error = -ENOMEM;
			break;
		}
	}
	kfree(spare);
	if (error) {
		slab_free(cache, pid);
		return error;
	}
	pid_namespace_get(ns);
	*out = pid;
	return 0;
}

// --- References ---

static void pid_free_rcu(struct rcu_head *head)
{
	struct pid *pid = container_of(head, struct pid, rcu);
	struct pid_namespace *ns = pid->numbers[pid->level].ns;

	slab_free(pid_caches[pid->level], pid);
	pid_namespace_put(ns);
}

struct pid *pid_get(struct pid *pid)
{
	if (pid)
		refcount_get(&pid->refs);
	return pid;
}

void pid_put(struct pid *pid)
{
	if (pid && refcount_put(&pid->refs))
		call_rcu(&pid->rcu, pid_free_rcu);
}

void pid_free(struct pid *pid)
{
	unsigned long flags = spin_lock_irqsave(&pid_lock);

	for (u32 i = 0; i <= pid->level; i++) {
		hlist_del_rcu(&pid->numbers[i].hash_node);
		number_release(pid->numbers[i].ns, pid->numbers[i].nr);
	}
	spin_unlock_irqrestore(&pid_lock, flags);
	pid_put(pid);
}

// --- Finding ---

struct pid *pid_find(int nr, struct pid_namespace *ns)
{
	struct pid_number *number;

	hlist_for_each_entry_rcu(number, hash_bucket(nr, ns), hash_node)
	{
		if (number->nr == nr && number->ns == ns) {
			struct pid_number *first = number - ns->level;
			return container_of(first, struct pid, numbers[0]);
		}
	}
	return NULL;
}

struct pid *pid_find_get(int nr)
{
	return pid_find_get_ns(nr, task_active_pid_ns(current));
}

struct pid *pid_find_get_ns(int nr, struct pid_namespace *ns)
{
	rcu_read_lock();
	struct pid *pid = pid_find(nr, ns);
	if (pid && !refcount_get_not_zero(&pid->refs))
		pid = NULL;
	rcu_read_unlock();
	return pid;
}

struct pid *pid_find_from(int nr, struct pid_namespace *ns)
{
	while (nr < PID_MAX_LIMIT) { // pid_max may have been more once
		int base = ALIGN_DOWN(nr, (int)PID_MAP_PAGE_BITS);
		const unsigned long *page = READ_ONCE(ns->map[base / PID_MAP_PAGE_BITS]);

		if (page) {
			int bit = bitmap_find_next_set(page, PID_MAP_PAGE_BITS, nr - base);
			if (bit < (int)PID_MAP_PAGE_BITS) {
				struct pid *pid = pid_find(base + bit, ns);
				if (pid)
					return pid;
				nr = base + bit + 1; // just given back, or not yet in the hash
				continue;
			}
		}
		nr = base + PID_MAP_PAGE_BITS;
	}
	return NULL;
}

struct task *pid_task(const struct pid *pid, enum pid_type type)
{
	struct hlist_node *node = pid ? rcu_dereference(pid->tasks[type].first) : NULL;

	return node ? container_of(node, struct task, pid_links[type]) : NULL;
}

struct task *pid_task_get(struct pid *pid, enum pid_type type)
{
	rcu_read_lock();
	struct task *task = pid_task(pid, type);
	if (task && !refcount_get_not_zero(&task->refs))
		task = NULL;
	rcu_read_unlock();
	return task;
}

struct task *task_find(int nr)
{
	return pid_task(pid_find(nr, task_active_pid_ns(current)), PIDTYPE_PID);
}

// --- Numbers as seen from somewhere ---

int pid_nr_ns(const struct pid *pid, const struct pid_namespace *ns)
{
	if (pid && ns && ns->level <= pid->level && pid->numbers[ns->level].ns == ns)
		return pid->numbers[ns->level].nr;
	return 0;
}

int pid_vnr(const struct pid *pid)
{
	return pid_nr_ns(pid, task_active_pid_ns(current));
}

int pid_nr(const struct pid *pid)
{
	return pid ? pid->numbers[0].nr : 0;
}

struct pid_namespace *task_active_pid_ns(const struct task *task)
{
	const struct pid *pid = READ_ONCE(task->pid);

	return pid ? pid->numbers[pid->level].ns : &init_pid_ns; // kernel threads have none
}

// The pid of `task` in one of its roles. Within rcu or under tasklist_lock.
static struct pid *task_pid_of_type(const struct task *task, enum pid_type type)
{
	if (type == PIDTYPE_PID)
		return READ_ONCE(task->pid);
	return task->process ? READ_ONCE(task->process->pids[type]) : NULL;
}

int task_nr_ns(const struct task *task, enum pid_type type, const struct pid_namespace *ns)
{
	rcu_read_lock();
	int nr = pid_nr_ns(task_pid_of_type(task, type), ns);
	rcu_read_unlock();
	return nr;
}

int task_pid_vnr(const struct task *task)
{
	return pid_vnr(task->pid);
}

int task_tgid_vnr(const struct task *task)
{
	return pid_vnr(task_pid_of_type(task, PIDTYPE_TGID));
}

int task_pid_nr(const struct task *task)
{
	return pid_nr(task->pid);
}

int task_tgid_nr(const struct task *task)
{
	return pid_nr(task_pid_of_type(task, PIDTYPE_TGID));
}

struct pid *task_pgrp(const struct task *task)
{
	return task_pid_of_type(task, PIDTYPE_PGID);
}

struct pid *task_session(const struct task *task)
{
	return task_pid_of_type(task, PIDTYPE_SID);
}

// --- Which tasks bear a pid; tasklist_lock held for writing ---

static struct pid **pid_slot(struct task *task, enum pid_type type)
{
	return type == PIDTYPE_PID ? &task->pid : &task->process->pids[type];
}

void pid_attach(struct task *task, enum pid_type type, struct pid *pid)
{
	*pid_slot(task, type) = pid;
	hlist_add_head_rcu(&task->pid_links[type], &pid->tasks[type]);
}

// Unlinks, stores `replacement` in the slot, and gives the numbers back after the last bearer.
static void pid_replace(struct task *task, enum pid_type type, struct pid *replacement)
{
	struct pid *pid = *pid_slot(task, type);

	hlist_del_rcu(&task->pid_links[type]);
	WRITE_ONCE(*pid_slot(task, type), replacement);
	if (type == PIDTYPE_PID)
		wake_up_all(&pid->wait_pidfd); // who polls for the reaping (POLLHUP)
	for (int i = 0; i < PIDTYPE_COUNT; i++) {
		if (pid->tasks[i].first)
			return;
	}
	pid_free(pid);
}

void pid_detach(struct task *task, enum pid_type type)
{
	pid_replace(task, type, NULL);
}

void pid_change(struct task *task, enum pid_type type, struct pid *pid)
{
	// Readers without the lock see the old or the new one, never none.
	pid_replace(task, type, pid);
	hlist_add_head_rcu(&task->pid_links[type], &pid->tasks[type]);
}

void pid_swap_tasks(struct task *leader, struct task *heir)
{
	struct pid *group = leader->pid;
	struct pid *own = heir->pid;

	hlist_del_rcu(&leader->pid_links[PIDTYPE_PID]);
	hlist_del_rcu(&heir->pid_links[PIDTYPE_PID]);
	WRITE_ONCE(leader->pid, own);
	WRITE_ONCE(heir->pid, group);
	hlist_add_head_rcu(&leader->pid_links[PIDTYPE_PID], &own->tasks[PIDTYPE_PID]);
	hlist_add_head_rcu(&heir->pid_links[PIDTYPE_PID], &group->tasks[PIDTYPE_PID]);
	for (int type = PIDTYPE_TGID; type < PIDTYPE_COUNT; type++) {
		struct pid *pid = heir->process->pids[type];

		hlist_del_rcu(&leader->pid_links[type]);
		hlist_add_head_rcu(&heir->pid_links[type], &pid->tasks[type]);
	}
}

// --- Namespaces ---

struct pid_namespace *pid_namespace_get(struct pid_namespace *ns)
{
	refcount_get(&ns->common.refs);
	return ns;
}

void pid_namespace_put(struct pid_namespace *ns)
{
	ns_put(&ns->common);
}

static void pid_namespace_free_rcu(struct rcu_head *head)
{
	struct pid_namespace *ns = container_of(head, struct pid_namespace, rcu);

	for (unsigned i = 0; i < PID_MAP_PAGES; i++)
		kfree(ns->map[i]);
	slab_free(pid_namespace_cache, ns);
}

void pid_namespace_free(struct pid_namespace *ns)
{
	call_rcu(&ns->rcu, pid_namespace_free_rcu);
}

struct pid_namespace *pid_namespace_alloc(struct pid_namespace *parent)
{
	struct pid_namespace *ns = slab_alloc(pid_namespace_cache, GFP_KERNEL | GFP_ZERO);

	if (!ns)
		return NULL;
	ns->level = parent->level + 1;
	ns->parent = parent;
	ns->pid_max = PID_MAX_LIMIT; // the machine's limit is kept by what is taken further up
	return ns;
}

void pid_namespace_close(struct pid_namespace *ns)
{
	spin_lock_irq(&pid_lock);
	ns->closed = true;
	spin_unlock_irq(&pid_lock);
}

bool pid_namespace_within(const struct pid_namespace *ns, const struct pid_namespace *ancestor)
{
	while (ns->level > ancestor->level)
		ns = ns->parent;
	return ns == ancestor;
}

int pid_namespace_last(struct pid_namespace *ns)
{
	return READ_ONCE(ns->last);
}

int pid_namespace_set_last(struct pid_namespace *ns, int last)
{
	if (last < 0 || last > READ_ONCE(ns->pid_max))
		return -EINVAL;
	spin_lock_irq(&pid_lock);
	ns->last = last;
	spin_unlock_irq(&pid_lock);
	return 0;
}

int pid_namespace_set_max(struct pid_namespace *ns, u64 max)
{
	if (max <= PID_RESERVED || max > PID_MAX_LIMIT)
		return -EINVAL;
	spin_lock_irq(&pid_lock);
	ns->pid_max = max;
	spin_unlock_irq(&pid_lock);
	return 0;
}

void pid_init(void)
{
	pid_namespace_cache = slab_cache_create("pid_namespace", sizeof(struct pid_namespace), 0,
						SLAB_PANIC | SLAB_HWALIGN, NULL);
	pid_caches[0] = slab_cache_create("pid", sizeof(struct pid) + sizeof(struct pid_number), 0,
					  SLAB_PANIC | SLAB_HWALIGN, NULL);
	init_pid_ns.map[0] = kzalloc(PAGE_SIZE, GFP_KERNEL | GFP_NOFAIL_PANIC);
	bitmap_set(init_pid_ns.map[0], 0);
}

static int pid_module_init(void)
{
	pid_init();
	return 0;
}
INITCALL(EARLY, pid_module_init);
