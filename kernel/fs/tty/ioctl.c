// What ioctl(2) does to a terminal beside its settings and job control: queues, flow, window size,
// modem lines. The other end of a pair asks for the same things through here.

#include <core/errno.h>
#include <core/timer.h>
#include <fs/chrdev.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

#include "internal.h"

// --- Queues ---

static long flush_queues(struct tty *tty, u64 which)
{
	int error = job_check(tty, SIGTTOU);

	if (error)
		return error;
	if (which > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&tty->lock);
	if (which != TCOFLUSH) {
		input_flush(tty);
		input_process(tty);
		if (tty->ops->taken)
			tty->ops->taken(tty);
	}
	if (which != TCIFLUSH) {
		tty->echo_tail = tty->echo_head;
		tty->ops->flush(tty);
	}
	mutex_unlock(&tty->lock);
	if (which != TCIFLUSH)
		wake_up_all_key(&tty->write_wait, POLLOUT | POLLWRNORM);
	return 0;
}

static long set_flow(struct tty *tty, u64 what)
{
	long error = job_check(tty, SIGTTOU);

	if (error)
		return error;
	mutex_lock(&tty->lock);
	switch (what) {
	case TCOOFF:
		output_stop(tty);
		tty->stopped_by_call = true;
		break;
	case TCOON:
		if (tty->stopped_by_call) {
			tty->stopped_by_call = false;
			output_start(tty);
		}
		break;
	case TCIOFF:
	case TCION:
		if (CC(tty, what == TCIOFF ? VSTOP : VSTART))
			output_send_raw(tty, CC(tty, what == TCIOFF ? VSTOP : VSTART));
		break;
	default:
		error = -EINVAL;
	}
	mutex_unlock(&tty->lock);
	return error;
}

// tcdrain(3), and breaks, which no line of ours can send.
static long drain(struct tty *tty)
{
	int error = job_check(tty, SIGTTOU);

	if (error)
		return error;
	if (tty->is_pty)
		return 0; // its bytes have arrived
	error = wait_event_interruptible(&tty->write_wait, !tty->ops->queued(tty));
	return error ? -EINTR : 0;
}

// TIOCSTI: as if it had been typed. Dangerous, so only for administrators.
static long simulate_input(struct tty *tty, u64 argument)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EIO;
	if (get_user_u8(argument, &c))
		return -EFAULT;
	mutex_lock(&tty->lock);
	input_type(tty, c);
	mutex_unlock(&tty->lock);
	return 0;
}

// --- Window size ---

int winsize_set(struct tty *tty, u64 argument)
{
	struct winsize new;

	if (copy_from_user(&new, argument, sizeof(new)))
		return -EFAULT;
	mutex_lock(&tty->lock);
	bool changed = memcmp(&new, &tty->winsize, sizeof(new)) != 0;
	tty->winsize = new;
	mutex_unlock(&tty->lock);
	if (changed)
		job_signal_foreground(tty, SIGWINCH);
	return 0;
}

static long winsize_get(struct tty *tty, u64 argument)
{
	mutex_lock(&tty->lock);
	struct winsize now = tty->winsize;
	mutex_unlock(&tty->lock);
	return copy_to_user(argument, &now, sizeof(now));
}

// --- The rest ---

static long set_exclusive(struct tty *tty, bool on)
{
	mutex_lock(&tty_mutex);
	tty->exclusive = on;
	mutex_unlock(&tty_mutex);
	return 0;
}

static long set_discipline(struct tty *tty, u64 argument)
{
	u32 number;

	if (get_user_u32(argument, &number))
		return -EFAULT;
	int error = job_check(tty, SIGTTOU);
	if (error)
		return error;
	return number == N_TTY ? 0 : -EINVAL;
}

static long modem_lines(struct tty *tty, u64 argument)
{
	if (tty->is_pty)
		return -ENOTTY;
	return put_user_u32(argument, TIOCM_DTR | TIOCM_RTS | TIOCM_CAR | TIOCM_DSR | TIOCM_CTS);
}

static long hang_up(struct tty *tty)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	tty_hangup(tty, false);
	return 0;
}

static long ask_queue(struct tty *tty, u32 command, u64 argument)
{
	mutex_lock(&tty->lock);
	u32 count = command == TIOCOUTQ ? tty->ops->queued(tty) : input_count(tty);
	mutex_unlock(&tty->lock);
	return put_user_u32(argument, count);
}

static long simple_ioctl(struct tty *tty, u32 command, u64 argument)
{
	switch (command) {
	case TCFLSH:
		return flush_queues(tty, argument);
	case TCXONC:
		return set_flow(tty, argument);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
		return drain(tty);
	case TIOCCBRK:
		return job_check(tty, SIGTTOU);
	case FIONREAD:
	case TIOCOUTQ:
		return ask_queue(tty, command, argument);
	case TIOCSTI:
		return simulate_input(tty, argument);
	case TIOCGWINSZ:
		return winsize_get(tty, argument);
	case TIOCSWINSZ:
		return winsize_set(tty, argument);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(tty, command == TIOCEXCL);
	case TIOCGEXCL:
		return put_user_u32(argument, READ_ONCE(tty->exclusive));
	case TIOCGETD:
		return put_user_u32(argument, N_TTY);
	case TIOCSETD:
		return set_discipline(tty, argument);
	case TIOCGDEV:
		return put_user_u32(argument, dev_to_user(tty->device));
	case TIOCMGET:
		return modem_lines(tty, argument);
	case TIOCVHANGUP:
		return hang_up(tty);
	}
	return -ENOTTY;
}

long tty_ioctl_common(struct tty *tty, struct file *file, u32 command, u64 argument,
		      bool from_master)
{
	long result = termios_ioctl(tty, command, argument);

	if (result == -ENOIOCTLCMD)
		result = job_ioctl(tty, file, command, argument, from_master);
	if (result == -ENOIOCTLCMD)
		result = simple_ioctl(tty, command, argument);
	return result;
}
