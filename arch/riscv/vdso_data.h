// The page of data that the vDSO reads, just below its code: what it takes to turn the machine's
// time into that of a clock. Written by the kernel, read by every program.
#pragma once

#ifdef VDSO_CODE
typedef __UINT32_TYPE__ u32;

typedef __UINT64_TYPE__ u64;
#else
#include <lib/base.h>
#endif

#define VDSO_CLOCKS 16

// A time namespace gives its processes a page of their own, with other offsets.
struct vdso_data {
	u32 sequence;            // odd while it is being written
	u32 clocks;              // bit n: clock n can be read here
	u64 ns_per_tick;         // of the machine's time
	u64 offset[VDSO_CLOCKS]; // nanoseconds: what to add for each clock
	u64 resolution[VDSO_CLOCKS];
};
