// Interrupts of this hart: arch_irq_save() turns them off and tells how they were,
// arch_irq_restore(flags) puts that back; arch_irq_enable(), arch_irq_disable(),
// arch_irqs_enabled().
#pragma once

#include <asm/irq.h>
