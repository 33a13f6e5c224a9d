// Pipes.
#pragma once

#include <fs/file.h>

// Both ends, with a reference each. -ENOMEM, -ENFILE.
int pipe_create(u32 flags, struct file **reader, struct file **writer);

extern u64 pipe_max_size; // [a] fs.pipe-max-size: bytes of one pipe, without privilege
// The least size of a pipe that holds so many; 0 if that is above 2 GiB.
u32 pipe_round_size(u32 bytes);

// Registered by signal code: current has written to a pipe that nobody reads.
extern void (*pipe_broken_hook)(void);

// Bytes that it holds; a new size, rounded up to a power of two pages, is returned. -EBADF (no
// pipe), -EBUSY (holds more), -EPERM, -ENOMEM.
long pipe_capacity(struct file *file);
long pipe_resize(struct file *file, u32 size);
