// The I/O context that CLONE_IO shares: nothing but the priority of ioprio_set(2) is in it.

#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/ioprio.h>

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

static struct io_context *io_context_alloc(u16 priority, u32 gfp)
{
	struct io_context *io = kmalloc(sizeof(*io), gfp);

	if (!io)
		return NULL;
	refcount_init(&io->refs, 1);
	io->priority = priority;
	return io;
}

int io_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct io_context *old = value;
	u16 priority = READ_ONCE(old->priority);

	(void)context;
	*copy = NULL;
	// One that says nothing is as good as none.
	if (IOPRIO_CLASS(priority) == IOPRIO_CLASS_NONE)
		return 0;
	*copy = io_context_alloc(priority, GFP_KERNEL);
	return *copy ? 0 : -ENOMEM;
}

void io_resource_put(void *value)
{
	struct io_context *io = value;

	if (refcount_put(&io->refs))
		kfree(io);
}

int io_priority_get(struct task *task)
{
	spin_lock(&task->alloc_lock);
	int priority = task->io_context ? READ_ONCE(task->io_context->priority) : 0;
	spin_unlock(&task->alloc_lock);
	return priority;
}

int io_priority_set(struct task *task, u16 priority)
{
	struct io_context *fresh = io_context_alloc(priority, GFP_ATOMIC);
	int error = fresh ? 0 : -ENOMEM;

	spin_lock(&task->alloc_lock);
	if (task->flags & TF_EXITING) {
		error = -ESRCH;
	} else if (task->io_context) {
		WRITE_ONCE(task->io_context->priority, priority);
		error = 0;
	} else {
		task->io_context = fresh;
		fresh = NULL;
	}
	spin_unlock(&task->alloc_lock);
	kfree(fresh);
	return error;
}
