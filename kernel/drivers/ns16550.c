// The 16550 and its kin: output by polling the transmitter, input by interrupt. Each that the device
// tree lists becomes a line; the first is the console.

#include <core/dt.h>
#include <core/init.h>
#include <core/printk.h>
#include <core/spinlock.h>
#include <drivers/irq.h>
#include <drivers/uart.h>
#include <lib/fdt.h>
#include <mm/slab.h>
#include <mm/vmap.h>

#define REG_DATA          0
#define REG_INT_ENABLE    1
#define REG_FIFO          2
#define REG_LINE_STATUS   5
#define LINE_DATA_READY   0x01
#define LINE_PARITY_ERROR 0x04
#define LINE_FRAME_ERROR  0x08
#define LINE_BREAK        0x10
#define LINE_TX_EMPTY     0x20
#define INT_RECEIVED      0x01

struct ns16550 {
	struct uart uart;
	volatile u8 *base;
	u32 shift;
	struct spinlock lock; // output
	struct console console;
};

static volatile u8 *reg(struct ns16550 *line, unsigned number)
{
	return line->base + (number << line->shift);
}

static void put(struct ns16550 *line, u8 byte)
{
	while (!(*reg(line, REG_LINE_STATUS) & LINE_TX_EMPTY))
		arch_cpu_relax();
	*reg(line, REG_DATA) = byte;
}

static void uart_write(struct uart *uart, const char *text, size_t n)
{
	struct ns16550 *line = container_of(uart, struct ns16550, uart);
	unsigned long flags = spin_lock_irqsave(&line->lock);

	while (n--)
		put(line, *text++);
	spin_unlock_irqrestore(&line->lock, flags);
}

static void interrupt(void *ctx)
{
	struct ns16550 *line = ctx;
	u8 status;

	while ((status = *reg(line, REG_LINE_STATUS)) & LINE_DATA_READY) {
		u8 byte = *reg(line, REG_DATA);
		u32 condition = (status & LINE_BREAK)                               ? UART_BREAK
				: (status & (LINE_PARITY_ERROR | LINE_FRAME_ERROR)) ? UART_ERROR
										    : 0;

		if (line->uart.receive)
			line->uart.receive(&line->uart, byte, condition);
	}
}

// Kernel messages: no lock, for the log has its own, and a panic must get through.
static void console_write(struct console *console, const char *text, size_t n)
{
	struct ns16550 *line = container_of(console, struct ns16550, console);

	for (; n; n--, text++) {
		if (*text == '\n')
			put(line, '\r');
		put(line, *text);
	}
}

static int line_init(const void *dt, int node)
{
	u64 pa, size;
	u32 irq;

	if (fdt_reg(dt, node, 0, &pa, &size))
		return 0;
	struct ns16550 *line = kzalloc(sizeof(*line), GFP_KERNEL);
	if (!line)
		return -12;
	fdt_getprop_u32(dt, node, "reg-shift", &line->shift);
	spin_init(&line->lock, LOCK_CONSOLE);
	line->uart.name = line->console.name = "ttyS";
	line->uart.write = uart_write;
	line->console.write = console_write;
	line->base = ioremap(pa, size);
	if (!line->base || !uart_register(&line->uart)) {
		kfree(line);
		return -12;
	}
	*reg(line, REG_FIFO) = 1;
	if (console_uart == &line->uart)
		console_register(&line->console);
	if (irq_of_node(node, 0, &irq) == 0 && irq_request(irq, interrupt, line) == 0)
		*reg(line, REG_INT_ENABLE) = INT_RECEIVED;
	return 0;
}

static int ns16550_init(void)
{
	const void *dt = dt_blob();
	int node, error = 0;

	fdt_for_each_node (node, dt) {
		if (!error && (fdt_node_is_compatible(dt, node, "ns16550a") ||
			       fdt_node_is_compatible(dt, node, "ns16550")))
			error = line_init(dt, node);
	}
	return error;
}
INITCALL(SUBSYS, ns16550_init);
