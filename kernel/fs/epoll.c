// epoll(7): a set of files, and the list of those that have something to tell.
//
// A wake-up of a watched file (any context, its queue's lock held) pushes the item on a stack
// without a lock and wakes who waits for the set. Whoever collects takes the whole stack, clears an
// item's mark, and only then polls its file: a wake-up after that pushes it again, so none is lost.
// Items that are still ready in the end (level-triggered) stay on the ready list.
//
// An item holds no reference to its file: the last file_put() takes it out of the sets.
// Locks: tree_mutex (links between epolls and files), then epoll->mutex.

#include <core/errno.h>
#include <core/init.h>
#include <fs/event.h>
#include <fs/poll.h>
#include <fs/seq.h>
#include <lib/rbtree.h>
#include <mm/slab.h>
#include <sched/mutex.h>
#include <uapi/errno.h>

#define NESTS_MAX  4 // edges of a chain of sets
#define ALWAYS     (EPOLLERR | EPOLLHUP)
#define EDGE_FLAGS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)
#define HOOKS      2 // queues that one file has for its pollers at most

// Legend: [mutex]; [tree] tree_mutex.
struct epoll {
	struct mutex mutex;
	struct rb_root items;        // [mutex] by file and number
	struct list_head ready;      // [mutex]
	struct epoll_item *pushed;   // lock-free stack of items that were woken
	struct wait_queue wait;      // in epoll_wait()
	struct wait_queue poll_wait; // who polls the set itself
	struct file *file;           // [I] whose set it is; not counted
	u64 walk;                    // [tree] the last walk that has met it, and
	int walk_depth;              // [tree] how deep that found it
};

struct epoll_hook {
	struct wait_entry wait;
	struct wait_queue *queue; // NULL: unused
	struct epoll_item *item;
};

struct epoll_item {
	struct rb_node node;         // [mutex]
	struct list_head ready;      // [mutex] empty = not on the list
	struct epoll_item *pushed;   // next on the stack
	u32 is_pushed;               // atomic
	u32 events;                  // [mutex to write]
	u64 data;                    // [mutex]
	struct file *file;           // [I] not counted
	int fd;                      // [I]
	struct epoll *epoll;         // [I]
	struct hlist_node file_link; // [tree] in file->epolls
	struct epoll_hook hook[HOOKS];
};

struct register_table {
	struct poll_table table;
	struct epoll_item *item;
	bool overflow;
};

static struct mutex tree_mutex = MUTEX_INIT(tree_mutex, LOCK_EPOLL_TREE);
static const struct file_ops epoll_ops;

bool file_is_epoll(const struct file *file)
{
	return file->ops == &epoll_ops;
}

// --- Being woken ---

static void push(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;

	if (__atomic_exchange_n(&item->is_pushed, 1, __ATOMIC_ACQ_REL))
		return;
	struct epoll_item *head = __atomic_load_n(&epoll->pushed, __ATOMIC_RELAXED);
	do {
		item->pushed = head;
	} while (!__atomic_compare_exchange_n(&epoll->pushed, &head, item, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

static void announce(struct epoll *epoll)
{
	wake_up(&epoll->wait);
	wake_up_all_key(&epoll->poll_wait, POLLIN | POLLRDNORM);
}

static bool epoll_wake(struct wait_entry *entry, u32 state_mask, u64 key)
{
	struct epoll_item *item = container_of(entry, struct epoll_hook, wait)->item;
	u32 events = READ_ONCE(item->events);

	(void)state_mask;
	if (!(events & ~EDGE_FLAGS) || (key && !(key & (events | ALWAYS))))
		return false;
	bool waited_for = wait_queue_active(&item->epoll->wait);
	push(item);
	announce(item->epoll);
	// An exclusive item that found nobody has not used the wake-up: the next one may.
	return !(events & EPOLLEXCLUSIVE) || waited_for;
}

// The stack becomes part of the ready list, oldest first. mutex held.
static void drain_locked(struct epoll *epoll)
{
	struct epoll_item *item = __atomic_exchange_n(&epoll->pushed, NULL, __ATOMIC_ACQUIRE);
	struct epoll_item *oldest = NULL;

	while (item) {
		struct epoll_item *next = item->pushed;

		item->pushed = oldest;
		oldest = item;
		item = next;
	}
	while (oldest) {
		item = oldest;
		oldest = item->pushed;
		__atomic_store_n(&item->is_pushed, 0, __ATOMIC_SEQ_CST);
		if (list_empty(&item->ready))
			list_add_tail(&item->ready, &epoll->ready);
	}
}

static u32 item_poll(struct epoll_item *item, struct poll_table *table)
{
	struct file *file = item->file;
	u32 events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	if (file->ops->poll)
		events = file->ops->poll(file, table);
	return events & ((item->events & ~EDGE_FLAGS) | ALWAYS);
}

// --- The set ---

static int order(const struct epoll_item *item, const struct file *file, int fd)
{
	if (item->file != file)
		return file < item->file ? -1 : 1;
	return fd - item->fd;
}

static struct epoll_item *find_locked(struct epoll *epoll, struct file *file, int fd)
{
	struct rb_node *node = epoll->items.node;

	while (node) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);
		int sign = order(item, file, fd);

		if (!sign)
			return item;
		node = sign < 0 ? node->left : node->right;
	}
	return NULL;
}

static void insert_locked(struct epoll *epoll, struct epoll_item *item)
{
	struct rb_node **link = &epoll->items.node, *parent = NULL;

	while (*link) {
		parent = *link;
		int sign = order(rb_entry(parent, struct epoll_item, node), item->file, item->fd);
		link = sign < 0 ? &parent->left : &parent->right;
	}
	rb_link_node(&item->node, parent, link);
	rb_insert_color(&item->node, &epoll->items);
}

static void register_hook(struct poll_table *table, struct wait_queue *wq)
{
	struct register_table *reg = container_of(table, struct register_table, table);
	struct epoll_item *item = reg->item;
	int i = 0;

	while (i < HOOKS && item->hook[i].queue)
		i++;
	if (i == HOOKS) {
		reg->overflow = true;
		return;
	}
	struct epoll_hook *hook = &item->hook[i];
	hook->item = item;
	hook->queue = wq;
	wait_entry_init(&hook->wait, epoll_wake,
			(item->events & EPOLLEXCLUSIVE) ? WAIT_EXCLUSIVE : 0);
	wait_add(wq, &hook->wait);
}

// tree_mutex and mutex held. Frees the item.
static void remove_locked(struct epoll *epoll, struct epoll_item *item)
{
	for (int i = 0; i < HOOKS; i++) {
		if (item->hook[i].queue)
			wait_remove(item->hook[i].queue, &item->hook[i].wait);
	}
	drain_locked(epoll); // nobody pushes it any more: it is on no stack after this
	if (!list_empty(&item->ready))
		list_del(&item->ready);
	rb_erase(&item->node, &epoll->items);
	hlist_del_init(&item->file_link);
	kfree(item);
}

// The last reference to a watched file has gone; called before its release.
static void file_gone(struct file *file)
{
	mutex_lock(&tree_mutex);
	while (file->epolls.first) {
		struct epoll_item *item = container_of(file->epolls.first, struct epoll_item,
						       file_link);
		struct epoll *epoll = item->epoll;

		mutex_lock(&epoll->mutex);
		remove_locked(epoll, item);
		mutex_unlock(&epoll->mutex);
	}
	mutex_unlock(&tree_mutex);
}

// How deep sets nest below this one; more than NESTS_MAX also if it meets `loop`. Each set is looked
// at once in a walk, however many ways lead to it. tree_mutex held.
static int depth_below(struct epoll *epoll, const struct epoll *loop, u64 walk, int level)
{
	int deepest = 0;

	if (epoll == loop || level > NESTS_MAX)
		return NESTS_MAX + 1;
	if (epoll->walk == walk)
		return epoll->walk_depth;
	for (struct rb_node *node = rb_first(&epoll->items); node; node = rb_next(node)) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);

		if (file_is_epoll(item->file))
			deepest = MAX(deepest,
				      1 + depth_below(item->file->private, loop, walk, level + 1));
	}
	epoll->walk = walk;
	epoll->walk_depth = deepest;
	return deepest;
}

// The same upwards: how long a chain of sets ends in this one.
static int depth_above(struct epoll *epoll, u64 walk)
{
	struct epoll_item *item;
	int deepest = 0;

	if (epoll->walk == walk)
		return epoll->walk_depth;
	hlist_for_each_entry (item, &epoll->file->epolls, file_link)
		deepest = MAX(deepest, 1 + depth_above(item->epoll, walk));
	epoll->walk = walk;
	epoll->walk_depth = deepest;
	return deepest;
}

// Whether a chain would become too long, or a loop, if `inner` were watched by `outer`.
static bool nests_too_deep(struct epoll *outer, struct epoll *inner)
{
	static u64 walk; // [tree]

	int below = depth_below(inner, outer, ++walk, 0);
	return below > NESTS_MAX || below + 1 + depth_above(outer, ++walk) > NESTS_MAX;
}

static int add_locked(struct epoll *epoll, struct file *file, int fd,
		      const struct epoll_event *event)
{
	if (find_locked(epoll, file, fd))
		return -EEXIST;
	struct epoll_item *item = kzalloc(sizeof(*item), GFP_KERNEL);
	struct register_table reg = {.table = {register_hook}, .item = item};
	if (!item)
		return -ENOMEM;
	item->file = file;
	item->fd = fd;
	item->epoll = epoll;
	item->events = event->events | ALWAYS;
	item->data = event->data;
	list_init(&item->ready);
	insert_locked(epoll, item);
	hlist_add_head(&item->file_link, &file->epolls);
	u32 events = item_poll(item, &reg.table);
	if (reg.overflow) {
		remove_locked(epoll, item);
		return -ENOMEM;
	}
	if (events) {
		push(item);
		announce(epoll);
	}
	return 0;
}

static int modify_locked(struct epoll *epoll, struct epoll_item *item,
			 const struct epoll_event *event)
{
	if (item->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	WRITE_ONCE(item->events, event->events | ALWAYS);
	item->data = event->data;
	smp_mb(); // the new mask, before the look: a wake-up that used the old one came earlier
	if (item_poll(item, NULL)) {
		push(item);
		announce(epoll);
	}
	return 0;
}

static int check_control(struct file *epoll_file, int operation, struct file *file,
			 const struct epoll_event *event)
{
	if (!file->ops->poll)
		return -EPERM; // always ready: regular files, directories
	if (epoll_file == file || !file_is_epoll(epoll_file))
		return -EINVAL;
	if (operation == EPOLL_CTL_DEL || !(event->events & EPOLLEXCLUSIVE))
		return 0;
	if (operation == EPOLL_CTL_MOD || file_is_epoll(file))
		return -EINVAL;
	u32 allowed = EPOLLIN | EPOLLOUT | ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
	return (event->events & ~allowed) ? -EINVAL : 0;
}

int epoll_control(struct file *epoll_file, int operation, struct file *file, int fd,
		  const struct epoll_event *event)
{
	struct epoll *epoll = epoll_file->private;
	int error = check_control(epoll_file, operation, file, event);

	if (error)
		return error;
	mutex_lock(&tree_mutex);
	if (operation == EPOLL_CTL_ADD && file_is_epoll(file) &&
	    nests_too_deep(epoll, file->private))
		error = -ELOOP;
	mutex_lock(&epoll->mutex);
	struct epoll_item *item = find_locked(epoll, file, fd);
	if (error)
		;
	else if (operation == EPOLL_CTL_ADD)
		error = add_locked(epoll, file, fd, event);
	else if (operation != EPOLL_CTL_DEL && operation != EPOLL_CTL_MOD)
		error = -EINVAL;
	else if (!item)
		error = -ENOENT;
	else if (operation == EPOLL_CTL_DEL)
		remove_locked(epoll, item);
	else
		error = modify_locked(epoll, item, event);
	mutex_unlock(&epoll->mutex);
	mutex_unlock(&tree_mutex);
	return error;
}

// --- Waiting ---

static bool has_candidates(struct epoll *epoll)
{
	return READ_ONCE(epoll->pushed) || !list_empty(&epoll->ready);
}

// Gives what is ready, each item once. Number given, or an error if it is the first.
// `nested`: for another set, whose mutex is held.
static int collect(struct epoll *epoll, bool nested, int max, int (*put)(void *, u32, u64),
		   void *ctx)
{
	struct epoll_item *item, *next;
	LIST_HEAD(again);
	int count = 0, error = 0;

	if (nested)
		mutex_lock_nested(&epoll->mutex);
	else
		mutex_lock(&epoll->mutex);
	drain_locked(epoll);
	list_for_each_entry_safe (item, next, &epoll->ready, ready) {
		if (count == max || error)
			break;
		list_del_init(&item->ready);
		u32 events = item_poll(item, NULL);
		if (!events || !(item->events & ~EDGE_FLAGS))
			continue;
		error = put(ctx, events, item->data);
		if (error) {
			list_add(&item->ready, &epoll->ready);
			break;
		}
		count++;
		if (item->events & EPOLLONESHOT)
			WRITE_ONCE(item->events, item->events & EDGE_FLAGS);
		else if (!(item->events & EPOLLET))
			list_add_tail(&item->ready, &again);
	}
	list_splice_tail_init(&again, &epoll->ready);
	bool more = !list_empty(&epoll->ready);
	mutex_unlock(&epoll->mutex);
	if (more && count)
		wake_up(&epoll->wait); // another thread may go on with the rest
	return count ?: error;
}

int epoll_wait_events(struct file *file, u64 deadline, int max, int (*put)(void *, u32, u64),
		      void *ctx)
{
	struct epoll *epoll = file->private;

	for (;;) {
		int count = has_candidates(epoll) ? collect(epoll, false, max, put, ctx) : 0;

		if (count || !deadline)
			return count;
		if (has_candidates(epoll))
			continue;
		int error = wait_event_fast(&epoll->wait, has_candidates(epoll), TASK_INTERRUPTIBLE,
					    WAIT_EXCLUSIVE, deadline);
		if (error == -ETIME)
			deadline = 0; // one last look
		else if (error)
			return -EINTR;
	}
}

// --- As a file ---

static int count_only(void *ctx, u32 events, u64 data)
{
	(void)ctx, (void)events, (void)data;
	return 1; // stops before anything is taken
}

static u32 epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->private;

	poll_wait(file, &epoll->poll_wait, table);
	return has_candidates(epoll) && collect(epoll, true, 1, count_only, NULL)
		       ? POLLIN | POLLRDNORM
		       : 0;
}

static int epoll_release(struct file *file)
{
	struct epoll *epoll = file->private;
	struct rb_node *node;

	mutex_lock(&tree_mutex);
	mutex_lock(&epoll->mutex);
	while ((node = rb_first(&epoll->items)))
		remove_locked(epoll, rb_entry(node, struct epoll_item, node));
	mutex_unlock(&epoll->mutex);
	mutex_unlock(&tree_mutex);
	kfree(epoll);
	return 0;
}

static void epoll_show(struct file *file, struct seq *seq)
{
	struct epoll *epoll = file->private;

	mutex_lock(&epoll->mutex);
	for (struct rb_node *node = rb_first(&epoll->items); node; node = rb_next(node)) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);
		struct inode *inode = item->file->inode;

		seq_printf(seq, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%lx\n",
			   item->fd, item->events, item->data, item->file->pos,
			   inode ? inode->number : 0ul, inode && inode->sb ? inode->sb->dev : 0ul);
	}
	mutex_unlock(&epoll->mutex);
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.show_fdinfo = epoll_show,
	.stream = true,
};

int epoll_create_file(int flags, struct file **out)
{
	struct epoll *epoll = kzalloc(sizeof(*epoll), GFP_KERNEL);

	if (!epoll)
		return -ENOMEM;
	mutex_init(&epoll->mutex, LOCK_EPOLL);
	list_init(&epoll->ready);
	// Woken from inside the wake-up of another queue. Sets of sets form no loop, so their
	// queues, whose depth is not known, need no rank.
	wait_queue_init_rank(&epoll->wait, LOCK_WAIT_QUEUE_INNER);
	wait_queue_init_rank(&epoll->poll_wait, LOCK_UNRANKED);
	int error = file_alloc_anon("[eventpoll]", &epoll_ops, epoll, O_RDWR, out);
	(void)flags;
	if (error)
		kfree(epoll);
	else
		epoll->file = *out;
	return error;
}

static int epoll_init(void)
{
	file_epoll_hook = file_gone;
	return 0;
}
INITCALL(FS, epoll_init);
