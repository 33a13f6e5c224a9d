// signalfd4(2): a file that signals are read from. It has nothing but a mask: whoever reads or
// polls it means his own signals, so a child that inherited it sees the child's.
//
// Who waits is on the queue of his process (struct signal_waiters), which send_locked() wakes. The
// file holds a reference to each queue that it was polled on, for an epoll stays registered there
// until the file is closed.

#include <core/errno.h>
#include <fs/event.h>
#include <fs/poll.h>
#include <fs/seq.h>
#include <lib/string.h>
#include <mm/iov_iter.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <uapi/errno.h>
#include <uapi/signalfd.h>

struct signalfd {
	u64 mask;                       // a single word; changed by signalfd_set_mask()
	struct spinlock lock;           // of what follows
	struct signal_waiters **polled; // counted
	u32 polled_count;
};

static const struct file_ops signalfd_ops;

// --- Reading ---

static void convert(const struct siginfo *info, struct signalfd_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = info->si_signo;
	out->ssi_errno = info->si_errno;
	out->ssi_code = info->si_code;
	switch (siginfo_layout(info)) {
	case SIGINFO_CHILD:
		out->ssi_status = info->si_status;
		out->ssi_utime = info->si_utime;
		out->ssi_stime = info->si_stime;
		FALLTHROUGH;
	case SIGINFO_KILL:
		out->ssi_pid = info->si_pid;
		out->ssi_uid = info->si_uid;
		break;
	case SIGINFO_QUEUE:
		out->ssi_pid = info->si_pid;
		out->ssi_uid = info->si_uid;
		out->ssi_ptr = info->si_value.sival_ptr;
		out->ssi_int = info->si_value.sival_int;
		break;
	case SIGINFO_TIMER:
		out->ssi_tid = info->si_timerid;
		out->ssi_overrun = info->si_overrun;
		out->ssi_ptr = info->si_timer_value.sival_ptr;
		out->ssi_int = info->si_timer_value.sival_int;
		break;
	case SIGINFO_POLL:
		out->ssi_band = info->si_band;
		out->ssi_fd = info->si_fd;
		break;
	case SIGINFO_FAULT:
		out->ssi_addr = info->si_addr;
		break;
	case SIGINFO_SYSCALL:
		out->ssi_call_addr = info->fields.sys.call_addr;
		out->ssi_syscall = info->fields.sys.syscall;
		out->ssi_arch = info->fields.sys.arch;
		break;
	}
}

// Takes one of current's signals; 0: none.
static int take(const struct signalfd *sfd, struct siginfo *info)
{
	spin_lock_irq(&current->sighand->lock);
	int sig = signal_dequeue_locked(~READ_ONCE(sfd->mask), info);
	spin_unlock_irq(&current->sighand->lock);
	return sig;
}

static int wait_and_take(const struct signalfd *sfd, struct siginfo *info)
{
	struct signal_waiters *waiters = signal_waiters_get();

	if (!waiters)
		return -ENOMEM;
	int error = wait_event_interruptible(&waiters->queue, take(sfd, info) != 0);
	signal_waiters_put(waiters);
	return error;
}

static ssize_t signalfd_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	const struct signalfd *sfd = file->private;
	struct signalfd_siginfo out;
	struct siginfo info;
	ssize_t done = 0;

	(void)pos;
	if (iter_count(iter) < sizeof(out))
		return -EINVAL;
	while (iter_count(iter) >= sizeof(out)) {
		if (!take(sfd, &info)) {
			if (done)
				break;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int error = wait_and_take(sfd, &info);
			if (error)
				return error;
		}
		convert(&info, &out);
		if (iter_copy_to(iter, &out, sizeof(out)) != sizeof(out))
			return done ?: -EFAULT;
		done += sizeof(out);
	}
	return done;
}

// --- Polling ---

// Keeps the reference to a queue until the file goes, once. Consumes it. -ENOMEM.
static int remember(struct signalfd *sfd, struct signal_waiters *waiters)
{
	for (;;) {
		u32 count = READ_ONCE(sfd->polled_count);
		struct signal_waiters **larger = kmalloc((count + 1) * sizeof(*larger), GFP_KERNEL);
		bool known = false, stored = false;

		spin_lock(&sfd->lock);
		for (u32 i = 0; i < sfd->polled_count; i++)
			known |= sfd->polled[i] == waiters;
		if (!known && larger && count == sfd->polled_count) {
			struct signal_waiters **old = sfd->polled;

			if (count)
				memcpy(larger, old, count * sizeof(*larger));
			larger[count] = waiters;
			sfd->polled = larger;
			sfd->polled_count++;
			larger = old;
			stored = true;
		}
		bool raced = !known && !stored && count != sfd->polled_count;
		spin_unlock(&sfd->lock);
		kfree(larger);
		if (stored)
			return 0;
		if (raced)
			continue;
		signal_waiters_put(waiters);
		return known ? 0 : -ENOMEM;
	}
}

// Whether the queue was registered on before: then no memory is needed.
static bool is_known(struct signalfd *sfd, const struct signal_waiters *waiters)
{
	bool known = false;

	spin_lock(&sfd->lock);
	for (u32 i = 0; waiters && i < sfd->polled_count; i++)
		known |= sfd->polled[i] == waiters;
	spin_unlock(&sfd->lock);
	return known;
}

static u32 signalfd_poll(struct file *file, struct poll_table *table)
{
	struct signalfd *sfd = file->private;

	if (table && table->queue) {
		struct signal_waiters *waiters = READ_ONCE(current->sighand->signalfds);

		if (!is_known(sfd, waiters)) {
			waiters = signal_waiters_get();
			if (!waiters || remember(sfd, waiters))
				return POLLERR;
		}
		poll_wait(file, &waiters->queue, table);
	}
	u64 pending = READ_ONCE(current->pending.set) |
		      READ_ONCE(current->process->shared_pending.set);
	return (pending & READ_ONCE(sfd->mask)) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_show(struct file *file, struct seq *seq)
{
	const struct signalfd *sfd = file->private;

	seq_printf(seq, "sigmask:\t%016lx\n", READ_ONCE(sfd->mask));
}

static int signalfd_release(struct file *file)
{
	struct signalfd *sfd = file->private;

	for (u32 i = 0; i < sfd->polled_count; i++)
		signal_waiters_put(sfd->polled[i]);
	kfree(sfd->polled);
	kfree(sfd);
	return 0;
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_show,
	.stream = true,
};

// --- Making ---

int signalfd_create(u64 mask, int flags, struct file **out)
{
	struct signalfd *sfd = kzalloc(sizeof(*sfd), GFP_KERNEL);

	if (!sfd)
		return -ENOMEM;
	spin_init(&sfd->lock, LOCK_FILE_SPIN);
	sfd->mask = mask;
	int error = file_alloc_anon("[signalfd]", &signalfd_ops, sfd,
				    O_RDWR | (flags & SFD_NONBLOCK), out);
	if (error)
		kfree(sfd);
	return error;
}

int signalfd_set_mask(struct file *file, u64 mask)
{
	struct signalfd *sfd = file->private;

	if (file->ops != &signalfd_ops)
		return -EINVAL;
	WRITE_ONCE(sfd->mask, mask);
	spin_lock_irq(&current->sighand->lock);
	signal_notify_signalfds_locked(current->sighand);
	spin_unlock_irq(&current->sighand->lock);
	return 0;
}
