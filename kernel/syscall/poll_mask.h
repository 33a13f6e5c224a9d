// The signal mask for the duration of a call that waits for files.
#pragma once

#include <signal/signal.h>

// Takes it from user space, if any. -EFAULT, -EINVAL. signal_mask_restore() ends it.
int poll_mask_begin(u64 mask_at, size_t size);
