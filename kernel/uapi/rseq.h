// rseq(2) (Linux; linux/rseq.h).
#pragma once

#include <uapi/types.h>

#define RSEQ_CPU_ID_UNINITIALIZED (-1)
#define RSEQ_FLAG_UNREGISTER      1

// What the kernel knows of the area, and the least size of one.
#define RSEQ_FEATURE_SIZE 28
#define RSEQ_ORIG_SIZE    32
#define RSEQ_ALIGN        32

struct rseq_area {
	u32 cpu_id_start;
	u32 cpu_id;
	u64 rseq_cs; // address of the section that is active, or 0
	u32 flags;
	u32 node_id;
	u32 mm_cid;
};

struct rseq_section {
	u32 version, flags;
	u64 start_ip;
	u64 post_commit_offset;
	u64 abort_ip;
};
