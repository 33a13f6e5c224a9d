// The clock of QEMU's virt machine, which tells the date: nanoseconds since 1970 in two words. It is
// read once; from then on the date is the machine's time base and settimeofday(2).

#include <core/dt.h>
#include <core/init.h>
#include <core/timer.h>
#include <lib/fdt.h>
#include <mm/vmap.h>
#include <uapi/errno.h>

#define REG_TIME_LOW  0 // reading it holds the upper half still
#define REG_TIME_HIGH 4

static int rtc_read(const void *dt, int node)
{
	u64 pa, size;

	if (fdt_reg(dt, node, 0, &pa, &size) || size < 8)
		return 0;
	char *base = ioremap(pa, size);
	if (!base)
		return -ENOMEM;
	u64 ns = *(volatile u32 *)(base + REG_TIME_LOW);

	ns |= (u64) * (volatile u32 *)(base + REG_TIME_HIGH) << 32;
	clock_settime(ns);
	iounmap(base);
	return 0;
}

static int goldfish_rtc_init(void)
{
	const void *dt = dt_blob();
	int node;

	fdt_for_each_node (node, dt) {
		if (fdt_node_is_compatible(dt, node, "google,goldfish-rtc"))
			return rtc_read(dt, node);
	}
	return 0;
}
INITCALL(DEVICE, goldfish_rtc_init);
