// Return addresses on a stack.
#pragma once

#include <lib/base.h>

struct task;

// Calls fn(ctx, pc) for each frame, innermost first, until it returns false. `task` NULL: here.
// Another task must not be running.
void arch_backtrace(const struct task *task, bool (*fn)(void *ctx, u64 pc), void *ctx);
