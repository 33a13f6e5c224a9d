// membarrier(2) (Linux; linux/membarrier.h).
#pragma once

#include <uapi/types.h>

#define MEMBARRIER_CMD_QUERY 0
