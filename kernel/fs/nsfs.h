// Files that stand for namespaces: what /proc/PID/ns leads to, what setns(2) takes. A file, and a
// mount of one, keeps its namespace alive.
#pragma once

#include <fs/path.h>
#include <sched/ns_common.h>

struct file;

// The place of a namespace. Takes the reference to it, also on failure. -ENOMEM.
int nsfs_path(struct ns_common *ns, struct path *out);
// A descriptor for it, or an errno. Takes the reference.
long nsfs_open(struct ns_common *ns);
// The namespace of such a file or inode, not counted; NULL: it is something else.
struct ns_common *nsfs_file_ns(const struct file *file);
struct ns_common *nsfs_inode_ns(const struct inode *inode);
