// Ordering between harts: smp_mb(), smp_rmb(), smp_wmb(), smp_load_acquire(p),
// smp_store_release(p, v); between memory and devices: io_mb(); and arch_cpu_relax() for spin loops.
#pragma once

#include <asm/barrier.h>
