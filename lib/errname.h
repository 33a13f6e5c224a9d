// Error numbers as text. `error` may be positive or negative.
#pragma once

#include <lib/base.h>

// "ENOENT"; NULL for a number that is none. 0 is "0".
const char *errno_name(int error);

// "No such file or directory"; NULL for a number that is none. 0 is "Success". Not in the kernel.
const char *errno_message(int error);
