// Character devices by number.
#pragma once

#include <fs/file.h>

// dev_t as the kernel keeps it, and the form of stat(2) and mknod(2).
#define DEV_MAKE(major, minor) ((u64)(major) << 20 | (minor))
static inline u64 dev_to_user(u64 dev)
{
	u64 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xfful) << 12;
}
static inline u64 dev_from_user(u64 dev)
{
	return DEV_MAKE((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

struct chrdev {
	u64 first;
	u32 count;
	const char *name; // node name in devtmpfs for single devices
	const struct file_ops *ops;
	u32 mode;
	struct chrdev *next;
};
void chrdev_register(struct chrdev *dev);
const struct file_ops *chrdev_find(u64 dev);
void chrdev_for_each(void (*fn)(struct chrdev *dev, void *ctx), void *ctx);
