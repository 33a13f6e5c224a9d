// The one table of what a task may share or copy, and the walks over it: clone fills a child,
// unshare splits current, exit lets go. Where Linux spells each resource out three times, a
// resource here is one line of the table and a few functions that know nothing of each other.
//
// Order matters: credentials come first, for a new user namespace owns the other new namespaces;
// the file-system context comes before the namespaces, for a new mount namespace moves its roots,
// and so does the cgroup, which is the root of a new cgroup namespace.

#include <fs/files.h>
#include <fs/fs_context.h>
#include <mm/mm.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <process/clone.h>
#include <process/clone_flags.h>
#include <process/resources.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#include "internal.h"

static const struct resource resources[] = {
	{
		.name = "credentials",
		.new_flags = CLONE_NEWUSER,
		.unshare_flags = CLONE_NEWUSER,
		.field = offsetof(struct task, cred),
		.get = cred_resource_get,
		.dup = cred_resource_dup,
		.put = cred_resource_put,
		.outlives_exit = true,
		.switched = cred_resource_switched,
	},
	{
		.name = "fs",
		.share_flag = CLONE_FS,
		.unshare_flags = CLONE_FS,
		.copy_flags = CLONE_NEWNS, // its paths move, and must not if a later step fails
		.field = offsetof(struct task, fs),
		.get = fs_resource_get,
		.dup = fs_resource_dup,
		.put = fs_resource_put,
		.is_shared = fs_resource_is_shared,
	},
	{
		.name = "cgroup",
		.new_flags = CLONE_INTO_CGROUP,
		.field = offsetof(struct task, cgroup),
		.get = cgroup_resource_get,
		.dup = cgroup_resource_dup,
		.put = cgroup_resource_put,
		.outlives_exit = true,
	},
	{
		.name = "namespaces",
		.new_flags = (CLONE_NS_FLAGS & ~CLONE_NEWUSER) | CLONE_NEWTIME,
		.unshare_flags = (CLONE_NS_FLAGS & ~CLONE_NEWUSER) | CLONE_NEWTIME,
		.field = offsetof(struct task, nsproxy),
		.differs = nsproxy_resource_differs,
		.get = nsproxy_resource_get,
		.dup = nsproxy_resource_dup,
		.put = nsproxy_resource_put,
		.switched = nsproxy_resource_switched,
	},
	{
		.name = "files",
		.share_flag = CLONE_FILES,
		.unshare_flags = CLONE_FILES,
		.field = offsetof(struct task, files),
		.get = files_resource_get,
		.dup = files_resource_dup,
		.put = files_resource_put,
		.is_shared = files_resource_is_shared,
	},
	{
		.name = "sighand",
		.share_flag = CLONE_SIGHAND,
		.unshare_flags = CLONE_SIGHAND,
		.field = offsetof(struct task, sighand),
		.get = sighand_resource_get,
		.dup = sighand_resource_dup,
		.put = sighand_resource_put,
		.outlives_exit = true,
		.is_shared = sighand_resource_is_shared,
		.unshare_refused = true,
	},
	{
		.name = "process",
		.share_flag = CLONE_THREAD,
		.unshare_flags = CLONE_THREAD,
		.field = offsetof(struct task, process),
		.get = process_resource_get,
		.dup = process_resource_dup,
		.put = process_resource_put,
		.outlives_exit = true,
		.is_shared = process_resource_is_shared,
		.unshare_refused = true,
	},
	{
		.name = "semaphore undo list",
		.share_flag = CLONE_SYSVSEM,
		.unshare_flags = CLONE_SYSVSEM,
		.field = offsetof(struct task, sem_undo),
		.create = undo_resource_create,
		.get = undo_resource_get,
		.dup = undo_resource_dup,
		.put = undo_resource_put,
	},
	{
		.name = "io",
		.share_flag = CLONE_IO,
		.field = offsetof(struct task, io_context),
		.get = io_resource_get,
		.dup = io_resource_dup,
		.put = io_resource_put,
	},
	{
		.name = "mm",
		.share_flag = CLONE_VM,
		.unshare_flags = CLONE_VM,
		.field = offsetof(struct task, mm),
		.get = mm_resource_get,
		.dup = mm_resource_dup,
		.put = mm_resource_put,
		.is_shared = mm_resource_is_shared,
		.unshare_refused = true,
	},
};

static void **resource_field(struct task *task, const struct resource *resource)
{
	return (void **)((char *)task + resource->field);
}

static bool clone_shares(const struct resource *resource, const void *value, u64 flags)
{
	if (resource->differs && resource->differs(value, flags))
		return false;
	if (resource->share_flag)
		return flags & resource->share_flag;
	return !(flags & resource->new_flags);
}

void resources_discard(struct task *child)
{
	for (size_t i = ARRAY_SIZE(resources); i-- > 0;) {
		void **field = resource_field(child, &resources[i]);

		if (*field)
			resources[i].put(*field);
		*field = NULL;
	}
}

int resources_clone(struct resource_context *context)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		const struct resource *resource = &resources[i];
		void *old = *resource_field(current, resource);
		void **field = resource_field(context->child, resource);

		int error = 0;

		if (!old && resource->create && clone_shares(resource, old, context->flags)) {
			error = resource->create(resource_field(current, resource));
			old = *resource_field(current, resource);
		}
		if (!old && !error)
			continue;
		if (!error && clone_shares(resource, old, context->flags)) {
			*field = resource->get(old);
			continue;
		}
		if (!error)
			error = resource->dup(old, context, field);
		if (error) {
			*field = NULL;
			resources_discard(context->child);
			return error;
		}
	}
	return 0;
}

static void store(const struct resource *resource, void *value)
{
	void **field = resource_field(current, resource);
	void *old = *field;

	if (resource->switched) {
		resource->switched(old, value);
		return;
	}
	spin_lock(&current->alloc_lock);
	WRITE_ONCE(*field, value);
	spin_unlock(&current->alloc_lock);
	resource->put(old);
}

void resource_store(size_t offset, void *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		if (resources[i].field == offset)
			store(&resources[i], value);
	}
}

// Stores prepared copies in current. Cannot fail.
static void unshare_commit(void **copies)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		if (copies[i])
			store(&resources[i], copies[i]);
	}
}

// What current shares with others and cannot be split.
static bool unshare_is_refused(u64 flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		const struct resource *resource = &resources[i];
		void *value = *resource_field(current, resource);

		if (resource->unshare_refused && (flags & resource->unshare_flags) && value &&
		    resource->is_shared(value))
			return true;
	}
	return false;
}

int resources_unshare(u64 flags)
{
	struct resource_context context = {.flags = flags};
	void *copies[ARRAY_SIZE(resources)] = {NULL};
	int error = unshare_is_refused(flags) ? -EINVAL : 0;

	for (size_t i = 0; i < ARRAY_SIZE(resources) && !error; i++) {
		const struct resource *resource = &resources[i];
		void *old = *resource_field(current, resource);

		if (!(flags & resource->unshare_flags) || !old || resource->unshare_refused)
			continue;
		if (resource->is_shared && !(flags & resource->copy_flags) &&
		    !resource->is_shared(old))
			continue;
		error = resource->dup(old, &context, &copies[i]);
		if (error)
			copies[i] = NULL;
	}
	if (!error) {
		unshare_commit(copies);
		return 0;
	}
	for (size_t i = ARRAY_SIZE(resources); i-- > 0;) {
		if (copies[i])
			resources[i].put(copies[i]);
	}
	return error;
}

void resources_exit(struct task *task)
{
	// What others may still look at in a zombie stays until the task is released.
	for (size_t i = ARRAY_SIZE(resources); i-- > 0;) {
		const struct resource *resource = &resources[i];
		void **field = resource_field(task, resource);
		void *value = *field;

		if (!value || resource->outlives_exit)
			continue;
		spin_lock(&task->alloc_lock);
		WRITE_ONCE(*field, NULL);
		spin_unlock(&task->alloc_lock);
		resource->put(value);
	}
}

int resource_unshare_field(size_t offset)
{
	struct resource_context context = {.flags = 0};

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		const struct resource *resource = &resources[i];
		void **field = resource_field(current, resource);
		void *copy;

		if (resource->field != offset || !resource->is_shared(*field))
			continue;
		int error = resource->dup(*field, &context, &copy);
		if (error)
			return error;
		void *old = *field;
		spin_lock(&current->alloc_lock);
		WRITE_ONCE(*field, copy);
		spin_unlock(&current->alloc_lock);
		resource->put(old);
		return 0;
	}
	return 0;
}
