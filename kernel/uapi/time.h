// Clocks and times (Linux; linux/time.h).
#pragma once

#include <uapi/types.h>

#define ITIMER_REAL              0
#define ITIMER_VIRTUAL           1
#define ITIMER_PROF              2
#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define CLOCK_MONOTONIC_RAW      4
#define CLOCK_REALTIME_COARSE    5
#define CLOCK_MONOTONIC_COARSE   6
#define CLOCK_BOOTTIME           7
#define CLOCK_REALTIME_ALARM     8
#define CLOCK_BOOTTIME_ALARM     9
#define CLOCK_SGI_CYCLE          10
#define CLOCK_TAI                11
#define TIMER_ABSTIME            1
#define ADJ_OFFSET               1
#define ADJ_FREQUENCY            2
#define ADJ_MAXERROR             4
#define ADJ_ESTERROR             8
#define ADJ_STATUS               16
#define ADJ_TIMECONST            32
#define ADJ_TAI                  128
#define ADJ_SETOFFSET            0x100
#define ADJ_MICRO                0x1000
#define ADJ_NANO                 0x2000
#define ADJ_TICK                 0x4000
#define ADJ_OFFSET_SINGLESHOT    0x8001
#define ADJ_OFFSET_SS_READ       0xa001
#define STA_PLL                  1
#define STA_PPSFREQ              2
#define STA_PPSTIME              4
#define STA_FLL                  8
#define STA_INS                  16
#define STA_DEL                  32
#define STA_UNSYNC               64
#define STA_FREQHOLD             128
#define STA_PPSSIGNAL            0x100
#define STA_PPSJITTER            0x200
#define STA_PPSWANDER            0x400
#define STA_PPSERROR             0x800
#define STA_CLOCKERR             0x1000
#define STA_NANO                 0x2000
#define STA_MODE                 0x4000
#define STA_CLK                  0x8000
#define STA_RONLY                65280
#define TIME_OK                  0
#define TIME_INS                 1
#define TIME_DEL                 2
#define TIME_OOP                 3
#define TIME_WAIT                4
#define TIME_ERROR               5
#define TIME_BAD                 5
#define TFD_TIMER_ABSTIME        1
#define TFD_TIMER_CANCEL_ON_SET  2
#define TFD_CLOEXEC              0x80000
#define TFD_NONBLOCK             0x800
#define TFD_IOC_SET_TICKS        1074287616

struct timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};

struct timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};

struct itimerspec {
	struct timespec it_interval, it_value;
};

struct timex {
	uint32_t modes;
	int64_t offset, freq, maxerror, esterror;
	int32_t status;
	int64_t constant, precision, tolerance;
	struct timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, reserved[11];
};

struct itimerval {
	struct timeval it_interval, it_value;
};

struct timezone {
	int tz_minuteswest;
	int tz_dsttime;
};
