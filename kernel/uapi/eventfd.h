// eventfd(2) (Linux).
#pragma once

#include <uapi/types.h>

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC   02000000
#define EFD_NONBLOCK  04000
