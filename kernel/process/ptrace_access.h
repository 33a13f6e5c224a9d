// Whether current may look into another task.
#pragma once

#include <sched/task.h>

#define PTRACE_MODE_READ_REALCREDS   1
#define PTRACE_MODE_ATTACH_REALCREDS 2
#define PTRACE_MODE_READ_FSCREDS     3 // by the ids that count for files
#define PTRACE_MODE_ATTACH_FSCREDS   4 // the same

// Same ids throughout and a dumpable memory, or CAP_SYS_PTRACE. See ptrace(2).
bool ptrace_may_access(struct task *task, int mode);
// Whether current may read of what a task's memory consists: as above by the ids that count for files,
// or as one who watches the whole machine (CAP_PERFMON).
bool ptrace_may_see_memory(struct task *task);
