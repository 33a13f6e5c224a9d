// The objects that threads share by being threads: struct process and struct sighand. How they
// are made by clone, and when they go.

#include <arch/vdso.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <process/clone.h>
#include <process/process.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#include "internal.h"

static struct slab_cache *process_cache;

// --- struct process ---

struct process *process_alloc(void)
{
	struct process *process = slab_alloc(process_cache, GFP_KERNEL | GFP_ZERO);

	if (!process)
		return NULL;
	refcount_init(&process->refs, 1);
	atomic_set(&process->live, 1);
	list_init(&process->threads);
	wait_queue_init(&process->child_wait);
	list_init(&process->ongoing_forks);
	list_init(&process->shared_pending.queue);
	spin_init(&process->stats_lock, LOCK_PROCESS_STATS);
	rwsem_init(&process->exec_lock, LOCK_EXEC);
	mutex_init(&process->cred_guard, LOCK_CRED_GUARD);
	process_timers_init(process);
	return process;
}

struct process *process_get(struct process *process)
{
	refcount_get(&process->refs);
	return process;
}

void process_put(struct process *process)
{
	if (process && refcount_put(&process->refs))
		kfree_rcu(process, rcu);
}

void *process_resource_get(void *value)
{
	return process_get(value);
}

// A new process inherits limits and little else. The pids are attached at the commit point.
int process_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct process *old = value;
	struct process *process = process_alloc();

	(void)context;
	if (!process)
		return -ENOMEM;
	spin_lock(&current->group_leader->alloc_lock);
	memcpy(process->rlimits, old->rlimits, sizeof(process->rlimits));
	process->oom_score_adj = old->oom_score_adj;
	process->oom_score_adj_min = old->oom_score_adj_min;
	spin_unlock(&current->group_leader->alloc_lock);
	process_cpu_limit_changed(process); // the limits are inherited
	*copy = process;
	return 0;
}

void process_resource_put(void *value)
{
	process_put(value);
}

bool process_resource_is_shared(void *value)
{
	const struct process *process = value;

	return READ_ONCE(process->thread_count) > 1;
}

// --- struct sighand: its making is signal/'s ---

void *sighand_resource_get(void *value)
{
	struct sighand *sighand = value;

	refcount_get(&sighand->refs);
	return sighand;
}

int sighand_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct sighand *old = value;
	struct sighand *sighand = sighand_alloc();

	if (!sighand)
		return -ENOMEM;
	spin_lock_irq(&old->lock);
	memcpy(sighand->action, old->action, sizeof(sighand->action));
	spin_unlock_irq(&old->lock);
	if (context->flags & CLONE_CLEAR_SIGHAND)
		signal_actions_reset(sighand, false);
	*copy = sighand;
	return 0;
}

void sighand_resource_put(void *value)
{
	sighand_put(value);
}

bool sighand_resource_is_shared(void *value)
{
	struct sighand *sighand = value;

	return refcount_read(&sighand->refs) > 1;
}

// --- Plain counted objects of other floors ---

void *files_resource_get(void *value)
{
	return files_get(value);
}

int files_resource_dup(void *value, struct resource_context *context, void **copy)
{
	(void)context;
	return files_dup(value, (struct files **)copy, FILES_DUP_ALL);
}

void files_resource_put(void *value)
{
	files_put(value);
}

bool files_resource_is_shared(void *value)
{
	return files_is_shared(value);
}

void *fs_resource_get(void *value)
{
	return fs_context_get(value);
}

int fs_resource_dup(void *value, struct resource_context *context, void **copy)
{
	int error = fs_context_dup(value, (struct fs_context **)copy);

	if (!error)
		context->new_fs = *copy;
	return error;
}

void fs_resource_put(void *value)
{
	fs_context_put(value);
}

bool fs_resource_is_shared(void *value)
{
	return fs_context_is_shared(value);
}

void *mm_resource_get(void *value)
{
	return mm_get(value);
}

int mm_resource_dup(void *value, struct resource_context *context, void **copy)
{
	struct nsproxy *nsproxy = context->child->nsproxy;
	struct mm *mm;
	int error = mm_dup(value, &mm);

	// The child may be in another time namespace, which it has entered just now.
	if (!error && unlikely(nsproxy->time != current->nsproxy->time)) {
		error = arch_vdso_switch(mm, nsproxy->time->vdso_data);
		if (error)
			mm_put(mm);
	}
	if (!error)
		*copy = mm;
	return error;
}

void mm_resource_put(void *value)
{
	mm_put(value);
}

bool mm_resource_is_shared(void *value)
{
	return mm_is_shared(value);
}

void process_objects_init(void)
{
	process_cache = slab_cache_create("process", sizeof(struct process), 0,
					  SLAB_HWALIGN | SLAB_PANIC | SLAB_ACCOUNT, NULL);
}
