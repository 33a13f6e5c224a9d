// The file system of control groups, as others need it.
#pragma once

struct cgroup;
struct file;

// The group whose folder is open as `file`, with a reference, if current may start a child in it
// (clone3's CLONE_INTO_CGROUP). `thread`: the child is to be a thread of current's process. -EBADF: no folder of
// a group; -ENOENT: it has gone, or is hidden; -EACCES, -EBUSY, -EOPNOTSUPP as for a write to cgroup.procs.
int cgroupfs_target(struct file *file, bool thread, struct cgroup **out);
