// sysinfo(2).
#pragma once

#include <uapi/types.h>

#define SI_LOAD_SHIFT 16 // fractional bits of loads

struct sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
	char reserved[0];
};
