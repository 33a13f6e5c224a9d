// Promised memory: how much all programs together could come to need if they wrote to all that they
// may write to. The three modes of vm.overcommit_memory say how much of it may be promised.
//
// An area with VM_ACCOUNT has its pages charged, shared memory has its size charged; the charge
// comes before the area, and goes when it goes.
#pragma once

#include <mm/mm.h>

// -ENOMEM: the mode does not allow so much more. `mm`: who asks, or NULL.
int commit_charge(struct mm *mm, u64 pages);
void commit_uncharge(u64 pages);
u64 commit_pages(void);       // charged now
u64 commit_limit_pages(void); // of mode OVERCOMMIT_NEVER

// /proc/sys/vm/overcommit_*: plain words.
extern u64 overcommit_mode, overcommit_ratio, overcommit_kbytes;
extern u64 admin_reserve_kbytes, user_reserve_kbytes;
