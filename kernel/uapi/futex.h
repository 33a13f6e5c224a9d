// Futexes (Linux; linux/futex.h).
#pragma once

#include <uapi/types.h>

#define FUTEX_WAIT                    0
#define FUTEX_WAKE                    1
#define FUTEX_FD                      2
#define FUTEX_REQUEUE                 3
#define FUTEX_CMP_REQUEUE             4
#define FUTEX_WAKE_OP                 5
#define FUTEX_LOCK_PI                 6
#define FUTEX_UNLOCK_PI               7
#define FUTEX_TRYLOCK_PI              8
#define FUTEX_WAIT_BITSET             9
#define FUTEX_WAKE_BITSET             10
#define FUTEX_WAIT_REQUEUE_PI         11
#define FUTEX_CMP_REQUEUE_PI          12
#define FUTEX_LOCK_PI2                13
#define FUTEX_PRIVATE_FLAG            128
#define FUTEX_CLOCK_REALTIME          0x100
#define FUTEX_CMD_MASK                (-385)
#define FUTEX_WAIT_PRIVATE            128
#define FUTEX_WAKE_PRIVATE            129
#define FUTEX_REQUEUE_PRIVATE         131
#define FUTEX_CMP_REQUEUE_PRIVATE     132
#define FUTEX_WAKE_OP_PRIVATE         133
#define FUTEX_LOCK_PI_PRIVATE         134
#define FUTEX_LOCK_PI2_PRIVATE        141
#define FUTEX_UNLOCK_PI_PRIVATE       135
#define FUTEX_TRYLOCK_PI_PRIVATE      136
#define FUTEX_WAIT_BITSET_PRIVATE     137
#define FUTEX_WAKE_BITSET_PRIVATE     138
#define FUTEX_WAIT_REQUEUE_PI_PRIVATE 139
#define FUTEX_CMP_REQUEUE_PI_PRIVATE  140
#define FUTEX_32                      2
#define FUTEX2_SIZE_U32               2
#define FUTEX2_SIZE_MASK              3
#define FUTEX2_NUMA                   4
#define FUTEX2_MPOL                   8
#define FUTEX2_PRIVATE                128
#define FUTEX_NO_NODE                 0xffffffffu
#define FUTEX_WAITV_MAX               128
#define FUTEX_WAITERS                 0x80000000u
#define FUTEX_OWNER_DIED              0x40000000
#define FUTEX_TID_MASK                1073741823
#define ROBUST_LIST_LIMIT             0x800
#define FUTEX_BITSET_MATCH_ANY        0xffffffffu
#define FUTEX_OP_SET                  0
#define FUTEX_OP_ADD                  1
#define FUTEX_OP_OR                   2
#define FUTEX_OP_ANDN                 3
#define FUTEX_OP_XOR                  4
#define FUTEX_OP_OPARG_SHIFT          8
#define FUTEX_OP_CMP_EQ               0
#define FUTEX_OP_CMP_NE               1
#define FUTEX_OP_CMP_LT               2
#define FUTEX_OP_CMP_LE               3
#define FUTEX_OP_CMP_GT               4
#define FUTEX_OP_CMP_GE               5

struct robust_list {
	uint64_t next;
};

struct robust_list_head {
	struct robust_list list;
	int64_t futex_offset;
	uint64_t list_op_pending;
};

struct futex_waitv {
	uint64_t val;
	uint64_t uaddr;
	uint32_t flags;
	uint32_t reserved;
};
