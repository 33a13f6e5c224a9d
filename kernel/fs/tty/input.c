// The input half of the line discipline: what was received becomes signals, flow control, an edited
// line or plain bytes, and is echoed. See termios(3). tty->lock is held throughout.

#include <lib/string.h>
#include <uapi/signal.h>

#include "internal.h"

// --- The ring ---

bool input_receive(struct tty *tty, u16 entry)
{
	if (tty->raw_in - smp_load_acquire(&tty->raw_out) == RAW_SIZE)
		return false;
	tty->raw[tty->raw_in % RAW_SIZE] = entry;
	smp_store_release(&tty->raw_in, tty->raw_in + 1);
	return true;
}

// --- Storing ---

static u8 byte_at(const struct tty *tty, u32 offset)
{
	return tty->input[offset % INPUT_SIZE];
}

static void mark_line_end(struct tty *tty, u32 offset)
{
	tty->line_end[offset % INPUT_SIZE / 8] |= 1 << offset % 8;
}

static void store(struct tty *tty, u8 c)
{
	tty->line_end[tty->head % INPUT_SIZE / 8] &= ~(1 << tty->head % 8);
	tty->input[tty->head % INPUT_SIZE] = c;
	WRITE_ONCE(tty->head, tty->head + 1);
}

// With PARMRK a byte of ones is doubled, for one alone begins a report.
static void store_marked(struct tty *tty, u8 c)
{
	if (c == 0xff && IFLAG(tty, PARMRK) && !IFLAG(tty, ISTRIP))
		store(tty, c);
	store(tty, c);
}

static void store_line_end(struct tty *tty, u8 c)
{
	store(tty, c);
	mark_line_end(tty, tty->head - 1);
	WRITE_ONCE(tty->canon_head, tty->head);
}

// Whether one more byte can be taken. A line that is too long loses its last byte to each new one,
// so that it can still be ended; complete lines make the sender wait.
static bool make_room(struct tty *tty)
{
	u32 used = tty->head - tty->tail, worst = IFLAG(tty, PARMRK) ? 3 : 1;

	if (used + worst < INPUT_SIZE)
		return true;
	if (!LFLAG(tty, ICANON) || tty->canon_head != tty->tail)
		return false;
	while (tty->head - tty->tail + worst > INPUT_SIZE)
		tty->head--;
	return true;
}

void input_flush(struct tty *tty)
{
	tty->tail = tty->head = tty->canon_head = 0;
	tty->push = tty->literal = tty->erasing = false;
	memset(tty->line_end, 0, sizeof(tty->line_end));
	if (tty->ops->packet)
		tty->ops->packet(tty, TIOCPKT_FLUSHREAD);
}

// Type-ahead stays: in canonical mode it counts as one line.
void input_mode_changed(struct tty *tty, const struct termios2 *old)
{
	if (!((old->c_lflag ^ tty->termios.c_lflag) & (ICANON | EXTPROC)))
		return;
	memset(tty->line_end, 0, sizeof(tty->line_end));
	tty->push = LFLAG(tty, ICANON) && tty->head != tty->tail;
	if (tty->push)
		mark_line_end(tty, tty->head - 1);
	WRITE_ONCE(tty->canon_head, tty->push ? tty->head : tty->tail);
	tty->literal = tty->erasing = false;
}

// --- Editing ---

static void finish_erasing(struct tty *tty)
{
	if (tty->erasing)
		echo_raw(tty, '/');
	tty->erasing = false;
}

// The cursor goes back over a tab, whose width depends on what stands before it. `at`: the tab's
// offset.
static void echo_erase_tab(struct tty *tty, u32 at)
{
	u32 width = 0;
	bool after_tab = false;

	while (at != tty->canon_head) {
		u8 c = byte_at(tty, --at);

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (is_control(c))
			width += LFLAG(tty, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(tty, c))
			width++;
	}
	if (!after_tab)
		width += tty->canon_column;
	for (u32 left = 8 - (width & 7); left; left--)
		echo_raw(tty, '\b');
}

static void rub_out(struct tty *tty)
{
	echo_raw(tty, '\b');
	echo_raw(tty, ' ');
	echo_raw(tty, '\b');
}

// The character at `at`, up to the former head `end`, is gone from the line; now from the screen.
static void echo_erase(struct tty *tty, u32 at, u32 end, bool one)
{
	u8 c = byte_at(tty, at);

	if (!LFLAG(tty, ECHO))
		return;
	if (LFLAG(tty, ECHOPRT)) {
		if (!tty->erasing)
			echo_raw(tty, '\\');
		tty->erasing = true;
		echo_char(tty, c);
		while (++at != end)
			echo_raw(tty, byte_at(tty, at));
	} else if (one && !LFLAG(tty, ECHOE)) {
		echo_char(tty, CC(tty, VERASE));
	} else if (c == '\t') {
		echo_erase_tab(tty, at);
	} else {
		if (is_control(c) && LFLAG(tty, ECHOCTL))
			rub_out(tty);
		if (!is_control(c) || LFLAG(tty, ECHOCTL))
			rub_out(tty);
	}
}

static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
	       (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

// The whole line is dropped, and a new one begun on the screen instead of erasing it.
static void drop_line(struct tty *tty)
{
	tty->head = tty->canon_head;
	if (!LFLAG(tty, ECHO))
		return;
	finish_erasing(tty);
	echo_char(tty, CC(tty, VKILL));
	if (LFLAG(tty, ECHOK))
		echo_raw(tty, '\n');
}

static void erase(struct tty *tty, int key)
{
	bool in_word = false;

	if (tty->head == tty->canon_head)
		return;
	if (key == VKILL && (!LFLAG(tty, ECHO) || !LFLAG(tty, ECHOK) || !LFLAG(tty, ECHOKE) ||
			     !LFLAG(tty, ECHOE))) {
		drop_line(tty);
		return;
	}
	while (tty->head != tty->canon_head) {
		u32 end = tty->head, at = end;
		u8 c;

		do {
			c = byte_at(tty, --at);
		} while (is_continuation(tty, c) && at != tty->canon_head);
		if (is_continuation(tty, c))
			break; // not a whole character
		if (key == VWERASE && !is_word(c) && in_word)
			break;
		in_word |= is_word(c);
		WRITE_ONCE(tty->head, at);
		echo_erase(tty, at, end, key == VERASE);
		if (key == VERASE)
			break;
	}
	if (tty->head == tty->canon_head && LFLAG(tty, ECHO))
		finish_erasing(tty);
}

static void reprint(struct tty *tty, u8 c)
{
	finish_erasing(tty);
	echo_char(tty, c);
	echo_raw(tty, '\n');
	for (u32 at = tty->canon_head; at != tty->head; at++)
		echo_char(tty, byte_at(tty, at));
}

// --- Echo of what is stored ---

static void echo_input(struct tty *tty, u8 c)
{
	if (!LFLAG(tty, ECHO))
		return;
	finish_erasing(tty);
	if (tty->canon_head == tty->head)
		tty->canon_column = tty->column;
	echo_char(tty, c);
}

// --- One byte ---

static int signal_of(const struct tty *tty, u8 c)
{
	if (is_key(tty, VINTR, c))
		return SIGINT;
	if (is_key(tty, VQUIT, c))
		return SIGQUIT;
	return is_key(tty, VSUSP, c) ? SIGTSTP : 0;
}

static void send_signal(struct tty *tty, int sig)
{
	job_signal_foreground(tty, sig);
	if (LFLAG(tty, NOFLSH))
		return;
	tty->echo_tail = tty->echo_head;
	tty->ops->flush(tty);
	input_flush(tty);
}

// Signals and flow control. Returns whether that was all.
static bool control_key(struct tty *tty, u8 c)
{
	if (IFLAG(tty, IXON) && is_key(tty, VSTART, c)) {
		output_start(tty);
		return true;
	}
	if (IFLAG(tty, IXON) && is_key(tty, VSTOP, c)) {
		output_stop(tty);
		return true;
	}
	int sig = LFLAG(tty, ISIG) ? signal_of(tty, c) : 0;
	if (!sig)
		return false;
	send_signal(tty, sig);
	if (IFLAG(tty, IXON))
		output_start(tty);
	if (LFLAG(tty, ECHO))
		echo_char(tty, c);
	return true;
}

// A key of canonical mode. Returns whether it was one.
static bool canonical_key(struct tty *tty, u8 c)
{
	bool extended = LFLAG(tty, IEXTEN);

	if (is_key(tty, VERASE, c)) {
		erase(tty, VERASE);
	} else if (is_key(tty, VKILL, c)) {
		erase(tty, VKILL);
	} else if (extended && is_key(tty, VWERASE, c)) {
		erase(tty, VWERASE);
	} else if (extended && is_key(tty, VLNEXT, c)) {
		tty->literal = true;
		if (LFLAG(tty, ECHO)) {
			finish_erasing(tty);
			if (LFLAG(tty, ECHOCTL)) {
				echo_raw(tty, '^');
				echo_raw(tty, '\b');
			}
		}
	} else if (extended && LFLAG(tty, ECHO) && is_key(tty, VREPRINT, c)) {
		reprint(tty, c);
	} else if (c == '\n') {
		if (LFLAG(tty, ECHO | ECHONL))
			echo_raw(tty, '\n');
		store_line_end(tty, c);
	} else if (is_key(tty, VEOF, c)) {
		store_line_end(tty, 0); // ends the line, but is not read
	} else if (is_key(tty, VEOL, c) || (extended && is_key(tty, VEOL2, c))) {
		if (LFLAG(tty, ECHO)) {
			if (tty->canon_head == tty->head)
				tty->canon_column = tty->column;
			echo_char(tty, c);
		}
		if (c == 0xff && IFLAG(tty, PARMRK))
			store(tty, c);
		store_line_end(tty, c);
	} else {
		return false;
	}
	return true;
}

static void process_byte(struct tty *tty, u8 c)
{
	if (IFLAG(tty, ISTRIP))
		c &= 0x7f;
	if (IFLAG(tty, IUCLC) && LFLAG(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c |= 32;
	if (LFLAG(tty, EXTPROC)) {
		store(tty, c);
		return;
	}
	if (tty->literal) {
		tty->literal = false;
		echo_input(tty, c);
		store_marked(tty, c);
		return;
	}
	if (tty->stopped && !tty->stopped_by_call && IFLAG(tty, IXON) && IFLAG(tty, IXANY) &&
	    !is_key(tty, VSTART, c) && !is_key(tty, VSTOP, c) && !signal_of(tty, c))
		output_start(tty);
	if (control_key(tty, c))
		return;
	bool was_return = c == '\r';
	if (was_return && IFLAG(tty, IGNCR))
		return;
	if (was_return && IFLAG(tty, ICRNL))
		c = '\n';
	else if (c == '\n' && IFLAG(tty, INLCR))
		c = '\r';
	if (LFLAG(tty, ICANON) && canonical_key(tty, c))
		return;
	// Linux shows a newline that was typed as ^J, but not one that was a carriage return.
	if (c == '\n' && was_return && LFLAG(tty, ECHO))
		echo_raw(tty, c);
	else
		echo_input(tty, c);
	store_marked(tty, c);
}

// A break, or a byte that was garbled on the line.
static void process_condition(struct tty *tty, u16 entry)
{
	u8 c = (entry & RAW_BREAK) ? 0 : entry;

	if (IFLAG(tty, (entry & RAW_BREAK) ? IGNBRK : IGNPAR))
		return;
	if ((entry & RAW_BREAK) && IFLAG(tty, BRKINT)) {
		send_signal(tty, SIGINT);
		return;
	}
	if (!(entry & RAW_BREAK) && !IFLAG(tty, INPCK)) {
		process_byte(tty, c);
		return;
	}
	if (IFLAG(tty, PARMRK)) {
		store(tty, 0xff);
		store(tty, 0);
		store(tty, c);
	} else {
		store(tty, 0);
	}
}

// Shows the echo, and tells readers of what came in since these offsets were read.
static void announce(struct tty *tty, u32 head, u32 canon_head)
{
	echo_flush(tty);
	if (tty->head != head || tty->canon_head != canon_head)
		wake_up_all_key(&tty->read_wait, POLLIN | POLLRDNORM);
	// Half a line is nothing to tell.
	if (tty->canon_head != canon_head || (!LFLAG(tty, ICANON) && tty->head != head))
		async_notify(&tty->async, FILE_READ | FILE_WRITE, POLL_IN);
}

void input_type(struct tty *tty, u8 c)
{
	u32 head = tty->head, canon_head = tty->canon_head;

	if (make_room(tty))
		process_byte(tty, c);
	announce(tty, head, canon_head);
}

void input_process(struct tty *tty)
{
	u32 head = tty->head, canon_head = tty->canon_head;

	while (smp_load_acquire(&tty->raw_in) != tty->raw_out && make_room(tty)) {
		u16 entry = tty->raw[tty->raw_out % RAW_SIZE];

		if (entry & (RAW_BREAK | RAW_ERROR))
			process_condition(tty, entry);
		else
			process_byte(tty, entry);
		smp_store_release(&tty->raw_out, tty->raw_out + 1);
	}
	announce(tty, head, canon_head);
}
