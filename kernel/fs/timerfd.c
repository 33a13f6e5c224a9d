// timerfd_create(2): a timer that is read and polled as a file. The timer itself runs on monotonic
// time; one that stands for a point of real time is set again whenever that clock is set.

#include <core/errno.h>
#include <core/init.h>
#include <core/timer.h>
#include <fs/event.h>
#include <fs/poll.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/eventfd.h>

// Legend: [lock] taken with interrupts off; [list] timerfds_lock.
struct timerfd {
	struct spinlock lock;
	struct timer timer;
	struct wait_queue wait;
	struct list_head link; // [list]
	int clock;
	u64 expires;        // [lock] of its clock, next; 0: not armed
	u64 interval;       // [lock]
	u64 ticks;          // [lock] since the last read
	bool absolute_real; // [lock] follows the real-time clock
	bool cancel_on_set; // [lock]
	bool cancelled;     // [lock]
};

static struct spinlock timerfds_lock = SPINLOCK_INIT(LOCK_NS);
static LIST_HEAD(timerfds);
static const struct file_ops timerfd_ops;

static u64 now_of(const struct timerfd *tfd)
{
	return tfd->absolute_real ? clock_realtime_ns() : clock_monotonic_ns();
}

// Starts the timer for `expires`. lock held.
static void start_locked(struct timerfd *tfd)
{
	u64 at = tfd->expires;

	if (tfd->absolute_real) {
		u64 offset = clock_realtime_offset_ns();
		at = at > offset ? at - offset : 0;
	}
	timer_start(&tfd->timer, at);
}

// Counts what has expired by now. lock held.
static void expire_locked(struct timerfd *tfd)
{
	u64 now = now_of(tfd);

	if (!tfd->expires || now < tfd->expires)
		return;
	u64 periods = tfd->interval ? (now - tfd->expires) / tfd->interval + 1 : 1;
	tfd->ticks += periods;
	tfd->expires = tfd->interval ? tfd->expires + periods * tfd->interval : 0;
}

static void timerfd_fire(struct timer *timer)
{
	struct timerfd *tfd = container_of(timer, struct timerfd, timer);

	spin_lock(&tfd->lock);
	expire_locked(tfd);
	if (tfd->expires)
		start_locked(tfd);
	bool ready = tfd->ticks;
	spin_unlock(&tfd->lock);
	if (ready)
		wake_up_all_key(&tfd->wait, POLLIN);
}

static void clock_was_set(void)
{
	struct timerfd *tfd;

	spin_lock(&timerfds_lock);
	list_for_each_entry (tfd, &timerfds, link) {
		spin_lock_irq(&tfd->lock);
		if (tfd->absolute_real && tfd->expires)
			start_locked(tfd);
		tfd->cancelled |= tfd->cancel_on_set;
		bool wake = tfd->cancelled;
		spin_unlock_irq(&tfd->lock);
		if (wake)
			wake_up_all_key(&tfd->wait, POLLIN);
	}
	spin_unlock(&timerfds_lock);
}

static ssize_t timerfd_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct timerfd *tfd = file->private;
	u64 ticks;

	(void)pos;
	if (iter_count(iter) < sizeof(ticks))
		return -EINVAL;
	for (;;) {
		spin_lock_irq(&tfd->lock);
		bool cancelled = tfd->cancelled;
		ticks = tfd->ticks;
		tfd->ticks = 0;
		tfd->cancelled = false;
		spin_unlock_irq(&tfd->lock);
		if (cancelled)
			return -ECANCELED;
		if (ticks)
			break;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_interruptible(&tfd->wait, READ_ONCE(tfd->ticks) ||
									 READ_ONCE(tfd->cancelled));
		if (error)
			return error;
	}
	return iter_copy_to(iter, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize_t)sizeof(ticks)
									  : -EFAULT;
}

static u32 timerfd_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *tfd = file->private;

	poll_wait(file, &tfd->wait, table);
	return READ_ONCE(tfd->ticks) || READ_ONCE(tfd->cancelled) ? POLLIN : 0;
}

static int timerfd_release(struct file *file)
{
	struct timerfd *tfd = file->private;

	spin_lock(&timerfds_lock);
	list_del(&tfd->link);
	spin_unlock(&timerfds_lock);
	spin_lock_irq(&tfd->lock);
	tfd->expires = 0;
	spin_unlock_irq(&tfd->lock);
	timer_cancel_sync(&tfd->timer);
	kfree(tfd);
	return 0;
}

static void read_locked(struct timerfd *tfd, u64 out[2])
{
	u64 now = now_of(tfd);

	out[0] = !tfd->expires ? 0 : tfd->expires > now ? tfd->expires - now : 1;
	out[1] = tfd->interval;
}

int timerfd_get(struct file *file, u64 out[2])
{
	struct timerfd *tfd = file->private;

	if (file->ops != &timerfd_ops)
		return -EINVAL;
	spin_lock_irq(&tfd->lock);
	expire_locked(tfd);
	read_locked(tfd, out);
	spin_unlock_irq(&tfd->lock);
	return 0;
}

int timerfd_set(struct file *file, int flags, u64 value, u64 interval, u64 old[2])
{
	struct timerfd *tfd = file->private;

	if (file->ops != &timerfd_ops)
		return -EINVAL;
	spin_lock_irq(&tfd->lock);
	read_locked(tfd, old);
	bool real = tfd->clock == CLOCK_REALTIME || tfd->clock == CLOCK_REALTIME_ALARM;
	timer_cancel(&tfd->timer);
	tfd->absolute_real = real && (flags & TFD_TIMER_ABSTIME);
	tfd->cancel_on_set = tfd->absolute_real && (flags & TFD_TIMER_CANCEL_ON_SET);
	tfd->cancelled = false;
	tfd->ticks = 0;
	tfd->interval = interval;
	tfd->expires = !value                        ? 0
		       : (flags & TFD_TIMER_ABSTIME) ? value
						     : timer_deadline_after(value);
	if (tfd->expires)
		start_locked(tfd);
	spin_unlock_irq(&tfd->lock);
	return 0;
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.stream = true,
};

int timerfd_create(int clock, int flags, struct file **out)
{
	struct timerfd *tfd = kzalloc(sizeof(*tfd), GFP_KERNEL);

	if (!tfd)
		return -ENOMEM;
	spin_init(&tfd->lock, LOCK_POSIX_TIMER);
	timer_init(&tfd->timer, timerfd_fire);
	wait_queue_init(&tfd->wait);
	tfd->clock = clock;
	int error = file_alloc_anon("[timerfd]", &timerfd_ops, tfd, O_RDWR | (flags & O_NONBLOCK),
				    out);
	if (error) {
		kfree(tfd);
		return error;
	}
	spin_lock(&timerfds_lock);
	list_add(&tfd->link, &timerfds);
	spin_unlock(&timerfds_lock);
	return 0;
}

static struct clock_listener listener = {.fn = clock_was_set};

static int timerfd_init(void)
{
	clock_listen(&listener);
	return 0;
}
INITCALL(FS, timerfd_init);
