// Mount namespaces.
#pragma once

#include <fs/fs_context.h>

struct user_ns;

struct mnt_ns *mnt_ns_get(struct mnt_ns *ns);
void mnt_ns_put(struct mnt_ns *ns);
// -EINVAL until copies of mount trees exist.
int mnt_ns_dup(struct mnt_ns *old, struct user_ns *owner, struct fs_context *fs,
	       struct mnt_ns **out);
