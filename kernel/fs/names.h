// The rules of names that come and go, shared by names.c, rename.c and open.c.
#pragma once

#include <fs/open.h>
#include <fs/path.h>
#include <sched/mutex.h>

// Whether current may change the names there. 0, -EROFS, -EACCES.
int name_may_make(const struct path *dir);
// Whether it may make one: then its ids must mean something to the file system, too. 0, as above,
// -EOVERFLOW, or -ENOENT where the directory was removed. Its inode lock is written.
int name_may_create(const struct path *dir);
// The same for an inode without a name (O_TMPFILE): the directory may have been removed.
int node_may_make(const struct path *dir);
// Whether current may take that name away, which has to be one of a directory, or not. 0, -EROFS,
// -EACCES, -EPERM (sticky directory, or a name that is made on demand), -ENOTDIR, -EISDIR.
int name_may_remove(const struct path *dir, const struct dentry *dentry, bool directory);
// Takes the name away. The directory's inode lock is written, and the inode's own if it is one.
void name_forget(struct inode *parent, struct dentry *dentry);
