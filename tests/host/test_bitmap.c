// lib/bits and lib/bitmap against the obvious way of doing the same.
#include "check.h"
#include <lib/bitmap.h>
#include <lib/bits.h>

#define BITS_MAX 300

static void test_bits(void)
{
	CHECK_EQ(bit_ctz(0), 64);
	CHECK_EQ(bit_clz(0), 64);
	CHECK_EQ(roundup_pow2(0), 1);
	CHECK_EQ(roundup_pow2((1ul << 63) + 1), 0);
	CHECK_EQ(ffs_u64(0), 0);
	CHECK_EQ(fls_u64(0), 0);
	for (int i = 0; i < 20000; i++) {
		volatile u64 hidden = random_u64(); // keeps the constant branches out
		u64 x = hidden;
		u8 bytes[8];

		CHECK_EQ(popcount_u64(x), __builtin_popcountl(x));
		memcpy(bytes, &x, 8);
		CHECK_EQ(load_be64(bytes), __builtin_bswap64(x));
		CHECK_EQ(bswap64(x), __builtin_bswap64(x));
		CHECK_EQ(bswap32((u32)x), __builtin_bswap32((u32)x));
		CHECK_EQ(bswap16((u16)x), __builtin_bswap16((u16)x));
		if (!x)
			continue;
		CHECK_EQ(bit_ctz(x), __builtin_ctzl(x));
		CHECK_EQ(bit_clz(x), __builtin_clzl(x));
		CHECK_EQ(ilog2(x), 63 - __builtin_clzl(x));
		u64 up = roundup_pow2(x);

		CHECK(x > 1ul << 63 ? up == 0 : IS_POW2(up) && up >= x && up / 2 < x);
		CHECK(rounddown_pow2(x) <= x && rounddown_pow2(x) > x / 2);
		if (up)
			CHECK_EQ(1ul << ilog2_up(x), up);
	}
}

struct model {
	bool bit[BITS_MAX];
};

// A random map with garbage behind its end, dense or sparse, and its model.
static unsigned long *random_map(size_t bits, struct model *m)
{
	unsigned long *map = malloc(BITMAP_LONGS(bits) * sizeof(long) + 1);
	unsigned kind = (unsigned)random_below(4);

	for (size_t i = 0; i < BITMAP_LONGS(bits); i++) {
		u64 x = random_next(), y = random_next(), z = random_next();

		map[i] = kind == 0 ? x : kind == 1 ? x & y & z : kind == 2 ? x | y | z : -(x & 1);
	}
	for (size_t i = 0; i < bits; i++)
		m->bit[i] = bitmap_test(map, i);
	return map;
}

static size_t model_next(const struct model *m, size_t bits, size_t start, bool value)
{
	while (start < bits && m->bit[start] != value)
		start++;
	return MIN(start, bits);
}

static size_t model_run(const struct model *m, size_t bits, size_t start, size_t count, size_t al)
{
	for (start = ALIGN_UP(start, al); start < bits && count <= bits - start; start += al)
		if (model_next(m, start + count, start, true) == start + count)
			return start;
	return bits;
}

static void test_find(void)
{
	for (int i = 0; i < 20000; i++) {
		struct model m;
		size_t bits = 1 + random_below(BITS_MAX), start = random_below(bits + 2);
		size_t count = 1 + random_below(70), align = BIT(random_below(7));
		unsigned long *map = random_map(bits, &m);
		size_t weight = 0, seen = 0, last = bits, bit;

		for (size_t k = 0; k < bits; k++) {
			weight += m.bit[k];
			last = m.bit[k] ? k : last;
		}
		CHECK_EQ(bitmap_find_next_set(map, bits, start), model_next(&m, bits, start, true));
		CHECK_EQ(bitmap_find_next_zero(map, bits, start),
			 model_next(&m, bits, start, false));
		CHECK_EQ(bitmap_find_last_set(map, bits), last);
		CHECK_EQ(bitmap_find_zero_run(map, bits, start, count, align),
			 model_run(&m, bits, start, count, align));
		CHECK_EQ(bitmap_weight(map, bits), weight);
		CHECK_EQ(bitmap_empty(map, bits), weight == 0);
		CHECK_EQ(bitmap_full(map, bits), weight == bits);
		bitmap_for_each_set (bit, map, bits) {
			CHECK(m.bit[bit]);
			seen++;
		}
		CHECK_EQ(seen, weight);
		free(map);
	}
}

static void test_range(void)
{
	for (int i = 0; i < 10000; i++) {
		struct model m;
		size_t bits = 1 + random_below(BITS_MAX), start = random_below(bits);
		size_t count = random_below(bits - start + 1);
		unsigned long *map = random_map(bits, &m);
		bool set = random_below(2);

		if (set)
			bitmap_set_range(map, start, count);
		else
			bitmap_clear_range(map, start, count);
		for (size_t k = 0; k < bits; k++)
			CHECK_EQ(bitmap_test(map, k),
				 k >= start && k < start + count ? set : m.bit[k]);
		free(map);
	}
}

static void test_single(void)
{
	BITMAP(map, 130);

	bitmap_zero(map, 130);
	CHECK(!bitmap_test_and_set(map, 129));
	CHECK(bitmap_test_and_set(map, 129));
	CHECK_EQ(bitmap_weight(map, 130), 1);
	CHECK(bitmap_test_and_clear(map, 129));
	CHECK(!bitmap_test_and_clear(map, 129));
	bitmap_assign(map, 64, true);
	CHECK_EQ(bitmap_find_next_set(map, 130, 0), 64);
	bitmap_assign(map, 64, false);
	CHECK(bitmap_empty(map, 130));
	bitmap_fill(map, 130);
	CHECK(bitmap_full(map, 130));
	CHECK_EQ(bitmap_weight(map, 130), 130);
}

static void test_logic(void)
{
	for (int i = 0; i < 5000; i++) {
		struct model a, b;
		size_t bits = 1 + random_below(BITS_MAX);
		unsigned long *x = random_map(bits, &a), *y = random_map(bits, &b);
		BITMAP(r, BITS_MAX);
		bool and = false, or = false, andnot = false, equal = true;

		for (size_t k = 0; k < bits; k++) {
			and |= a.bit[k] && b.bit[k];
			or |= a.bit[k] || b.bit[k];
			andnot |= a.bit[k] && !b.bit[k];
			equal &= a.bit[k] == b.bit[k];
		}
		CHECK_EQ(bitmap_and(r, x, y, bits), and);
		for (size_t k = 0; k < bits; k++)
			CHECK_EQ(bitmap_test(r, k), a.bit[k] && b.bit[k]);
		CHECK_EQ(bitmap_or(r, x, y, bits), or);
		for (size_t k = 0; k < bits; k++)
			CHECK_EQ(bitmap_test(r, k), a.bit[k] || b.bit[k]);
		CHECK_EQ(bitmap_andnot(r, x, y, bits), andnot);
		for (size_t k = 0; k < bits; k++)
			CHECK_EQ(bitmap_test(r, k), a.bit[k] && !b.bit[k]);
		bitmap_complement(r, x, bits);
		for (size_t k = 0; k < bits; k++)
			CHECK_EQ(bitmap_test(r, k), !a.bit[k]);
		CHECK_EQ(bitmap_equal(x, y, bits), equal);
		CHECK_EQ(bitmap_intersects(x, y, bits), and);
		CHECK_EQ(bitmap_subset(x, y, bits), !andnot);
		bitmap_copy(r, x, bits);
		CHECK(bitmap_equal(r, x, bits));
		free(x), free(y);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{"bits", test_bits},     {"find", test_find},   {"range", test_range},
		{"single", test_single}, {"logic", test_logic},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
