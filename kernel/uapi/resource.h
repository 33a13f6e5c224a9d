// Limits and usage (Linux; asm-generic/resource.h).
#pragma once

#include <uapi/types.h>
#include <uapi/time.h>

#define RUSAGE_SELF       0
#define RUSAGE_CHILDREN   (-1)
#define RUSAGE_BOTH       (-2)
#define RUSAGE_THREAD     1
#define PRIO_MIN          (-20)
#define PRIO_MAX          20
#define PRIO_PROCESS      0
#define PRIO_PGRP         1
#define PRIO_USER         2
#define RLIMIT_CPU        0
#define RLIMIT_FSIZE      1
#define RLIMIT_DATA       2
#define RLIMIT_STACK      3
#define RLIMIT_CORE       4
#define RLIMIT_RSS        5
#define RLIMIT_NPROC      6
#define RLIMIT_NOFILE     7
#define RLIMIT_MEMLOCK    8
#define RLIMIT_AS         9
#define RLIMIT_LOCKS      10
#define RLIMIT_SIGPENDING 11
#define RLIMIT_MSGQUEUE   12
#define RLIMIT_NICE       13
#define RLIMIT_RTPRIO     14
#define RLIMIT_RTTIME     15

#define RLIM_INFINITY (~0ul)
#define RLIM_NLIMITS  16

struct rlimit {
	uint64_t rlim_cur;
	uint64_t rlim_max;
};

struct rusage {
	struct timeval ru_utime, ru_stime;
	int64_t ru_maxrss, ru_ixrss, ru_idrss, ru_isrss;
	int64_t ru_minflt, ru_majflt, ru_nswap;
	int64_t ru_inblock, ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals;
	int64_t ru_nvcsw, ru_nivcsw;
};
