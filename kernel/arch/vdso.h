// The vDSO: code and data that the machine maps into every program.
#pragma once

#include <lib/base.h>

struct mm;
struct vdso_data_page;

// Maps the vDSO and sets mm->vdso, where its image begins (AT_SYSINFO_EHDR). `data` is what the
// clocks are read from; NULL: the machine's own. -ENOMEM.
int arch_map_vdso(struct mm *mm, struct vdso_data_page *data);
// Gives a memory that has a vDSO other data. -ENOMEM: it still has the old.
int arch_vdso_switch(struct mm *mm, struct vdso_data_page *data);

// A data page by which CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead of the machine's. -ENOMEM.
int arch_vdso_data_create(struct vdso_data_page **out);
void arch_vdso_data_set(struct vdso_data_page *data, s64 monotonic_ns, s64 boottime_ns);
// Memories that map the page keep it.
void arch_vdso_data_free(struct vdso_data_page *data);
