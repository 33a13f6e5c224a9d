// The serial lines of SiFive's machines: two queues, each with a bit that says when it is full or
// empty; input by interrupt.

#include <core/dt.h>
#include <core/init.h>
#include <drivers/irq.h>
#include <drivers/uart.h>
#include <lib/fdt.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <uapi/errno.h>

#define REG_TX         0
#define REG_RX         1
#define REG_TX_CONTROL 2
#define REG_RX_CONTROL 3
#define REG_INT_ENABLE 4
#define QUEUE_STATE    0x80000000u // of REG_TX: full; of REG_RX: empty
#define ENABLE         1u
#define INT_RECEIVED   2u

struct sifive_uart {
	struct uart uart;
	volatile u32 *base;
};

static void put(struct uart *uart, u8 byte)
{
	struct sifive_uart *line = container_of(uart, struct sifive_uart, uart);

	while (line->base[REG_TX] & QUEUE_STATE)
		arch_cpu_relax();
	line->base[REG_TX] = byte;
}

static void interrupt(void *ctx)
{
	struct sifive_uart *line = ctx;
	u32 word;

	while (!((word = line->base[REG_RX]) & QUEUE_STATE)) {
		if (line->uart.receive)
			line->uart.receive(&line->uart, word, 0);
	}
}

static int line_init(const void *dt, int node)
{
	u64 pa, size;
	u32 irq;

	if (fdt_reg(dt, node, 0, &pa, &size))
		return 0;
	struct sifive_uart *line = kzalloc(sizeof(*line), GFP_KERNEL);
	if (!line)
		return -ENOMEM;
	line->uart.name = "ttySIF";
	line->uart.put = put;
	line->base = ioremap(pa, size);
	if (!line->base || !uart_register(&line->uart)) {
		kfree(line);
		return -ENOMEM;
	}
	line->base[REG_TX_CONTROL] |= ENABLE;
	line->base[REG_RX_CONTROL] |= ENABLE;
	uart_console_register(&line->uart);
	if (irq_of_node(node, 0, &irq) == 0 &&
	    irq_request(irq, line->uart.name, interrupt, line) == 0)
		line->base[REG_INT_ENABLE] = INT_RECEIVED;
	return 0;
}

static int sifive_uart_init(void)
{
	const void *dt = dt_blob();
	int node, error = 0;

	fdt_for_each_node (node, dt) {
		if (!error && fdt_node_is_compatible(dt, node, "sifive,uart0"))
			error = line_init(dt, node);
	}
	return error;
}
INITCALL(SUBSYS, sifive_uart_init);
