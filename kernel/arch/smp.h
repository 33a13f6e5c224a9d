// Other harts.
#pragma once

#include <lib/base.h>

struct hart;

// Makes the hart run ipi_handle() (registered by core/ipi.c) in interrupt context soon.
void arch_ipi_send(u32 index);

// Starts all harts of the device tree but this one; each ends in its idle loop. Returns when all
// are online or have failed.
void arch_harts_start(void);

// For panic: this hart stops for ever, interrupts off.
NORETURN void arch_hart_park(void);
