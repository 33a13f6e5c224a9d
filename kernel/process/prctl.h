// The options of prctl(2) that sys_prctl_memory.c has for sys_prctl.c. Arguments are those of the
// call; results are the call's.
#pragma once

#include <lib/base.h>

long prctl_set_vma(u64 what, u64 start, u64 length, u64 address);
long prctl_get_auxv(u64 address, u64 size);
long prctl_set_mdwe(u64 bits);
long prctl_set_thp_disable(u64 disable, u64 flags);
long prctl_set_mm(u64 what, u64 address, u64 a4, u64 a5);
