// What statmount(2) and listmount(2) tell: see mount_status.c.
#pragma once

#include <fs/mnt_ns.h>
#include <uapi/mount.h>

struct mount;
struct seq;

// Tells about a mount of a namespace by its number, or (ns NULL) about `mount`, which need not be in
// one. What is told of `mask` is in out->mask, its texts in `seq`, where out's offsets point to; those
// that did not fit make it full. -ENOENT, -EPERM (in another namespace, or not to be reached from
// current's root).
int mount_status(struct mnt_ns *ns, u64 number, struct mount *mount, u64 mask,
		 struct statmount *out, struct seq *seq);

// The numbers of mounts below another one, or of all (LSMT_ROOT), as far as they can be reached from
// current's root: up to `count` of those behind number `last` (0: from the first), or downwards before
// it. How many there are; -ENOENT, -EPERM.
long mount_list(struct mnt_ns *ns, u64 number, u64 last, bool reverse, u64 *numbers, size_t count);
