// /proc/PID/{mounts,mountinfo,mountstats}: the mounts that a task sees. An open file tells of the
// namespace and the root that the task had when it was opened, and poll(2) tells of changes since.

#include <fs/fs_context.h>
#include <fs/mnt_ns.h>
#include <fs/poll.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <uapi/errno.h>

#include "mounts.h"

struct bound_mounts {
	struct mnt_ns *ns; // counted
	struct path root;  // counted
};

int proc_bind_mounts(struct proc_text *text, struct task *task)
{
	struct bound_mounts *bound = kzalloc(sizeof(*bound), GFP_KERNEL);
	struct fs_context *fs = NULL;

	if (!bound)
		return -ENOMEM;
	spin_lock(&task->alloc_lock);
	if (task->nsproxy && task->fs) {
		bound->ns = mnt_ns_get(task->nsproxy->mnt);
		fs = fs_context_get(task->fs);
	}
	spin_unlock(&task->alloc_lock);
	if (!fs) {
		kfree(bound);
		return -EINVAL;
	}
	fs_context_root(fs, &bound->root);
	fs_context_put(fs);
	text->bound = bound;
	text->event = mnt_ns_event(bound->ns);
	return 0;
}

void proc_unbind_mounts(struct proc_text *text)
{
	struct bound_mounts *bound = text->bound;

	path_put(&bound->root);
	mnt_ns_put(bound->ns);
	kfree(bound);
}

int proc_show_mounts(struct seq *seq, struct task *task)
{
	struct bound_mounts *bound = seq->bound;

	(void)task;
	mnt_ns_show_mounts(bound->ns, &bound->root, seq);
	return 0;
}

int proc_show_mountinfo(struct seq *seq, struct task *task)
{
	struct bound_mounts *bound = seq->bound;

	(void)task;
	mnt_ns_show_mountinfo(bound->ns, &bound->root, seq);
	return 0;
}

int proc_show_mountstats(struct seq *seq, struct task *task)
{
	struct bound_mounts *bound = seq->bound;

	(void)task;
	mnt_ns_show_mountstats(bound->ns, &bound->root, seq);
	return 0;
}

u32 proc_poll_mounts(struct file *file, struct task *task, struct poll_table *table)
{
	struct proc_text *text = file->private;
	struct bound_mounts *bound = text->bound;
	u64 event;

	(void)task;
	poll_wait(file, mnt_ns_wait_queue(bound->ns), table);
	event = mnt_ns_event(bound->ns);
	if (text->event == event)
		return POLLIN | POLLRDNORM;
	text->event = event;
	return POLLIN | POLLRDNORM | POLLERR | POLLPRI;
}
