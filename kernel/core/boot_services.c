// Small services of boot: the levels of initcalls, and the kept device tree.

#include <core/dt.h>
#include <core/init.h>
#include <core/printk.h>
#include <lib/fdt.h>
#include <uapi/errno.h>

extern const struct initcall initcall_start[], initcall_end[];

void initcalls_run(enum init_level level)
{
	for (const struct initcall *call = initcall_start; call < initcall_end; call++) {
		if (call->level != level)
			continue;
		int error = call->fn();
		if (error)
			pr_err("init: %s: error %d\n", call->name, error);
	}
}

extern void (*const constructors_start[])(void), (*const constructors_end[])(void);

void constructors_run(void)
{
	for (void (*const *fn)(void) = constructors_start; fn < constructors_end; fn++)
		(*fn)();
}

static const void *tree;

int dt_init(const void *blob)
{
	int error = fdt_check(blob, 2 * MIB);

	if (!error)
		tree = blob;
	return error ? -EINVAL : 0;
}

const void *dt_blob(void)
{
	return tree;
}
