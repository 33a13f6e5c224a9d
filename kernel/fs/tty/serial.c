// Terminals over serial lines: /dev/ttyS0 and on. The receive interrupt only stores bytes; a thread
// for each line takes them through the line discipline, for that sleeps, and sends signals.

#include <core/init.h>
#include <drivers/uart.h>
#include <lib/printf.h>
#include <sched/sched.h>
#include <uapi/errno.h>

#include "internal.h"
#include "serial.h"

struct serial {
	struct tty *tty;
	struct uart *uart;
	struct wait_queue wait; // the thread
	char name[8];
	struct chrdev device;
};

static struct serial lines[UARTS_MAX];
static unsigned line_count;

struct tty *serial_line(u64 index)
{
	return index < line_count ? lines[index].tty : NULL;
}

struct tty *serial_console(void)
{
	for (unsigned i = 0; i < line_count; i++) {
		if (lines[i].uart == console_uart)
			return lines[i].tty;
	}
	return NULL;
}

// --- Output: drivers wait until a byte is out ---

static void serial_write(struct tty *tty, const u8 *text, size_t n)
{
	struct serial *line = tty->driver;

	uart_write(line->uart, (const char *)text, n);
}

static size_t serial_room(struct tty *tty)
{
	(void)tty;
	return 4096;
}

static size_t serial_queued(struct tty *tty)
{
	(void)tty;
	return 0;
}

static void serial_flush(struct tty *tty)
{
	(void)tty;
}

// With IXOFF the sender is asked to wait before input is lost, and to go on when it was read.
static void serial_taken(struct tty *tty)
{
	if (tty->asked_to_stop && tty->head - tty->tail < INPUT_SIZE / 8) {
		tty->asked_to_stop = false;
		output_send_raw(tty, CC(tty, VSTART));
	}
}

static const struct tty_ops serial_ops = {
	.write = serial_write,
	.room = serial_room,
	.queued = serial_queued,
	.flush = serial_flush,
	.taken = serial_taken,
};

// --- Input ---

// Interrupt context. A full ring loses bytes, as a line without flow control does.
static void receive(struct uart *uart, u8 c, u32 condition)
{
	struct serial *line = uart->terminal;
	u16 entry = c;

	if (condition & UART_BREAK)
		entry |= RAW_BREAK;
	if (condition & UART_ERROR)
		entry |= RAW_ERROR;
	if (input_receive(line->tty, entry))
		wake_up(&line->wait);
}

static void ask_to_stop(struct tty *tty)
{
	if (IFLAG(tty, IXOFF) && !tty->asked_to_stop &&
	    tty->head - tty->tail > INPUT_SIZE - INPUT_SIZE / 8) {
		tty->asked_to_stop = true;
		output_send_raw(tty, CC(tty, VSTOP));
	}
}

static int input_thread(void *data)
{
	struct serial *line = data;
	struct tty *tty = line->tty;
	u32 seen = 0;

	while (!kthread_should_stop()) {
		wait_event_idle(&line->wait, smp_load_acquire(&tty->raw_in) != seen);
		mutex_lock(&tty->lock);
		seen = smp_load_acquire(&tty->raw_in);
		input_process(tty);
		ask_to_stop(tty);
		mutex_unlock(&tty->lock);
	}
	return 0;
}

static int line_init(struct serial *line, struct uart *uart, unsigned index)
{
	struct task *thread;

	line->uart = uart;
	wait_queue_init(&line->wait);
	line->tty = tty_alloc(&serial_ops, line, DEV_SERIAL + index);
	if (!line->tty)
		return -ENOMEM;
	int error = kthread_run(input_thread, line, &thread, "ttyS%u", index);
	if (error)
		return error;
	task_put(thread);
	uart->terminal = line;
	smp_store_release(&uart->receive, receive);
	snprintf(line->name, sizeof(line->name), "ttyS%u", index);
	line->device = (struct chrdev){.first = DEV_SERIAL + index,
				       .count = 1,
				       .name = line->name,
				       .ops = &tty_ops,
				       .mode = 0660};
	chrdev_register(&line->device);
	return 0;
}

static int serial_init(void)
{
	for (unsigned i = 0; i < uart_count; i++) {
		int error = line_init(&lines[i], uarts[i], i);

		if (error)
			return error;
		line_count = i + 1;
	}
	return 0;
}
INITCALL(DEVICE, serial_init);
