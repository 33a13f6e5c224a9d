// read(2) of a terminal: lines in canonical mode; else bytes, as many and as long as VMIN and VTIME
// say. See termios(3).

#include <core/errno.h>
#include <core/timer.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

#include "internal.h"

#define PIECE 256

// A read that is under way.
struct reading {
	struct file *file;
	struct tty *tty;
	struct iov_iter *iter;
	size_t done;
	u32 min;      // bytes that end it
	u64 deadline; // of the wait for the next byte
	u64 between;  // nanoseconds from one byte to the next; 0: any
	bool finished;
};

static bool by_lines(const struct tty *tty)
{
	return LFLAG(tty, ICANON) && !LFLAG(tty, EXTPROC);
}

bool input_available(const struct tty *tty, bool for_poll)
{
	u32 tail = READ_ONCE(tty->tail), want = 1;

	if (by_lines(tty))
		return READ_ONCE(tty->canon_head) != tail;
	if (for_poll && !CC(tty, VTIME) && CC(tty, VMIN))
		want = CC(tty, VMIN);
	return READ_ONCE(tty->head) - tail >= want;
}

static bool ends_line(const struct tty *tty, u32 at)
{
	return tty->line_end[at % INPUT_SIZE / 8] & (1 << at % 8);
}

// The mark of an end of file: ends a line, and is not itself read.
static bool is_eof_mark(const struct tty *tty, u32 at)
{
	return ends_line(tty, at) && !tty->input[at % INPUT_SIZE] && !tty->push;
}

u32 input_count(struct tty *tty)
{
	u32 count = 0;

	if (!LFLAG(tty, ICANON))
		return tty->head - tty->tail;
	for (u32 at = tty->tail; at != tty->canon_head; at++)
		count += !is_eof_mark(tty, at);
	return count;
}

// Takes at most n bytes of the first line. Sets *ended when its end was taken. lock held.
static size_t take_of_line(struct tty *tty, u8 *to, size_t n, bool *ended)
{
	size_t taken = 0;

	while (tty->tail != tty->canon_head && !*ended) {
		bool eof = is_eof_mark(tty, tty->tail);

		// A full buffer takes the mark as well, or the next read would find an end of file.
		if (taken == n && !eof)
			break;
		*ended = ends_line(tty, tty->tail);
		if (!eof)
			to[taken++] = tty->input[tty->tail % INPUT_SIZE];
		WRITE_ONCE(tty->tail, tty->tail + 1);
	}
	if (*ended)
		tty->push = false;
	return taken;
}

static size_t take_bytes(struct tty *tty, u8 *to, size_t n)
{
	size_t taken = 0;

	while (taken < n && tty->tail != tty->head) {
		to[taken++] = tty->input[tty->tail % INPUT_SIZE];
		WRITE_ONCE(tty->tail, tty->tail + 1);
	}
	return taken;
}

// Some of what is there goes to the caller; then there is room for more from the line.
static int take(struct reading *r)
{
	struct tty *tty = r->tty;
	u8 piece[PIECE];
	bool ended = false;
	size_t n = MIN(iter_count(r->iter), sizeof(piece));

	mutex_lock(&tty->lock);
	bool lines = by_lines(tty);
	n = lines ? take_of_line(tty, piece, n, &ended) : take_bytes(tty, piece, n);
	if (!lines)
		WRITE_ONCE(tty->canon_head, tty->tail);
	if (tty->raw_in != tty->raw_out)
		input_process(tty);
	if (tty->ops->taken)
		tty->ops->taken(tty);
	mutex_unlock(&tty->lock);
	if (iter_copy_to(r->iter, piece, n) < n)
		return -EFAULT;
	r->done += n;
	r->finished = lines ? ended || !input_available(tty, false) : r->done >= r->min;
	if (r->between)
		r->deadline = clock_monotonic_ns() + r->between;
	return 0;
}

static bool is_over(const struct reading *r)
{
	return tty_is_hung(r->file) || READ_ONCE(r->tty->other_closed);
}

// Waits for input. 0 with `finished` unset: there is some.
static int wait_for_input(struct reading *r)
{
	struct tty *tty = r->tty;

	if (is_over(r)) {
		r->finished = true;
		return READ_ONCE(tty->other_closed) ? -EIO : 0;
	}
	if (r->deadline && (r->file->flags & O_NONBLOCK))
		return -EAGAIN;
	int error = !r->deadline ? -ETIME
				 : wait_event_interruptible_timeout(
					   &tty->read_wait,
					   input_available(tty, false) || is_over(r), r->deadline);
	if (error == -ETIME)
		r->finished = true;
	return error == -ETIME ? 0 : error;
}

static void take_mode(struct reading *r)
{
	u8 min = CC(r->tty, VMIN), time = CC(r->tty, VTIME);

	r->min = 1;
	r->deadline = TIME_NEVER;
	if (by_lines(r->tty))
		return;
	if (min) {
		r->min = min;
		r->between = time * 100 * NSEC_PER_MSEC;
	} else {
		r->deadline = time ? clock_monotonic_ns() + time * 100 * NSEC_PER_MSEC : 0;
	}
}

ssize_t tty_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct tty_file *opened = file->private;
	struct tty *tty = opened->tty;
	struct reading r = {.file = file, .tty = tty, .iter = iter};
	int error = 0;

	(void)pos;
	if (tty_is_hung(file))
		return 0;
	if (!opened->console)
		error = job_check(tty, SIGTTIN);
	if (error)
		return error;
	if (!(file->flags & O_NONBLOCK))
		error = mutex_lock_interruptible(&tty->read_mutex);
	else if (!mutex_trylock(&tty->read_mutex))
		error = -EAGAIN;
	if (error)
		return error;
	take_mode(&r);
	while (!r.finished && !error && iter_count(iter)) {
		if (!input_available(tty, false))
			error = wait_for_input(&r);
		else
			error = take(&r);
	}
	mutex_unlock(&tty->read_mutex);
	return r.done ? (ssize_t)r.done : error;
}
