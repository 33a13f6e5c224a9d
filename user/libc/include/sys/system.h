// What programs ask of Linux beyond POSIX: mounts, power, clones, the log, statistics.
#pragma once

#include <uapi/mman.h>
#include <uapi/mount.h>
#include <uapi/prctl.h>
#include <uapi/reboot.h>
#include <uapi/resource.h>
#include <uapi/sched.h>
#include <uapi/sysinfo.h>
#include <uapi/syslog.h>
#include <uapi/utsname.h>

int ioctl(int fd, unsigned long request, ...);
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);
int umount2(const char *target, int flags);
int reboot(int command);
int unshare(unsigned long flags);
int setns(int fd, int kind);
int klogctl(int action, char *buf, int size);
int uname(struct new_utsname *out);
int sysinfo(struct sysinfo *out);
int prctl(int option, ...);
int getrlimit(int resource, struct rlimit *out);
int setrlimit(int resource, const struct rlimit *in);
int getrusage(int who, struct rusage *out);
int setpriority(int which, int who, int priority);
int getpriority(int which, int who);
void *mmap(void *at, size_t size, int protection, int flags, int fd, int64_t offset);
int munmap(void *at, size_t size);

#define MAP_FAILED ((void *)-1)
