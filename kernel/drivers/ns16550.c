// The 16550 and its kin: output by polling the transmitter, input by interrupt. Each that the device
// tree lists becomes a line; the first is the console.

#include <core/dt.h>
#include <core/init.h>
#include <drivers/irq.h>
#include <drivers/uart.h>
#include <lib/fdt.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <uapi/errno.h>

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
};

static volatile u8 *reg(struct ns16550 *line, unsigned number)
{
	return line->base + (number << line->shift);
}

static void put(struct uart *uart, u8 byte)
{
	struct ns16550 *line = container_of(uart, struct ns16550, uart);

	while (!(*reg(line, REG_LINE_STATUS) & LINE_TX_EMPTY))
		arch_cpu_relax();
	*reg(line, REG_DATA) = byte;
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

static int line_init(const void *dt, int node)
{
	u64 pa, size;
	u32 irq;

	if (fdt_reg(dt, node, 0, &pa, &size))
		return 0;
	struct ns16550 *line = kzalloc(sizeof(*line), GFP_KERNEL);
	if (!line)
		return -ENOMEM;
	fdt_getprop_u32(dt, node, "reg-shift", &line->shift);
	line->uart.name = "ttyS";
	line->uart.put = put;
	line->base = ioremap(pa, size);
	if (!line->base || !uart_register(&line->uart)) {
		kfree(line);
		return -ENOMEM;
	}
	*reg(line, REG_FIFO) = 1;
	uart_console_register(&line->uart);
	if (irq_of_node(node, 0, &irq) == 0 &&
	    irq_request(irq, line->uart.name, interrupt, line) == 0)
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
