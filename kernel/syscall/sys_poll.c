// ppoll(2) and pselect6(2): waiting for several files at once.

#include <core/errno.h>
#include <core/timer.h>
#include <fs/files.h>
#include <fs/poll.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <syscall/poll_mask.h>
#include <uapi/errno.h>
#include <uapi/time.h>

int deadline_from_user(u64 address, u64 *deadline);
int timespec_from_user(u64 address, u64 *ns);

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

// Events of one descriptor; registers if `wait` is given. The files stay until poll_wait_end().
static u32 poll_one(int fd, u32 wanted, struct poll_wait *wait)
{
	struct poll_entry *before = wait ? wait->entries : NULL;
	struct file *file = file_get_fd(fd);
	u32 events;

	if (!file)
		return POLLNVAL;
	if (!file->ops->poll)
		events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	else
		events = file->ops->poll(file, wait ? &wait->table : NULL);
	if (wait && wait->entries != before)
		wait->entries->file = file;
	else
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

static long mask_end(u64 mask_at, long result)
{
	if (mask_at && result != -EINTR)
		signal_mask_restore();
	return result == -EINTR ? -ERESTARTNOHAND : result;
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
		result = mask_end(mask_at, result);
	}
	kvfree(fds);
	return result;
}

// --- select: three sets of bits become a list of descriptors ---

#define SELECT_IN  (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SELECT_OUT (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SELECT_EX  POLLPRI

static long select_common(int n, u64 set_at[3], u64 deadline)
{
	static const u32 events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};
	static const u32 ask[3] = {POLLIN, POLLOUT, POLLPRI};
	unsigned words = DIV_ROUND_UP(n, 64), count = 0;
	u64 sets[3][16] = {{0}};
	struct pollfd *fds = kvmalloc(MAX(n, 1) * sizeof(*fds), GFP_KERNEL);
	long result = fds ? 0 : -ENOMEM;

	for (int s = 0; !result && s < 3; s++) {
		if (set_at[s])
			result = copy_from_user(sets[s], set_at[s], words * 8);
	}
	for (int fd = 0; !result && fd < n; fd++) {
		u32 wanted = 0;

		for (int s = 0; s < 3; s++)
			wanted |= (sets[s][fd / 64] >> fd % 64 & 1) ? ask[s] : 0;
		if (wanted)
			fds[count++] = (struct pollfd){.fd = fd, .events = wanted};
	}
	if (!result)
		result = poll_loop(fds, count, deadline);
	if (result >= 0) {
		u64 out[3][16] = {{0}};
		long bits = 0;

		for (unsigned i = 0; i < count; i++) {
			if (fds[i].revents & POLLNVAL)
				result = -EBADF;
			for (int s = 0; s < 3; s++) {
				int fd = fds[i].fd;
				if ((fds[i].events & ask[s]) && (fds[i].revents & events[s])) {
					out[s][fd / 64] |= 1ul << fd % 64;
					bits++;
				}
			}
		}
		for (int s = 0; result >= 0 && s < 3; s++) {
			if (set_at[s] && copy_to_user(set_at[s], out[s], words * 8))
				result = -EFAULT;
		}
		if (result >= 0)
			result = bits;
	}
	kvfree(fds);
	return result;
}

SYSCALL6(pselect6, int, n, u64, in_at, u64, out_at, u64, ex_at, u64, timeout_at, u64, mask_pair_at)
{
	u64 sets[3] = {in_at, out_at, ex_at}, deadline, pair[2] = {0, 0};
	int error = deadline_or_zero(timeout_at, &deadline);

	if (error)
		return error;
	if (n < 0 || n > 1024)
		return -EINVAL;
	if (mask_pair_at && copy_from_user(pair, mask_pair_at, sizeof(pair)))
		return -EFAULT;
	error = poll_mask_begin(pair[0], pair[1]);
	if (error)
		return error;
	return mask_end(pair[0], select_common(n, sets, deadline));
}
