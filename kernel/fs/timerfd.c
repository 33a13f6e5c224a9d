// timerfd_create(2): a timer that is read and polled as a file. It expires once and then waits to be
// read, which counts the periods that have passed; so a short interval costs no interrupts. One
// that was set for a point of real time follows that clock.

#include <core/errno.h>
#include <core/init.h>
#include <core/timer.h>
#include <fs/event.h>
#include <fs/poll.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/time_ns.h>
#include <uapi/errno.h>
#include <uapi/eventfd.h>

// Legend: [lock] taken with interrupts off; [list] timerfds_lock.
struct timerfd {
	struct spinlock lock;
	struct timer timer;
	struct realtime_timer real;
	struct wait_queue wait;
	struct list_head link; // [list]
	int clock;
	u64 expires;        // [lock] of its clock, next; 0: not armed
	u64 interval;       // [lock]
	u64 ticks;          // [lock] periods since the last read
	bool expired;       // [lock] the last of them has ended, and the next was not begun
	bool absolute_real; // [lock] follows the real-time clock: uses `real`
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
	if (tfd->absolute_real)
		realtime_timer_start(&tfd->real, tfd->expires);
	else
		timer_start(&tfd->timer, tfd->expires);
}

static void fire(struct timerfd *tfd)
{
	unsigned long flags = spin_lock_irqsave(&tfd->lock);

	// It may have been set anew while we waited for the lock.
	if (tfd->expires && !tfd->expired && now_of(tfd) >= tfd->expires) {
		tfd->expired = true;
		tfd->ticks++;
	}
	bool ready = tfd->ticks;
	spin_unlock_irqrestore(&tfd->lock, flags);
	if (ready)
		wake_up_all_key(&tfd->wait, POLLIN);
}

static void timer_fired(struct timer *timer)
{
	fire(container_of(timer, struct timerfd, timer));
}

static void realtime_timer_fired(struct realtime_timer *timer)
{
	fire(container_of(timer, struct timerfd, real));
}

// After it has expired: counts the other periods that have ended, and begins the next. lock held.
static void go_on_locked(struct timerfd *tfd)
{
	u64 now = now_of(tfd), periods = 1;

	if (!tfd->expired)
		return;
	tfd->expired = false;
	if (!tfd->interval) {
		tfd->expires = 0;
		return;
	}
	if (now >= tfd->expires)
		periods = (now - tfd->expires) / tfd->interval + 1;
	tfd->ticks += periods - 1;
	tfd->expires += periods * tfd->interval;
	start_locked(tfd);
}

static void clock_was_set(void)
{
	struct timerfd *tfd;

	spin_lock(&timerfds_lock);
	list_for_each_entry (tfd, &timerfds, link) {
		spin_lock_irq(&tfd->lock);
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
		go_on_locked(tfd);
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
	realtime_timer_cancel_sync(&tfd->real);
	timer_cancel_sync(&tfd->timer);
	kfree(tfd);
	return 0;
}

static void read_locked(struct timerfd *tfd, u64 out[2])
{
	go_on_locked(tfd);
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
	read_locked(tfd, out);
	spin_unlock_irq(&tfd->lock);
	return 0;
}

int timerfd_set(struct file *file, int flags, u64 value, u64 interval, u64 old[2])
{
	struct timerfd *tfd = file->private;

	if (file->ops != &timerfd_ops)
		return -EINVAL;
	// Who was handed the descriptor may not wake the machine with it.
	if ((tfd->clock == CLOCK_REALTIME_ALARM || tfd->clock == CLOCK_BOOTTIME_ALARM) &&
	    !capable(CAP_WAKE_ALARM))
		return -EPERM;
	spin_lock_irq(&tfd->lock);
	read_locked(tfd, old);
	bool real = tfd->clock == CLOCK_REALTIME || tfd->clock == CLOCK_REALTIME_ALARM;
	realtime_timer_cancel(&tfd->real);
	timer_cancel(&tfd->timer);
	tfd->absolute_real = real && (flags & TFD_TIMER_ABSTIME);
	tfd->cancel_on_set = tfd->absolute_real && (flags & TFD_TIMER_CANCEL_ON_SET);
	tfd->cancelled = false;
	tfd->expired = false;
	tfd->ticks = 0;
	tfd->interval = interval;
	tfd->expires = !value ? 0
		       : (flags & TFD_TIMER_ABSTIME)
			       ? MAX(time_ns_to_machine(tfd->clock, value), 1ul)
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
	timer_init(&tfd->timer, timer_fired);
	realtime_timer_init(&tfd->real, realtime_timer_fired);
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
