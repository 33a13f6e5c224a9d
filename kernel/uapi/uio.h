// Scattered buffers.
#pragma once

#include <uapi/types.h>

#define IOV_MAX 1024

struct iovec {
	uint64_t iov_base;
	uint64_t iov_len;
};
