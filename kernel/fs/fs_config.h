// A file system that is described before it is made: fsopen(2), fspick(2). See fs_config.c.
#pragma once

#include <fs/path.h>

struct file;

// An open file for one of that type, or for one that is mounted. -ENODEV, -ENOMEM, -EINVAL (not the
// root of a mount).
int fs_config_open(const char *type_name, struct file **out);
int fs_config_pick(const struct path *path, struct file **out);
bool fs_config_is(struct file *file);
// The rest need such a file (but fs_config_mount, -EINVAL).
// Takes one option; value NULL: a word alone. -EINVAL, -EBUSY (too late), -ENOMEM.
int fs_config_set(struct file *file, const char *key, const char *value);
// Makes it. -EBUSY, -EPERM, errors of the type.
int fs_config_create(struct file *file, bool exclusively);
// Changes the mounted one. -EBUSY, -EPERM, -EINVAL.
int fs_config_reconfigure(struct file *file);
// A mount of it, in no tree, behind a descriptor. -EINVAL (not made), -EBUSY, -ENOMEM, -EPERM.
int fs_config_mount(struct file *file, u32 flags, struct file **out);
