// Opening files.
#pragma once

#include <fs/file.h>

int file_open(int dirfd, const char *path, int flags, u32 mode, struct file **out);
// For running it: regular, executable, nobody writes it (-ETXTBSY), nor can, until it is closed or
// file_allow_write() is called.
int file_open_exec(int dirfd, const char *path, int flags, struct file **out);
void file_allow_write(struct file *file);
int file_open_path(const struct path *path, int flags, struct file **out);
// The place alone, not to be read or written: O_PATH. -ENOMEM.
int file_open_place(const struct path *path, struct file **out);

// Making names. mode has the type bits for vfs_make.
int vfs_make(int dirfd, const char *path, u32 mode, u64 rdev, const char *symlink);
int vfs_unlink(int dirfd, const char *path, bool directory);
int vfs_link(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags);
int vfs_rename(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, u32 flags);
int vfs_truncate(struct inode *inode, u64 size);
