// Random numbers: ChaCha20 keyed from the device tree's rng-seed, and stirred with the time of
// interrupts. Fast key erasure: each block of output replaces the key, so a leak tells no past.
#pragma once

#include <lib/base.h>

void random_bytes(void *buf, size_t n);
u64 random_u64(void);
// Uniform in 0..limit-1; limit > 0.
u64 random_below(u64 limit);

// Mixes bytes into the pool. Any context.
void random_mix(const void *bytes, size_t n);

// Whether real entropy (a seed of the firmware, or enough jitter) has come in: getrandom(2) waits.
bool random_ready(void);

// At boot, after dt_init.
void random_init(void);
