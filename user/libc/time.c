// Clocks and dates, after the Gregorian calendar, in UTC.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/system.h>
#include <syscall.h>
#include <time.h>
#include <unistd.h>

#define DAY_SECONDS 86400

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
				      "Thursday", "Friday", "Saturday"};
static const char month_names[12][10] = {"January",   "February", "March",    "April",
					 "May",       "June",     "July",     "August",
					 "September", "October",  "November", "December"};

int clock_gettime(int clock, struct timespec *out)
{
	return (int)syscall(SYS_clock_gettime, clock, out);
}

int clock_settime(int clock, const struct timespec *time)
{
	return (int)syscall(SYS_clock_settime, clock, time);
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	return (int)syscall(SYS_nanosleep, time, left);
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

unsigned sleep(unsigned seconds)
{
	struct timespec time = {seconds, 0}, left;

	return nanosleep(&time, &left) < 0 ? (unsigned)left.tv_sec + (left.tv_nsec > 0) : 0;
}

unsigned alarm(unsigned seconds)
{
	struct itimerval new = {.it_value = {seconds, 0}}, old;

	if (syscall(SYS_setitimer, ITIMER_REAL, &new, &old) < 0)
		return 0;
	return (unsigned)old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}

// Days from 1970-01-01 to the first of March of a year that begins in March: the leap day is then
// the last of its year, and the months before it have a regular pattern.
static long days_to_march(long year)
{
	long era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 - 719468;
}

time_t timegm(const struct tm *tm)
{
	long month = tm->tm_mon % 12, year = tm->tm_year + 1900l + tm->tm_mon / 12;

	if (month < 0) {
		month += 12;
		year--;
	}
	long from_march = (month + 10) % 12;
	long days = days_to_march(year - (month < 2)) + (153 * from_march + 2) / 5 + tm->tm_mday -
		    1;

	return days * DAY_SECONDS + tm->tm_hour * 3600l + tm->tm_min * 60l + tm->tm_sec;
}

struct tm *gmtime_r(const time_t *time, struct tm *out)
{
	long days = *time / DAY_SECONDS, second = *time % DAY_SECONDS;

	if (second < 0) {
		second += DAY_SECONDS;
		days--;
	}
	// A first guess of the year is at most one off.
	long year = 1970 + days * 400 / 146097;

	while (days_to_march(year) > days)
		year--;
	while (days_to_march(year + 1) <= days)
		year++;
	long in_year = days - days_to_march(year);
	long from_march = (5 * in_year + 2) / 153;

	memset(out, 0, sizeof(*out));
	out->tm_mon = (int)(from_march + 2) % 12;
	if (out->tm_mon < 2)
		year++;
	out->tm_mday = (int)(in_year - (153 * from_march + 2) / 5) + 1;
	out->tm_year = (int)year - 1900;
	out->tm_hour = (int)second / 3600;
	out->tm_min = (int)second / 60 % 60;
	out->tm_sec = (int)second % 60;
	out->tm_wday = (int)(((days + 4) % 7 + 7) % 7);
	struct tm first = {.tm_year = out->tm_year, .tm_mday = 1};

	out->tm_yday = (int)(days - timegm(&first) / DAY_SECONDS);
	return out;
}

struct tm *localtime_r(const time_t *time, struct tm *out)
{
	return gmtime_r(time, out);
}

// One conversion; returns its length, cut off at size.
static int put_time(char *buf, size_t size, char c, const struct tm *tm)
{
	int hour12 = tm->tm_hour % 12 ? tm->tm_hour % 12 : 12;

	switch (c) {
	case 'a':
		return scnprintf(buf, size, "%.3s", day_names[tm->tm_wday]);
	case 'A':
		return scnprintf(buf, size, "%s", day_names[tm->tm_wday]);
	case 'b':
	case 'h':
		return scnprintf(buf, size, "%.3s", month_names[tm->tm_mon]);
	case 'B':
		return scnprintf(buf, size, "%s", month_names[tm->tm_mon]);
	case 'd':
		return scnprintf(buf, size, "%02d", tm->tm_mday);
	case 'e':
		return scnprintf(buf, size, "%2d", tm->tm_mday);
	case 'H':
		return scnprintf(buf, size, "%02d", tm->tm_hour);
	case 'I':
		return scnprintf(buf, size, "%02d", hour12);
	case 'j':
		return scnprintf(buf, size, "%03d", tm->tm_yday + 1);
	case 'm':
		return scnprintf(buf, size, "%02d", tm->tm_mon + 1);
	case 'M':
		return scnprintf(buf, size, "%02d", tm->tm_min);
	case 'n':
		return scnprintf(buf, size, "\n");
	case 'p':
		return scnprintf(buf, size, "%s", tm->tm_hour < 12 ? "AM" : "PM");
	case 's':
		return scnprintf(buf, size, "%ld", timegm(tm));
	case 'S':
		return scnprintf(buf, size, "%02d", tm->tm_sec);
	case 't':
		return scnprintf(buf, size, "\t");
	case 'u':
		return scnprintf(buf, size, "%d", tm->tm_wday ? tm->tm_wday : 7);
	case 'w':
		return scnprintf(buf, size, "%d", tm->tm_wday);
	case 'y':
		return scnprintf(buf, size, "%02d", tm->tm_year % 100);
	case 'Y':
		return scnprintf(buf, size, "%d", tm->tm_year + 1900);
	case 'Z':
		return scnprintf(buf, size, "UTC");
	case 'z':
		return scnprintf(buf, size, "+0000");
	default:
		return scnprintf(buf, size, c == '%' ? "%%" : "%%%c", c);
	}
}

// What stands for several conversions.
static const char *time_format(char c)
{
	switch (c) {
	case 'c':
		return "%a %b %e %H:%M:%S %Y";
	case 'D':
	case 'x':
		return "%m/%d/%y";
	case 'F':
		return "%Y-%m-%d";
	case 'r':
		return "%I:%M:%S %p";
	case 'R':
		return "%H:%M";
	case 'T':
	case 'X':
		return "%H:%M:%S";
	default:
		return NULL;
	}
}

size_t strftime(char *buf, size_t size, const char *fmt, const struct tm *tm)
{
	size_t n = 0;

	for (; *fmt && n + 1 < size; fmt++) {
		if (*fmt != '%' || !fmt[1]) {
			buf[n++] = *fmt;
			continue;
		}
		const char *longer = time_format(*++fmt);

		if (longer)
			n += strftime(buf + n, size - n, longer, tm);
		else
			n += (size_t)put_time(buf + n, size - n, *fmt, tm);
	}
	if (size)
		buf[n] = '\0';
	return *fmt ? 0 : n;
}
