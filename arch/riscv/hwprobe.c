// Answers of riscv_hwprobe(2). Extensions are those of which the device tree says that every hart has
// them; those that come with others by definition are added, as Linux does. How fast misaligned
// accesses are is not measured, so that is "unknown".

#include <arch/hwprobe.h>
#include <arch/timer.h>
#include <asm/layout.h>
#include <core/dt.h>
#include <lib/fdt.h>
#include <lib/string.h>
#include "sbi.h"

enum {
	KEY_VENDOR,
	KEY_ARCHITECTURE,
	KEY_IMPLEMENTATION,
	KEY_BASE_BEHAVIOR,
	KEY_EXTENSIONS_0,
	KEY_CPU_PERFORMANCE_0,
	KEY_ZICBOZ_BLOCK,
	KEY_HIGHEST_ADDRESS,
	KEY_TIME_FREQUENCY,
	KEY_MISALIGNED_SCALAR,
	KEY_MISALIGNED_VECTOR,
	KEY_VENDOR_THEAD_0,
	KEY_ZICBOM_BLOCK,
	KEY_VENDOR_SIFIVE_0,
	KEY_VENDOR_MIPS_0,
	KEY_ZICBOP_BLOCK,
	KEY_EXTENSIONS_1,
};

#define BASE_IMA           1
#define VECTOR_UNSUPPORTED 4

#define EXT_FD          (1ul << 0)
#define EXT_C           (1ul << 1)
#define EXT_ZIHINTPAUSE (1ul << 36)
#define EXT_ZCA         (1ul << 43)
#define EXT_ZCD         (1ul << 45)
#define EXT_ZICNTR      (1ul << 50)
#define EXT_ZIHPM       (1ul << 51)
#define EXT_ZAAMO       (1ul << 56)
#define EXT_ZALRSC      (1ul << 57)

// Those that need nothing of the kernel: it neither turns them on nor saves any state for them.
static const struct {
	const char *name;
	u64 bit;
} extensions[] = {
	{"zba", 1ul << 3},     {"zbb", 1ul << 4},
	{"zbs", 1ul << 5},     {"zbc", 1ul << 7},
	{"zbkb", 1ul << 8},    {"zbkc", 1ul << 9},
	{"zbkx", 1ul << 10},   {"zknd", 1ul << 11},
	{"zkne", 1ul << 12},   {"zknh", 1ul << 13},
	{"zksed", 1ul << 14},  {"zksh", 1ul << 15},
	{"zkt", 1ul << 16},    {"zfh", 1ul << 27},
	{"zfhmin", 1ul << 28}, {"zihintntl", 1ul << 29},
	{"zfa", 1ul << 32},    {"zacas", 1ul << 34},
	{"zicond", 1ul << 35}, {"zihintpause", EXT_ZIHINTPAUSE},
	{"zawrs", 1ul << 48},
};

static u64 extension_named(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (strlen(extensions[i].name) == length &&
		    !memcmp(extensions[i].name, name, length))
			return extensions[i].bit;
	}
	return 0;
}

// Of a text such as "rv64imafdc_zba_zbb".
static u64 extensions_of(const char *isa)
{
	size_t letters = strcspn(isa, "_");
	bool d = false, c = false, a = false;
	u64 found = EXT_ZICNTR | EXT_ZIHPM; // older trees do not name them: they were part of "i"

	for (size_t i = 4; i < letters; i++) {
		d |= isa[i] == 'd' || isa[i] == 'g';
		c |= isa[i] == 'c';
		a |= isa[i] == 'a' || isa[i] == 'g';
	}
	found |= (d ? EXT_FD : 0) | (c ? EXT_C | EXT_ZCA : 0) | (c && d ? EXT_ZCD : 0) |
		 (a ? EXT_ZAAMO | EXT_ZALRSC : 0);
	for (isa += letters; *isa; isa += letters) {
		isa++;
		letters = strcspn(isa, "_");
		found |= extension_named(isa, letters);
	}
	return found;
}

static u64 extensions_of_all(void)
{
	const void *dt = dt_blob();
	int cpus = fdt_path_node(dt, "/cpus"), node;
	u64 common = ~0ul;

	fdt_for_each_subnode (node, dt, cpus) {
		const char *isa = fdt_getprop(dt, node, "riscv,isa", NULL);
		const char *mmu = fdt_getprop(dt, node, "mmu-type", NULL);

		if (isa && mmu && strcmp(mmu, "riscv,none") && strlen(isa) > 4)
			common &= extensions_of(isa);
	}
	return common == ~0ul ? 0 : common;
}

bool arch_hwprobe(s64 key, u64 *value)
{
	*value = 0;
	switch (key) {
	case KEY_VENDOR:
	case KEY_ARCHITECTURE:
	case KEY_IMPLEMENTATION:
		*value = sbi_machine_id(SBI_MVENDORID + key);
		return true;
	case KEY_BASE_BEHAVIOR:
		*value = BASE_IMA;
		return true;
	case KEY_EXTENSIONS_0:
		*value = extensions_of_all();
		return true;
	case KEY_HIGHEST_ADDRESS:
		*value = USER_TOP;
		return true;
	case KEY_TIME_FREQUENCY:
		*value = arch_timer_frequency();
		return true;
	case KEY_MISALIGNED_VECTOR:
		*value = VECTOR_UNSUPPORTED; // there is no vector unit for programs
		return true;
	}
	return key > 0 && key <= KEY_EXTENSIONS_1;
}

bool arch_hwprobe_is_set(s64 key)
{
	switch (key) {
	case KEY_BASE_BEHAVIOR:
	case KEY_EXTENSIONS_0:
	case KEY_EXTENSIONS_1:
	case KEY_CPU_PERFORMANCE_0:
	case KEY_VENDOR_THEAD_0:
	case KEY_VENDOR_SIFIVE_0:
	case KEY_VENDOR_MIPS_0:
		return true;
	}
	return false;
}
