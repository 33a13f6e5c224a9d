// The I/O context that CLONE_IO shares: nothing but the priority of ioprio_set(2) is in it.

#include <mm/slab.h>
#include <uapi/errno.h>

#include "internal.h"

struct io_context {
	struct refcount refs;
	u16 priority;
};

void *io_resource_get(void *value)
{
	struct io_context *io = value;

	refcount_get(&io->refs);
	return io;
}

int io_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct io_context *old = value, *io = kmalloc(sizeof(*io), GFP_KERNEL);

	(void)context;
	if (!io)
		return -ENOMEM;
	refcount_init(&io->refs, 1);
	io->priority = old->priority;
	*copy = io;
	return 0;
}

void io_resource_put(void *value)
{
	struct io_context *io = value;

	if (refcount_put(&io->refs))
		kfree(io);
}
