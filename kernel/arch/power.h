// The end of the machine.
#pragma once

#include <lib/base.h>

// Powers off; `ok` decides the exit status where the machine has one. Returns if it cannot.
void arch_poweroff(bool ok);
// Resets. Returns if it cannot.
void arch_reboot(void);
// Waits for an interrupt. Called with interrupts off; a pending one ends the wait.
void arch_idle_wait(void);
