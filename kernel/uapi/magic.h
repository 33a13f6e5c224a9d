// File system magic numbers (Linux; linux/magic.h).
#pragma once

#include <uapi/types.h>

#define RAMFS_MAGIC         0x858458f6u
#define TMPFS_MAGIC         16914836
#define CGROUP2_SUPER_MAGIC 1667723888
#define DEVPTS_SUPER_MAGIC  7377
#define PIPEFS_MAGIC        1346981957
#define PROC_SUPER_MAGIC    40864
#define SYSFS_MAGIC         1650812274
#define ANON_INODE_FS_MAGIC 151263540
#define NULL_FS_MAGIC       0x4e554c4c
#define NSFS_MAGIC          1853056627
#define MQUEUE_MAGIC        0x19800202
