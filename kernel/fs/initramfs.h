// The archive that becomes the first root file system.
#pragma once

#include <lib/base.h>

// Unpacks into current's root. Returns the number of entries, or an error; the reason is logged.
int initramfs_unpack(const void *archive, size_t size);
