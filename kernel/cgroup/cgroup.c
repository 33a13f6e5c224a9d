// The tree of control groups: making and taking away, the kinds of groups, and which controllers
// are enabled where. The rules are those of Linux's version 2.

#include <cgroup/cgroup.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <sched/task.h>
#include <uapi/errno.h>

struct mutex cgroup_tree_lock = MUTEX_INIT(cgroup_tree_lock, LOCK_CGROUP_TREE);
u32 cgroup_options;
static struct atomic group_count = {1};

struct cgroup cgroup_root = {
	.refs = REFCOUNT_INIT(1),
	.id = 1,
	.children = LIST_HEAD_INIT(cgroup_root.children),
	.sibling = LIST_HEAD_INIT(cgroup_root.sibling),
	.domain = &cgroup_root,
	.max_depth = CGROUP_UNLIMITED,
	.max_descendants = CGROUP_UNLIMITED,
	.tasks = LIST_HEAD_INIT(cgroup_root.tasks),
	.events = {.wait = WAIT_QUEUE_INIT(cgroup_root.events.wait)},
	.pids = {.max = PIDS_UNLIMITED,
		 .changed = {.wait = WAIT_QUEUE_INIT(cgroup_root.pids.changed.wait)},
		 .changed_local = {.wait = WAIT_QUEUE_INIT(cgroup_root.pids.changed_local.wait)}},
};

u32 cgroup_count(void)
{
	return atomic_read(&group_count);
}

void cgroup_event_init(struct cgroup_event *event)
{
	atomic_set(&event->count, 1);
	wait_queue_init(&event->wait);
}

void cgroup_notify(struct cgroup_event *event)
{
	atomic_inc(&event->count);
	wake_up_all(&event->wait);
}

void cgroup_put(struct cgroup *cgroup)
{
	while (cgroup && cgroup->parent && refcount_put(&cgroup->refs)) {
		struct cgroup *parent = cgroup->parent;

		for (struct cgroup *at = parent; at; at = at->parent)
			atomic_sub(&at->dying, 1);
		kfree(cgroup->node);
		kfree(cgroup);
		cgroup = parent;
	}
}

// --- Walking ---

struct cgroup *cgroup_next(struct cgroup *at, const struct cgroup *top)
{
	if (!list_empty(&at->children))
		return list_first_entry(&at->children, struct cgroup, sibling);
	for (; at != top; at = at->parent) {
		if (at->sibling.next != &at->parent->children)
			return list_entry(at->sibling.next, struct cgroup, sibling);
	}
	return NULL;
}

bool cgroup_within(const struct cgroup *cgroup, const struct cgroup *ancestor)
{
	while (cgroup->level > ancestor->level)
		cgroup = cgroup->parent;
	return cgroup == ancestor;
}

static bool put_text(char *buffer, size_t size, size_t *n, const char *text)
{
	size_t length = strlen(text);

	if (*n + length >= size)
		return false;
	memcpy(buffer + *n, text, length + 1);
	*n += length;
	return true;
}

int cgroup_path(const struct cgroup *cgroup, const struct cgroup *root, char *buffer, size_t size)
{
	const struct cgroup *common = cgroup, *at;
	size_t n = 0;

	while (!cgroup_within(root, common))
		common = common->parent;
	for (at = root; at != common; at = at->parent) {
		if (!put_text(buffer, size, &n, "/.."))
			return -ENAMETOOLONG;
	}
	// Names from above downwards: each time the ancestor of the next level.
	for (u32 level = common->level + 1; level <= cgroup->level; level++) {
		for (at = cgroup; at->level > level; at = at->parent)
			;
		if (!put_text(buffer, size, &n, "/") || !put_text(buffer, size, &n, at->name))
			return -ENAMETOOLONG;
	}
	if (!n && !put_text(buffer, size, &n, "/"))
		return -ENAMETOOLONG;
	return n;
}

// --- Coming and going ---

static bool within_limits(const struct cgroup *parent)
{
	int level = 1;

	for (; parent; parent = parent->parent, level++) {
		if (parent->descendants >= (u32)parent->max_descendants ||
		    level > parent->max_depth)
			return false;
	}
	return true;
}

// Puts a new group in its place. Both locks.
static void link_locked(struct cgroup *cgroup, struct cgroup *parent)
{
	list_add_tail(&cgroup->sibling, &parent->children);
	parent->child_count++;
	// In a group that is to stand still an empty one does so already.
	cgroup->freezing = cgroup->frozen = parent->freezing;
	parent->frozen_children += cgroup->frozen;
}

int cgroup_create(struct cgroup *parent, const char *name, void *node, struct cgroup **out)
{
	struct cgroup *cgroup;

	if (parent->dead)
		return -ENODEV;
	if (!within_limits(parent))
		return -EAGAIN;
	cgroup = kzalloc(sizeof(*cgroup) + strlen(name) + 1, GFP_KERNEL);
	if (!cgroup)
		return -ENOMEM;
	refcount_init(&cgroup->refs, 1);
	cgroup->parent = cgroup_get(parent);
	cgroup->level = parent->level + 1;
	list_init(&cgroup->children);
	list_init(&cgroup->tasks);
	cgroup->domain = cgroup;
	cgroup->max_depth = cgroup->max_descendants = CGROUP_UNLIMITED;
	cgroup_event_init(&cgroup->events);
	cgroup_event_init(&cgroup->pids.changed);
	cgroup_event_init(&cgroup->pids.changed_local);
	pids_reset(cgroup);
	cgroup->node = node;
	memcpy(cgroup->name, name, strlen(name) + 1);
	for (struct cgroup *at = parent; at; at = at->parent)
		at->descendants++;
	atomic_inc(&group_count);
	spin_lock_irq(&cgroup_members_lock);
	link_locked(cgroup, parent);
	spin_unlock_irq(&cgroup_members_lock);
	*out = cgroup;
	return 0;
}

int cgroup_destroy(struct cgroup *cgroup)
{
	struct cgroup *parent = cgroup->parent;

	spin_lock_irq(&cgroup_members_lock);
	if (cgroup_populated(cgroup) || !list_empty(&cgroup->children)) {
		spin_unlock_irq(&cgroup_members_lock);
		return -EBUSY;
	}
	cgroup->dead = true;
	list_del_init(&cgroup->sibling);
	parent->child_count--;
	parent->frozen_children -= cgroup->frozen;
	cgroup_update_frozen_locked(parent);
	spin_unlock_irq(&cgroup_members_lock);
	if (cgroup_is_threaded(cgroup))
		parent->threaded_children--;
	for (struct cgroup *at = parent; at; at = at->parent) {
		at->descendants--;
		atomic_inc(&at->dying);
	}
	atomic_sub(&group_count, 1);
	cgroup_notify(&cgroup->events);
	cgroup_put(cgroup);
	return 0;
}

// --- Kinds ---

// Tasks and controllers may be mixed freely in the root alone.
static bool is_mixable(const struct cgroup *cgroup)
{
	return !cgroup->parent;
}

static bool can_be_thread_root(const struct cgroup *cgroup)
{
	if (is_mixable(cgroup))
		return true;
	return !cgroup_is_threaded(cgroup) && !READ_ONCE(cgroup->populated_domains) &&
	       !(cgroup->control & ~CGROUP_THREADED);
}

bool cgroup_is_thread_root(const struct cgroup *cgroup)
{
	if (cgroup_is_threaded(cgroup))
		return false;
	return cgroup->threaded_children ||
	       (READ_ONCE(cgroup->task_count) && (cgroup->control & CGROUP_THREADED));
}

bool cgroup_is_valid_domain(const struct cgroup *cgroup)
{
	if (cgroup_is_threaded(cgroup))
		return false;
	while ((cgroup = cgroup->parent)) {
		if ((!is_mixable(cgroup) && cgroup_is_thread_root(cgroup)) ||
		    cgroup_is_threaded(cgroup))
			return false;
	}
	return true;
}

int cgroup_set_threaded(struct cgroup *cgroup)
{
	struct cgroup *domain = cgroup->parent->domain, *at;

	if (cgroup_is_threaded(cgroup))
		return 0;
	if (cgroup_populated(cgroup) || (cgroup->control & ~CGROUP_THREADED))
		return -EOPNOTSUPP;
	if (!cgroup_is_valid_domain(domain) || !can_be_thread_root(domain))
		return -EOPNOTSUPP;
	spin_lock_irq(&cgroup_members_lock);
	cgroup_for_each(at, cgroup)
	{
		if (at == cgroup || cgroup_is_threaded(at))
			at->domain = domain;
	}
	spin_unlock_irq(&cgroup_members_lock);
	cgroup->parent->threaded_children++;
	return 0;
}

int cgroup_may_hold(const struct cgroup *cgroup)
{
	if (!cgroup_is_valid_domain(cgroup->domain))
		return -EOPNOTSUPP;
	if (can_be_thread_root(cgroup) || cgroup_is_threaded(cgroup))
		return 0;
	return cgroup->control ? -EBUSY : 0;
}

// --- Controllers ---

u32 cgroup_available(const struct cgroup *cgroup)
{
	u32 mask = cgroup->parent ? cgroup->parent->control : CGROUP_ALL;

	return cgroup_is_threaded(cgroup) ? mask & CGROUP_THREADED : mask;
}

// Where controllers compete among children, no task may compete with them.
static int may_enable(const struct cgroup *cgroup, u32 enable)
{
	if (!enable)
		return 0;
	if (!cgroup_is_valid_domain(cgroup->domain))
		return -EOPNOTSUPP;
	if (is_mixable(cgroup))
		return 0;
	if (enable & ~CGROUP_THREADED) {
		if (cgroup_is_thread_root(cgroup) || cgroup_is_threaded(cgroup))
			return -EOPNOTSUPP;
	} else if (can_be_thread_root(cgroup) || cgroup_is_threaded(cgroup)) {
		return 0;
	}
	return READ_ONCE(cgroup->task_count) ? -EBUSY : 0;
}

int cgroup_set_control(struct cgroup *cgroup, u32 enable, u32 disable)
{
	struct cgroup *child;

	enable &= ~cgroup->control;
	disable &= cgroup->control;
	if (enable & ~cgroup_available(cgroup))
		return -ENOENT;
	list_for_each_entry (child, &cgroup->children, sibling) {
		if (child->control & disable)
			return -EBUSY;
	}
	int error = may_enable(cgroup, enable);
	if (error)
		return error;
	list_for_each_entry (child, &cgroup->children, sibling) {
		if ((enable | disable) & CGROUP_PIDS)
			pids_reset(child);
	}
	WRITE_ONCE(cgroup->control, (cgroup->control | enable) & ~disable);
	return 0;
}
