// Limits (Linux; linux/limits.h).
#pragma once

#include <uapi/types.h>

#define NGROUPS_MAX    65536
#define ARG_MAX        131072
#define NAME_MAX       255
#define PATH_MAX       4096
#define PIPE_BUF       4096
#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_LIST_MAX 65536
#define RTSIG_MAX      32
