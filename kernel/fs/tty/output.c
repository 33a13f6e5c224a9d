// The output half of the line discipline: newlines, tabs and the like on their way out, the echo of
// what is typed, and flow control.
//
// Echo is processed when it is made, and waits in a ring of its own while output is stopped or the
// other end is full; writes go behind it.

#include <core/errno.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

#include "internal.h"

#define GROWTH 8 // bytes that one byte may become: a tab

// --- Processing; lock held ---

static size_t expand_tab(struct tty *tty, u8 *out)
{
	u32 spaces = 8 - (tty->column & 7);

	tty->column += spaces;
	if (OFLAG(tty, TABDLY) != XTABS) {
		out[0] = '\t';
		return 1;
	}
	for (u32 i = 0; i < spaces; i++)
		out[i] = ' ';
	return spaces;
}

static size_t expand_newline(struct tty *tty, u8 *out)
{
	if (OFLAG(tty, ONLRET))
		tty->column = 0;
	if (OFLAG(tty, ONLCR)) {
		tty->column = tty->canon_column = 0;
		out[0] = '\r';
		out[1] = '\n';
		return 2;
	}
	tty->canon_column = tty->column;
	out[0] = '\n';
	return 1;
}

// What is sent for one byte: up to GROWTH bytes. Follows the cursor.
static size_t expand(struct tty *tty, u8 c, u8 *out)
{
	out[0] = c;
	if (!OFLAG(tty, OPOST))
		return 1;
	if (c == '\n')
		return expand_newline(tty, out);
	if (c == '\t')
		return expand_tab(tty, out);
	if (c == '\r') {
		if (OFLAG(tty, ONOCR) && tty->column == 0)
			return 0;
		if (OFLAG(tty, OCRNL)) {
			out[0] = '\n';
			if (!OFLAG(tty, ONLRET))
				return 1;
		}
		tty->column = tty->canon_column = 0;
	} else if (c == '\b') {
		tty->column -= tty->column > 0;
	} else if (!is_control(c)) {
		if (OFLAG(tty, OLCUC) && c >= 'a' && c <= 'z')
			out[0] = c - 32;
		tty->column += !is_continuation(tty, c);
	}
	return 1;
}

static size_t room(struct tty *tty)
{
	return tty->stopped ? 0 : tty->ops->room(tty);
}

// Sends as much of the text as there is room for; returns how much that was.
static size_t send(struct tty *tty, const u8 *text, size_t n)
{
	size_t left = room(tty), taken = 0;
	u8 out[128];

	if (tty->echo_head != tty->echo_tail)
		return 0;
	while (taken < n) {
		size_t used = 0;

		while (taken < n && used + GROWTH <= sizeof(out) &&
		       left >= used + (OFLAG(tty, OPOST) ? GROWTH : 1))
			used += expand(tty, text[taken++], out + used);
		if (!used)
			break;
		tty->ops->write(tty, out, used);
		left -= used;
	}
	return taken;
}

// --- Echo; lock held ---

static void echo_bytes(struct tty *tty, const u8 *text, size_t n)
{
	if (tty->echo_head - tty->echo_tail + n > ECHO_SIZE)
		echo_flush(tty);
	if (tty->echo_head - tty->echo_tail + n > ECHO_SIZE)
		return; // nobody looks: lost
	while (n--)
		tty->echo[tty->echo_head++ % ECHO_SIZE] = *text++;
}

void echo_raw(struct tty *tty, u8 c)
{
	u8 out[GROWTH];

	echo_bytes(tty, out, expand(tty, c, out));
}

void echo_char(struct tty *tty, u8 c)
{
	u8 text[2] = {'^', c ^ 0x40};

	if (!LFLAG(tty, ECHOCTL) || !is_control(c) || c == '\t') {
		echo_raw(tty, c);
		return;
	}
	tty->column += 2;
	echo_bytes(tty, text, 2);
}

void echo_flush(struct tty *tty)
{
	size_t left = room(tty);

	while (left && tty->echo_tail != tty->echo_head) {
		u32 at = tty->echo_tail % ECHO_SIZE;
		size_t n = MIN(tty->echo_head - tty->echo_tail, ECHO_SIZE - at);

		n = MIN(n, left);
		tty->ops->write(tty, tty->echo + at, n);
		tty->echo_tail += n;
		left -= n;
	}
}

// --- Flow control; lock held ---

void output_stop(struct tty *tty)
{
	if (tty->stopped)
		return;
	WRITE_ONCE(tty->stopped, true);
	if (tty->ops->packet)
		tty->ops->packet(tty, TIOCPKT_STOP);
}

void output_start(struct tty *tty)
{
	if (!tty->stopped || tty->stopped_by_call)
		return;
	WRITE_ONCE(tty->stopped, false);
	if (tty->ops->packet)
		tty->ops->packet(tty, TIOCPKT_START);
	echo_flush(tty);
	wake_up_all_key(&tty->write_wait, POLLOUT | POLLWRNORM);
}

void output_send_raw(struct tty *tty, u8 c)
{
	if (tty->ops->room(tty))
		tty->ops->write(tty, &c, 1);
}

// --- write(2) ---

bool output_ready(struct tty *tty)
{
	return !READ_ONCE(tty->stopped) && tty->ops->room(tty) >= GROWTH;
}

static bool is_dead(struct file *file, struct tty *tty)
{
	return tty_is_hung(file) || READ_ONCE(tty->other_closed);
}

static size_t send_piece(struct tty *tty, const u8 *text, size_t n)
{
	mutex_lock(&tty->lock);
	echo_flush(tty);
	size_t sent = send(tty, text, n);
	mutex_unlock(&tty->lock);
	return sent;
}

// All of `text`, unless a signal or a hang-up comes between. Returns what was sent, or an error.
static ssize_t write_piece(struct file *file, struct tty *tty, const u8 *text, size_t n)
{
	size_t done = 0;

	for (;;) {
		if (is_dead(file, tty))
			return done ? (ssize_t)done : -EIO;
		done += send_piece(tty, text + done, n - done);
		if (done == n)
			return done;
		if (file->flags & O_NONBLOCK)
			return done ? (ssize_t)done : -EAGAIN;
		int error = wait_event_interruptible(&tty->write_wait,
						     output_ready(tty) || is_dead(file, tty));
		if (error)
			return done ? (ssize_t)done : error;
	}
}

ssize_t tty_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct tty_file *opened = file->private;
	struct tty *tty = opened->tty;
	ssize_t done = 0, sent;
	u8 piece[256];
	int error = 0;

	(void)pos;
	if (is_dead(file, tty))
		return -EIO;
	if (LFLAG(tty, TOSTOP) && !opened->console)
		error = job_check(tty, SIGTTOU);
	if (error)
		return error;
	if (!(file->flags & O_NONBLOCK))
		error = mutex_lock_interruptible(&tty->write_mutex);
	else if (!mutex_trylock(&tty->write_mutex))
		error = -EAGAIN;
	if (error)
		return error;
	while (iter_count(iter)) {
		size_t n = iter_copy_from(iter, piece, sizeof(piece));

		if (!n) {
			done = done ?: -EFAULT;
			break;
		}
		sent = write_piece(file, tty, piece, n);
		if (sent < 0) {
			done = done ?: sent;
			break;
		}
		done += sent;
		if ((size_t)sent < n)
			break;
	}
	mutex_unlock(&tty->write_mutex);
	return done;
}
