// personality(2) (Linux; linux/personality.h).
#pragma once

#include <uapi/types.h>

#define STICKY_TIMEOUTS    0x4000000
#define ADDR_NO_RANDOMIZE  0x0040000
#define MMAP_PAGE_ZERO     0x0100000
#define READ_IMPLIES_EXEC  0x0400000
#define PER_LINUX          0x0000
#define PER_LINUX32        0x0008
#define PER_MASK           0x00ff
// What a set-id program must not inherit.
#define PER_CLEAR_ON_SETID (READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | MMAP_PAGE_ZERO)
