// Terminals: how they come and go, opening and closing, polling and hang-up. A terminal is the
// line discipline (input.c, read.c, output.c) over a serial line or the master of a pair; the files
// that name it are its own, a pair's slave, /dev/tty and /dev/console. See termios(3).
//
// A hang-up ends files, not the terminal: each file remembers the generation that it was opened in.
// Locks: tty_mutex (opens, closes, hang-ups), read_mutex and write_mutex, lock, ctrl.

#include <core/init.h>
#include <fs/chrdev.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#include "internal.h"
#include "serial.h"

struct mutex tty_mutex = MUTEX_INIT(tty_mutex, LOCK_TTY_LIST);

struct tty *tty_alloc(const struct tty_ops *ops, void *driver, u64 device)
{
	struct tty *tty = kzalloc(sizeof(*tty), GFP_KERNEL);

	if (!tty)
		return NULL;
	refcount_init(&tty->refs, 1);
	mutex_init(&tty->read_mutex, LOCK_TTY_IO);
	mutex_init(&tty->write_mutex, LOCK_TTY_IO);
	mutex_init(&tty->lock, LOCK_TTY);
	wait_queue_init(&tty->read_wait);
	async_list_init(&tty->async);
	wait_queue_init(&tty->write_wait);
	spin_init(&tty->ctrl, LOCK_TTY_SPIN);
	tty->ops = ops;
	tty->driver = driver;
	tty->device = device;
	tty->termios = termios_default;
	return tty;
}

struct tty *tty_get(struct tty *tty)
{
	refcount_get(&tty->refs);
	return tty;
}

void tty_put(struct tty *tty)
{
	if (!refcount_put(&tty->refs))
		return;
	pid_put(tty->session);
	pid_put(tty->pgrp);
	if (tty->ops->free)
		tty->ops->free(tty);
	kfree(tty);
}

// --- Open and close ---

int tty_attach(struct tty *tty, struct file *file, bool console)
{
	if (tty->exclusive && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	struct tty_file *opened = kzalloc(sizeof(*opened), GFP_KERNEL);
	if (!opened)
		return -ENOMEM;
	opened->tty = tty_get(tty);
	opened->generation = tty->generation;
	opened->console = console;
	file->private = opened;
	tty->opened++;
	job_open(tty, file, console || (file->flags & O_NOCTTY));
	return 0;
}

static int open_line(struct tty *tty, struct file *file, bool console)
{
	if (!tty)
		return -ENXIO;
	mutex_lock(&tty_mutex);
	int error = tty_attach(tty, file, console);
	mutex_unlock(&tty_mutex);
	return error;
}

static int tty_open(struct inode *inode, struct file *file)
{
	if (inode->rdev >= DEV_PTS)
		return pty_open_slave(inode, file);
	if (inode->rdev == DEV_CONSOLE)
		return open_line(serial_console(), file, true);
	if (inode->rdev != DEV_TTY)
		return open_line(serial_line(inode->rdev - DEV_SERIAL), file, false);
	struct tty *tty = job_controlling_tty();
	int error = open_line(tty, file, false);
	if (tty)
		tty_put(tty);
	return error;
}

static int tty_release(struct file *file)
{
	struct tty_file *opened = file->private;
	struct tty *tty = opened->tty;

	mutex_lock(&tty_mutex);
	bool last = --tty->opened == 0;
	if (last) {
		tty->exclusive = false;
		if (!tty->is_pty)
			job_clear_session(tty);
	}
	if (last && tty->ops->last_close)
		tty->ops->last_close(tty);
	mutex_unlock(&tty_mutex);
	kfree(opened);
	tty_put(tty);
	return 0;
}

// --- Hang-up ---

bool tty_is_hung(const struct file *file)
{
	const struct tty_file *opened = file->private;

	return !opened->console && opened->generation != READ_ONCE(opened->tty->generation);
}

void tty_hangup(struct tty *tty, bool exiting)
{
	mutex_lock(&tty_mutex);
	job_hangup(tty, exiting);
	WRITE_ONCE(tty->generation, tty->generation + 1);
	mutex_lock(&tty->lock);
	input_flush(tty);
	tty->stopped = tty->stopped_by_call = false;
	tty->echo_tail = tty->echo_head;
	mutex_unlock(&tty->lock);
	mutex_unlock(&tty_mutex);
	wake_up_all_key(&tty->read_wait, POLLIN | POLLHUP | POLLERR);
	wake_up_all_key(&tty->write_wait, POLLOUT | POLLHUP | POLLERR);
}

// --- Poll ---

static u32 tty_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = ((struct tty_file *)file->private)->tty;
	u32 events = 0;

	poll_wait(file, &tty->read_wait, table);
	poll_wait(file, &tty->write_wait, table);
	if (tty_is_hung(file))
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR;
	if (input_available(tty, true))
		events |= POLLIN | POLLRDNORM;
	if (READ_ONCE(tty->other_closed))
		events |= POLLHUP;
	if (output_ready(tty))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static long tty_ioctl(struct file *file, u32 command, u64 argument)
{
	struct tty_file *opened = file->private;

	if (tty_is_hung(file))
		return command == TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_ioctl_common(opened->tty, file, command, argument, false);
}

const struct file_ops tty_ops = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.async = job_async,
	.stream = true,
};

static struct chrdev tty_devices[] = {
	{.first = DEV_TTY, .count = 1, .name = "tty", .ops = &tty_ops, .mode = 0666},
	{.first = DEV_CONSOLE, .count = 1, .name = "console", .ops = &tty_ops, .mode = 0600},
	{.first = DEV_PTS, .count = 1 << 20, .ops = &tty_ops},
};

static int tty_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tty_devices); i++)
		chrdev_register(&tty_devices[i]);
	return 0;
}
INITCALL(DEVICE, tty_init);
