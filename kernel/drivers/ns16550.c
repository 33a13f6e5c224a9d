// The 16550 and its kin: output by polling the transmitter, input by interrupt.

#include <arch/console.h>
#include <core/dt.h>
#include <core/init.h>
#include <core/printk.h>
#include <core/spinlock.h>
#include <core/timer.h>
#include <drivers/irq.h>
#include <drivers/uart.h>
#include <lib/fdt.h>
#include <mm/vmap.h>

#define REG_DATA        0
#define REG_INT_ENABLE  1
#define REG_FIFO        2
#define REG_LINE_STATUS 5
#define LINE_DATA_READY 0x01
#define LINE_TX_EMPTY   0x20
#define INT_RECEIVED    0x01

struct uart *console_uart;

static volatile u8 *base;
static u32 shift;
static struct spinlock lock = SPINLOCK_INIT(LOCK_CONSOLE);

static volatile u8 *reg(unsigned number)
{
	return base + (number << shift);
}

static void put(u8 byte)
{
	while (!(*reg(REG_LINE_STATUS) & LINE_TX_EMPTY))
		arch_cpu_relax();
	*reg(REG_DATA) = byte;
}

static void uart_write(struct uart *uart, const char *text, size_t n)
{
	unsigned long flags = spin_lock_irqsave(&lock);

	(void)uart;
	while (n--)
		put(*text++);
	spin_unlock_irqrestore(&lock, flags);
}

static struct uart uart = {.name = "ttyS0", .write = uart_write};

static void interrupt(void *unused)
{
	(void)unused;
	while (*reg(REG_LINE_STATUS) & LINE_DATA_READY) {
		u8 byte = *reg(REG_DATA);

		if (uart.receive)
			uart.receive(&uart, byte);
	}
}

// Kernel messages: no lock, for the log has its own, and a panic must get through.
static void console_write(struct console *console, const char *text, size_t n)
{
	(void)console;
	for (; n; n--, text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}

static struct console console = {.name = "ttyS0", .write = console_write};

static int ns16550_init(void)
{
	const void *dt = dt_blob();
	u64 pa, size;
	u32 irq;
	int node, found = -1;

	fdt_for_each_node (node, dt) {
		if (found < 0 && (fdt_node_is_compatible(dt, node, "ns16550a") ||
				  fdt_node_is_compatible(dt, node, "ns16550")))
			found = node;
	}
	if (found < 0 || fdt_reg(dt, found, 0, &pa, &size))
		return 0;
	fdt_getprop_u32(dt, found, "reg-shift", &shift);
	base = ioremap(pa, size);
	if (!base)
		return -12;
	*reg(REG_FIFO) = 1;
	console_register(&console);
	console_uart = &uart;
	if (irq_of_node(found, 0, &irq) == 0 && irq_request(irq, interrupt, NULL) == 0)
		*reg(REG_INT_ENABLE) = INT_RECEIVED;
	return 0;
}
INITCALL(SUBSYS, ns16550_init);

// --- Machines whose console is the firmware's: polled ---

#define POLL_NS (10 * NSEC_PER_MSEC)

static struct uart sbi_uart;
static struct timer poll_timer;

static void sbi_write(struct uart *line, const char *text, size_t n)
{
	(void)line;
	arch_early_puts(text, n);
}

static void poll(struct timer *timer)
{
	int c;

	while ((c = arch_early_getc()) >= 0) {
		if (sbi_uart.receive)
			sbi_uart.receive(&sbi_uart, c);
	}
	timer_start(timer, clock_monotonic_ns() + POLL_NS);
}

static int sbi_uart_init(void)
{
	if (console_uart)
		return 0;
	sbi_uart = (struct uart){.name = "hvc0", .write = sbi_write};
	console_uart = &sbi_uart;
	timer_init(&poll_timer, poll);
	timer_start(&poll_timer, clock_monotonic_ns() + POLL_NS);
	return 0;
}
INITCALL(FS, sbi_uart_init);
