// Sets of small numbers, in arrays of unsigned long. `bits` is the size of the map in bits; bits of
// the last word beyond it are never looked at, and may be changed only by whole-map operations.
// Nothing here is atomic.
#pragma once

#include <lib/base.h>

#define BITS_PER_LONG          64ul
#define BITMAP_LONGS(bits)     (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define BITMAP(name, bits)     unsigned long name[BITMAP_LONGS(bits)]
#define BITMAP_LAST_MASK(bits) (~0ul >> (-(bits) & (BITS_PER_LONG - 1)))

static inline bool bitmap_test(const unsigned long *map, size_t bit)
{
	return map[bit / BITS_PER_LONG] >> (bit % BITS_PER_LONG) & 1;
}

static inline void bitmap_set(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] |= 1ul << (bit % BITS_PER_LONG);
}

static inline void bitmap_clear(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] &= ~(1ul << (bit % BITS_PER_LONG));
}

static inline void bitmap_assign(unsigned long *map, size_t bit, bool value)
{
	if (value)
		bitmap_set(map, bit);
	else
		bitmap_clear(map, bit);
}

// They return whether the bit was set before.
static inline bool bitmap_test_and_set(unsigned long *map, size_t bit)
{
	bool old = bitmap_test(map, bit);

	bitmap_set(map, bit);
	return old;
}

static inline bool bitmap_test_and_clear(unsigned long *map, size_t bit)
{
	bool old = bitmap_test(map, bit);

	bitmap_clear(map, bit);
	return old;
}

// The first zero (set) bit that is not below start; `bits` if there is none.
size_t bitmap_find_next_zero(const unsigned long *map, size_t bits, size_t start);
size_t bitmap_find_next_set(const unsigned long *map, size_t bits, size_t start);

// The highest set bit; `bits` if there is none.
size_t bitmap_find_last_set(const unsigned long *map, size_t bits);

// The first run of `count` zero bits that begins at a multiple of `align` (a power of two) not
// below start; `bits` if there is none. count > 0.
size_t bitmap_find_zero_run(const unsigned long *map, size_t bits, size_t start, size_t count,
			    size_t align);

// Number of set bits.
size_t bitmap_weight(const unsigned long *map, size_t bits);

// count bits from start on.
void bitmap_set_range(unsigned long *map, size_t start, size_t count);
void bitmap_clear_range(unsigned long *map, size_t start, size_t count);

// The whole map.
void bitmap_zero(unsigned long *map, size_t bits);
void bitmap_fill(unsigned long *map, size_t bits);
void bitmap_copy(unsigned long *dst, const unsigned long *src, size_t bits);

// dst may be one of the sources. They return whether the result has a set bit.
bool bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits);
bool bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits);
bool bitmap_andnot(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits);
// Turns every bit over.
void bitmap_complement(unsigned long *dst, const unsigned long *src, size_t bits);

bool bitmap_empty(const unsigned long *map, size_t bits);
bool bitmap_full(const unsigned long *map, size_t bits);
bool bitmap_equal(const unsigned long *a, const unsigned long *b, size_t bits);
bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t bits);
// Whether each bit of a is set in b.
bool bitmap_subset(const unsigned long *a, const unsigned long *b, size_t bits);

// `bit` is a size_t of the caller. The body may change bits that have been visited.
#define bitmap_for_each_set(bit, map, bits)                              \
	for ((bit) = bitmap_find_next_set(map, bits, 0); (bit) < (bits); \
	     (bit) = bitmap_find_next_set(map, bits, (bit) + 1))
