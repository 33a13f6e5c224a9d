// Usage in the form of getrusage(2).
#pragma once

#include <sched/process.h>

int rusage_to_user(u64 address, const struct usage *usage); // 0 or -EFAULT
