// Where the machine hands over to the kernel.
#pragma once

#include <lib/base.h>

// What the machine's boot code has found out. [I] after boot.
struct boot_info {
	const void *initrd; // archive for the root file system
	size_t initrd_size;
	u64 timebase;    // ticks of the clock a second
	u64 ns_per_tick; // 0 if that is not a whole number
	bool has_sstc;
};
extern struct boot_info boot_info;

// On the boot hart, paging on, interrupts off; the device tree and boot memory are known.
NORETURN void kernel_start(void);

// Unpacks the root file system and starts the first program. In a kernel thread.
void start_user_space(void);
