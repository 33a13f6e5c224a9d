// Hash functions for tables in memory.
#pragma once

#include <lib/base.h>

// The top `bits` bits of a multiplicative hash.
static inline u32 hash_u64(u64 value, unsigned bits)
{
	return (value * 0x61c8864680b583ebul) >> (64 - bits);
}

// FNV-1a over n bytes.
static inline u32 hash_bytes(const char *text, size_t n)
{
	u32 hash = 2166136261u;

	while (n--)
		hash = (hash ^ (u8)*text++) * 16777619u;
	return hash;
}
