// Files of memory without a name, and seals on them: memfd_create(2), fcntl(2).
#pragma once

#include <fs/file.h>

// Besides F_SEAL_*: the inode takes seals at all.
#define INODE_SEALABLE (1u << 31)

// flags MFD_*. One reference. -ENOMEM, -ENFILE.
int memfd_create(const char *name, u32 flags, struct file **out);
// -EINVAL (not such a file), -EPERM (sealed against it), -EBUSY (mapped writable).
long file_add_seals(struct file *file, u32 seals);
long file_get_seals(struct file *file);

// Memory of a size as a file without a place, to be opened; for System V segments. *out is counted.
// -ENOMEM, -ENOSPC.
int memfd_object(const char *name, u64 size, struct path *out);
