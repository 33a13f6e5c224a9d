// The platform-level interrupt controller (RISC-V PLIC specification 1.0), and the table of
// handlers. All interrupts go to the boot hart; a controller context is the pair of a hart and a
// mode, in the order of interrupts-extended.

#include <core/dt.h>
#include <core/hart.h>
#include <core/init.h>
#include <core/printk.h>
#include <core/spinlock.h>
#include <drivers/irq.h>
#include <lib/bits.h>
#include <lib/fdt.h>
#include <mm/vmap.h>
#include <uapi/errno.h>

#define ENABLE_BASE    0x2000
#define ENABLE_STRIDE  0x80
#define CONTEXT_BASE   0x200000
#define CONTEXT_STRIDE 0x1000
#define S_EXTERNAL     9

struct handler {
	void (*fn)(void *ctx);
	void *ctx;
	const char *name;
	u64 count;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ);
static struct handler handlers[IRQS_MAX]; // [lock to write]
static char *base;
static int node = -1;
static u32 context; // of the boot hart's supervisor mode

static volatile u32 *reg(u64 offset)
{
	return (volatile u32 *)(base + offset);
}

int irq_request(u32 number, const char *name, void (*fn)(void *ctx), void *ctx)
{
	if (!base)
		return -ENODEV;
	if (!number || number >= IRQS_MAX)
		return -EINVAL;
	unsigned long flags = spin_lock_irqsave(&lock);
	if (handlers[number].fn) {
		spin_unlock_irqrestore(&lock, flags);
		return -EBUSY;
	}
	handlers[number] = (struct handler){fn, ctx, name, 0};
	*reg(4 * number) = 1; // priority
	*reg(ENABLE_BASE + context * ENABLE_STRIDE + number / 32 * 4) |= 1u << number % 32;
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

int irq_of_node(int device, int i, u32 *number)
{
	int controller;

	return fdt_interrupt(dt_blob(), device, i, &controller, number);
}

void irq_dispatch_external(void)
{
	volatile u32 *claim;
	u32 number;

	if (!base)
		return;
	claim = reg(CONTEXT_BASE + context * CONTEXT_STRIDE + 4);
	while ((number = *claim) != 0) {
		if (number < IRQS_MAX && handlers[number].fn) {
			handlers[number].count++;
			handlers[number].fn(handlers[number].ctx);
		}
		*claim = number;
	}
}

u64 irq_count(u32 number)
{
	return number < IRQS_MAX ? handlers[number].count : 0;
}

const char *irq_name(u32 number)
{
	return number < IRQS_MAX ? handlers[number].name : NULL;
}

// The context of the boot hart: interrupts-extended lists (hart's controller, cause) pairs.
static int find_context(void)
{
	const void *dt = dt_blob();
	int length, parent;
	const u8 *at = fdt_getprop(dt, node, "interrupts-extended", &length);

	for (int i = 0; at && 8 * i + 8 <= length; i++) {
		u32 hwid;
		int controller = fdt_phandle_node(dt, load_be32(at + 8 * i));

		if (controller < 0 || load_be32(at + 8 * i + 4) != S_EXTERNAL)
			continue;
		parent = fdt_parent(dt, controller);
		if (parent >= 0 && fdt_getprop_u32(dt, parent, "reg", &hwid) &&
		    hwid == harts[0].hwid)
			return i;
	}
	return -1;
}

static int plic_init(void)
{
	const void *dt = dt_blob();
	u64 pa, size;
	int at;

	fdt_for_each_node (at, dt) {
		if (fdt_node_is_compatible(dt, at, "riscv,plic0") ||
		    fdt_node_is_compatible(dt, at, "sifive,plic-1.0.0"))
			node = at;
	}
	if (node < 0 || fdt_reg(dt, node, 0, &pa, &size))
		return 0; // a machine without one (spike)
	int found = find_context();
	if (found < 0)
		return -ENODEV;
	context = found;
	base = ioremap(pa, size);
	if (!base)
		return -ENOMEM;
	*reg(CONTEXT_BASE + context * CONTEXT_STRIDE) = 0; // threshold: all
	return 0;
}
INITCALL(CORE, plic_init);
