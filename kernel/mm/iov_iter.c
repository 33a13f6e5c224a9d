// Iterators over the buffers of a read or write.

#include <lib/string.h>
#include <mm/iov_iter.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/errno.h>

#define RW_MAX (0x7ffffffful & ~(PAGE_SIZE - 1)) // what one call moves at most, as on Linux

void iter_init_user(struct iov_iter *iter, const struct iovec *vec, unsigned segments)
{
	*iter = (struct iov_iter){.vec = vec, .segments = segments};
	for (unsigned i = 0; i < segments; i++)
		iter->count += vec[i].iov_len;
	iter->count = MIN(iter->count, RW_MAX);
}

void iter_init_ubuf(struct iov_iter *iter, u64 address, size_t n)
{
	iter->single = (struct iovec){address, n};
	iter->vec = &iter->single;
	iter->segments = 1;
	iter->offset = 0;
	iter->kernel = false;
	iter->count = MIN(n, RW_MAX);
}

void iter_init_kernel(struct iov_iter *iter, void *buffer, size_t n)
{
	iter_init_ubuf(iter, (u64)buffer, n);
	iter->count = n;
	iter->kernel = true;
}

void iter_advance(struct iov_iter *iter, size_t n)
{
	iter->count -= n;
	iter->offset += n;
	while (iter->segments > 1 && iter->offset >= iter->vec->iov_len) {
		iter->offset -= iter->vec->iov_len;
		iter->vec++;
		iter->segments--;
	}
}

void iter_truncate(struct iov_iter *iter, size_t n)
{
	iter->count = MIN(iter->count, n);
}

enum direction {
	TO_ITER,
	FROM_ITER,
	ZERO_ITER
};

static size_t move_piece(struct iov_iter *iter, enum direction direction, char *at, size_t n)
{
	u64 address = iter->vec->iov_base + iter->offset;

	if (iter->kernel) {
		if (direction == FROM_ITER)
			memcpy(at, (void *)address, n);
		else if (direction == TO_ITER)
			memcpy((void *)address, at, n);
		else
			memset((void *)address, 0, n);
		return n;
	}
	switch (direction) {
	case FROM_ITER:
		return copy_from_user_partial(at, address, n);
	case TO_ITER:
		return copy_to_user_partial(address, at, n);
	default:
		return clear_user(address, n);
	}
}

static size_t move(struct iov_iter *iter, enum direction direction, char *at, size_t n)
{
	size_t done = 0;

	n = MIN(n, iter->count);
	while (done < n) {
		size_t piece = MIN(n - done, iter->vec->iov_len - iter->offset);
		size_t moved = move_piece(iter, direction, at + done, piece);

		iter_advance(iter, moved);
		done += moved;
		if (moved < piece)
			break;
		if (!piece)
			iter_advance(iter, 0);
	}
	return done;
}

size_t iter_copy_to(struct iov_iter *iter, const void *from, size_t n)
{
	return move(iter, TO_ITER, (char *)from, n);
}

size_t iter_copy_from(struct iov_iter *iter, void *to, size_t n)
{
	return move(iter, FROM_ITER, to, n);
}

size_t iter_zero(struct iov_iter *iter, size_t n)
{
	return move(iter, ZERO_ITER, NULL, n);
}

// `check`: the buffers are current's own.
static int iovec_read(u64 address, unsigned long segments, bool check, struct iovec **out)
{
	u64 total = 0;

	if (segments > IOV_MAX)
		return -EINVAL;
	struct iovec *vec = kmalloc(MAX(segments, 1ul) * sizeof(*vec), GFP_KERNEL);
	if (!vec)
		return -ENOMEM;
	int error = copy_from_user(vec, address, segments * sizeof(*vec));
	for (unsigned long i = 0; !error && i < segments; i++) {
		if ((s64)vec[i].iov_len < 0)
			error = -EINVAL;
		else if (check && !user_range_ok(vec[i].iov_base, MIN(vec[i].iov_len, RW_MAX)))
			error = -EFAULT;
		vec[i].iov_len = MIN(vec[i].iov_len, RW_MAX - total);
		total += vec[i].iov_len;
	}
	if (error) {
		kfree(vec);
		return error;
	}
	*out = vec;
	return 0;
}

int iovec_from_user(u64 address, unsigned long segments, struct iovec **out)
{
	return iovec_read(address, segments, true, out);
}

int iovec_from_user_unchecked(u64 address, unsigned long segments, struct iovec **out)
{
	return iovec_read(address, segments, false, out);
}
