// The terminal on the console line: /dev/console, /dev/ttyS0 and, for those whose controlling
// terminal it is, /dev/tty. The receive interrupt only stores bytes; a kernel thread takes them through
// the line discipline (keys for signals, echo, and in canonical mode the editing of a line), for
// signals to groups take locks that an interrupt may have come upon. See termios(3).

#include <core/errno.h>
#include <core/init.h>
#include <core/printk.h>
#include <drivers/uart.h>
#include <fs/chrdev.h>
#include <fs/poll.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <process/process.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/wait.h>
#include <signal/signal.h>
#include <uapi/errno.h>
#include <uapi/termios.h>

#define INPUT_SIZE 4096
#define RAW_SIZE   1024

// Legend: [lock] irq-safe.
struct tty {
	struct spinlock lock;
	struct wait_queue wait;
	struct uart *uart;      // [I]
	struct termios termios; // [lock]
	struct winsize winsize; // [lock]
	char input[INPUT_SIZE]; // [lock] ring
	u32 head, ready,
		edit; // [lock] offsets: first byte, end of what can be read, of what is edited
	u32 lines;    // [lock] complete lines in canonical mode
	bool literal; // [lock] the next key is taken as it is
	bool stopped; // [lock] by ^S
	struct pid *session, *pgrp; // [lock] counted
	u8 raw[RAW_SIZE];           // ring: written by the interrupt, read by the thread
	u32 raw_in, raw_out;        // each written by its side alone
	struct wait_queue raw_wait; // the thread
};

static struct tty console_tty = {
	.lock = SPINLOCK_INIT(LOCK_TTY_SPIN),
	.wait = WAIT_QUEUE_INIT(console_tty.wait),
	.raw_wait = WAIT_QUEUE_INIT(console_tty.raw_wait),
	.termios = {.c_iflag = ICRNL | IXON,
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
			     [VLNEXT] = 22}},
};

// --- Output ---

static void put_raw(struct tty *tty, const char *text, size_t n)
{
	tty->uart->write(tty->uart, text, n);
}

// With output processing; in pieces, since each newline may become two bytes.
static void put_processed(struct tty *tty, const char *text, size_t n)
{
	char piece[128];
	size_t used = 0;

	if (!(tty->termios.c_oflag & OPOST)) {
		put_raw(tty, text, n);
		return;
	}
	while (n--) {
		char c = *text++;

		if (used > sizeof(piece) - 2) {
			put_raw(tty, piece, used);
			used = 0;
		}
		if (c == '\n' && (tty->termios.c_oflag & ONLCR))
			piece[used++] = '\r';
		if (c == '\r' && (tty->termios.c_oflag & OCRNL))
			c = '\n';
		piece[used++] = c;
	}
	put_raw(tty, piece, used);
}

// --- Line discipline; tty->lock held ---

#define CC(tty, which)  ((u8)(tty)->termios.c_cc[which])
#define LFLAG(tty, bit) ((tty)->termios.c_lflag & (bit))

static void echo(struct tty *tty, u8 c)
{
	char text[2] = {'^', c ^ 0x40};

	if (!LFLAG(tty, ECHO) && !(c == '\n' && LFLAG(tty, ECHONL)))
		return;
	if ((c < 32 && c != '\n' && c != '\t' && LFLAG(tty, ECHOCTL)) || c == 127)
		put_raw(tty, text, 2);
	else
		put_processed(tty, (char *)&c, 1);
}

static void erase_one(struct tty *tty)
{
	if (tty->edit == tty->ready)
		return;
	u8 c = tty->input[--tty->edit % INPUT_SIZE];
	if (!LFLAG(tty, ECHO))
		return;
	// Bytes inside a UTF-8 character have no width of their own.
	if ((tty->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80) {
		erase_one(tty);
		return;
	}
	put_raw(tty, "\b \b", 3);
	if (c < 32 && LFLAG(tty, ECHOCTL))
		put_raw(tty, "\b \b", 3);
}

static void erase_word(struct tty *tty)
{
	while (tty->edit != tty->ready && tty->input[(tty->edit - 1) % INPUT_SIZE] == ' ')
		erase_one(tty);
	while (tty->edit != tty->ready && tty->input[(tty->edit - 1) % INPUT_SIZE] != ' ')
		erase_one(tty);
}

static void store(struct tty *tty, u8 c)
{
	if (tty->edit - tty->head < INPUT_SIZE - 1)
		tty->input[tty->edit++ % INPUT_SIZE] = c;
}

static void line_complete(struct tty *tty)
{
	tty->ready = tty->edit;
	tty->lines++;
}

// Which signal a key sends; 0 = none.
static int signal_of(struct tty *tty, u8 c)
{
	if (!LFLAG(tty, ISIG) || !c)
		return 0;
	if (c == CC(tty, VINTR))
		return SIGINT;
	if (c == CC(tty, VQUIT))
		return SIGQUIT;
	if (c == CC(tty, VSUSP))
		return SIGTSTP;
	return 0;
}

// Returns whether the key was an editing key.
static bool edit_key(struct tty *tty, u8 c)
{
	if (c == CC(tty, VERASE) || c == '\b') {
		erase_one(tty);
	} else if (c == CC(tty, VKILL)) {
		while (tty->edit != tty->ready)
			erase_one(tty);
	} else if (c == CC(tty, VWERASE) && LFLAG(tty, IEXTEN)) {
		erase_word(tty);
	} else if (c == CC(tty, VLNEXT) && LFLAG(tty, IEXTEN)) {
		tty->literal = true;
	} else if (c == CC(tty, VREPRINT) && LFLAG(tty, IEXTEN)) {
		put_raw(tty, "^R\r\n", 4);
		for (u32 at = tty->ready; at != tty->edit; at++)
			echo(tty, tty->input[at % INPUT_SIZE]);
	} else {
		return false;
	}
	return true;
}

static void canonical_key(struct tty *tty, u8 c)
{
	if (!tty->literal && edit_key(tty, c))
		return;
	if (!tty->literal && c == CC(tty, VEOF)) {
		store(tty, 0); // an end of line that is not itself read
		line_complete(tty);
		return;
	}
	echo(tty, c);
	store(tty, c);
	if (!tty->literal && (c == '\n' || (c && (c == CC(tty, VEOL) || c == CC(tty, VEOL2)))))
		line_complete(tty);
	tty->literal = false;
}

static u8 map_input(struct tty *tty, u8 c)
{
	u32 flags = tty->termios.c_iflag;

	if (flags & ISTRIP)
		c &= 0x7f;
	if (c == '\r' && (flags & ICRNL))
		return '\n';
	if (c == '\n' && (flags & INLCR))
		return '\r';
	return c;
}

static void process_byte(struct tty *tty, u8 c)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	struct pid *pgrp = NULL;
	int sig = 0;

	if (c == '\r' && (tty->termios.c_iflag & IGNCR))
		goto out;
	c = map_input(tty, c);
	if (!tty->literal && (sig = signal_of(tty, c)) != 0) {
		if (!LFLAG(tty, NOFLSH))
			tty->head = tty->ready = tty->edit = tty->lines = 0;
		echo(tty, c);
		pgrp = pid_get(tty->pgrp);
		goto out;
	}
	if (LFLAG(tty, ICANON)) {
		canonical_key(tty, c);
	} else {
		echo(tty, c);
		store(tty, c);
		tty->ready = tty->edit;
	}
out:
	spin_unlock_irqrestore(&tty->lock, flags);
	if (pgrp) {
		signal_send_pgrp(pgrp, sig, SIGINFO_PRIV);
		pid_put(pgrp);
	}
	wake_up_all_key(&tty->wait, POLLIN | POLLRDNORM);
}

// Interrupt context. A full ring loses bytes, as a line without flow control does.
static void receive(struct uart *uart, u8 c)
{
	struct tty *tty = uart->terminal;

	if (tty->raw_in - smp_load_acquire(&tty->raw_out) == RAW_SIZE)
		return;
	tty->raw[tty->raw_in % RAW_SIZE] = c;
	smp_store_release(&tty->raw_in, tty->raw_in + 1);
	wake_up(&tty->raw_wait);
}

static int input_thread(void *data)
{
	struct tty *tty = data;

	while (!kthread_should_stop()) {
		wait_event_idle(&tty->raw_wait, smp_load_acquire(&tty->raw_in) != tty->raw_out);
		while (smp_load_acquire(&tty->raw_in) != tty->raw_out) {
			process_byte(tty, tty->raw[tty->raw_out % RAW_SIZE]);
			smp_store_release(&tty->raw_out, tty->raw_out + 1);
		}
	}
	return 0;
}

// --- Job control ---

static bool is_controlling(const struct tty *tty)
{
	return current->process->tty == tty;
}

// A background process that uses its terminal is stopped. 0: go on.
static int check_background(struct tty *tty, int sig)
{
	struct pid *own = task_pgrp(current);

	if (!is_controlling(tty) || !tty->pgrp || own == tty->pgrp)
		return 0;
	if (signal_is_ignored(current, sig) || signal_is_blocked(current, sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (pgrp_is_orphaned(own))
		return -EIO;
	signal_send_pgrp(own, sig, SIGINFO_PRIV);
	return -ERESTARTSYS;
}

static void set_pgrp(struct tty *tty, struct pid *pgrp)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	struct pid *old = tty->pgrp;

	tty->pgrp = pid_get(pgrp);
	spin_unlock_irqrestore(&tty->lock, flags);
	pid_put(old);
}

static void become_controlling(struct tty *tty)
{
	struct pid *session, *old;

	read_lock(&tasklist_lock);
	session = pid_get(task_session(current));
	struct pid *pgrp = pid_get(task_pgrp(current));
	read_unlock(&tasklist_lock);
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	old = tty->session;
	tty->session = session;
	spin_unlock_irqrestore(&tty->lock, flags);
	set_pgrp(tty, pgrp);
	pid_put(pgrp);
	pid_put(old);
	current->process->tty = tty;
}

// The leader of a session is gone: its terminal is free, and the foreground group hears of it.
static void session_leader_exit(struct task *task)
{
	struct tty *tty = task->process->tty;

	if (!tty || !task->process->leader_of_session)
		return;
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	struct pid *pgrp = tty->pgrp, *session = tty->session;
	tty->pgrp = tty->session = NULL;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (pgrp) {
		signal_send_pgrp(pgrp, SIGHUP, SIGINFO_PRIV);
		signal_send_pgrp(pgrp, SIGCONT, SIGINFO_PRIV);
	}
	pid_put(pgrp);
	pid_put(session);
	task->process->tty = NULL;
}

static const struct session_ops tty_session_ops = {.leader_exit = session_leader_exit};

// --- The file ---

static struct tty *tty_of(struct file *file)
{
	return file->private;
}

static int tty_open(struct inode *inode, struct file *file)
{
	struct tty *tty = &console_tty;

	if (inode->rdev == DEV_MAKE(5, 0) && !current->process->tty)
		return -ENXIO;
	if (!tty->uart)
		return -EIO;
	file->private = tty;
	// The first terminal that a session leader opens becomes its controlling one.
	if (!(file->flags & O_NOCTTY) && inode->rdev != DEV_MAKE(5, 1) &&
	    current->process->leader_of_session && !current->process->tty && !tty->session)
		become_controlling(tty);
	return 0;
}

static bool has_input(struct tty *tty)
{
	return LFLAG(tty, ICANON) ? READ_ONCE(tty->lines) != 0
				  : READ_ONCE(tty->ready) != READ_ONCE(tty->head);
}

// Takes at most n bytes: in canonical mode not beyond the end of a line. lock held.
static size_t take_input(struct tty *tty, char *to, size_t n, bool *line_done)
{
	size_t taken = 0;

	while (taken < n && tty->head != tty->ready) {
		char c = tty->input[tty->head++ % INPUT_SIZE];
		bool eof = c == 0 && LFLAG(tty, ICANON);

		if (!eof)
			to[taken++] = c;
		if (LFLAG(tty, ICANON) && (eof || c == '\n')) {
			tty->lines--;
			*line_done = true;
			break;
		}
	}
	return taken;
}

static ssize_t tty_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct tty *tty = tty_of(file);
	char piece[256];
	ssize_t done = 0;
	bool line_done = false;

	(void)pos;
	int error = check_background(tty, SIGTTIN);
	if (error)
		return error;
	while (iter_count(iter) && !line_done) {
		if (!has_input(tty)) {
			u8 min = CC(tty, VMIN), time = CC(tty, VTIME);

			if (done && (LFLAG(tty, ICANON) || done >= min))
				break;
			if (file->flags & O_NONBLOCK)
				return done ?: -EAGAIN;
			if (!LFLAG(tty, ICANON) && !min && !time)
				break;
			u64 deadline = !LFLAG(tty, ICANON) && time && (!min || done)
					       ? clock_monotonic_ns() + time * 100 * NSEC_PER_MSEC
					       : TIME_NEVER;
			error = wait_event_interruptible_timeout(&tty->wait, has_input(tty),
								 deadline);
			if (error == -ETIME)
				break;
			if (error)
				return done ?: error;
		}
		unsigned long flags = spin_lock_irqsave(&tty->lock);
		size_t n = take_input(tty, piece, MIN(sizeof(piece), iter_count(iter)), &line_done);
		spin_unlock_irqrestore(&tty->lock, flags);
		if (iter_copy_to(iter, piece, n) < n)
			return done ?: -EFAULT;
		done += n;
	}
	return done;
}

static ssize_t tty_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct tty *tty = tty_of(file);
	char piece[256];
	ssize_t done = 0;
	size_t n;

	(void)pos;
	if (LFLAG(tty, TOSTOP)) {
		int error = check_background(tty, SIGTTOU);
		if (error)
			return error;
	}
	while (iter_count(iter)) {
		n = iter_copy_from(iter, piece, sizeof(piece));
		if (!n)
			return done ?: -EFAULT;
		put_processed(tty, piece, n);
		done += n;
	}
	return done;
}

static u32 tty_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = tty_of(file);

	poll_wait(file, &tty->wait, table);
	return POLLOUT | POLLWRNORM | (has_input(tty) ? POLLIN | POLLRDNORM : 0);
}

// --- ioctl ---

// The mode changed: how many lines of what was typed ahead are complete. lock held.
static void count_lines(struct tty *tty)
{
	tty->lines = 0;
	for (u32 at = tty->head; LFLAG(tty, ICANON) && at != tty->ready; at++) {
		char c = tty->input[at % INPUT_SIZE];

		tty->lines += c == '\n' || c == 0;
	}
}

static long set_termios(struct tty *tty, u64 argument, bool flush)
{
	struct termios new;

	int error = check_background(tty, SIGTTOU);
	if (error)
		return error;
	if (copy_from_user(&new, argument, sizeof(new)))
		return -EFAULT;
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	if (flush)
		tty->head = tty->ready = tty->edit = tty->lines = 0;
	// What was being edited can be read at once in raw mode.
	if ((tty->termios.c_lflag & ICANON) && !(new.c_lflag &ICANON))
		tty->ready = tty->edit;
	bool switched = (tty->termios.c_lflag ^ new.c_lflag) & ICANON;
	tty->termios = new;
	if (switched)
		count_lines(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	return 0;
}

static long set_foreground(struct tty *tty, u64 argument)
{
	u32 nr;
	int error = check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (get_user_u32(argument, &nr))
		return -EFAULT;
	if (!is_controlling(tty) || tty->session != task_session(current))
		return -ENOTTY;
	if ((s32)nr < 0)
		return -EINVAL;
	struct pid *pgrp = pid_find_get(nr);
	if (!pgrp)
		return -ESRCH;
	read_lock(&tasklist_lock);
	struct task *member = pid_task(pgrp, PIDTYPE_PGID);
	error = !member ? -ESRCH : task_session(member) != task_session(current) ? -EPERM : 0;
	read_unlock(&tasklist_lock);
	if (!error)
		set_pgrp(tty, pgrp);
	pid_put(pgrp);
	return error;
}

static long set_winsize(struct tty *tty, u64 argument)
{
	struct winsize new;

	if (copy_from_user(&new, argument, sizeof(new)))
		return -EFAULT;
	bool changed = memcmp(&new, &tty->winsize, sizeof(new)) != 0;
	tty->winsize = new;
	if (changed && tty->pgrp)
		signal_send_pgrp(tty->pgrp, SIGWINCH, SIGINFO_PRIV);
	return 0;
}

static long tty_ioctl(struct file *file, u32 command, u64 argument)
{
	struct tty *tty = tty_of(file);

	switch (command) {
	case TCGETS:
		return copy_to_user(argument, &tty->termios, sizeof(tty->termios));
	case TCSETS:
	case TCSETSW:
		return set_termios(tty, argument, false);
	case TCSETSF:
		return set_termios(tty, argument, true);
	case TIOCGWINSZ:
		return copy_to_user(argument, &tty->winsize, sizeof(tty->winsize));
	case TIOCSWINSZ:
		return set_winsize(tty, argument);
	case TIOCGPGRP:
		if (!is_controlling(tty))
			return -ENOTTY;
		return put_user_u32(argument, pid_vnr(tty->pgrp));
	case TIOCSPGRP:
		return set_foreground(tty, argument);
	case TIOCGSID:
		if (!is_controlling(tty) || !tty->session)
			return -ENOTTY;
		return put_user_u32(argument, pid_vnr(tty->session));
	case TIOCSCTTY:
		if (is_controlling(tty) && tty->session == task_session(current))
			return 0;
		if (!current->process->leader_of_session || current->process->tty || tty->session)
			return -EPERM;
		become_controlling(tty);
		return 0;
	case TIOCNOTTY:
		if (!is_controlling(tty))
			return -ENOTTY;
		if (current->process->leader_of_session)
			session_leader_exit(current);
		current->process->tty = NULL;
		return 0;
	case FIONREAD:
		return put_user_u32(argument, tty->ready - tty->head);
	case TCFLSH:
		tty->head = tty->ready = tty->edit = tty->lines = 0;
		return 0;
	case TCSBRK:
	case TCSBRKP:
		return 0; // output is never buffered
	}
	return -ENOTTY;
}

static const struct file_ops tty_ops = {
	.open = tty_open,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.stream = true,
};

static struct chrdev tty_devices[] = {
	{.first = DEV_MAKE(5, 0), .count = 1, .name = "tty", .ops = &tty_ops, .mode = 0666},
	{.first = DEV_MAKE(5, 1), .count = 1, .name = "console", .ops = &tty_ops, .mode = 0600},
	{.first = DEV_MAKE(4, 64), .count = 1, .name = "ttyS0", .ops = &tty_ops, .mode = 0620},
};

static int tty_init(void)
{
	console_tty.uart = console_uart;
	struct task *thread;
	int error = kthread_run(input_thread, &console_tty, &thread, "tty");

	if (error)
		return error;
	task_put(thread);
	if (console_uart) {
		console_uart->terminal = &console_tty;
		console_uart->receive = receive;
	}
	session_ops = &tty_session_ops;
	for (size_t i = 0; i < ARRAY_SIZE(tty_devices); i++)
		chrdev_register(&tty_devices[i]);
	return 0;
}
INITCALL(DEVICE, tty_init);
