// The last error. This libc is for programs of one thread: it is an ordinary variable.
#pragma once

#include <uapi/errno.h>

extern int errno;
