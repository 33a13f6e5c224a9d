// The device tree for drivers: helpers around lib/fdt, with addresses translated and checked.
#pragma once

#include <lib/base.h>
#include <lib/fdt.h>

// Checks the blob and keeps it. `blob` is a virtual address that stays mapped. 0, or -EINVAL.
int dt_init(const void *blob);
const void *dt_blob(void);
