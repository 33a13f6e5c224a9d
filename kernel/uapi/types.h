// Basic types of the ABI; self-contained, for the kernel and the libc alike.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef int64_t time_t;
typedef int64_t off_t;
