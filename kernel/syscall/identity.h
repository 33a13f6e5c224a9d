// Changing ids, for the system calls that do.
#pragma once

#include <lib/base.h>

// Set the ids that are not INVALID_ID; the others stay. The file-system id follows the effective
// one. Permission was checked. -ENOMEM, -EAGAIN.
long identity_set_user(u32 ruid, u32 euid, u32 suid);
long identity_set_group(u32 rgid, u32 egid, u32 sgid);
