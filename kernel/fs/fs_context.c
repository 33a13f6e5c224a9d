// Root, current directory and umask of a task.

#include <fs/fs_context.h>
#include <fs/mnt_ns.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <sched/pid.h>
#include <sched/pid_namespace.h>
#include <sched/task.h>
#include <uapi/errno.h>

static struct slab_cache *fs_context_cache;

int fs_context_create(struct fs_context **out)
{
	struct fs_context *fs = slab_alloc(fs_context_cache, GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	refcount_init(&fs->refs, 1);
	spin_init(&fs->lock, LOCK_FS_CONTEXT);
	mnt_ns_root(init_nsproxy.mnt, &fs->root);
	mnt_ns_root(init_nsproxy.mnt, &fs->cwd);
	fs->umask = 022;
	*out = fs;
	return 0;
}

int fs_context_dup(struct fs_context *old, struct fs_context **out)
{
	struct fs_context *fs = slab_alloc(fs_context_cache, GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	refcount_init(&fs->refs, 1);
	spin_init(&fs->lock, LOCK_FS_CONTEXT);
	fs_context_root(old, &fs->root);
	fs_context_cwd(old, &fs->cwd);
	fs->umask = old->umask;
	*out = fs;
	return 0;
}

struct fs_context *fs_context_get(struct fs_context *fs)
{
	refcount_get(&fs->refs);
	return fs;
}

void fs_context_put(struct fs_context *fs)
{
	if (!refcount_put(&fs->refs))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	slab_free(fs_context_cache, fs);
}

bool fs_context_is_shared(struct fs_context *fs)
{
	return refcount_read(&fs->refs) > 1;
}

unsigned fs_context_users(const struct fs_context *fs)
{
	return refcount_read(&fs->refs);
}

static void copy_path(struct fs_context *fs, const struct path *from, struct path *out)
{
	spin_lock(&fs->lock);
	*out = *from;
	path_get(out);
	spin_unlock(&fs->lock);
}

void fs_context_root(struct fs_context *fs, struct path *out)
{
	copy_path(fs, &fs->root, out);
}

void fs_context_cwd(struct fs_context *fs, struct path *out)
{
	copy_path(fs, &fs->cwd, out);
}

static void set_path(struct fs_context *fs, struct path *field, const struct path *path)
{
	spin_lock(&fs->lock);
	struct path old = *field;
	*field = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void fs_context_set_cwd(struct fs_context *fs, const struct path *path)
{
	set_path(fs, &fs->cwd, path);
}

void fs_context_set_root(struct fs_context *fs, const struct path *path)
{
	set_path(fs, &fs->root, path);
}

bool fs_context_is_chrooted(struct fs_context *fs)
{
	struct path root, top;

	fs_context_root(fs, &root);
	mnt_ns_root(current->nsproxy->mnt, &top);
	bool differs = root.mount != top.mount || root.dentry != top.dentry;
	path_put(&top);
	path_put(&root);
	return differs;
}

static void replace_path(struct path *field, const struct path *old, const struct path *new)
{
	if (field->mount != old->mount || field->dentry != old->dentry)
		return;
	path_get(new);
	*field = *new;
	path_put(old); // never the last reference: the caller has one
}

void fs_context_replace_everywhere(const struct path *old, const struct path *new)
{
	struct pid *pid;

	rcu_read_lock();
	for (int nr = 1; (pid = pid_find_from(nr, &init_pid_ns)); nr = pid->numbers[0].nr + 1) {
		struct task *task = pid_task(pid, PIDTYPE_PID);

		if (!task)
			continue;
		spin_lock(&task->alloc_lock);
		struct fs_context *fs = task->fs;
		if (fs) {
			spin_lock(&fs->lock);
			replace_path(&fs->root, old, new);
			replace_path(&fs->cwd, old, new);
			spin_unlock(&fs->lock);
		}
		spin_unlock(&task->alloc_lock);
	}
	rcu_read_unlock();
}

void fs_context_init(void)
{
	fs_context_cache = slab_cache_create("fs_context", sizeof(struct fs_context), 0,
					     SLAB_HWALIGN | SLAB_PANIC, NULL);
}
