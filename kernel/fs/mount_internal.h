// Shared by the files of the mount tree.
#pragma once

#include <fs/mnt_ns.h>
#include <sched/ns_common.h>
#include <sched/mutex.h>

#define MOUNTS_MAX 100000u // of one namespace, as fs.mount-max

struct mnt_ns {
	struct ns_common common;
	struct mount *root; // [mounts] counted
	u32 count;          // [mounts]
};

extern struct mutex mount_mutex;
extern struct mnt_ns first_mnt_ns;

// All need mount_mutex.
struct mount *mount_copy_tree(struct mount *from, struct dentry *root, bool recursive,
			      bool keep_unbindable);
// Hangs a tree that is in no namespace below a mount, and takes its reference.
void mount_hang(struct mount *tree, struct mount *parent, struct dentry *point);
void mount_set_ns(struct mount *tree, struct mnt_ns *ns);
// Takes a tree apart that nobody hangs below; drops the tree's references.
void mount_tree_drop(struct mount *tree);
struct mount *mount_next(struct mount *mount, const struct mount *top);
