// Character devices: the table by number, and the devices that are only memory.

#include <core/init.h>
#include <core/printk.h>
#include <core/random.h>
#include <fs/chrdev.h>
#include <uapi/errno.h>

static struct chrdev *devices; // grows at boot only

void chrdev_register(struct chrdev *dev)
{
	dev->next = devices;
	devices = dev;
}

const struct file_ops *chrdev_find(u64 number)
{
	for (struct chrdev *dev = devices; dev; dev = dev->next) {
		if (number - dev->first < dev->count)
			return dev->ops;
	}
	return NULL;
}

void chrdev_for_each(void (*fn)(struct chrdev *dev, void *ctx), void *ctx)
{
	for (struct chrdev *dev = devices; dev; dev = dev->next)
		fn(dev, ctx);
}

// --- Memory devices ---

static ssize_t null_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	(void)file, (void)iter, (void)pos;
	return 0;
}

static ssize_t null_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	size_t n = iter_count(iter);

	(void)file, (void)pos;
	iter_advance(iter, n);
	return n;
}

static ssize_t zero_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	size_t n = iter_count(iter), done = iter_zero(iter, n);

	(void)file, (void)pos;
	return done || !n ? (ssize_t)done : -EFAULT;
}

static int zero_mmap(struct file *file, int prot, int flags, struct mapping **mapping)
{
	(void)file, (void)prot, (void)flags;
	*mapping = NULL; // as anonymous memory
	return 0;
}

static ssize_t full_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	(void)file, (void)iter, (void)pos;
	return -ENOSPC;
}

static ssize_t random_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	ssize_t done = 0;
	u8 buffer[256];

	(void)file, (void)pos;
	while (iter_count(iter)) {
		size_t n = MIN(iter_count(iter), sizeof(buffer));

		random_bytes(buffer, n);
		size_t copied = iter_copy_to(iter, buffer, n);
		done += copied;
		if (copied < n)
			return done ?: -EFAULT;
	}
	return done;
}

static ssize_t random_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	ssize_t done = 0;
	u8 buffer[64];
	size_t n;

	(void)file, (void)pos;
	while ((n = iter_copy_from(iter, buffer, sizeof(buffer)))) {
		random_mix(buffer, n);
		done += n;
	}
	return done;
}

static s64 any_llseek(struct file *file, s64 offset, int whence)
{
	(void)file, (void)offset, (void)whence;
	return 0;
}

static const struct file_ops null_ops = {
	.read = null_read, .write = null_write, .llseek = any_llseek};
static const struct file_ops zero_ops = {
	.read = zero_read, .write = null_write, .llseek = any_llseek, .mmap = zero_mmap};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .llseek = any_llseek};
static const struct file_ops random_ops = {.read = random_read, .write = random_write};

static struct chrdev memory_devices[] = {
	{.first = DEV_MAKE(1, 3), .count = 1, .name = "null", .ops = &null_ops, .mode = 0666},
	{.first = DEV_MAKE(1, 5), .count = 1, .name = "zero", .ops = &zero_ops, .mode = 0666},
	{.first = DEV_MAKE(1, 7), .count = 1, .name = "full", .ops = &full_ops, .mode = 0666},
	{.first = DEV_MAKE(1, 8), .count = 1, .name = "random", .ops = &random_ops, .mode = 0666},
	{.first = DEV_MAKE(1, 9), .count = 1, .name = "urandom", .ops = &random_ops, .mode = 0666},
};

static int memory_devices_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(memory_devices); i++)
		chrdev_register(&memory_devices[i]);
	return 0;
}
INITCALL(DEVICE, memory_devices_init);
