// Interrupts of devices.
#pragma once

#include <lib/base.h>

#define IRQS_MAX 128

// Calls fn(ctx) in interrupt context for each interrupt `number` of the controller; `name` is what
// /proc/interrupts calls it. 0, -EBUSY, -EINVAL, -ENODEV (no controller).
int irq_request(u32 number, const char *name, void (*fn)(void *ctx), void *ctx);

// The interrupt that device-tree node `node` lists i-th. -ENOENT.
int irq_of_node(int node, int i, u32 *number);

// Called by the trap handler for external interrupts, interrupts off.
void irq_dispatch_external(void);

// On each hart: lets it take external interrupts.
void irq_init_hart(void);
// How often it came, and its name, NULL if nobody has asked for it.
u64 irq_count(u32 number);
const char *irq_name(u32 number);
