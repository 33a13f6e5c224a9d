// Where the bytes of a read or write go or come from: buffers of user space, or of the kernel.
#pragma once

#include <uapi/uio.h>
#include <lib/base.h>

struct iov_iter {
	size_t count;            // bytes left
	const struct iovec *vec; // user buffers; base of the kernel's own if kernel is set
	unsigned segments;
	size_t offset; // in the first
	bool kernel;
	struct iovec single; // for iterators of one buffer
};

void iter_init_user(struct iov_iter *iter, const struct iovec *vec, unsigned segments);
void iter_init_ubuf(struct iov_iter *iter, u64 address, size_t n);
void iter_init_kernel(struct iov_iter *iter, void *buffer, size_t n);

static inline size_t iter_count(const struct iov_iter *iter)
{
	return iter->count;
}

// At most n bytes; returns those done: fewer at the end or at a bad address.
size_t iter_copy_to(struct iov_iter *iter, const void *from, size_t n);
size_t iter_copy_from(struct iov_iter *iter, void *to, size_t n);
size_t iter_zero(struct iov_iter *iter, size_t n);
void iter_advance(struct iov_iter *iter, size_t n);
void iter_truncate(struct iov_iter *iter, size_t n);

// Reads an iovec array of user space: *vec must be freed with kfree. -EINVAL, -EFAULT, -ENOMEM.
int iovec_from_user(u64 address, unsigned long segments, struct iovec **vec);
// The same for buffers that are not current's own: their addresses are not looked at.
int iovec_from_user_unchecked(u64 address, unsigned long segments, struct iovec **vec);
