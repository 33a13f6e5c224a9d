// Opening files.
#pragma once

#include <uapi/fcntl.h>

int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
int fcntl(int fd, int command, ...);
