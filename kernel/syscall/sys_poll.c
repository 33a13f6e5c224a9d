// ppoll(2) and pselect6(2): waiting for several files at once.

#include <core/errno.h>
#include <core/timer.h>
#include <fs/files.h>
#include <fs/poll.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <sched/process.h>
#include <signal/clocks.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <syscall/poll_mask.h>
#include <uapi/errno.h>
#include <uapi/personality.h>
#include <uapi/time.h>

#define POLL_ALWAYS (POLLERR | POLLHUP)

// The queues that one call waits on.
struct poll_wait {
	struct poll_table table;
	struct poll_entry *entries;
	bool no_memory;
	bool triggered; // some queue was woken since the last scan began
};

struct poll_entry {
	struct wait_entry wait;
	struct poll_wait *owner;
	struct wait_queue *queue;
	struct file *file; // counted, so that the queue stays
	struct poll_entry *next;
};

// The flag is what counts: a wake-up may come while the caller still looks at other files.
static bool poll_wake(struct wait_entry *entry, u32 state_mask, u64 key)
{
	struct poll_entry *poll = container_of(entry, struct poll_entry, wait);

	(void)key;
	WRITE_ONCE(poll->owner->triggered, true);
	return task_wake(entry->task, state_mask);
}

static void queue_entry(struct poll_table *table, struct wait_queue *wq)
{
	struct poll_wait *wait = container_of(table, struct poll_wait, table);
	struct poll_entry *entry = kmalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry) {
		wait->no_memory = true;
		return;
	}
	wait_entry_init(&entry->wait, poll_wake, 0);
	entry->owner = wait;
	entry->queue = wq;
	entry->file = NULL;
	entry->next = wait->entries;
	wait->entries = entry;
	wait_add(wq, &entry->wait);
}

static void poll_wait_end(struct poll_wait *wait)
{
	while (wait->entries) {
		struct poll_entry *entry = wait->entries;

		wait->entries = entry->next;
		wait_remove(entry->queue, &entry->wait);
		if (entry->file)
			file_put(entry->file);
		kfree(entry);
	}
}

// The file behind a descriptor; one that is only a place (O_PATH) does not count.
static struct file *open_file(int fd)
{
	struct file *file = file_get_fd(fd);

	if (!file || !(file->flags & O_PATH))
		return file;
	file_put(file);
	return NULL;
}

// Events of one descriptor; registers if `wait` is given. The files stay until poll_wait_end().
static u32 poll_one(int fd, u32 wanted, struct poll_wait *wait)
{
	struct poll_entry *before = wait ? wait->entries : NULL;
	struct file *file = open_file(fd);
	u32 events;

	if (!file)
		return POLLNVAL;
	if (!file->ops->poll)
		events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	else
		events = file->ops->poll(file, wait ? &wait->table : NULL);
	// Each entry keeps the file, for its queue is part of it.
	for (struct poll_entry *at = wait ? wait->entries : NULL; at != before; at = at->next)
		at->file = file_get(file);
	file_put(file);
	return events & (wanted | POLL_ALWAYS);
}

static int scan(struct pollfd *fds, unsigned n, struct poll_wait *wait)
{
	int ready = 0;

	for (unsigned i = 0; i < n; i++) {
		fds[i].revents = fds[i].fd < 0 ? 0 : poll_one(fds[i].fd, (u16)fds[i].events, wait);
		ready += fds[i].revents != 0;
	}
	return ready;
}

static int poll_loop(struct pollfd *fds, unsigned n, u64 deadline)
{
	struct poll_wait wait = {.table = {queue_entry}};
	int ready = scan(fds, n, deadline ? &wait : NULL);
	bool expired = !deadline;

	while (!ready && !expired) {
		if (wait.no_memory) {
			ready = -ENOMEM;
			break;
		}
		if (task_signal_pending(current)) {
			ready = -EINTR;
			break;
		}
		set_current_state(TASK_INTERRUPTIBLE);
		if (!READ_ONCE(wait.triggered))
			expired = !schedule_timeout(deadline);
		set_current_running();
		WRITE_ONCE(wait.triggered, false);
		smp_mb();
		ready = scan(fds, n, NULL);
	}
	poll_wait_end(&wait);
	return ready;
}

// The mask for the duration of the call.
int poll_mask_begin(u64 mask_at, size_t size)
{
	u64 mask;

	if (!mask_at)
		return 0;
	if (size != 8)
		return -EINVAL;
	if (get_user_u64(mask_at, &mask))
		return -EFAULT;
	signal_mask_temporarily(mask);
	return 0;
}

static int deadline_or_zero(u64 timeout_at, u64 *deadline)
{
	u64 ns;

	*deadline = TIME_NEVER;
	if (!timeout_at)
		return 0;
	int error = timespec_from_user(timeout_at, &ns);
	if (!error)
		*deadline = ns ? timer_deadline_after(ns) : 0;
	return error;
}

// Tells the caller how much of the time was left. Returns the result of the call.
static long finish(long result, u64 mask_at, u64 timeout_at, u64 deadline)
{
	if (mask_at && result != -EINTR)
		signal_mask_restore();
	if (timeout_at && deadline && !(current->personality & STICKY_TIMEOUTS)) {
		u64 now = clock_monotonic_ns(), left = deadline > now ? deadline - now : 0;
		struct timespec time = {left / NSEC_PER_SEC, left % NSEC_PER_SEC};

		// Without it the call cannot be restarted.
		if (copy_to_user(timeout_at, &time, sizeof(time)))
			return result;
	}
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

SYSCALL5(ppoll, u64, fds_at, unsigned, n, u64, timeout_at, u64, mask_at, size_t, size)
{
	u64 deadline;
	int error = deadline_or_zero(timeout_at, &deadline);

	if (error)
		return error;
	if (n > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	struct pollfd *fds = kvmalloc(MAX(n, 1u) * sizeof(*fds), GFP_KERNEL);
	if (!fds)
		return -ENOMEM;
	long result = copy_from_user(fds, fds_at, n * sizeof(*fds));
	if (!result)
		result = poll_mask_begin(mask_at, size);
	if (!result) {
		result = poll_loop(fds, n, deadline);
		for (unsigned i = 0; result >= 0 && i < n; i++) {
			u64 at = fds_at + i * sizeof(*fds) + offsetof(struct pollfd, revents);
			if (copy_to_user(at, &fds[i].revents, 2))
				result = -EFAULT;
		}
		result = finish(result, mask_at, timeout_at, deadline);
	}
	kvfree(fds);
	return result;
}

// --- select: three sets of bits become a list of descriptors ---

#define SELECT_IN  (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL)
#define SELECT_OUT (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR | POLLNVAL)
#define SELECT_EX  (POLLPRI | POLLNVAL)

static const u32 select_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};
static const u32 select_ask[3] = {POLLIN, POLLOUT, POLLPRI};

// The sets of one call, each of `words` words, and the list that they become.
struct selection {
	u64 *sets[3];
	unsigned words, count;
	struct pollfd *fds;
};

static int selection_alloc(struct selection *s, int n)
{
	s->words = DIV_ROUND_UP(n, 64);
	size_t set = s->words * sizeof(u64);
	u64 *memory = kvmalloc(3 * set + n * sizeof(struct pollfd) + 1, GFP_KERNEL | GFP_ZERO);

	if (!memory)
		return -ENOMEM;
	for (int i = 0; i < 3; i++)
		s->sets[i] = memory + i * s->words;
	s->fds = (struct pollfd *)(memory + 3 * s->words);
	s->count = 0;
	return 0;
}

// All that are named must be open.
static int selection_list(struct selection *s, int n)
{
	for (int fd = 0; fd < n; fd++) {
		u32 wanted = 0;

		for (int i = 0; i < 3; i++)
			wanted |= (s->sets[i][fd / 64] >> fd % 64 & 1) ? select_ask[i] : 0;
		if (!wanted)
			continue;
		struct file *file = open_file(fd);
		if (!file)
			return -EBADF;
		file_put(file);
		s->fds[s->count++] = (struct pollfd){.fd = fd, .events = wanted};
	}
	return 0;
}

// The sets now say what is ready; returns how many bits.
static long selection_result(struct selection *s)
{
	long bits = 0;

	memset(s->sets[0], 0, 3 * s->words * sizeof(u64));
	for (unsigned i = 0; i < s->count; i++) {
		const struct pollfd *at = &s->fds[i];

		for (int set = 0; set < 3; set++) {
			if (!(at->events & select_ask[set]) || !(at->revents & select_events[set]))
				continue;
			s->sets[set][at->fd / 64] |= 1ul << at->fd % 64;
			bits++;
		}
	}
	return bits;
}

static long select_common(int n, const u64 set_at[3], u64 deadline)
{
	struct selection s;

	n = MIN((u32)n, READ_ONCE(current->files->table)->size);
	size_t size = DIV_ROUND_UP(n, 64) * sizeof(u64);
	long result = selection_alloc(&s, n);
	if (result)
		return result;
	for (int i = 0; !result && i < 3; i++) {
		if (set_at[i])
			result = copy_from_user(s.sets[i], set_at[i], size);
	}
	if (!result)
		result = selection_list(&s, n);
	if (!result)
		result = poll_loop(s.fds, s.count, deadline);
	if (result >= 0) {
		result = selection_result(&s);
		for (int i = 0; i < 3; i++) {
			if (set_at[i] && copy_to_user(set_at[i], s.sets[i], size))
				result = -EFAULT;
		}
	}
	kvfree(s.sets[0]);
	return result;
}

SYSCALL6(pselect6, int, n, u64, in_at, u64, out_at, u64, ex_at, u64, timeout_at, u64, mask_pair_at)
{
	u64 sets[3] = {in_at, out_at, ex_at}, deadline, pair[2] = {0, 0};

	if (mask_pair_at && copy_from_user(pair, mask_pair_at, sizeof(pair)))
		return -EFAULT;
	int error = deadline_or_zero(timeout_at, &deadline);
	if (!error)
		error = poll_mask_begin(pair[0], pair[1]);
	if (error)
		return error;
	long result = n < 0 ? -EINVAL : select_common(n, sets, deadline);
	return finish(result, pair[0], timeout_at, deadline);
}
