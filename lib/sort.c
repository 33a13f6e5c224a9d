// Heap sort: slower than quicksort on average, but without a bad case that user data could provoke.
#include <lib/sort.h>

struct sorter {
	u8 *base;
	size_t size;
	bool words;
	int (*cmp)(const void *a, const void *b, void *ctx);
	void *ctx;
};

static void swap_elements(const struct sorter *s, size_t i, size_t j)
{
	u8 *a = s->base + i * s->size, *b = s->base + j * s->size;

	if (s->words) {
		typedef u64 __attribute__((may_alias)) word;
		word *x = (word *)a, *y = (word *)b;

		for (size_t n = s->size / 8; n; n--, x++, y++)
			SWAP(*x, *y);
		return;
	}
	for (size_t n = s->size; n; n--, a++, b++)
		SWAP(*a, *b);
}

static int compare(const struct sorter *s, size_t i, size_t j)
{
	return s->cmp(s->base + i * s->size, s->base + j * s->size, s->ctx);
}

// Moves element `top` down until it is not less than its children, among the first n.
static void sift_down(const struct sorter *s, size_t top, size_t n)
{
	for (size_t child; (child = 2 * top + 1) < n; top = child) {
		if (child + 1 < n && compare(s, child, child + 1) < 0)
			child++;
		if (compare(s, top, child) >= 0)
			return;
		swap_elements(s, top, child);
	}
}

void sort_with(void *base, size_t n, size_t size,
	       int (*cmp)(const void *a, const void *b, void *ctx), void *ctx)
{
	struct sorter s = {.base = base, .size = size, .cmp = cmp, .ctx = ctx};

	s.words = ((uintptr_t)base | size) % 8 == 0;
	for (size_t i = n / 2; i--;)
		sift_down(&s, i, n);
	while (n > 1) {
		swap_elements(&s, 0, --n);
		sift_down(&s, 0, n);
	}
}

// Calls the plain function whose address is in ctx.
struct plain {
	int (*cmp)(const void *a, const void *b);
};

static int compare_plain(const void *a, const void *b, void *ctx)
{
	return ((struct plain *)ctx)->cmp(a, b);
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b))
{
	struct plain plain = {cmp};

	sort_with(base, n, size, compare_plain, &plain);
}
