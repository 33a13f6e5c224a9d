#pragma once

#include <lib/base.h>

#define smp_mb()  __asm__ volatile("fence rw, rw" ::: "memory")
#define smp_rmb() __asm__ volatile("fence r, r" ::: "memory")
#define smp_wmb() __asm__ volatile("fence w, w" ::: "memory")
#define io_mb()   __asm__ volatile("fence iorw, iorw" ::: "memory")

#define smp_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

static inline void arch_cpu_relax(void)
{
	// "pause" of Zihintpause: a fence hint elsewhere.
	__asm__ volatile(".word 0x0100000f" ::: "memory");
}
