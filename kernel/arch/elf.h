// What executables are told of the machine.
#pragma once

#include <lib/base.h>

struct mm;

u64 arch_hwcap(void); // AT_HWCAP
// Maps the vDSO and sets mm->vdso, where its image begins (AT_SYSINFO_EHDR). -ENOMEM.
int arch_map_vdso(struct mm *mm);
