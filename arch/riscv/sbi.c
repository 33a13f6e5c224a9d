// Calls to the firmware: each extension is probed once before it is used, and the legacy calls of
// SBI 0.1 serve only where there is nothing newer.

#include <arch/console.h>
#include <arch/mmu.h>
#include <lib/base.h>
#include "sbi.h"

#define EXT_BASE   0x10
#define EXT_TIME   0x54494d45
#define EXT_IPI    0x735049
#define EXT_RFENCE 0x52464e43
#define EXT_HSM    0x48534d
#define EXT_SRST   0x53525354
#define EXT_DBCN   0x4442434e

#define LEGACY_SET_TIMER      0
#define LEGACY_CONSOLE_PUT    1
#define LEGACY_CONSOLE_GET    2
#define LEGACY_SEND_IPI       4
#define LEGACY_REMOTE_FENCE_I 5
#define LEGACY_REMOTE_SFENCE  6
#define LEGACY_SHUTDOWN       8

#define SBI_ERR_NOT_SUPPORTED (-2)

static struct {
	bool probed, time, ipi, rfence, hsm, srst, dbcn;
	u32 version;
} have;

static struct sbi_result sbi_call(u64 ext, u64 fn, u64 a0_, u64 a1_, u64 a2_, u64 a3_, u64 a4_)
{
	register u64 a0 __asm__("a0") = a0_;
	register u64 a1 __asm__("a1") = a1_;
	register u64 a2 __asm__("a2") = a2_;
	register u64 a3 __asm__("a3") = a3_;
	register u64 a4 __asm__("a4") = a4_;
	register u64 a6 __asm__("a6") = fn;
	register u64 a7 __asm__("a7") = ext;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_result){a0, a1};
}

static bool probe(u64 ext)
{
	struct sbi_result r = sbi_call(EXT_BASE, 3, ext, 0, 0, 0, 0);

	return !r.error && r.value;
}

void sbi_init(void)
{
	struct sbi_result version = sbi_call(EXT_BASE, 0, 0, 0, 0, 0, 0);

	have.probed = true;
	if (version.error)
		return; // SBI 0.1: legacy calls only
	have.version = version.value;
	have.time = probe(EXT_TIME);
	have.ipi = probe(EXT_IPI);
	have.rfence = probe(EXT_RFENCE);
	have.hsm = probe(EXT_HSM);
	have.srst = probe(EXT_SRST);
	have.dbcn = probe(EXT_DBCN);
}

u32 sbi_spec_version(void)
{
	return have.version;
}

bool sbi_has_timer(void)
{
	return have.time;
}

void sbi_timer_set(u64 ticks)
{
	sbi_call(have.time ? EXT_TIME : LEGACY_SET_TIMER, 0, ticks, 0, 0, 0, 0);
}

// Legacy calls take the address of the mask; masks beyond 64 harts are not supported there.
void sbi_ipi_send(u64 hwid)
{
	u64 mask = 1ul << (hwid & 63);

	if (have.ipi)
		sbi_call(EXT_IPI, 0, 1, hwid, 0, 0, 0);
	else
		sbi_call(LEGACY_SEND_IPI, 0, (u64)&mask, 0, 0, 0, 0);
}

void sbi_remote_sfence(u64 mask, u64 base, u64 start, u64 size)
{
	u64 legacy = mask << base;

	if (have.rfence)
		sbi_call(EXT_RFENCE, 1, mask, base, start, size, 0);
	else
		sbi_call(LEGACY_REMOTE_SFENCE, 0, (u64)&legacy, start, size, 0, 0);
}

void sbi_remote_fence_i(u64 mask, u64 base)
{
	u64 legacy = mask << base;

	if (have.rfence)
		sbi_call(EXT_RFENCE, 0, mask, base, 0, 0, 0);
	else
		sbi_call(LEGACY_REMOTE_FENCE_I, 0, (u64)&legacy, 0, 0, 0, 0);
}

long sbi_hart_start(u64 hwid, u64 entry_pa, u64 opaque)
{
	if (!have.hsm)
		return SBI_ERR_NOT_SUPPORTED;
	return sbi_call(EXT_HSM, 0, hwid, entry_pa, opaque, 0, 0).error;
}

bool sbi_can_reset(void)
{
	return have.srst;
}

void sbi_system_reset(u32 type, u32 reason)
{
	if (have.srst)
		sbi_call(EXT_SRST, 0, type, reason, 0, 0, 0);
	else if (type == SBI_RESET_SHUTDOWN)
		sbi_call(LEGACY_SHUTDOWN, 0, 0, 0, 0, 0, 0);
}

void sbi_console_put(const char *text, size_t n)
{
	if (have.dbcn && (u64)text >= DIRECT_MAP_BASE) {
		while (n) {
			struct sbi_result r = sbi_call(EXT_DBCN, 0, n, virt_to_phys(text), 0, 0, 0);
			if (r.error || !r.value)
				return;
			text += r.value;
			n -= r.value;
		}
		return;
	}
	for (; n; n--, text++)
		sbi_call(LEGACY_CONSOLE_PUT, 0, (u8)*text, 0, 0, 0, 0);
}

int sbi_console_get(void)
{
	long c = sbi_call(LEGACY_CONSOLE_GET, 0, 0, 0, 0, 0, 0).error;

	return c < 0 ? -1 : (int)c;
}

void arch_early_puts(const char *text, size_t n)
{
	sbi_console_put(text, n);
}

int arch_early_getc(void)
{
	return sbi_console_get();
}

u64 sbi_machine_id(u32 which)
{
	struct sbi_result r = sbi_call(EXT_BASE, which, 0, 0, 0, 0, 0);

	return r.error ? 0 : (u64)r.value;
}
