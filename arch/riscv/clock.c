// The time base and the timer of each hart: Sstc's own comparator where there is one, else the
// firmware's timer call.

#include <arch/timer.h>
#include <asm/csr.h>
#include <core/timer.h>
#include <init/start.h>
#include "sbi.h"

#define CSR_STIMECMP "0x14d"

u64 arch_time_read(void)
{
	return csr_read(time);
}

u64 arch_timer_frequency(void)
{
	return boot_info.timebase;
}

// Both conversions go through whole seconds, so that they neither overflow nor drift. The
// frequencies of real machines divide a second evenly, which is the cheap case.
u64 arch_ticks_to_ns(u64 ticks)
{
	u64 frequency = boot_info.timebase;

	if (likely(boot_info.ns_per_tick))
		return ticks * boot_info.ns_per_tick;
	return ticks / frequency * NSEC_PER_SEC + ticks % frequency * NSEC_PER_SEC / frequency;
}

u64 arch_ns_to_ticks(u64 ns)
{
	u64 frequency = boot_info.timebase;

	if (likely(boot_info.ns_per_tick))
		return (ns + boot_info.ns_per_tick - 1) / boot_info.ns_per_tick;
	return ns / NSEC_PER_SEC * frequency +
	       (ns % NSEC_PER_SEC * frequency + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
}

void arch_timer_set(u64 deadline_ns)
{
	u64 ticks = deadline_ns == TIME_NEVER ? ~0ul : arch_ns_to_ticks(deadline_ns);

	if (boot_info.has_sstc)
		__asm__ volatile("csrw " CSR_STIMECMP ", %0" ::"r"(ticks) : "memory");
	else
		sbi_timer_set(ticks);
}
