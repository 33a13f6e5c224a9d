// Sets of small numbers. See bitmap.h. Whole words are handled at once; the last, partial word is
// masked wherever its upper bits could be seen.
#include <lib/bitmap.h>
#include <lib/bits.h>

// Finds the first bit not below start that is set in map XOR flip.
static size_t find_next(const unsigned long *map, size_t bits, size_t start, unsigned long flip)
{
	if (start >= bits)
		return bits;
	size_t i = start / BITS_PER_LONG;
	unsigned long word = (map[i] ^ flip) & (~0ul << (start % BITS_PER_LONG));

	while (!word) {
		if (++i >= BITMAP_LONGS(bits))
			return bits;
		word = map[i] ^ flip;
	}
	return MIN(i * BITS_PER_LONG + bit_ctz(word), bits);
}

size_t bitmap_find_next_zero(const unsigned long *map, size_t bits, size_t start)
{
	return find_next(map, bits, start, ~0ul);
}

size_t bitmap_find_next_set(const unsigned long *map, size_t bits, size_t start)
{
	return find_next(map, bits, start, 0);
}

size_t bitmap_find_last_set(const unsigned long *map, size_t bits)
{
	size_t i = BITMAP_LONGS(bits);
	unsigned long mask = BITMAP_LAST_MASK(bits);

	while (i--) {
		unsigned long word = map[i] & mask;

		if (word)
			return i * BITS_PER_LONG + ilog2(word);
		mask = ~0ul;
	}
	return bits;
}

size_t bitmap_find_zero_run(const unsigned long *map, size_t bits, size_t start, size_t count,
			    size_t align)
{
	for (;;) {
		start = ALIGN_UP(bitmap_find_next_zero(map, bits, start), align);
		if (start >= bits || bits - start < count)
			return bits;
		size_t used = bitmap_find_next_set(map, start + count, start);

		if (used == start + count)
			return start;
		start = used + 1;
	}
}

size_t bitmap_weight(const unsigned long *map, size_t bits)
{
	size_t weight = 0, i;

	for (i = 0; i < bits / BITS_PER_LONG; i++)
		weight += popcount_u64(map[i]);
	if (bits % BITS_PER_LONG)
		weight += popcount_u64(map[i] & BITMAP_LAST_MASK(bits));
	return weight;
}

// The bits of word `i` that lie in start..end-1.
static unsigned long range_mask(size_t i, size_t start, size_t end)
{
	unsigned long mask = ~0ul;

	if (i == start / BITS_PER_LONG)
		mask &= ~0ul << (start % BITS_PER_LONG);
	if (i == end / BITS_PER_LONG)
		mask &= (1ul << (end % BITS_PER_LONG)) - 1;
	return mask;
}

void bitmap_set_range(unsigned long *map, size_t start, size_t count)
{
	size_t end = start + count;

	for (size_t i = start / BITS_PER_LONG; i < BITMAP_LONGS(end); i++)
		map[i] |= range_mask(i, start, end);
}

void bitmap_clear_range(unsigned long *map, size_t start, size_t count)
{
	size_t end = start + count;

	for (size_t i = start / BITS_PER_LONG; i < BITMAP_LONGS(end); i++)
		map[i] &= ~range_mask(i, start, end);
}

void bitmap_zero(unsigned long *map, size_t bits)
{
	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		map[i] = 0;
}

void bitmap_fill(unsigned long *map, size_t bits)
{
	bitmap_zero(map, bits);
	bitmap_set_range(map, 0, bits);
}

void bitmap_copy(unsigned long *dst, const unsigned long *src, size_t bits)
{
	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		dst[i] = src[i];
}

// The mask that hides the part of word i beyond the map.
static unsigned long word_mask(size_t i, size_t bits)
{
	return i == bits / BITS_PER_LONG ? BITMAP_LAST_MASK(bits) : ~0ul;
}

bool bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits)
{
	unsigned long any = 0;

	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		any |= dst[i] = a[i] & b[i] & word_mask(i, bits);
	return any;
}

bool bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits)
{
	unsigned long any = 0;

	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		any |= dst[i] = (a[i] | b[i]) & word_mask(i, bits);
	return any;
}

bool bitmap_andnot(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits)
{
	unsigned long any = 0;

	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		any |= dst[i] = a[i] & ~b[i] & word_mask(i, bits);
	return any;
}

void bitmap_complement(unsigned long *dst, const unsigned long *src, size_t bits)
{
	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		dst[i] = ~src[i] & word_mask(i, bits);
}

bool bitmap_empty(const unsigned long *map, size_t bits)
{
	return bitmap_find_next_set(map, bits, 0) == bits;
}

bool bitmap_full(const unsigned long *map, size_t bits)
{
	return bitmap_find_next_zero(map, bits, 0) == bits;
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b, size_t bits)
{
	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		if ((a[i] ^ b[i]) & word_mask(i, bits))
			return false;
	return true;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t bits)
{
	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		if (a[i] & b[i] & word_mask(i, bits))
			return true;
	return false;
}

bool bitmap_subset(const unsigned long *a, const unsigned long *b, size_t bits)
{
	for (size_t i = 0; i < BITMAP_LONGS(bits); i++)
		if (a[i] & ~b[i] & word_mask(i, bits))
			return false;
	return true;
}
