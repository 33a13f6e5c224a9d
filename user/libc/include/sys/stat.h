// What files are.
#pragma once

#include <uapi/stat.h>

int stat(const char *path, struct stat *out);
int lstat(const char *path, struct stat *out);
int fstat(int fd, struct stat *out);
int fstatat(int dir, const char *path, struct stat *out, int flags);
int statfs(const char *path, struct statfs *out);
int chmod(const char *path, uint32_t mode);
int fchmod(int fd, uint32_t mode);
uint32_t umask(uint32_t mask);
int mkdir(const char *path, uint32_t mode);
int mknod(const char *path, uint32_t mode, uint64_t device);
int mkfifo(const char *path, uint32_t mode);
int utimensat(int dir, const char *path, const void *times, int flags);

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

// Device numbers as stat(2) shows them.
#define major(dev) ((unsigned)((dev) >> 8 & 0xfff))
#define minor(dev) ((unsigned)(((dev)&0xff) | ((dev) >> 12 & 0xfff00)))
#define makedev(maj, min) \
	((uint64_t)((maj)&0xfff) << 8 | ((min)&0xff) | (uint64_t)((min)&0xfff00) << 12)
