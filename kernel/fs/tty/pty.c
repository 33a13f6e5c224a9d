// Pseudo-terminals: a terminal (the slave) whose other end is a file (the master). What is written
// to the slave can be read from the master; what is written to the master is as if typed. See pty(7).
//
// A pair belongs to its slave's struct tty, of which the master holds a reference. It keeps its
// devpts alive until both ends are gone, when the number becomes free.

#include <core/errno.h>
#include <core/init.h>
#include <fs/chrdev.h>
#include <fs/files.h>
#include <fs/open.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

#include "internal.h"
#include "serial.h"

#define OUT_SIZE 8192

// Legend: [list] tty_mutex, [lock] the slave's, [I].
struct pty {
	struct tty *slave;        // [I]
	struct superblock *sb;    // [I] counted as a mount is
	int index;                // [I]
	struct dentry *name;      // [list] counted; NULL once the master is gone
	bool is_locked;           // [list] TIOCSPTLCK: the slave cannot be opened
	bool slave_gone;          // [list] it was open, and is no more
	struct mutex write_mutex; // one writer at a time, at the master
	bool packet;              // [lock] TIOCPKT
	u8 packet_events;         // [lock] to be told
	struct wait_queue wait;   // at the master
	u8 out[OUT_SIZE];         // [lock] from the slave
	u32 out_head, out_tail;   // [lock] only grow
};

// --- What the slave asks of its other end ---

static void pty_put_out(struct tty *tty, const u8 *text, size_t n)
{
	struct pty *pty = tty->driver;

	while (n) {
		u32 at = pty->out_head % OUT_SIZE;
		size_t part = MIN(n, OUT_SIZE - at);

		memcpy(pty->out + at, text, part);
		WRITE_ONCE(pty->out_head, pty->out_head + part);
		text += part;
		n -= part;
	}
	wake_up_all_key(&pty->wait, POLLIN | POLLRDNORM);
}

static size_t pty_queued(struct tty *tty)
{
	struct pty *pty = tty->driver;

	return READ_ONCE(pty->out_head) - READ_ONCE(pty->out_tail);
}

static size_t pty_room(struct tty *tty)
{
	return OUT_SIZE - pty_queued(tty);
}

static void pty_packet(struct tty *tty, u8 event)
{
	struct pty *pty = tty->driver;

	if (!pty->packet)
		return;
	if (event & TIOCPKT_STOP)
		pty->packet_events &= ~TIOCPKT_START;
	if (event & TIOCPKT_START)
		pty->packet_events &= ~TIOCPKT_STOP;
	WRITE_ONCE(pty->packet_events, pty->packet_events | event);
	wake_up_all_key(&pty->wait, POLLIN | POLLPRI | POLLRDNORM);
}

static void pty_flush(struct tty *tty)
{
	struct pty *pty = tty->driver;

	WRITE_ONCE(pty->out_tail, pty->out_head);
	pty_packet(tty, TIOCPKT_FLUSHWRITE);
	wake_up_all_key(&tty->write_wait, POLLOUT | POLLWRNORM);
}

static void pty_taken(struct tty *tty)
{
	wake_up_all_key(&((struct pty *)tty->driver)->wait, POLLOUT | POLLWRNORM);
}

static bool flow_by_keys(const struct termios2 *termios)
{
	return (termios->c_iflag & IXON) && termios->c_cc[VSTART] == 17 &&
	       termios->c_cc[VSTOP] == 19;
}

static void pty_termios_changed(struct tty *tty, const struct termios2 *old)
{
	struct pty *pty = tty->driver;
	bool now = flow_by_keys(&tty->termios);
	bool extended = (old->c_lflag | tty->termios.c_lflag) & EXTPROC;

	if (!pty->packet)
		return;
	if (flow_by_keys(old) != now) {
		pty->packet_events &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
		pty_packet(tty, now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	}
	if (extended && memcmp(old, &tty->termios, sizeof(*old)))
		pty_packet(tty, TIOCPKT_IOCTL);
}

// tty_mutex held.
static void pty_last_close(struct tty *tty)
{
	struct pty *pty = tty->driver;

	pty->slave_gone = true;
	if (!pty->name)
		job_clear_session(tty);
	wake_up_all_key(&pty->wait, POLLIN | POLLOUT | POLLHUP);
}

static void pty_free(struct tty *tty)
{
	struct pty *pty = tty->driver;
	struct superblock *sb = pty->sb;

	devpts_free_index(sb, pty->index);
	kvfree(pty);
	if (atomic_sub_return(&sb->mounts, 1) == 0)
		superblock_drop_unused(sb);
}

static const struct tty_ops pty_slave_ops = {
	.write = pty_put_out,
	.room = pty_room,
	.queued = pty_queued,
	.flush = pty_flush,
	.packet = pty_packet,
	.taken = pty_taken,
	.termios_changed = pty_termios_changed,
	.last_close = pty_last_close,
	.free = pty_free,
};

int pty_open_slave(struct inode *inode, struct file *file)
{
	int error = -EIO;

	mutex_lock(&tty_mutex);
	struct pty *pty = devpts_pty(inode);
	if (pty && !pty->is_locked)
		error = tty_attach(pty->slave, file, false);
	if (!error)
		pty->slave_gone = false;
	mutex_unlock(&tty_mutex);
	return error;
}

// --- The master ---

// Makes a pair in the devpts of `root`. tty_mutex held.
static int pty_create(const struct path *root, struct pty **out)
{
	struct superblock *sb = root->dentry->inode->sb;
	struct pty *pty = kvmalloc(sizeof(*pty), GFP_KERNEL | GFP_ZERO);
	int index = pty ? devpts_new_index(sb) : -ENOMEM;

	if (index < 0) {
		kvfree(pty);
		return index;
	}
	struct tty *slave = tty_alloc(&pty_slave_ops, pty, DEV_PTS + index);
	if (!slave) {
		devpts_free_index(sb, index);
		kvfree(pty);
		return -ENOMEM;
	}
	slave->is_pty = true;
	slave->termios.c_cflag &= ~HUPCL;
	wait_queue_init(&pty->wait);
	mutex_init(&pty->write_mutex, LOCK_TTY_IO);
	pty->slave = slave;
	pty->index = index;
	pty->is_locked = true;
	pty->sb = sb;
	atomic_add(&sb->mounts, 1);
	int error = devpts_add(root, index, pty, &pty->name);
	if (error)
		tty_put(slave); // takes the pair with it
	else
		*out = pty;
	return error;
}

int pty_open_master(struct inode *inode, struct file *file)
{
	struct path root;
	struct pty *pty;
	int error = devpts_of(file, &root);

	(void)inode;
	if (error)
		return error;
	mutex_lock(&tty_mutex);
	error = pty_create(&root, &pty);
	mutex_unlock(&tty_mutex);
	path_put(&root);
	if (!error)
		file->private = pty;
	return error;
}

static int master_release(struct file *file)
{
	struct pty *pty = file->private;
	struct tty *slave = pty->slave;

	mutex_lock(&tty_mutex);
	struct dentry *name = pty->name;
	pty->name = NULL;
	WRITE_ONCE(slave->other_closed, true);
	devpts_remove(name);
	mutex_unlock(&tty_mutex);
	dentry_put(name);
	tty_hangup(slave, false);
	tty_put(slave);
	return 0;
}

static bool has_output(const struct pty *pty)
{
	return READ_ONCE(pty->out_head) != READ_ONCE(pty->out_tail);
}

static bool has_event(const struct pty *pty)
{
	return READ_ONCE(pty->packet) && READ_ONCE(pty->packet_events);
}

static bool has_room(const struct pty *pty)
{
	const struct tty *slave = pty->slave;

	return READ_ONCE(slave->raw_in) - READ_ONCE(slave->raw_out) < RAW_SIZE;
}

// What the slave has sent, at most n bytes; in packet mode behind a byte of 0, or one byte of events.
static size_t take_output(struct pty *pty, u8 *to, size_t n)
{
	struct tty *slave = pty->slave;
	size_t taken = 0;

	mutex_lock(&slave->lock);
	if (has_event(pty)) {
		to[0] = pty->packet_events;
		pty->packet_events = 0;
		mutex_unlock(&slave->lock);
		return 1;
	}
	if (pty->packet && has_output(pty))
		to[taken++] = TIOCPKT_DATA;
	while (taken < n && has_output(pty))
		to[taken++] = pty->out[pty->out_tail++ % OUT_SIZE];
	echo_flush(slave);
	mutex_unlock(&slave->lock);
	wake_up_all_key(&slave->write_wait, POLLOUT | POLLWRNORM);
	return taken;
}

static ssize_t master_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct pty *pty = file->private;
	ssize_t done = 0;
	u8 piece[512];

	(void)pos;
	while (iter_count(iter)) {
		bool event = has_event(pty);

		if (!has_output(pty) && !event) {
			if (done)
				break;
			if (READ_ONCE(pty->slave_gone))
				return -EIO;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int error = wait_event_interruptible(&pty->wait,
							     has_output(pty) || has_event(pty) ||
								     READ_ONCE(pty->slave_gone));
			if (error)
				return error;
			continue;
		}
		if (done && READ_ONCE(pty->packet))
			break; // each read is one packet
		size_t n = take_output(pty, piece, MIN(iter_count(iter), sizeof(piece)));
		if (iter_copy_to(iter, piece, n) < n)
			return done ?: -EFAULT;
		done += n;
	}
	return done;
}

// As if typed; returns how much there was room for.
static size_t type(struct tty *slave, const u8 *text, size_t n)
{
	size_t done = 0;

	mutex_lock(&slave->lock);
	for (;;) {
		while (done < n && input_receive(slave, text[done]))
			done++;
		input_process(slave);
		if (done == n || slave->raw_in - slave->raw_out == RAW_SIZE)
			break;
	}
	mutex_unlock(&slave->lock);
	return done;
}

static ssize_t type_piece(struct file *file, const u8 *text, size_t n)
{
	struct pty *pty = file->private;
	size_t done = 0;

	for (;;) {
		done += type(pty->slave, text + done, n - done);
		if (done == n)
			return done;
		if (file->flags & O_NONBLOCK)
			return done ? (ssize_t)done : -EAGAIN;
		int error = wait_event_interruptible(&pty->wait, has_room(pty));
		if (error)
			return done ? (ssize_t)done : error;
	}
}

static ssize_t master_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct pty *pty = file->private;
	ssize_t done = 0;
	u8 piece[256];
	int error = 0;

	(void)pos;
	if (!(file->flags & O_NONBLOCK))
		error = mutex_lock_interruptible(&pty->write_mutex);
	else if (!mutex_trylock(&pty->write_mutex))
		error = -EAGAIN;
	if (error)
		return error;
	while (iter_count(iter)) {
		size_t n = iter_copy_from(iter, piece, sizeof(piece));
		ssize_t typed = n ? type_piece(file, piece, n) : -EFAULT;

		if (typed < 0) {
			done = done ?: typed;
			break;
		}
		done += typed;
		if ((size_t)typed < n)
			break;
	}
	mutex_unlock(&pty->write_mutex);
	return done;
}

static u32 master_poll(struct file *file, struct poll_table *table)
{
	struct pty *pty = file->private;
	u32 events = 0;

	poll_wait(file, &pty->wait, table);
	if (has_output(pty))
		events |= POLLIN | POLLRDNORM;
	if (has_event(pty))
		events |= POLLPRI | POLLIN | POLLRDNORM;
	if (READ_ONCE(pty->slave_gone))
		events |= POLLHUP;
	if (has_room(pty))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

// --- ioctl ---

static long set_packet(struct pty *pty, u64 argument)
{
	u32 on;

	if (get_user_u32(argument, &on))
		return -EFAULT;
	mutex_lock(&pty->slave->lock);
	if (on && !pty->packet)
		pty->packet_events = 0;
	WRITE_ONCE(pty->packet, on != 0);
	mutex_unlock(&pty->slave->lock);
	return 0;
}

static long set_lock(struct pty *pty, u64 argument)
{
	u32 on;

	if (get_user_u32(argument, &on))
		return -EFAULT;
	mutex_lock(&tty_mutex);
	pty->is_locked = on != 0;
	mutex_unlock(&tty_mutex);
	return 0;
}

// TIOCGPTPEER: a descriptor for the slave, whatever its name leads to by now.
static long open_peer(struct file *file, u32 flags)
{
	struct pty *pty = file->private;
	struct path path;
	struct file *peer;
	int error = devpts_of(file, &path), fd;

	if (error)
		return error;
	mutex_lock(&tty_mutex);
	struct dentry *name = dentry_get(pty->name);
	mutex_unlock(&tty_mutex);
	dentry_put(path.dentry);
	path.dentry = name;
	fd = fd_alloc(flags & O_CLOEXEC);
	error = fd < 0 ? fd : file_open_path(&path, flags, &peer);
	path_put(&path);
	if (fd >= 0 && error)
		fd_release_unused(fd);
	if (error)
		return error;
	fd_install(fd, peer);
	return fd;
}

static long signal_slave(struct pty *pty, u64 sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	job_signal_foreground(pty->slave, sig);
	return 0;
}

static long master_flush(struct pty *pty, u64 which)
{
	struct tty *slave = pty->slave;

	if (which > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&slave->lock);
	if (which != TCOFLUSH)
		WRITE_ONCE(pty->out_tail, pty->out_head);
	if (which != TCIFLUSH)
		smp_store_release(&slave->raw_out, slave->raw_in);
	mutex_unlock(&slave->lock);
	wake_up_all_key(&slave->write_wait, POLLOUT | POLLWRNORM);
	return 0;
}

static long master_ioctl(struct file *file, u32 command, u64 argument)
{
	struct pty *pty = file->private;

	switch (command) {
	case TIOCGPTN:
		return put_user_u32(argument, pty->index);
	case TIOCSPTLCK:
		return set_lock(pty, argument);
	case TIOCGPTLCK:
		return put_user_u32(argument, READ_ONCE(pty->is_locked));
	case TIOCPKT:
		return set_packet(pty, argument);
	case TIOCGPKT:
		return put_user_u32(argument, READ_ONCE(pty->packet));
	case TIOCGPTPEER:
		return open_peer(file, argument);
	case TIOCSIG:
		return signal_slave(pty, argument);
	case TCFLSH:
		return master_flush(pty, argument);
	case FIONREAD:
		return put_user_u32(argument, pty_queued(pty->slave));
	case TIOCOUTQ:
		return put_user_u32(argument,
				    READ_ONCE(pty->slave->raw_in) - READ_ONCE(pty->slave->raw_out));
	case TIOCGDEV:
		return put_user_u32(argument, dev_to_user(DEV_MAKE(128, pty->index)));
	case TCXONC:
		return 0; // a master's own output is never stopped
	}
	return tty_ioctl_common(pty->slave, file, command, argument, true);
}

static const struct file_ops master_ops = {
	.open = pty_open_master,
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.stream = true,
};

static struct chrdev ptmx = {
	.first = DEV_PTMX, .count = 1, .name = "ptmx", .ops = &master_ops, .mode = 0666};

static int pty_init(void)
{
	chrdev_register(&ptmx);
	return 0;
}
INITCALL(DEVICE, pty_init);
