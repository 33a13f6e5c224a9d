// Arithmetic on bits. The kernel links without libgcc and its machines may lack Zbb, so the
// compiler must not make calls for __builtin_ctz and its kin: these are written out.
#pragma once

#include <lib/base.h>

// Index of the lowest set bit; 64 if there is none.
static inline unsigned bit_ctz(u64 x)
{
	unsigned n = 0;

	if (__builtin_constant_p(x))
		return x ? (unsigned)__builtin_ctzl(x) : 64;
#ifdef __riscv_zbb
	return x ? (unsigned)__builtin_ctzl(x) : 64;
#endif
	if (!x)
		return 64;
	for (unsigned step = 32; step; step >>= 1) {
		if (!(x & ((1ul << step) - 1))) {
			x >>= step;
			n += step;
		}
	}
	return n;
}

// Number of zero bits above the highest set bit; 64 if there is none.
static inline unsigned bit_clz(u64 x)
{
	unsigned n = 0;

	if (__builtin_constant_p(x))
		return x ? (unsigned)__builtin_clzl(x) : 64;
#ifdef __riscv_zbb
	return x ? (unsigned)__builtin_clzl(x) : 64;
#endif
	if (!x)
		return 64;
	for (unsigned step = 32; step; step >>= 1) {
		if (!(x >> (64 - step))) {
			x <<= step;
			n += step;
		}
	}
	return n;
}

// Number of set bits.
static inline unsigned popcount_u64(u64 x)
{
	if (__builtin_constant_p(x))
		return (unsigned)__builtin_popcountl(x);
	x -= (x >> 1) & 0x5555555555555555ul;
	x = (x & 0x3333333333333333ul) + ((x >> 2) & 0x3333333333333333ul);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0ful;
	return (unsigned)((x * 0x0101010101010101ul) >> 56);
}

// Position of the lowest or highest set bit, counted from 1; 0 if there is none.
static inline unsigned ffs_u64(u64 x)
{
	return x ? bit_ctz(x) + 1 : 0;
}

static inline unsigned fls_u64(u64 x)
{
	return 64 - bit_clz(x);
}

// Floor of the logarithm to base 2; x > 0.
static inline unsigned ilog2(u64 x)
{
	return 63 - bit_clz(x);
}

// The smallest power of two that is not below x; 1 for 0; 0 if it exceeds 64 bits.
static inline u64 roundup_pow2(u64 x)
{
	if (x <= 1)
		return 1;
	return x > 1ul << 63 ? 0 : 1ul << fls_u64(x - 1);
}

// The largest power of two that is not above x; x > 0.
static inline u64 rounddown_pow2(u64 x)
{
	return 1ul << ilog2(x);
}

// Logarithm of the smallest power of two that is not below x; 0 for 0.
static inline unsigned ilog2_up(u64 x)
{
	return x <= 1 ? 0 : fls_u64(x - 1);
}

static inline u16 bswap16(u16 x)
{
	return (u16)(x << 8 | x >> 8);
}

static inline u32 bswap32(u32 x)
{
	return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}

static inline u64 bswap64(u64 x)
{
	return (u64)bswap32((u32)x) << 32 | bswap32((u32)(x >> 32));
}

// From big-endian bytes at any address.
static inline u32 load_be32(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

static inline u64 load_be64(const void *p)
{
	return (u64)load_be32(p) << 32 | load_be32((const u8 *)p + 4);
}

static inline u32 rotl32(u32 x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static inline u64 rotl64(u64 x, unsigned n)
{
	return x << n | x >> (64 - n);
}
