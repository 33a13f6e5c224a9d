// Clocks and dates. The only time zone is UTC.
#pragma once

#include <lib/base.h>
#include <uapi/types.h>
#include <uapi/time.h>

struct tm {
	int tm_sec, tm_min, tm_hour;
	int tm_mday, tm_mon, tm_year; // month from 0, year from 1900
	int tm_wday, tm_yday, tm_isdst;
};

time_t time(time_t *out);
int clock_gettime(int clock, struct timespec *out);
int clock_settime(int clock, const struct timespec *time);
int nanosleep(const struct timespec *time, struct timespec *left);
struct tm *gmtime_r(const time_t *time, struct tm *out);
struct tm *localtime_r(const time_t *time, struct tm *out);
time_t timegm(const struct tm *tm);
// Conversions a A b B d e F H I j m M n p R s S t T u w y Y Z z %, D c x X.
size_t strftime(char *buf, size_t size, const char *fmt, const struct tm *tm);
