// Sorting in place.
#pragma once

#include <lib/base.h>

// Sorts n elements of `size` bytes, ascending by cmp, which returns <0, 0, >0; equal elements may
// change places. O(n log n) always, no recursion, no memory (heap sort).
void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b));
// cmp gets ctx as well.
void sort_with(void *base, size_t n, size_t size,
	       int (*cmp)(const void *a, const void *b, void *ctx), void *ctx);
