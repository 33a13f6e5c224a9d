// Extended attributes (Linux; linux/xattr.h).
#pragma once

#include <uapi/types.h>

#define XATTR_CREATE  1
#define XATTR_REPLACE 2

#define XATTR_SECURITY_PREFIX "security."
#define XATTR_TRUSTED_PREFIX  "trusted."
#define XATTR_USER_PREFIX     "user."
#define XATTR_NAME_CAPS       "security.capability"

// setxattrat(2), getxattrat(2)
struct xattr_args {
	u64 value; // address
	u32 size;
	u32 flags;
};
