// From head.S to the kernel proper: the device tree is read, memory is found and mapped, harts are
// listed. Everything that is wrong here is said through the firmware's console, for nothing else
// works yet, and ends the machine with a failure.

#include <arch/mmu.h>
#include <core/cmdline.h>
#include <core/dt.h>
#include <core/hart.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/printk.h>
#include <init/start.h>
#include <lib/fdt.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include "boot.h"
#include "sbi.h"

#define DTB_MAX (2 * MIB)

struct boot_info boot_info;
bool csr_stimecmp_works(void); // head.S
NORETURN void boot_main(u64 hwid, u64 dtb_pa);

// --- Memory ---

static void add_memory(const void *dt)
{
	u64 start, size;
	int node;

	fdt_for_each_node (node, dt) {
		const char *type = fdt_getprop(dt, node, "device_type", NULL);

		if (!type || strcmp(type, "memory") || !fdt_node_is_available(dt, node))
			continue;
		for (int i = 0; fdt_reg(dt, node, i, &start, &size) == 0; i++) {
			if (start >= DIRECT_MAP_SIZE || start + size < start)
				continue;
			memblock_add(start, MIN(size, DIRECT_MAP_SIZE - start));
		}
	}
	if (!memblock_total())
		panic("device tree: no memory node");
}

static void reserve_memory(const void *dt)
{
	u64 start, size;
	int parent = fdt_path_node(dt, "/reserved-memory"), node;

	for (int i = 0; fdt_reservation(dt, i, &start, &size) == 0; i++)
		memblock_reserve(start, size);
	if (parent < 0)
		return;
	fdt_for_each_subnode (node, dt, parent) {
		for (int i = 0; fdt_reg(dt, node, i, &start, &size) == 0; i++)
			memblock_reserve(start, size);
	}
}

// A number of one or two cells.
static bool read_number(const void *dt, int node, const char *name, u64 *value)
{
	int length;
	const u8 *p = fdt_getprop(dt, node, name, &length);

	if (!p || (length != 4 && length != 8))
		return false;
	*value = 0;
	for (int i = 0; i < length; i++)
		*value = *value << 8 | p[i];
	return true;
}

static void find_initrd(const void *dt, int chosen)
{
	u64 start, end;

	if (!read_number(dt, chosen, "linux,initrd-start", &start) ||
	    !read_number(dt, chosen, "linux,initrd-end", &end))
		return;
	if (start >= end || !memblock_contains(start, end - start)) {
		pr_err("boot: initrd at %lx-%lx is not in memory: ignored\n", start, end);
		return;
	}
	memblock_reserve(start, end - start);
	boot_info.initrd = phys_to_virt(start);
	boot_info.initrd_size = end - start;
}

// --- Harts ---

static bool hart_is_usable(const void *dt, int node)
{
	const char *type = fdt_getprop(dt, node, "device_type", NULL);
	const char *mmu = fdt_getprop(dt, node, "mmu-type", NULL);

	return type && !strcmp(type, "cpu") && mmu && strcmp(mmu, "riscv,none") &&
	       fdt_node_is_available(dt, node);
}

static bool isa_has(const char *isa, const char *extension)
{
	return isa && strstr(isa, extension);
}

// The boot hart is number 0; the others follow in the order of the tree.
static void list_harts(const void *dt, u64 boot_hwid)
{
	int cpus = fdt_path_node(dt, "/cpus"), node;
	u64 hwid, maximum = cmdline_get_u64("maxcpus", MAX_HARTS);

	if (cpus < 0 || !read_number(dt, cpus, "timebase-frequency", &boot_info.timebase) ||
	    !boot_info.timebase)
		panic("device tree: no /cpus/timebase-frequency");
	harts[0].hwid = boot_hwid;
	harts[0].state = HART_ONLINE;
	hart_count = 1;
	fdt_for_each_subnode (node, dt, cpus) {
		if (!hart_is_usable(dt, node) || !read_number(dt, node, "reg", &hwid))
			continue;
		if (hwid == boot_hwid) {
			const char *isa = fdt_getprop(dt, node, "riscv,isa", NULL);
			boot_info.has_sstc = isa_has(isa, "sstc") && csr_stimecmp_works();
			continue;
		}
		if (hart_count >= MIN(MAX(maximum, 1ul), (u64)MAX_HARTS))
			continue;
		harts[hart_count].hwid = hwid;
		harts[hart_count].index = hart_count;
		harts[hart_count].state = HART_PRESENT;
		hart_count++;
	}
}

// --- The whole ---

static void read_device_tree(u64 dtb_pa)
{
	const void *dt = phys_to_virt(dtb_pa);
	int error;

	power_find_emulator();
	error = dt_init(dt);

	if (error)
		panic("device tree at %lx: not valid (error %d)", dtb_pa, error);
	power_find_early(dt);
	int chosen = fdt_path_node(dt, "/chosen"), length;
	const char *line = chosen >= 0 ? fdt_getprop(dt, chosen, "bootargs", &length) : NULL;
	cmdline_parse(line && length && !line[length - 1] ? line : "");
	add_memory(dt);
	if (!memblock_contains(dtb_pa, fdt_size(dt)))
		panic("device tree at %lx: not in the memory that it lists", dtb_pa);
	memblock_reserve(boot_image_pa(), kernel_end - image_start);
	memblock_reserve(dtb_pa, fdt_size(dt));
	reserve_memory(dt);
	if (chosen >= 0)
		find_initrd(dt, chosen);
}

NORETURN void boot_main(u64 hwid, u64 dtb_pa)
{
	harts[0].perhart_offset = 0;
	init_task.arch.hart = &harts[0];
	arch_task_init(&init_task, boot_stack);
	sbi_init();
	if (!boot_info.initrd) {
		boot_info.initrd = initramfs_start;
		boot_info.initrd_size = initramfs_end - initramfs_start;
	}
	read_device_tree(dtb_pa);
	memblock_set_preferred(boot_image_pa());
	list_harts(dt_blob(), hwid);
	mmu_init();
	trap_init_hart();
	kernel_start();
}
