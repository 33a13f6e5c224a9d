// The clock and the timer of this hart.
#pragma once

#include <lib/base.h>

u64 arch_time_read(void); // ticks since some start
u64 arch_ticks_to_ns(u64 ticks);
u64 arch_ns_to_ticks(u64 ns);
u64 arch_timer_frequency(void); // ticks a second
// An interrupt when the clock reaches `ticks`; ~0 = none. Interrupts off.
void arch_timer_set(u64 deadline_ns);
