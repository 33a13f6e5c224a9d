// The settings of a terminal: termios in its three forms (with speeds, without, and the old termio).

#include <lib/string.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

#include "internal.h"

const struct termios2 termios_default = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 3,
		 [VQUIT] = 28,
		 [VERASE] = 127,
		 [VKILL] = 21,
		 [VEOF] = 4,
		 [VMIN] = 1,
		 [VSTART] = 17,
		 [VSTOP] = 19,
		 [VSUSP] = 26,
		 [VREPRINT] = 18,
		 [VDISCARD] = 15,
		 [VWERASE] = 23,
		 [VLNEXT] = 22},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

// --- Speeds ---

static const u32 speeds[] = {0,       50,      75,      110,     134,     150,     200,    300,
			     600,     1200,    1800,    2400,    4800,    9600,    19200,  38400,
			     57600,   115200,  230400,  460800,  500000,  576000,  921600, 1000000,
			     1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

// `code` as in CBAUD; `other` is meant by BOTHER.
static u32 speed_of(u32 code, u32 other)
{
	if (code == BOTHER)
		return other;
	if (code & CBAUDEX)
		code = (code & ~CBAUDEX) + 15;
	return code < ARRAY_SIZE(speeds) ? speeds[code] : 0;
}

static void take_speeds(struct termios2 *termios)
{
	u32 in = termios->c_cflag >> IBSHIFT & CBAUD;

	termios->c_ospeed = speed_of(termios->c_cflag & CBAUD, termios->c_ospeed);
	termios->c_ispeed = in == B0 ? termios->c_ospeed : speed_of(in, termios->c_ispeed);
}

// --- Forms. Sizes of struct termios2 and termios differ by the speeds at the end. ---

enum form {
	FORM_TERMIOS,
	FORM_TERMIOS2,
	FORM_TERMIO
};

static int copy_out(const struct termios2 *termios, enum form form, u64 to)
{
	struct termio old = {
		.c_iflag = termios->c_iflag,
		.c_oflag = termios->c_oflag,
		.c_cflag = termios->c_cflag,
		.c_lflag = termios->c_lflag,
		.c_line = termios->c_line,
	};

	if (form == FORM_TERMIO) {
		memcpy(old.c_cc, termios->c_cc, sizeof(old.c_cc));
		return copy_to_user(to, &old, sizeof(old));
	}
	return copy_to_user(to, termios,
			    form == FORM_TERMIOS ? sizeof(struct termios) : sizeof(*termios));
}

static u32 low_half(u32 old, u16 low)
{
	return (old & 0xffff0000) | low;
}

// Changes of *termios what this form can say.
static int copy_in(struct termios2 *termios, enum form form, u64 from)
{
	struct termio old;

	if (form != FORM_TERMIO)
		return copy_from_user(termios, from,
				      form == FORM_TERMIOS ? sizeof(struct termios)
							   : sizeof(*termios));
	if (copy_from_user(&old, from, sizeof(old)))
		return -EFAULT;
	termios->c_iflag = low_half(termios->c_iflag, old.c_iflag);
	termios->c_oflag = low_half(termios->c_oflag, old.c_oflag);
	termios->c_cflag = low_half(termios->c_cflag, old.c_cflag);
	termios->c_lflag = low_half(termios->c_lflag, old.c_lflag);
	termios->c_line = old.c_line;
	memcpy(termios->c_cc, old.c_cc, sizeof(old.c_cc));
	return 0;
}

// --- Setting ---

static void keep_locked_bits(u32 *new, u32 old, u32 locked)
{
	*new = (*new & ~locked) | (old & locked);
}

// TIOCSLCKTRMIOS: what is locked stays.
static void keep_locked(struct termios2 *new, const struct termios2 *old,
			const struct termios2 *locked)
{
	keep_locked_bits(&new->c_iflag, old->c_iflag, locked->c_iflag);
	keep_locked_bits(&new->c_oflag, old->c_oflag, locked->c_oflag);
	keep_locked_bits(&new->c_cflag, old->c_cflag, locked->c_cflag);
	keep_locked_bits(&new->c_lflag, old->c_lflag, locked->c_lflag);
	if (locked->c_line)
		new->c_line = old->c_line;
	for (int i = 0; i < NCCS; i++) {
		if (locked->c_cc[i])
			new->c_cc[i] = old->c_cc[i];
	}
}

static void apply_locked(struct tty *tty, struct termios2 *new)
{
	struct termios2 old = tty->termios;

	keep_locked(new, &old, &tty->locked);
	if (tty->is_pty) // such a line has eight bits and no parity
		new->c_cflag = (new->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	tty->termios = *new;
	input_mode_changed(tty, &old);
	if ((old.c_iflag & IXON) && !(new->c_iflag &IXON))
		output_start(tty);
	if (tty->ops->termios_changed)
		tty->ops->termios_changed(tty, &old);
	input_process(tty);
}

static int wait_drained(struct tty *tty)
{
	return wait_event_interruptible(&tty->write_wait,
					!tty->ops->queued(tty) || READ_ONCE(tty->other_closed));
}

static long termios_set(struct tty *tty, enum form form, u64 argument, bool drain, bool flush)
{
	struct termios2 new;
	int error = job_check(tty, SIGTTOU);

	if (error)
		return error;
	mutex_lock(&tty->lock);
	new = tty->termios;
	mutex_unlock(&tty->lock);
	if (copy_in(&new, form, argument))
		return -EFAULT;
	take_speeds(&new);
	if (drain && !tty->is_pty)
		error = wait_drained(tty);
	if (error)
		return error;
	mutex_lock(&tty->lock);
	if (flush)
		input_flush(tty);
	apply_locked(tty, &new);
	mutex_unlock(&tty->lock);
	wake_up_all(&tty->read_wait); // what is there may now be readable
	return 0;
}

static long termios_get(struct tty *tty, enum form form, u64 argument, const struct termios2 *which)
{
	mutex_lock(&tty->lock);
	struct termios2 now = *which;
	mutex_unlock(&tty->lock);
	return copy_out(&now, form, argument);
}

static long termios_lock(struct tty *tty, u64 argument)
{
	struct termios2 new = {0};

	if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	if (copy_in(&new, FORM_TERMIOS, argument))
		return -EFAULT;
	mutex_lock(&tty->lock);
	tty->locked = new;
	mutex_unlock(&tty->lock);
	return 0;
}

static long set_soft_carrier(struct tty *tty, u64 argument)
{
	u32 on;

	if (get_user_u32(argument, &on))
		return -EFAULT;
	mutex_lock(&tty->lock);
	tty->termios.c_cflag = (tty->termios.c_cflag & ~CLOCAL) | (on ? CLOCAL : 0);
	mutex_unlock(&tty->lock);
	return 0;
}

long termios_ioctl(struct tty *tty, u32 command, u64 argument)
{
	switch (command) {
	case TCGETS:
		return termios_get(tty, FORM_TERMIOS, argument, &tty->termios);
	case TCGETS2:
		return termios_get(tty, FORM_TERMIOS2, argument, &tty->termios);
	case TCGETA:
		return termios_get(tty, FORM_TERMIO, argument, &tty->termios);
	case TCSETS:
		return termios_set(tty, FORM_TERMIOS, argument, false, false);
	case TCSETSW:
		return termios_set(tty, FORM_TERMIOS, argument, true, false);
	case TCSETSF:
		return termios_set(tty, FORM_TERMIOS, argument, true, true);
	case TCSETS2:
		return termios_set(tty, FORM_TERMIOS2, argument, false, false);
	case TCSETSW2:
		return termios_set(tty, FORM_TERMIOS2, argument, true, false);
	case TCSETSF2:
		return termios_set(tty, FORM_TERMIOS2, argument, true, true);
	case TCSETA:
		return termios_set(tty, FORM_TERMIO, argument, false, false);
	case TCSETAW:
		return termios_set(tty, FORM_TERMIO, argument, true, false);
	case TCSETAF:
		return termios_set(tty, FORM_TERMIO, argument, true, true);
	case TIOCGLCKTRMIOS:
		return termios_get(tty, FORM_TERMIOS, argument, &tty->locked);
	case TIOCSLCKTRMIOS:
		return termios_lock(tty, argument);
	case TIOCGSOFTCAR:
		return put_user_u32(argument, (tty->termios.c_cflag & CLOCAL) != 0);
	case TIOCSSOFTCAR:
		return set_soft_carrier(tty, argument);
	}
	return -ENOIOCTLCMD;
}
