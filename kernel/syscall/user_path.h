// Paths that system calls take.
#pragma once

#include <fs/path.h>

// Finds a path of user space, with references. AT_EMPTY_PATH as in `flags`.
int user_path(int dirfd, u64 path_at, int flags, bool follow, struct path *out);
