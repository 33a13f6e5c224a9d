// Random numbers. A ChaCha20 key makes blocks; the first half of each block replaces the key, so
// whoever learns the state cannot tell what was given out before. Mixed-in bytes are folded into
// the key by one more block.

#include <arch/timer.h>
#include <core/dt.h>
#include <core/random.h>
#include <core/spinlock.h>
#include <lib/chacha.h>
#include <lib/fdt.h>
#include <lib/string.h>

static struct spinlock random_lock = SPINLOCK_INIT(LOCK_RANDOM);
static u32 key[8]; // [random_lock]
static u32 mixes;  // [random_lock]
static bool seeded;

// 64 bytes, of which 32 become the next key. random_lock held.
static void next_block(u8 out[32])
{
	u32 nonce[3] = {(u32)arch_time_read(), 0, 0};
	u8 block[64];

	chacha20_block(key, 0, nonce, block);
	memcpy(key, block, 32);
	memcpy(out, block + 32, 32);
	memset(block, 0, sizeof(block));
	barrier();
}

void random_bytes(void *buf, size_t n)
{
	u8 *at = buf, block[32];

	while (n) {
		size_t piece = MIN(n, sizeof(block));
		unsigned long flags = spin_lock_irqsave(&random_lock);

		next_block(block);
		spin_unlock_irqrestore(&random_lock, flags);
		memcpy(at, block, piece);
		at += piece;
		n -= piece;
	}
}

u64 random_u64(void)
{
	u64 value;

	random_bytes(&value, sizeof(value));
	return value;
}

u64 random_below(u64 limit)
{
	u64 bias = -limit % limit, value;

	do {
		value = random_u64();
	} while (value < bias);
	return value % limit;
}

void random_mix(const void *bytes, size_t n)
{
	const u8 *at = bytes;
	unsigned long flags = spin_lock_irqsave(&random_lock);
	u8 unused[32];

	for (size_t i = 0; i < n; i++)
		((u8 *)key)[i % sizeof(key)] ^= at[i];
	next_block(unused);
	if (++mixes >= 64)
		seeded = true;
	spin_unlock_irqrestore(&random_lock, flags);
}

bool random_ready(void)
{
	return READ_ONCE(seeded);
}

void random_init(void)
{
	int chosen = fdt_path_node(dt_blob(), "/chosen"), length;
	u64 now = arch_time_read();

	random_mix(&now, sizeof(now));
	static const char *const names[] = {"rng-seed", "kaslr-seed"};
	for (size_t i = 0; chosen >= 0 && i < ARRAY_SIZE(names); i++) {
		const void *seed = fdt_getprop(dt_blob(), chosen, names[i], &length);

		if (!seed)
			continue;
		random_mix(seed, length);
		if (length >= 32)
			seeded = true;
	}
}
