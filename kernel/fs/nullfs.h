// The empty file system.
#pragma once

struct superblock;

// A new one, mounted nowhere. -ENOMEM.
int nullfs_create(struct superblock **out);
