// The end: power-off with a status, reset, and waiting for interrupts.
//
// The firmware's shutdown call is portable, but OpenSBI loses the failure reason on its way to
// QEMU's test device; so where the device tree has that device, its store comes first, and the
// emulator ends with status 0 or 1.

#include <arch/power.h>
#include <core/dt.h>
#include <core/init.h>
#include <lib/fdt.h>
#include <mm/vmap.h>
#include "boot.h"
#include "sbi.h"

#define TEST_PASS  0x5555u
#define TEST_FAIL  0x3333u
#define TEST_RESET 0x7777u

#define QEMU_VIRT_TEST             0x100000
#define QEMU_VERSION(major, minor) ((major) << 16 | (minor) << 8)

// Spike's host interface: two words, and a command that ends the emulator with a status. Its node
// has a register only where the firmware did not bring the words itself.
#define HTIF_TOHOST       1
#define HTIF_EXIT(status) ((u64)(status) << 1 | 1)

static volatile u32 *test_device;
static volatile u64 *htif;

void arch_poweroff(bool ok)
{
	volatile u32 *device = test_device;

	// Used once: if the store faults, the panic that follows comes here again.
	test_device = NULL;
	if (device)
		*device = ok ? TEST_PASS : TEST_FAIL | 1u << 16;
	if (htif)
		htif[HTIF_TOHOST] = HTIF_EXIT(!ok);
	sbi_system_reset(SBI_RESET_SHUTDOWN, ok ? SBI_RESET_REASON_NONE : SBI_RESET_REASON_FAILURE);
}

void arch_reboot(void)
{
	sbi_system_reset(SBI_RESET_COLD_REBOOT, SBI_RESET_REASON_NONE);
	if (test_device)
		*test_device = TEST_RESET;
}

void arch_idle_wait(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

// Finds the devices, mapped by `map`.
static void find_devices(const void *dt, void *(*map)(u64 pa, size_t size))
{
	u64 pa, size;
	int node;

	fdt_for_each_node (node, dt) {
		if (fdt_node_is_compatible(dt, node, "sifive,test0") &&
		    fdt_reg(dt, node, 0, &pa, &size) == 0)
			test_device = map(pa, size);
		if (fdt_node_is_compatible(dt, node, "ucb,htif0") &&
		    fdt_reg(dt, node, 0, &pa, &size) == 0)
			htif = map(pa, size);
	}
}

// A device tree that cannot be read names no device, yet whoever tests under an emulator wants a
// status. QEMU (7.1 and later) says who it is: no vendor, and its version as architecture and as
// implementation; its machine `virt` has the test device at an address that has never changed. No
// board is written to on a guess, and no other machine of QEMU has anything there.
void power_find_emulator(void)
{
	u64 version = sbi_machine_id(SBI_MARCHID);

	if (sbi_machine_id(SBI_MVENDORID) == 0 && version == sbi_machine_id(SBI_MIMPID) &&
	    version >= QEMU_VERSION(7, 1) && version < QEMU_VERSION(100, 0))
		test_device = mmu_early_device(QEMU_VIRT_TEST, PAGE_SIZE);
}

// While the early tables are loaded, so that a bad device tree ends the machine with a status, too.
void power_find_early(const void *dt)
{
	find_devices(dt, mmu_early_device);
}

// Before what maps them goes.
void power_forget_early(void)
{
	test_device = NULL;
	htif = NULL;
}

static int power_init(void)
{
	power_forget_early();
	find_devices(dt_blob(), ioremap);
	mmu_forget_early_device();
	return 0;
}
INITCALL(EARLY, power_init);
