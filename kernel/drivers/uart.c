// The list of serial lines, and the line of machines whose console is the firmware's: that one is
// asked for input again and again, for it has no interrupt.

#include <arch/console.h>
#include <core/init.h>
#include <core/timer.h>
#include <drivers/uart.h>

struct uart *console_uart;
struct uart *uarts[UARTS_MAX];
unsigned uart_count;

bool uart_register(struct uart *uart)
{
	spin_init(&uart->lock, LOCK_CONSOLE);
	if (uart_count == UARTS_MAX)
		return false;
	uarts[uart_count++] = uart;
	if (!console_uart)
		console_uart = uart;
	return true;
}

void uart_write(struct uart *uart, const char *text, size_t n)
{
	if (uart->write) {
		uart->write(uart, text, n);
		return;
	}
	unsigned long flags = spin_lock_irqsave(&uart->lock);

	while (n--)
		uart->put(uart, *text++);
	spin_unlock_irqrestore(&uart->lock, flags);
}

static void console_write(struct console *console, const char *text, size_t n)
{
	struct uart *uart = container_of(console, struct uart, console);

	for (; n; n--, text++) {
		if (*text == '\n')
			uart->put(uart, '\r');
		uart->put(uart, *text);
	}
}

void uart_console_register(struct uart *uart)
{
	if (console_uart != uart)
		return;
	uart->console.name = uart->name;
	uart->console.write = console_write;
	console_register(&uart->console);
}

// --- The firmware's console ---

#define POLL_NS (10 * NSEC_PER_MSEC)

static void sbi_write(struct uart *line, const char *text, size_t n)
{
	(void)line;
	arch_early_puts(text, n);
}

static struct uart sbi_uart = {.name = "hvc0", .write = sbi_write};
static struct timer poll_timer;

static void poll(struct timer *timer)
{
	int c;

	while ((c = arch_early_getc()) >= 0) {
		if (sbi_uart.receive)
			sbi_uart.receive(&sbi_uart, c, 0);
	}
	timer_start(timer, clock_monotonic_ns() + POLL_NS);
}

static int sbi_uart_init(void)
{
	if (console_uart)
		return 0;
	uart_register(&sbi_uart);
	timer_init(&poll_timer, poll);
	timer_start(&poll_timer, clock_monotonic_ns() + POLL_NS);
	return 0;
}
INITCALL(FS, sbi_uart_init);
