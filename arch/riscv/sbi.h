// Calls to the firmware. See the RISC-V Supervisor Binary Interface specification.
#pragma once

#include <lib/base.h>

struct sbi_result {
	long error, value;
};

// Finds out what the firmware offers. Before any of the below.
void sbi_init(void);

bool sbi_has_timer(void);
void sbi_timer_set(u64 ticks);
void sbi_ipi_send(u64 hwid);
// mask: bit i = hart base + i. All of the address space if size is ~0.
void sbi_remote_sfence(u64 mask, u64 base, u64 start, u64 size);
void sbi_remote_fence_i(u64 mask, u64 base);
// 0 or an SBI error.
long sbi_hart_start(u64 hwid, u64 entry_pa, u64 opaque);
// Returns if the firmware cannot.
void sbi_system_reset(u32 type, u32 reason);
#define SBI_RESET_SHUTDOWN       0
#define SBI_RESET_COLD_REBOOT    1
#define SBI_RESET_REASON_NONE    0
#define SBI_RESET_REASON_FAILURE 1
bool sbi_can_reset(void);

void sbi_console_put(const char *text, size_t n);
int sbi_console_get(void); // -1: nothing

u32 sbi_spec_version(void); // major << 24 | minor
// Who made the machine: the registers mvendorid, marchid and mimpid. 0 where it is not said.
u64 sbi_machine_id(u32 which);
#define SBI_MVENDORID 4
#define SBI_MARCHID   5
#define SBI_MIMPID    6
